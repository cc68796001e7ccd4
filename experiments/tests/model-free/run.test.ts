// Runs of `train ppo` and `train dqn` that are over in a second: what they leave, how they stop and go on, and what is refused.
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RunFolder } from '@tessera/runs';
import { test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import type { Experiment } from '../../src/experiment.ts';
import { dqnExperiment, ppoExperiment } from '../../src/model-free/experiment.ts';
import { main } from '../../src/program.ts';
import { fakeIo } from '../fake-experiment.ts';
import type { FakeIo } from '../fake-experiment.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const timeout = 60_000;
const kinds = ['ppo', 'dqn'] as const;

function io(): FakeIo {
  return fakeIo({
    experiments: [ppoExperiment, dqnExperiment].map((experiment) => experiment as unknown as Experiment),
  });
}

/** The command line of a run of fifteen rounds. */
function command(kind: (typeof kinds)[number], root: string, ...words: readonly string[]): string[] {
  const network = { convolutions: [{ channels: 4, kernel: 8, stride: 8 }], hidden: 8 };
  const learner = kind === 'ppo' ? { minibatch: 32, epochs: 1 } : { batchSize: 8, firstSteps: 80, stepsPerUpdate: 8 };
  const tiny = {
    steps: 180,
    numEnvs: 4,
    roundSteps: 3,
    learner: { network, ...learner },
    evaluation: { episodes: 6 },
    checkpointEvery: 2,
  };
  const file = join(root, `${kind}.json`);
  writeFileSync(file, JSON.stringify(tiny));
  const run = ['--env', 'Catch-v0', '--config', file, '--runs', join(root, 'runs'), '--backend', 'wasm'];
  return ['train', kind, ...run, ...words];
}

const play = {
  meanReturn: expect.any(Number) as number,
  standardError: expect.any(Number) as number,
  episodes: 6,
  meanLength: 9,
  truncated: 0,
  returns: expect.any(Array) as number[],
};

/** `io` whose Ctrl-C comes when the text does. */
function interrupted(own: FakeIo, when: string): FakeIo {
  return {
    ...own,
    stderr: {
      write(text: string): unknown {
        if (text.startsWith(when)) own.controller.abort();
        return own.stderr.write(text);
      },
    },
  };
}

describe.each(kinds)('train %s', (kind) => {
  test('leaves what an agent leaves, and can be evaluated again', { timeout }, async () => {
    const root = temporaryFolder();
    const training = io();
    expect(await main(command(kind, root, '--seed', '3'), training)).toBe(0);
    const directory = training.out().trim();
    for (const row of ['engine: wasm', `${kind}: 40x40x3 frames`, 'return', 'random', 'no-op', 'trained'])
      expect(training.err()).toContain(row);
    const run = await RunFolder.open(directory);
    const result = (await run.readResult())!;
    const [policy, other] = kind === 'ppo' ? ['sampled', 'greedy'] : ['greedy', 'sampled'];
    expect(result).toMatchObject({
      experiment: kind,
      env: 'Catch-v0',
      seed: 3,
      steps: 180,
      backend: 'wasm',
      evaluation: { ...play, policy, [other!]: play },
      baselines: { random: play, 'no-op': play },
    });
    expect(Object.keys(result.phases!)).toEqual(['training', 'evaluation']);
    expect((await run.readMetrics()).map(({ step }) => step)).toEqual(
      Array.from({ length: 15 }, (_, round) => 12 * (round + 1)),
    );
    expect(existsSync(join(directory, 'replay'))).toBe(kind === 'dqn');

    const again = io();
    expect(await main(['eval', directory, '--backend', 'wasm'], again)).toBe(0);
    const { evaluation, baselines } = JSON.parse(again.out()) as typeof result;
    expect({ evaluation, baselines }).toEqual({ evaluation: result.evaluation, baselines: result.baselines });
    const watching = io();
    expect(await main(['watch', directory], watching)).toBe(1);
    expect(watching.err()).toContain('has no episode to show');

    const merged = io();
    expect(await main(['results', directory, '--task', 'catch', '--out', root], merged)).toBe(0);
    expect(merged.err()).toMatch(new RegExp(`^${kind}, ${policy} +1 `, 'm'));
  });

  test('stopped by Ctrl-C and resumed it ends as one that never stopped', { timeout }, async () => {
    const root = temporaryFolder();
    expect(await main(command(kind, root), io())).toBe(0);
    const stopping = io();
    expect(await main(command(kind, root), interrupted(stopping, 'training'))).toBe(130);
    const directory = stopping.out().trim();
    expect(stopping.err()).toContain(`Continue with: tessera train ${kind} --resume ${directory}\n`);
    const run = await RunFolder.open(directory);
    expect(await run.readResult()).toBeUndefined();
    const { envSteps } = ((await run.readCheckpoint()).meta as { trainer: { envSteps: number } }).trainer;
    expect(envSteps).toBeLessThan(180);
    // Once more, in the evaluation.
    const evaluating = io();
    expect(await main(['train', kind, '--resume', directory], interrupted(evaluating, 'evaluating'))).toBe(130);
    expect(evaluating.err()).toContain(`going on after ${envSteps} steps`);
    expect(await main(['train', kind, '--resume', directory], io())).toBe(0);
    const [whole] = readdirSync(join(root, 'runs')).filter((name) => !directory.endsWith(name));
    const first = await RunFolder.open(join(root, 'runs', whole!));
    expect((await run.readCheckpoint()).tensors).toEqual((await first.readCheckpoint()).tensors);
    const [a, b] = [(await run.readResult())!, (await first.readResult())!];
    expect(a.evaluation).toEqual(b.evaluation);
    const values = async (folder: RunFolder) =>
      (await folder.readMetrics()).map(({ step, values: own }) => ({ step, own }));
    expect(await values(run)).toEqual(await values(first));
  });

  test('goes on from no checkpoint that is not its own', { timeout }, async () => {
    const root = temporaryFolder();
    const stopping = io();
    await main(command(kind, root), interrupted(stopping, 'training'));
    const directory = stopping.out().trim();
    const run = await RunFolder.open(directory);
    const { tensors, meta } = await run.readCheckpoint();
    for (const [name, content, other, problem] of [
      ['agent', tensors, meta, `is no checkpoint of a run of ${kind}.`],
      [kind, tensors, { ...meta, seconds: 'long' }, `is no checkpoint of a run of ${kind}.`],
      [kind, {}, meta, 'does not fit the run: '],
      [kind, tensors, { ...meta, trainer: { ...(meta['trainer'] as object), rollouts: {} } }, 'does not fit the run: '],
    ] as const) {
      const checkpoint = await run.writeCheckpoint(name, content, other);
      const resuming = io();
      expect(await main(['train', kind, '--resume', directory], resuming)).toBe(1);
      expect(resuming.err()).toContain(`error: ${checkpoint}: ${problem}`);
    }
  });

  test('--dry-run says what a run would cost and makes no folder', { timeout }, async () => {
    const root = temporaryFolder();
    const planning = io();
    expect(await main(command(kind, root, '--dry-run'), planning)).toBe(0);
    const { plan } = JSON.parse(planning.out()) as { plan: Record<string, number> };
    for (const value of Object.values(plan)) expect(value).toBeGreaterThan(0);
    expect(existsSync(join(root, 'runs'))).toBe(false);
  });
});
