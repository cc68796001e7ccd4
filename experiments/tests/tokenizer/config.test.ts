import { ConfigError } from '@tessera/core';
import { describeSchema, parseConfig } from '@tessera/runs';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { main } from '../../src/program.ts';
import { plannedUpdates, tokenizerDefaults, tokenizerSchema } from '../../src/tokenizer/config.ts';
import { tokenizerExperiment } from '../../src/tokenizer/experiment.ts';
import type { Experiment } from '../../src/experiment.ts';
import { fakeIo } from '../fake-experiment.ts';
import { settings } from './settings.ts';

describe('settings', () => {
  test('every field has a meaning, and help shows it with its default and unit', async () => {
    const rows = describeSchema(tokenizerSchema);
    expect(rows.length).toBeGreaterThan(30);
    const io = fakeIo({ experiments: [tokenizerExperiment as unknown as Experiment] });
    expect(await main(['train', 'tokenizer', '--help'], io)).toBe(0);
    const lines = io.out().split('\n');
    for (const { path, meaning, default: value, unit } of rows) {
      expect(meaning).not.toBe('');
      const line = lines.find((candidate) => candidate.trimStart().startsWith(`${path} `));
      expect(line).toContain(meaning);
      expect(line).toContain(value);
      expect(line).toContain(unit);
    }
  });

  test("defaults are the paper's, and leave something to train", () => {
    const defaults = settings();
    expect(defaults.model).toMatchObject({ tokenShape: [5, 5], quantizer: { commitment: 0.25, decay: 0.99 } });
    expect(plannedUpdates(defaults)).toBeGreaterThan(100);
    const { warmupUpdates } = defaults.training;
    expect(plannedUpdates(settings(tokenizerDefaults('Breakout-v0')))).toBeGreaterThan(2 * warmupUpdates);
  });

  test('the arcade games change some of them, in fields that exist; others change none', () => {
    for (const env of ['Breakout-v0', 'Catch-v0', 'SpaceInvaders-v0', 'Asterix-v0', 'Freeway-v0', 'Seaquest-v0']) {
      const values = tokenizerDefaults(env);
      expect(settings(values).model.quantizer.kind).toBe('ema');
    }
    for (const env of ['SpaceInvaders-v0', 'Asterix-v0', 'Freeway-v0', 'Seaquest-v0']) {
      expect(plannedUpdates(settings({ ...tokenizerDefaults(env), steps: 2000 }))).toBeGreaterThan(50);
    }
    expect(tokenizerDefaults('Breakout-v0')).not.toEqual({});
    for (const env of ['MyBreakout-v0', 'Breakout', 'Pong-v0']) expect(tokenizerDefaults(env)).toEqual({});
  });

  test('resolved settings are settings again, as a run folder keeps them', () => {
    const once = settings(tokenizerDefaults('Breakout-v0'));
    expect(parseConfig(tokenizerSchema, JSON.parse(JSON.stringify(once)), { source: 'config.json' })).toEqual(once);
  });
});

describe('planned updates', () => {
  const positive = fc.integer({ min: 1, max: 500 });
  test.prop([positive, fc.integer({ min: 0, max: 500 }), positive, fc.double({ min: 0.01, max: 10, noNaN: true })])(
    'are as many as the ratio of frames to steps allows, and at least one or an error that says how many steps it takes',
    (steps, warmupSteps, batchSize, trainRatio) => {
      const config = settings({ steps, training: { warmupSteps, batchSize, trainRatio } });
      let updates: number;
      try {
        updates = plannedUpdates(config);
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigError);
        expect((steps - warmupSteps) * trainRatio).toBeLessThan(batchSize);
        const needed = Number(/expected steps >= (\d+)/.exec((error as Error).message)![1]);
        expect(plannedUpdates({ ...config, steps: needed })).toBeGreaterThan(0);
        return;
      }
      expect(updates).toBeGreaterThan(0);
      expect(updates * batchSize).toBeLessThanOrEqual((steps - warmupSteps) * trainRatio);
      expect((updates + 1) * batchSize).toBeGreaterThan((steps - warmupSteps) * trainRatio);
    },
  );
});
