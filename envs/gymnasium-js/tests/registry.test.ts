// The way from an id to an environment, and the hints where it leads nowhere.
import { readFileSync } from 'node:fs';
import { fc, test } from '@fast-check/vitest';
import { ConfigError } from '@tessera/core';
import {
  checkKwargs,
  EnvSpec,
  make,
  makeVec,
  OrderEnforcing,
  PassiveEnvChecker,
  register,
  registerLoader,
  registry,
  RecordEpisodeStatistics,
  setWarningHandler,
  spec,
  SyncVectorEnv,
  TimeLimit,
  Wrapper,
} from 'gymnasium-js';
import type { Env, MakeVecOptions } from 'gymnasium-js';
import { beforeAll, beforeEach, describe, expect } from 'vitest';
import { closestMatch } from '../src/registry/close-matches.ts';
import { getEnvId, parseEnvId } from '../src/registry/env-id.ts';
import { Counter } from './counter.ts';

let warnings: string[] = [];

beforeAll(() => {
  setWarningHandler((message) => warnings.push(message));
  const entryPoint = (kwargs: Record<string, unknown>): Counter => {
    checkKwargs('Counter', kwargs, ['cellSize']);
    return new Counter();
  };
  register({ id: 'Counter-v1', entryPoint });
  register({ id: 'Counter-v3', entryPoint, maxEpisodeSteps: 3, rewardThreshold: 2 });
  register({ id: 'Plain', entryPoint, orderEnforce: false, disableEnvChecker: true });
  register({ id: 'Breakout-v0', entryPoint });
  register({ id: 'toys/Ball-v0', entryPoint });
});
beforeEach(() => {
  warnings = [];
});

const layers = (env: Env): string[] =>
  env instanceof Wrapper ? [env.constructor.name, ...layers(env.env)] : [env.constructor.name];

describe('make', () => {
  test("wraps in Gymnasium's order", () => {
    expect(layers(make('Counter-v3'))).toEqual(['TimeLimit', 'OrderEnforcing', 'PassiveEnvChecker', 'Counter']);
    expect(layers(make('Counter-v3', { maxEpisodeSteps: -1 }))).toEqual([
      'OrderEnforcing',
      'PassiveEnvChecker',
      'Counter',
    ]);
    expect(layers(make('Breakout-v0', { maxEpisodeSteps: 7, disableEnvChecker: true }))).toEqual([
      'TimeLimit',
      'OrderEnforcing',
      'Counter',
    ]);
    expect(layers(make('Plain'))).toEqual(['Counter']);
  });

  test('gives the environment a spec that makes it again', () => {
    const env = make('Counter-v3', { cellSize: 4 });
    expect(env.spec?.toJSON()).toEqual({ ...spec('Counter-v3').toJSON(), kwargs: { cellSize: 4 } });
    expect(layers(make(env.spec!))).toEqual(layers(env));
    expect(make(env.spec!).spec!.kwargs).toEqual({ cellSize: 4 });
    expect(String(env)).toBe('<TimeLimit<OrderEnforcing<PassiveEnvChecker<Counter<Counter-v3>>>>>');
    expect(String(new Counter())).toBe('<Counter instance>');
  });

  test('passes arguments on, and lets the environment refuse a misspelt one', () => {
    expect(() => make('Counter-v3', { celSize: 4 })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: Counter: unknown option 'celSize'. Did you mean 'cellSize'? Its options are cellSize.]`,
    );
  });

  test('takes the newest version of an id without one, and says so', () => {
    expect(make('Counter').spec!.id).toBe('Counter-v3');
    expect(warnings).toEqual([
      'Using the latest versioned environment `Counter-v3` instead of the unversioned environment `Counter`.',
    ]);
  });

  test('says when a version is out of date', () => {
    expect(make('Counter-v1').spec!.id).toBe('Counter-v1');
    expect(warnings).toEqual([
      'The environment Counter-v1 is out of date. You should consider upgrading to version `v3`.',
    ]);
  });

  test.each([
    ['Braekout-v0', "Environment `Braekout` doesn't exist. Did you mean: `Breakout`?"],
    ['Zzz-v0', "Environment `Zzz` doesn't exist. Did you register it, or import the package that registers it?"],
    [
      'Counter-v7',
      "Environment version `v7` for environment `Counter` doesn't exist. It provides versioned environments: [ `v1`, `v3` ].",
    ],
    ['Counter-v2', 'Environment version v2 for `Counter` is deprecated. Please use `Counter-v3` instead.'],
    [
      'Plain-v2',
      "Environment version `v2` for environment `Plain` doesn't exist. It provides the default version `Plain`.",
    ],
    ['tojs/Ball-v0', 'Namespace tojs not found. Did you mean: `toys`?'],
    ['ALE/Pong-v5', 'Namespace ALE not found. Have you installed the proper package for ALE?'],
    ['toys/Bal-v0', "Environment `Bal` doesn't exist in namespace toys. Did you mean: `Ball`?"],
    [
      'Counter v0',
      'Malformed environment ID: Counter v0. (Currently all IDs must be of the form [namespace/](env-name)-v(version). (namespace is optional))',
    ],
    [
      'python:ALE/Pong-v5',
      'make: "python:" environments are asynchronous. Use makeVec: const envs = await makeVec("python:ALE/Pong-v5", { numEnvs: 1 });',
    ],
    [
      'my-games:Chess-v0',
      "make: cannot import 'my-games' synchronously. Put await import('my-games'); before it, or use makeVec.",
    ],
  ])('%s leads to: %s', (id, message) => {
    expect(() => make(id)).toThrow(new ConfigError(message).message);
    expect(() => make(id)).toThrow(ConfigError);
  });

  test('finds an id whose module is imported already', () => {
    expect(make('my-games:Breakout-v0').spec!.id).toBe('Breakout-v0');
  });

  test('refuses an entry point that builds no environment or throws', () => {
    expect(() => make(new EnvSpec({ id: 'Odd-v0', entryPoint: () => ({}) as Env }))).toThrowErrorMatchingInlineSnapshot(
      `[EnvironmentError: make: Odd-v0: the entryPoint must return an Env, got object. Extend Env.]`,
    );
    const entryPoint = (): Env => {
      throw new TypeError('no such level');
    };
    expect(() =>
      make(new EnvSpec({ id: 'Odd-v0', entryPoint }), { level: 3, size: [1, 2] }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[EnvironmentError: make: Odd-v0 could not be built with the arguments { level: 3, size: an array of 2 values }: no such level]`,
    );
    expect(() => make(3 as never)).toThrow('make: expected an id or an EnvSpec, got number.');
  });
});

describe('register', () => {
  test('keeps versioned and unversioned environments of one name apart', () => {
    const entryPoint = (): Counter => new Counter();
    expect(() => register({ id: 'Counter', entryPoint })).toThrowErrorMatchingInlineSnapshot(
      `[RegistrationError: Can't register the unversioned environment \`Counter\` when the versioned environment \`Counter-v3\` of the same name already exists. Note: the default behavior is that \`make\` with the unversioned environment will return the latest versioned environment.]`,
    );
    expect(() => register({ id: 'Plain-v0', entryPoint })).toThrowErrorMatchingInlineSnapshot(
      `[RegistrationError: Can't register the versioned environment \`Plain-v0\` when the unversioned environment \`Plain\` of the same name already exists.]`,
    );
  });

  test('replaces an id with a warning', () => {
    register({ id: 'Twice-v0', entryPoint: () => new Counter() });
    const entryPoint = (): Counter => new Counter();
    register({ id: 'Twice-v0', entryPoint });
    expect(warnings).toEqual(['Overriding environment Twice-v0 already in registry.']);
    expect(registry.get('Twice-v0')!.entryPoint).toBe(entryPoint);
  });

  test.each([
    [{ id: 'A-v0' }, 'register: A-v0: expected a function (kwargs) => Env as entryPoint, got undefined.'],
    [
      { id: 'A-v0', entryPoint: (): number => 0, maxEpisodeStep: 3 },
      "register: unknown option 'maxEpisodeStep'. Did you mean 'maxEpisodeSteps'?",
    ],
    [
      { id: 'A-v0', entryPoint: (): number => 0, maxEpisodeSteps: 0 },
      'expected a whole number > 0 as maxEpisodeSteps, got 0.',
    ],
    [{ id: '', entryPoint: (): number => 0 }, 'Malformed environment ID: .'],
  ])('refuses %o', (options, message) => {
    expect(() => register(options as never)).toThrow(message);
  });
});

describe('makeVec', () => {
  test('builds environments in this thread by default', async () => {
    const envs = await makeVec('Counter-v3', { numEnvs: 3, autoresetMode: 'SameStep', cellSize: 2 });
    expect(envs).toBeInstanceOf(SyncVectorEnv);
    expect([envs.numEnvs, envs.observationShape, envs.metadata.autoresetMode]).toEqual([3, [3, 3], 'SameStep']);
    const kwargs = { cellSize: 2, numEnvs: 3, autoresetMode: 'SameStep', vectorizationMode: 'sync' };
    expect(envs.spec!.kwargs).toEqual(kwargs);
    expect(String(await makeVec(envs.spec!))).toBe(String(envs));
  });

  test('applies wrappers to each environment', async () => {
    const envs = await makeVec('Counter-v3', { numEnvs: 2, wrappers: [(env) => new RecordEpisodeStatistics(env)] });
    expect((envs as SyncVectorEnv).envs.map((env) => env instanceof RecordEpisodeStatistics)).toEqual([true, true]);
  });

  test('hands ids with a prefix to its loader', async () => {
    const seen: unknown[] = [];
    const loaded = new SyncVectorEnv([() => new Counter()]);
    registerLoader('test-bridge', async (id: string, options: MakeVecOptions) => {
      seen.push(id, options);
      return loaded;
    });
    expect(await makeVec('test-bridge:ALE/Pong-v5', { numEnvs: 2, frameskip: 4 })).toBe(loaded);
    expect(seen).toEqual(['ALE/Pong-v5', { numEnvs: 2, frameskip: 4 }]);
    expect(() => registerLoader('a:b', async () => loaded)).toThrow('expected a prefix of letters');
  });

  test('imports the module of an id', async () => {
    const module = new URL('./fixtures/module-env.ts', import.meta.url).href;
    expect((await makeVec(`${module}:FromModule-v0`)).spec!.id).toBe('FromModule-v0');
  });

  test.each([
    ['python:Pong-v5', {}, `makeVec: no loader for "python:" ids. Add the line: import '@tessera/env-python';`],
    ['no-such-module:Pong-v5', {}, 'Environment registration via importing a module failed'],
    ['Conter-v3', {}, "Environment `Conter` doesn't exist. Did you mean: `Counter`?"],
    ['Counter-v3', { numEnvs: 0 }, 'makeVec: expected a whole number > 0 as numEnvs, got 0.'],
    [
      'Counter-v3',
      { vectorizationMode: 'async' },
      'makeVec: invalid vectorizationMode: "async", valid modes: sync, worker, vectorEntryPoint. Python\'s "async" is "worker" here.',
    ],
    [
      'Counter-v3',
      { vectorizationMode: 'worker' },
      "makeVec: worker environments need Node. Add the line: import 'gymnasium-js/node';",
    ],
    [
      'Counter-v3',
      { autoresetMode: 'nextStep' },
      'expected an autoresetMode out of NextStep, SameStep, Disabled, got "nextStep".',
    ],
    [
      'Counter-v3',
      { vectorizationMode: 'worker', wrappers: [() => 0] },
      'makeVec: wrappers cannot cross to a worker as functions.',
    ],
  ])('%s %o leads to: %s', async (id, options, message) => {
    await expect(makeVec(id, options as never)).rejects.toThrow(message);
  });
});

describe('ids', () => {
  const word = fc.stringMatching(/^\w+$/);
  test.prop([fc.option(word, { nil: undefined }), word, fc.option(fc.nat(), { nil: undefined })])(
    'come apart and together',
    (namespace, name, version) => {
      const id = getEnvId({ namespace, name, version });
      expect(getEnvId(parseEnvId(id))).toBe(id);
      expect(parseEnvId(id).namespace).toBe(namespace);
    },
  );
});

test('suggestions are those of difflib', () => {
  const url = new URL('./golden/suggestions.json', import.meta.url);
  const golden = JSON.parse(readFileSync(url, 'utf8')) as { known: string[]; words: Record<string, string[]> };
  for (const [word, expected] of Object.entries(golden.words)) {
    expect([word, closestMatch(word, golden.known)]).toEqual([word, expected[0]]);
  }
});

test('TimeLimit and OrderEnforcing are what make says they are', () => {
  const env = make('Counter-v3');
  expect(env).toBeInstanceOf(TimeLimit);
  expect((env as TimeLimit).env).toBeInstanceOf(OrderEnforcing);
  expect(((env as TimeLimit).env as OrderEnforcing).env).toBeInstanceOf(PassiveEnvChecker);
});
