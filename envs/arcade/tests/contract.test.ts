// Every registered environment keeps the contract, whatever the seed, the actions and the options; and bad options are refused.
import { fc, test } from '@fast-check/vitest';
import { ConfigError } from '@tessera/core';
import { Breakout, Catch } from '@tessera/env-arcade';
import { checkEnv, Discrete, make, makeVec, registry } from 'gymnasium-js';
import type { Env } from 'gymnasium-js';
import { WorkerVectorEnv } from 'gymnasium-js/node';
import { describe, expect } from 'vitest';

const variants: readonly (readonly [string, object])[] = [
  ...[...registry.keys()].map((id) => [id, {}] as const),
  ...[...registry.keys()].map((id) => [id, { renderMode: 'rgb_array' }] as const),
  ['Breakout-v0', { cellSize: 4, stickyActions: 0.5 }],
  ['Breakout-v0', { cellSize: 1, stickyActions: 0, maxEpisodeSteps: 5 }],
  ...['SpaceInvaders-v0', 'Asterix-v0', 'Freeway-v0', 'Seaquest-v0'].map(
    (id) => [id, { obsType: 'channels', stickyActions: 0.5, renderMode: 'rgb_array', frameSize: 11 }] as const,
  ),
];

test('all games are registered', () => {
  const limits = [...registry.values()].map(({ id, maxEpisodeSteps }) => [id, maxEpisodeSteps]);
  expect(limits).toEqual([
    ['Catch-v0', undefined],
    ['Breakout-v0', 10_000],
    ['SpaceInvaders-v0', 10_000],
    ['Asterix-v0', 10_000],
    ['Freeway-v0', undefined],
    ['Seaquest-v0', 10_000],
  ]);
});

describe.each(variants)('%s %o', (id, options) => {
  const fresh = (): Env => make(id, { ...options });
  const { n } = fresh().actionSpace as Discrete;
  const actions = fc.array(fc.nat({ max: n - 1 }), { maxLength: 25 });
  const seed = fc.oneof(fc.nat(), fc.bigInt({ min: 0n, max: 2n ** 70n }));

  test.prop([seed, actions], { numRuns: 30 })('keeps the contract', (seed, actions) => {
    checkEnv(fresh(), { seed, actions, fresh });
  });
});

test('frames are as large as the reference says', () => {
  const shape = (id: string, options = {}): readonly number[] => make(id, options).observationSpace.shape!;
  expect(shape('Catch-v0')).toEqual([40, 40, 3]);
  expect(shape('Breakout-v0')).toEqual([20, 20, 3]);
  expect(shape('Breakout-v0', { cellSize: 4 })).toEqual([40, 40, 3]);
  expect(String(make('Breakout-v0').observationSpace)).toBe('Box(0, 255, (20, 20, 3), uint8)');
  expect(String(make('Breakout-v0').actionSpace)).toBe('Discrete(6)');
  expect(String(make('Catch-v0').actionSpace)).toBe('Discrete(3)');
});

test.each([
  [() => make('Breakout-v0', { cellsize: 4 }), "Breakout: unknown option 'cellsize'. Did you mean 'cellSize'?"],
  [() => make('Catch-v0', { cellSize: 4 }), "Catch: unknown option 'cellSize'. Its options are renderMode."],
  [() => new Breakout({ cellSize: 0 }), 'Breakout: expected a whole number from 1 to 64 as cellSize, got 0.'],
  [() => new Breakout({ cellSize: 2.5 }), 'got 2.5.'],
  [() => new Breakout({ cellSize: '4' as never }), 'got 4.'],
  [
    () => new Breakout({ stickyActions: 1.1 }),
    'Breakout: expected a probability from 0 to 1 as stickyActions, got 1.1.',
  ],
  [() => new Breakout({ stickyActions: NaN }), 'got NaN.'],
  [
    () => new Breakout({ renderMode: 'human' as never }),
    'Breakout: expected a renderMode out of rgb_array, got "human".',
  ],
  [() => new Catch({ renderMode: 3 as never }), 'Catch: expected a renderMode out of rgb_array, got 3.'],
  [() => make('Breakot-v0'), "Environment `Breakot` doesn't exist. Did you mean: `Breakout`?"],
])('bad options %#', (bad, message) => {
  expect(bad).toThrow(ConfigError);
  expect(bad).toThrow(message);
});

test.each(['Breakout-v0', 'Seaquest-v0'])(
  'two workers that import this package give what this thread gives: %s',
  async (id) => {
    const options = { numEnvs: 3, autoresetMode: 'Disabled', cellSize: 1 } as const;
    const sync = await makeVec(id, options);
    const imports = [import.meta.resolve('@tessera/env-arcade')];
    const workers = await makeVec(id, { ...options, vectorizationMode: 'worker', numWorkers: 2, imports });
    expect(workers).toBeInstanceOf(WorkerVectorEnv);
    try {
      expect(await workers.reset({ seed: 1 })).toEqual(await sync.reset({ seed: 1 }));
      for (let i = 0; i < 6; i++) expect(await workers.step([i, 1, 3])).toEqual(await sync.step([i, 1, 3]));
    } finally {
      await workers.close();
    }
  },
);
