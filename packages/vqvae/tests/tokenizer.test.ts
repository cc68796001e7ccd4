// The laws of a VQ-VAE as a tokenizer and of its training step.
import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { ConfigError, DTypeError, NonFiniteError, ShapeError, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { f32 } from '@tessera/engine';
import type { Engine, NamedArrays, Traced } from '@tessera/engine';
import { codeUsage, countCodes } from '../src/index.ts';
import type { TokenizerMetrics, VQVAE, VqvaeParameters } from '../src/index.ts';
import { cpu, engines, frameOf, noise, squares, tiny, tokenizer } from './toy.ts';

const kinds = ['vq', 'ema'] as const;

/** A forward pass with the weights as they are now. */
function pass(engine: Engine, vqvae: VQVAE, frames: NdArray): Record<string, NdArray> {
  const state = engine.state(vqvae.parameters());
  const program = state.program('pass', { x: f32(...frames.shape) }, ({ x }, traced) => {
    const { losses, tokens, quantized, reconstruction } = vqvae.forward(traced as Traced<VqvaeParameters>, x);
    return { ...losses, tokens, quantized, frames: reconstruction };
  });
  const out = program.run({ x: frames });
  program.dispose();
  state.dispose();
  return out;
}

const rows = (array: NdArray, from: number, to: number) => {
  const size = array.data.length / array.shape[0]!;
  return [...(array.data as Float32Array).subarray(from * size, to * size)];
};

describe.each(engines)('on %s', (_, engine) => {
  test('a batch is its rows one by one, bit for bit', () => {
    const vqvae = tokenizer(engine);
    vqvae.trainStep(squares(8, 1));
    const frames = noise(73, 2); // blocks of 64, 8 and 1
    const tokens = vqvae.encode(frames);
    const [decoded, vectors] = [vqvae.decode(tokens), vqvae.embed(tokens)];
    expect([tokens.shape, tokens.dtype]).toEqual([[73, 2, 2], 'int32']);
    expect([decoded.shape, vectors.shape]).toEqual([
      [73, 8, 8, 1],
      [73, 2, 2, 3],
    ]);
    expect(new Set(tokens.data).size).toBeGreaterThan(1);
    for (let n = 0; n < 73; n++) {
      const one = vqvae.encode(frameOf(frames, n));
      expect([...one.data]).toEqual(rows(tokens, n, n + 1));
      expect(rows(vqvae.decode(one), 0, 1)).toEqual(rows(decoded, n, n + 1));
      expect(rows(vqvae.embed(one), 0, 1)).toEqual(rows(vectors, n, n + 1));
    }
  });

  test.each([
    { kind: 'vq', distance: 'cosine', gradient: 'rotation', initialisation: 'data', restart: 'random' },
    { kind: 'vq', projection: 2, gradient: 'none', initialisation: 'kmeans', restart: 'off' },
    { kind: 'ema', distance: 'cosine', projection: 2, initialisation: 'uniform' },
  ] as const)('with %o it trains, decodes what it encodes, and goes on from its state', (options) => {
    const make = () => tokenizer(engine, tiny({ ...options, restartAfter: 2 }));
    const vqvae = make();
    for (let i = 0; i < 6; i++) vqvae.trainStep(squares(8, i));
    const frames = squares(8, 9);
    const tokens = vqvae.encode(frames);
    const out = pass(engine, vqvae, frames);
    expect(out['tokens']).toEqual(tokens);
    expect(out['quantized']).toEqual(vqvae.embed(tokens));
    const twin = make();
    twin.loadState(vqvae.state());
    twin.loadGeneratorState(vqvae.generatorState());
    expect(twin.trainStep(frames)).toEqual(vqvae.trainStep(frames));
    expect(twin.state()).toEqual(vqvae.state());
  });

  test.each(kinds)('%s: the differentiable pass gives the same tokens, codes and frames', (kind) => {
    const vqvae = tokenizer(engine, tiny({ kind }));
    vqvae.trainStep(squares(8, 1));
    const frames = squares(8, 2);
    const out = pass(engine, vqvae, frames);
    const tokens = vqvae.encode(frames);
    expect(out['tokens']).toEqual(tokens);
    expect(out['quantized']).toEqual(vqvae.embed(tokens));
    expect(out['frames']).toEqual(vqvae.decode(tokens));
  });

  test.each(kinds)('%s: encoding, embedding and decoding change nothing', (kind) => {
    const vqvae = tokenizer(engine, tiny({ kind }));
    vqvae.trainStep(squares(8, 1));
    const [before, generators] = [vqvae.state(), vqvae.generatorState()];
    const tokens = vqvae.encode(squares(9, 2));
    vqvae.embed(tokens);
    vqvae.decode(tokens);
    expect(vqvae.state()).toEqual(before);
    expect(vqvae.generatorState()).toEqual(generators);
  });

  test.each(kinds)('%s: what a step reports is of the codebook before its update', (kind) => {
    const vqvae = tokenizer(engine, tiny({ kind, restartAfter: 0 }));
    vqvae.trainStep(squares(8, 1));
    const frames = squares(8, 2);
    const expected = pass(engine, vqvae, frames);
    const codebook = vqvae.parameters().quantizer.codebook;
    const metrics = vqvae.trainStep(frames);
    const value = (name: string) => Number(expected[name]!.data[0]);
    expect(metrics.loss).toBe(value('total'));
    expect(metrics.reconstructionLoss).toBe(value('reconstruction'));
    expect(metrics.codebookLoss).toBe(value('codebook'));
    expect(metrics.commitmentLoss).toBe(value('commitment'));
    const usage = codeUsage(countCodes(expected['tokens']!.data as Int32Array, 8));
    expect(metrics).toMatchObject({ perplexity: usage.perplexity, usage: usage.usage, restarted: 0 });
    expect(vqvae.parameters().quantizer.codebook).not.toEqual(codebook);
  });

  test('decoded pixels lie in [0, 1]', () => {
    const vqvae = tokenizer(engine);
    const state = vqvae.state();
    const bias = Object.keys(state)
      .filter((name) => /^parameters\.decoder\.up\.\d+\.bias$/.test(name))
      .toSorted()
      .at(-1)!;
    for (const shift of [-3, 3]) {
      vqvae.loadState({ ...state, [bias]: ndarray('float32', [1], Float32Array.of(shift)) });
      const { data } = vqvae.decode(ndarray('int32', [1, 2, 2]));
      expect(data.every((x) => x >= 0 && x <= 1)).toBe(true);
    }
  });

  test.each(kinds)('%s: two runs of one seed are bit for bit the same, of two seeds not', (kind) => {
    const run = (seed: number): TokenizerMetrics[] => {
      const vqvae = tokenizer(engine, tiny({ kind, restartAfter: 2 }), { seed });
      return Array.from({ length: 10 }, (_unused, i) => vqvae.trainStep(squares(8, i)));
    };
    const once = run(3);
    expect(run(3)).toEqual(once);
    expect(run(4)).not.toEqual(once);
    expect(once.some(({ restarted }) => restarted > 0)).toBe(true);
  });

  test('categories: frames of probabilities come back as probabilities', () => {
    const vqvae = tokenizer(engine, {
      ...tiny(),
      frameShape: [8, 8, 2],
      reconstruction: { kind: 'cross-entropy' },
    });
    const bright = squares(4, 1);
    const frames = ndarray('float32', [4, 8, 8, 2]);
    bright.data.forEach((x, i) => frames.data.set([x, 1 - x], 2 * i));
    const [first, ...rest] = Array.from({ length: 20 }, () => vqvae.trainStep(frames));
    expect(rest.at(-1)!.reconstructionLoss).toBeLessThan(first!.reconstructionLoss);
    const { data } = vqvae.decode(vqvae.encode(frames));
    for (let i = 0; i < data.length; i += 2) expect(data[i]! + data[i + 1]!).toBeCloseTo(1, 5);
  });
});

describe('training starts at the mean of the frames that codes start at', () => {
  const untrained = ndarray('int32', [2, 2, 2], Int32Array.of(0, 1, 2, 3, 4, 5, 6, 7));

  // The mean colour is the best answer in one colour, so no first loss is above the variance of each channel about its mean.
  test.prop([fc.constantFrom(0, 1, 2), fc.constantFrom(1, 3), fc.double({ min: 0, max: 1, noNaN: true }), fc.nat()], {
    numRuns: 15,
  })('whatever the codes, pixels are the mean colour', (halvings, channels, light, seed) => {
    const shape: [number, number, number] = [2 * 2 ** halvings, 2 * 2 ** halvings, channels];
    const vqvae = tokenizer(cpu, { ...tiny(), frameShape: shape });
    const frames = noise(5, seed, shape);
    frames.data.forEach((x, i) => (frames.data[i] = light * x ** (1 + (i % channels))));
    const mean = Array.from({ length: channels }, () => 0);
    frames.data.forEach((x, i) => (mean[i % channels]! += (x * channels) / frames.data.length));
    let variance = 0;
    frames.data.forEach((x, i) => (variance += (x - mean[i % channels]!) ** 2 / frames.data.length));
    vqvae.seedCodebook(frames);
    vqvae.decode(untrained).data.forEach((x, i) => expect(x).toBeCloseTo(mean[i % channels]!, 5));
    expect(vqvae.trainStep(frames, { learningRate: 0 }).reconstructionLoss).toBeCloseTo(variance, 5);
  });

  test('categories: the frequencies, and one that never came still can', () => {
    const vqvae = tokenizer(cpu, { ...tiny(), frameShape: [8, 8, 3], reconstruction: { kind: 'cross-entropy' } });
    const frames = ndarray('float32', [4, 8, 8, 3]);
    for (let pixel = 0; pixel < 256; pixel++) frames.data[3 * pixel + (pixel % 4 === 0 ? 1 : 0)] = 1;
    vqvae.seedCodebook(frames);
    const counts = [193, 65, 1]; // 192, 64 and 0 pixels, and one more each
    vqvae.decode(untrained).data.forEach((x, i) => expect(x).toBeCloseTo(counts[i % 3]! / 259, 5));
  });

  test('codes that are chosen again later leave the decoder as it has learned', () => {
    const vqvae = tokenizer(cpu);
    vqvae.trainStep(squares(8, 1));
    const { decoder } = vqvae.parameters();
    vqvae.seedCodebook(noise(8, 2));
    expect(vqvae.parameters().decoder).toEqual(decoder);
  });

  test('what has been learned goes through', () => {
    const vqvae = tokenizer(cpu);
    vqvae.trainStep(squares(8, 1));
    const first = vqvae.parameters();
    vqvae.trainStep(squares(8, 1));
    const second = vqvae.parameters();
    // At the first step no gradient comes through a kernel of zeros, at the second one does.
    expect(first.decoder.up.at(-1)!.kernel.data.some((x) => x !== 0)).toBe(true);
    expect(second.decoder.input.kernel).not.toEqual(first.decoder.input.kernel);
    expect(second.encoder.down[0]!.kernel).not.toEqual(first.encoder.down[0]!.kernel);
  });
});

describe('a step that fails', () => {
  test.each(
    engines.flatMap(([name, engine]) =>
      kinds.flatMap((kind) => [true, false].map((seeded) => [name, kind, seeded ? 'later' : 'first', engine] as const)),
    ),
  )('%s, %s: a loss that is no number leaves all as it was, at the %s step', (_, kind, when, engine) => {
    const vqvae = tokenizer(engine, tiny({ kind }), { seed: 5 });
    const frames = squares(8, 1);
    if (when === 'later') vqvae.trainStep(frames);
    const state = vqvae.state();
    vqvae.loadState({
      ...state,
      'parameters.decoder.input.bias': ndarray('float32', [4], new Float32Array(4).fill(1e30)),
      'parameters.decoder.up.1.kernel': ndarray('float32', [4, 4, 1, 4], new Float32Array(64).fill(1)),
    });
    const [before, generators, updates] = [vqvae.state(), vqvae.generatorState(), vqvae.updates];
    expect(() => vqvae.trainStep(frames)).toThrow(NonFiniteError);
    expect(() => vqvae.trainStep(frames)).toThrow(
      /expected the loss to be finite, got .*The state is as it was before this step/,
    );
    expect(vqvae.state()).toEqual(before);
    expect(vqvae.generatorState()).toEqual(generators);
    expect(vqvae.updates).toBe(updates);
    vqvae.loadState(state);
    expect(vqvae.trainStep(frames).loss).toBeGreaterThan(0);
  });
});

describe('loadState', () => {
  test('takes over all of a state', () => {
    const [a, b] = [tokenizer(cpu, tiny(), { seed: 1 }), tokenizer(cpu, tiny(), { seed: 2 })];
    for (let i = 0; i < 3; i++) a.trainStep(squares(8, i));
    b.loadState(a.state());
    b.loadGeneratorState(a.generatorState());
    expect(b.state()).toEqual(a.state());
    expect(b.updates).toBe(3);
    expect(b.trainStep(squares(8, 9))).toEqual(a.trainStep(squares(8, 9)));
  });

  const other = (state: NamedArrays, changes: Record<string, NdArray | undefined>): NamedArrays =>
    Object.fromEntries(
      Object.entries({ ...state, ...changes }).filter(([, array]) => array !== undefined),
    ) as NamedArrays;
  const last = 'parameters.quantizer.codebook';

  test('or nothing: its messages', () => {
    const vqvae = tokenizer(cpu);
    vqvae.trainStep(squares(8, 1));
    const before = vqvae.state();
    const elsewhere = tokenizer(cpu, tiny(), { seed: 9 }).state();
    const load = (changes: Record<string, NdArray | undefined>) => () => vqvae.loadState(other(elsewhere, changes));
    expect(load({ [last]: undefined })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: loadState: 'parameters.quantizer.codebook' is missing.]`,
    );
    expect(load({ [last]: undefined, 'adam.step': undefined })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: loadState: 'parameters.quantizer.codebook' is missing, and 1 more.]`,
    );
    expect(load({ 'parameters.quantizer.codebok': ndarray('float32', []) })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: state: there is no 'parameters.quantizer.codebok'. Did you mean 'parameters.quantizer.codebook'?]`,
    );
    expect(load({ [last]: ndarray('float32', [3, 8]) })).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: state: 'parameters.quantizer.codebook' is of shape [8, 3], got [3, 8].]`,
    );
    expect(load({ [last]: ndarray('int32', [8, 3]) })).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: state: 'parameters.quantizer.codebook' is float32, got int32.]`,
    );
    expect(load({ 'counters.idle': ndarray('int32', [4]) })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: loadState: expected counters.idle as counts, int32 [8], got int32 [4].]`,
    );
    expect(load({ [last]: undefined })).toThrow(ConfigError);
    expect(load({ [last]: ndarray('float32', [3, 8]) })).toThrow(ShapeError);
    expect(load({ [last]: ndarray('int32', [8, 3]) })).toThrow(DTypeError);
    expect(load({ 'counters.updates': ndarray('float32', []) })).toThrow(ConfigError);
    expect(load({ 'counters.updates': ndarray('int32', [], Int32Array.of(-1)) })).toThrow(ConfigError);
    expect(load({ 'counters.seeded': ndarray('int32', [2]) })).toThrow(ConfigError);
    expect(vqvae.state()).toEqual(before);
    expect(vqvae.updates).toBe(1);
  });

  test('what state() returns are copies', () => {
    const vqvae = tokenizer(cpu);
    const before = vqvae.encode(squares(4, 1));
    for (const { data } of Object.values(vqvae.state())) data.fill(7 as never);
    expect(vqvae.encode(squares(4, 1))).toEqual(before);
  });
});

describe('sizes', () => {
  test.prop([fc.constantFrom(0, 1, 2), fc.constantFrom(1, 2), fc.constantFrom(2, 3, 4, 5), fc.constantFrom(1, 3)], {
    numRuns: 12,
  })('any number of halvings, oblong grids, kernels and channels', (halvings, columns, kernelSize, pixels) => {
    const shape: [number, number, number] = [2 ** halvings, columns * 2 ** halvings, pixels];
    const vqvae = tokenizer(cpu, {
      ...tiny(),
      frameShape: shape,
      tokenShape: [1, columns],
      kernelSize,
      residualBlocks: halvings,
    });
    const frames = noise(2, 1, shape);
    expect(vqvae.trainStep(frames).loss).toBeGreaterThan(0);
    expect(vqvae.decode(vqvae.encode(frames)).shape).toEqual([2, ...shape]);
    expect(vqvae.trainFlops(2)).toBeGreaterThan(vqvae.trainFlops(1));
    expect(vqvae.parameterCount).toBeGreaterThan(8 * 3);
  });
});
