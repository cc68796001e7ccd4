// What can go wrong on the other side, and the error for it.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from '@fast-check/vitest';
import { ConfigError, EnvironmentError, SeedSequence, WorkerError } from '@tessera/core';
import { PythonException } from '@tessera/env-python';
import { DependencyNotInstalled, makeVec, NameNotFound, NamespaceNotFound, VersionNotFound } from 'gymnasium-js';
import type { AutoresetMode } from 'gymnasium-js';
import { describe, expect } from 'vitest';
import { changedPython, fixture, freshPath, isAlive, python, until, warnings, whyNoPython } from './support.ts';

const zeros = (numEnvs: number): Float32Array => new Float32Array(2 * numEnvs);

async function errorOf(work: Promise<unknown>): Promise<Error> {
  return work.then(
    () => {
      throw new Error('expected an error');
    },
    (error: unknown) => error as Error,
  );
}

describe('a Python that cannot do it', () => {
  test('is not there', async () => {
    const error = await errorOf(makeVec('python:CartPole-v1', { python: '/nowhere/python3' }));
    expect(error).toBeInstanceOf(DependencyNotInstalled);
    expect(error.message).toBe(
      `python: '/nowhere/python3' was not found. Name a Python >= 3.8 with gymnasium in TESSERA_PYTHON or in the option python (pip install "gymnasium>=1.0" numpy).`,
    );
  });

  test('is no Python', async () => {
    const error = await errorOf(makeVec('python:CartPole-v1', { python: process.execPath }));
    expect(error).toBeInstanceOf(DependencyNotInstalled);
    expect(error.message).toMatch(
      /ended \(exit code 1\) before it was ready\. It printed:\n[^]*Unknown file extension[^]*Name a Python/,
    );
    const file = fileURLToPath(import.meta.url);
    expect((await errorOf(makeVec('python:CartPole-v1', { python: file }))).message).toContain(
      'could not be run: EACCES',
    );
  });
});

describe.skipIf(python === undefined)(`failures${whyNoPython}`, () => {
  test.each<[what: string, lines: string, message: string]>([
    ['too old', 'sys.version_info = (3, 7, 2)', 'is Python 3.7.2, too old. Name a Python >= 3.8'],
    [
      'without gymnasium',
      'sys.modules["gymnasium"] = None',
      'Install it into the Python that TESSERA_PYTHON names: pip install "gymnasium>=1.0" numpy',
    ],
    [
      'with an old gymnasium',
      'import gymnasium; gymnasium.__version__ = "0.29.1"',
      'gymnasium 0.29.1 is too old. Install it',
    ],
    ['without numpy', 'sys.modules["numpy"] = None', 'Install it into the Python that TESSERA_PYTHON names'],
  ])('a Python %s', async (_, lines, message) => {
    const error = await errorOf(makeVec('python:CartPole-v1', { python: changedPython(lines) }));
    expect(error).toBeInstanceOf(DependencyNotInstalled);
    expect(error.message).toContain(message);
  });

  test.each<[id: string, ErrorClass: new (...args: never[]) => Error, message: string]>([
    [
      'CartPol-v1',
      NameNotFound,
      "makeVec: python:CartPol-v1: Environment `CartPol` doesn't exist. Did you mean: `CartPole`?",
    ],
    ['CartPole-v9', VersionNotFound, 'Environment version `v9` for environment `CartPole` doesn’t exist'],
    ['Nowhere/X-v0', NamespaceNotFound, 'Is it registered by a module? Write python:module:Nowhere/X-v0.'],
    ['no_such_module:X-v0', DependencyNotInstalled, "Install 'no_such_module' into this Python, or correct the id."],
    [
      'tessera_fixtures:Tessera/Odd-v1',
      ConfigError,
      'not supported: the observation space: Compass() is of the class tessera_fixtures.Compass, which is none of Gymnasium’s.',
    ],
    ['CartPole v1', ConfigError, 'Malformed environment ID: CartPole v1'],
  ])('the id %s', async (id, ErrorClass, message) => {
    const error = await errorOf(makeVec(`python:${id}`));
    expect(error.message.replaceAll("'", '’')).toContain(message.replaceAll("'", '’'));
    expect(error).toBeInstanceOf(ErrorClass);
  });

  test('arguments and constructors', async () => {
    const unknown = await errorOf(makeVec('python:CartPole-v1', { gravitas: 1 }));
    expect(unknown).toBeInstanceOf(ConfigError);
    expect(unknown.message).toContain("got an unexpected keyword argument 'gravitas'");
    const thrown = await errorOf(fixture('Faulty-v1', { fault: 'throw', at: -1 }));
    expect(thrown).toBeInstanceOf(EnvironmentError);
    expect(thrown.message).toMatch(/could not be built: ValueError: out of cheese\n {4}Traceback[^]*in do\n/);
    const slow = await errorOf(fixture('Faulty-v1', { fault: 'hang', at: -1, startTimeLimitMs: 3000 }));
    expect(slow).toBeInstanceOf(WorkerError);
    expect(slow.message).toContain(
      'did not finish start within 3000 ms and was killed. If the environment is just slow, raise startTimeLimitMs.',
    );
    const picky = await errorOf(fixture('Counter-v1', { preprocessing: {} }));
    expect(picky).toBeInstanceOf(ConfigError);
    expect(picky.message).toContain('preprocessing of Box(0.0, 100.0, (3,), float32), expected pictures');
  });

  test('exceptions arrive with their traceback, and say which environment and which call', async () => {
    for (const [at, call] of [
      [0, 'reset'],
      [2, 'step'],
    ] as const) {
      const envs = await fixture('Faulty-v1', { fault: 'throw', at, numEnvs: 3, numWorkers: 2 });
      const error = await errorOf(
        (async () => {
          await envs.reset({ seed: 0 });
          for (let t = 0; t < 3; t++) await envs.step(zeros(3));
        })(),
      );
      expect(error).toBeInstanceOf(EnvironmentError);
      expect(error.message).toMatch(
        new RegExp(`environment [01]: ${call}: ValueError: out of cheese\n    Traceback [^]*in trip`),
      );
      expect(error.cause).toBeInstanceOf(PythonException);
      expect((error.cause as Error).name).toBe('ValueError');
      expect((error.cause as Error).stack).toContain('tessera_fixtures.py');
      // All of it is dead, and says why.
      await expect(envs.reset()).rejects.toBe(error);
      await until(() => !envs.pids.some(isAlive));
      await envs.close();
    }
  });

  test.each<[fault: string, message: string]>([
    [
      'nan',
      'environment 0: step: the observation is outside its space: expected numbers of Box(-1.0, 1.0, (2,), float32), got NaN',
    ],
    [
      'shape',
      'step: the observation is outside its space: expected shape (2,) of Box(-1.0, 1.0, (2,), float32), got (3,)',
    ],
    ['dtype', 'expected dtype float32 of Box(-1.0, 1.0, (2,), float32), got complex128'],
    ['nothing', 'expected shape (2,) of Box(-1.0, 1.0, (2,), float32), got ()'],
    ['nan reward', 'step: expected a finite reward, got nan'],
  ])('an environment that returns %s', async (fault, message) => {
    const envs = await fixture('Faulty-v1', { fault });
    await envs.reset({ seed: 0 });
    const error = await errorOf(envs.step(zeros(1)));
    expect(error).toBeInstanceOf(EnvironmentError);
    expect(error.message).toContain(message);
  });

  test('disableEnvChecker lets NaN pass', async () => {
    const envs = await fixture('Faulty-v1', { fault: 'nan', disableEnvChecker: true });
    await envs.reset({ seed: 0 });
    expect((await envs.step(zeros(1))).observation[0]).toBeNaN();
  });

  test('an environment that prints, or reads, disturbs nothing', async () => {
    for (const fault of ['print', 'read']) {
      const envs = await fixture('Faulty-v1', { fault });
      await envs.reset({ seed: 0 });
      for (let t = 0; t < 3; t++) expect([...(await envs.step(zeros(1))).reward]).toEqual([1]);
    }
  });

  test.each<[fault: string, message: RegExp]>([
    ['kill', /child [01] \(environments [02] to [13]\) died: signal SIGKILL\.$/],
    ['exit', /child [01] \(environments [02] to [13]\) died: exit code 7\.$/],
    [
      'hang',
      /did not finish step within 1000 ms and was killed\. If the environment is just slow, raise timeLimitMs\.$/,
    ],
  ])('a child that ends or never returns: %s', async (fault, message) => {
    const envs = await fixture('Faulty-v1', { fault, numEnvs: 4, numWorkers: 2, timeLimitMs: 1000 });
    await envs.reset({ seed: 0 });
    const error = await errorOf(envs.step(zeros(4)));
    expect(error).toBeInstanceOf(WorkerError);
    expect(error.message).toMatch(message);
    await until(() => !envs.pids.some(isAlive));
  });

  test('an answer that is here in time counts, however long this thread is busy', async () => {
    const envs = await fixture('Faulty-v1', { timeLimitMs: 300 });
    await envs.reset({ seed: 0 });
    const step = envs.step(zeros(1));
    await new Promise((resolve) => setImmediate(resolve));
    for (const start = performance.now(); performance.now() - start < 600;);
    expect([...(await step).reward]).toEqual([1]);
  });

  test('a child that is killed from outside, in a step and between two', async () => {
    const envs = await fixture('Faulty-v1', { fault: 'hang', at: 1 });
    await envs.reset({ seed: 0 });
    const failure = errorOf(envs.step(zeros(1)));
    process.kill(envs.pids[0]!, 'SIGKILL');
    expect((await failure).message).toMatch(/died: signal SIGKILL/);
    const calm = await fixture('Faulty-v1');
    await calm.reset({ seed: 0 });
    process.kill(calm.pids[0]!, 'SIGKILL');
    await until(() => !isAlive(calm.pids[0]!));
    expect(await errorOf(calm.step(zeros(1)))).toBeInstanceOf(WorkerError);
  });
});

describe.skipIf(python === undefined)(`restart${whyNoPython}`, () => {
  const fresh = (seed: number, restart: number): number =>
    new SeedSequence(seed, { spawnKey: [restart] }).generateState(1)[0]! >>> 1;

  // Loses one of two children in the second step, and says what the environments showed before, in that step, and what the derived seeds lead to.
  async function lose(autoresetMode: AutoresetMode, fault: string) {
    const options = { numEnvs: 3, numWorkers: 2, autoresetMode, timeLimitMs: 1500 };
    const once = freshPath('tripped');
    const envs = await fixture('Faulty-v1', { ...options, fault, at: 2, once, restart: 2 });
    const start = await envs.reset({ seed: 10 });
    await envs.step(zeros(3));
    const lost = await envs.step(zeros(3));
    // The other child would trip as well, but for the file: which of them does is chance.
    const rows = lost.truncated[0] === 1 ? [1, 0, 0] : [0, 1, 1];
    const reference = await fixture('Faulty-v1', { numEnvs: 3 });
    const revived = await reference.reset({ seed: [0, 1, 2].map((i) => fresh(10 + i, 1)) });
    return { envs, start, lost, rows, revived, afterwards: await reference.reset() };
  }
  const begins = (observation: Float32Array): number[] => [0, 2, 4].map((i) => observation[i]!);
  const mixed = (rows: number[], lost: Float32Array, kept: Float32Array): number[] =>
    rows.map((isLost, i) => (isLost === 1 ? begins(lost)[i]! : begins(kept)[i]!));

  test.each(['kill', 'hang'])('a child lost by %s costs its episodes and nothing else', async (fault) => {
    const { envs, start, lost, rows, afterwards } = await lose('NextStep', fault);
    expect([...lost.truncated]).toEqual(rows);
    expect([...lost.terminated]).toEqual([0, 0, 0]);
    expect([...lost.reward]).toEqual(rows.map((isLost) => 1 - isLost));
    expect(lost.info['restarted']).toEqual(Uint8Array.from(rows));
    expect(begins(lost.observation)).toEqual(begins(start.observation));
    expect(warnings).toEqual([expect.stringMatching(/It was started again; its episodes are truncated\.$/)]);
    const next = await envs.step(zeros(3));
    expect(begins(next.observation)).toEqual(mixed(rows, afterwards.observation, start.observation));
    expect([...next.reward]).toEqual(rows.map((isLost) => 1 - isLost));
    expect([...next.truncated]).toEqual([0, 0, 0]);
  });

  test('with autoreset Disabled the caller resets what was lost', async () => {
    const { envs, start, lost, rows, afterwards } = await lose('Disabled', 'kill');
    expect([...lost.truncated]).toEqual(rows);
    expect(begins(lost.observation)).toEqual(begins(start.observation));
    await expect(envs.step(zeros(3))).rejects.toThrow(/has ended and autoresetMode is Disabled/);
    const next = await envs.reset({ options: { resetMask: lost.truncated } });
    expect(begins(next.observation)).toEqual(mixed(rows, afterwards.observation, start.observation));
    await envs.step(zeros(3));
  });

  test('with autoreset SameStep the new episodes have begun, and infos keep the last observation', async () => {
    const { start, lost, rows, revived } = await lose('SameStep', 'kill');
    expect([...lost.truncated]).toEqual(rows);
    expect(begins(lost.observation)).toEqual(mixed(rows, revived.observation, start.observation));
    const last = rows.map((isLost, i) => (isLost === 1 ? Float32Array.of(start.observation[2 * i]!, 0) : undefined));
    expect(lost.info['finalObs']).toEqual(last);
    expect(lost.info['finalInfo']).toMatchObject({ restarted: Uint8Array.from(rows) });
  });

  test('a child lost in a reset makes it again, and others that it had are cut in the next step', async () => {
    const envs = await fixture('Counter-v1', { numEnvs: 2, numWorkers: 1, autoresetMode: 'Disabled', restart: true });
    const first = await envs.reset({ seed: 0 });
    process.kill(envs.pids[0]!, 'SIGKILL');
    const again = await envs.reset({ seed: 0 });
    expect(again).toEqual(first);
    process.kill(envs.pids[0]!, 'SIGKILL');
    const { observation } = await envs.reset({ seed: [0, undefined], options: { resetMask: [1, 0] } });
    expect(observation).toEqual(first.observation);
    const { truncated, observation: last, reward } = await envs.step([1, 1]);
    expect([...truncated]).toEqual([0, 1]);
    expect([...reward]).toEqual([0.5, 0]);
    expect(last.slice(3)).toEqual(first.observation.slice(3));
  });

  test('an environment that kills each of its children is an error in the end', async () => {
    const envs = await fixture('Faulty-v1', { fault: 'kill', at: 0, restart: true });
    const error = await errorOf(envs.reset({ seed: 0 }));
    expect(error).toBeInstanceOf(WorkerError);
    expect(error.message).toContain('It is not started again: it was lost 4 times in one call.');
    const few = await fixture('Faulty-v1', { fault: 'kill', at: 1, restart: 1 });
    await few.reset({ seed: 0 });
    expect([...(await few.step(zeros(1))).truncated]).toEqual([1]);
    await few.step(zeros(1));
    expect((await errorOf(few.step(zeros(1)))).message).toContain('It is not started again: restart allows 1 in all.');
  });

  test('an exception is no reason to start again', async () => {
    const envs = await fixture('Faulty-v1', { fault: 'throw', at: 1, restart: true });
    await envs.reset({ seed: 0 });
    expect(await errorOf(envs.step(zeros(1)))).toBeInstanceOf(EnvironmentError);
  });
});

describe.skipIf(python === undefined)(`the end of our own process${whyNoPython}`, () => {
  const script = fileURLToPath(new URL('fixtures/holds-a-child.ts', import.meta.url));
  const flags = ['--conditions', '@tessera/source', '--import', 'tsx', script];

  test('a program that forgets close can still end, and its children with it', async () => {
    const pid = Number(execFileSync(process.execPath, [...flags, 'forgets'], { encoding: 'utf8' }));
    await until(() => !isAlive(pid));
  });

  test('a program that is killed takes its children with it, even one in the middle of a step', async () => {
    const program = spawn(process.execPath, [...flags, 'hangs'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const pid = await new Promise<number>((resolve) => program.stdout.once('data', (text) => resolve(Number(text))));
    expect(isAlive(pid)).toBe(true);
    program.kill('SIGKILL');
    await until(() => !isAlive(pid));
  });
});

test('the server is where the package says', () => {
  expect(existsSync(new URL('../python/server.py', import.meta.url))).toBe(true);
});
