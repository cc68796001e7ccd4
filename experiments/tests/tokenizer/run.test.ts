import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodePng, Generators, ndarray } from '@tessera/core';
import { createEngine } from '@tessera/engine';
import { ChunkMemory } from '@tessera/rollouts';
import { rolloutSource } from '@tessera/rollouts/node';
import { RunFolder } from '@tessera/runs';
import { evaluateTokenizer, toUnit, VQVAE } from '@tessera/vqvae';
import { loadTokenizer } from '@tessera/vqvae/node';
import { test } from '@fast-check/vitest';
import { assert, describe, expect } from 'vitest';
import type { Experiment } from '../../src/experiment.ts';
import { main } from '../../src/program.ts';
import { ballRecall, envConfig } from '../../src/environment.ts';
import { tokenizerExperiment } from '../../src/tokenizer/experiment.ts';
import { loadRunTokenizer } from '../../src/tokenizer/load.ts';
import { collectHeldOut, measureTokenizer } from '../../src/tokenizer/measure.ts';
import { fakeIo } from '../fake-experiment.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { settings, tiny } from './settings.ts';

const io = () => fakeIo({ experiments: [tokenizerExperiment as unknown as Experiment] });

/** The command line of a tiny run on wasm, whose folder comes to be in `root`. */
function command(root: string, ...words: readonly string[]): string[] {
  const file = join(root, 'tiny.json');
  writeFileSync(file, JSON.stringify(tiny));
  return ['train', 'tokenizer', '--config', file, '--runs', join(root, 'runs'), '--backend', 'wasm', ...words];
}

describe('--dry-run', () => {
  test('says what a run would cost and makes no folder', async () => {
    const root = temporaryFolder();
    const { out, err, ...surroundings } = io();
    expect(await main(command(root, '--dry-run'), surroundings)).toBe(0);
    expect(err()).toMatch(
      /^parameters +\d+\nFLOPs a training step +[\d.]+ M\nmemory +\d+ MiB\nexpected time +\d+ s\n$/,
    );
    const plan = JSON.parse(out()) as { config: { model: { channels: number } }; plan: Record<string, number> };
    expect(plan).toMatchObject({ experiment: 'tokenizer', env: 'Breakout-v0', seed: 0 });
    expect(plan.config.model.channels).toBe(4);
    for (const value of Object.values(plan.plan)) expect(value).toBeGreaterThan(0);
    expect(existsSync(join(root, 'runs'))).toBe(false);
  });
});

describe('a run', () => {
  test(
    'leaves settings, metrics, events, pictures, checkpoint, tokenizer and result, and shows a table',
    { timeout: 60_000 },
    async () => {
      const root = temporaryFolder();
      const { out, err, ...surroundings } = io();
      expect(await main(command(root, '--seed', '3'), surroundings)).toBe(0);
      const [name] = readdirSync(join(root, 'runs'));
      const directory = join(root, 'runs', name!);
      expect(out()).toBe(`${directory}\n`);
      for (const row of [
        'engine: wasm',
        'PSNR',
        'NMSE',
        'ball recall',
        'usage',
        'perplexity',
        'token churn',
        'trained',
        'run folder',
      ])
        expect(err()).toMatch(new RegExp(`^${row}`, 'm'));

      const files = readdirSync(directory).map((file) => file.replace(/^events\.out\.tfevents\..*/, 'events'));
      expect(files.toSorted()).toEqual([
        'checkpoints',
        'config.json',
        'events',
        'media',
        'metrics.jsonl',
        'result.json',
        'tokenizer',
      ]);
      for (const picture of ['reconstructions', 'codebook']) {
        const { shape } = decodePng(readFileSync(join(directory, 'media', `${picture}.png`)));
        expect(shape[2]).toBe(3);
      }

      const run = await RunFolder.open(directory);
      expect(run.config).toMatchObject({ env: 'Breakout-v0', seed: 3, config: { model: { frameShape: [20, 20, 3] } } });
      const metrics = await run.readMetrics();
      expect(metrics.map(({ values }) => values['updates'])).toEqual([2, 4, 6, 8, 10, 12, 14, 16, 18]);
      const result = await run.readResult();
      expect(result).toMatchObject({ steps: 400, backend: 'wasm', seed: 3 });
      expect(result!.stopped).toBeUndefined();

      const engine = await createEngine({ backend: 'wasm' });
      const before = engine.tensorCount();
      const saved = await loadTokenizer(engine, join(directory, 'tokenizer'));
      const checkpoint = await loadRunTokenizer(engine, run);
      try {
        const config = settings(run.config.config);
        const env = envConfig('Breakout-v0', config.rollouts);
        const { frames, probe } = await collectHeldOut(env, config, { seed: 3, signal: new AbortController().signal });
        expect([frames.shape, probe.shape]).toEqual([
          [32, 20, 20, 3],
          [16, 20, 20, 3],
        ]);
        expect(saved.encode(toUnit(frames))).toEqual(checkpoint.encode(toUnit(frames)));
        // What was measured at the end of the run is measured again from its files, on the same frames.
        assert(saved instanceof VQVAE);
        const { measures } = measureTokenizer(saved, env, { frames, churn: result!.tokenizer!.churn });
        expect(measures).toEqual(result!.tokenizer);
      } finally {
        saved.dispose();
        checkpoint.dispose();
        expect(engine.tensorCount()).toBe(before);
        engine.dispose();
      }
    },
  );

  test('that is stopped says so, keeps what it has, and nothing when it has nothing', async () => {
    const root = temporaryFolder();
    const surroundings = io();
    surroundings.controller.abort();
    expect(await main(command(root), surroundings)).toBe(130);
    expect(surroundings.err()).toMatch(/Stopped\.\n$/);
    expect(existsSync(join(root, 'runs'))).toBe(false);
  });
});

describe('held-out frames', () => {
  const signal = new AbortController().signal;
  const config = settings(tiny);
  const env = envConfig('Breakout-v0', config.rollouts);

  test('are a function of the seed, not of the number of workers', async () => {
    const held = await collectHeldOut(env, config, { seed: 0, signal });
    const more = { ...config, rollouts: { ...config.rollouts, numWorkers: 2 } };
    expect(await collectHeldOut(env, more, { seed: 0, signal })).toEqual(held);
    expect(await collectHeldOut(env, config, { seed: 1, signal })).not.toEqual(held);
    expect(Math.max(...held.frames.data)).toBe(200);
  });
});

describe('held-out episodes', () => {
  test('are not those that training sees', async () => {
    const { rollouts, measure } = settings(tiny);
    const env = envConfig('Breakout-v0', rollouts);
    const memory = new ChunkMemory({ maxBytes: 2 ** 24 });
    const { numEnvs, chunkLength } = rollouts;
    const training = rolloutSource({ env, numEnvs, chunkLength, seed: 0, steps: measure.heldOutSteps });
    for await (const chunk of training) memory.add(chunk);
    const drawn = memory.sampleFrames(new Generators(0).get('held-out/frames'), measure.evaluationFrames);
    const signal = new AbortController().signal;
    const { frames } = await collectHeldOut(env, settings(tiny), { seed: 0, signal });
    expect(frames.shape).toEqual(drawn.shape);
    expect(frames).not.toEqual(drawn);
  });
});

describe('a measurement', () => {
  test('of more frames than are held as numbers is that of all at once', async () => {
    const engine = await createEngine({ backend: 'wasm' });
    const tokenizer = new VQVAE(engine, { channels: 4, quantizer: { vocabulary: 8 } });
    const env = envConfig('Breakout-v0', settings(tiny).rollouts);
    const config = settings({ ...tiny, measure: { ...tiny.measure, heldOutSteps: 600, evaluationFrames: 2100 } });
    try {
      const { frames } = await collectHeldOut(env, config, { seed: 0, signal: new AbortController().signal });
      tokenizer.trainStep(toUnit(ndarray('uint8', [64, 20, 20, 3], frames.data.subarray(0, 64 * 1200))));
      const { measures, sample } = measureTokenizer(tokenizer, env, { frames, churn: 0 });
      const unit = toUnit(frames);
      const { evaluation, decoded } = evaluateTokenizer(tokenizer, unit);
      for (const [name, value] of Object.entries({ ...evaluation, ballRecall: ballRecall(env, unit, decoded) }))
        expect(measures[name as keyof typeof measures]).toBeCloseTo(value as number, 8);
      expect(measures.frames).toBe(2100);
      expect(measures.poleTipRecall).toBeNaN();
      expect(sample.decoded.data).toEqual(decoded.data.subarray(0, sample.decoded.data.length));
    } finally {
      tokenizer.dispose();
      engine.dispose();
    }
  });
});

describe('a tokenizer that does not fit its checkpoint', () => {
  test('is refused with the name of the checkpoint, and leaves no tensors', async () => {
    const run = await RunFolder.create({
      root: temporaryFolder(),
      experiment: 'tokenizer',
      env: 'Breakout-v0',
      seed: 0,
      config: {},
    });
    const engine = await createEngine({ backend: 'wasm' });
    try {
      const before = engine.tensorCount();
      const tokenizer = new VQVAE(engine, { channels: 4 });
      const { 'parameters.quantizer.codebook': _, ...rest } = tokenizer.state();
      await run.writeCheckpoint('tokenizer', rest, {
        config: tokenizer.config,
        generators: tokenizer.generatorState(),
      });
      tokenizer.dispose();
      await expect(loadRunTokenizer(engine, run)).rejects.toThrow(
        /checkpoints\/000001-tokenizer: the checkpoint does not fit its own settings: loadState: 'parameters\.quantizer\.codebook' is missing\.$/,
      );
      expect(engine.tensorCount()).toBe(before);
    } finally {
      engine.dispose();
    }
  });
});
