// What callers can get wrong: settings, frames, tokens.
import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { ConfigError, DTypeError, NonFiniteError, ShapeError, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { VQVAE, createQuantizer, strideCount, vqvaeConfig } from '../src/index.ts';
import { cpu, noise, tiny, tokenizer } from './toy.ts';

describe('settings', () => {
  const wrong = (options: object) => () => vqvaeConfig(options);

  test('a misspelt name, with its path', () => {
    expect(wrong({ quantizer: { vocabularly: 64 } })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: VQVAE settings: quantizer: unknown field 'vocabularly'. Did you mean 'vocabulary'?]`,
    );
    expect(wrong({ learning_rate: 1 })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: VQVAE settings: unknown field 'learning_rate'. Did you mean 'learningRate'?]`,
    );
  });

  test('no codes, and one', () => {
    expect(wrong({ quantizer: { vocabulary: 0 } })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: VQVAE settings: quantizer.vocabulary: expected number to be >=2, got 0.]`,
    );
    expect(wrong({ quantizer: { vocabulary: 1 } })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: VQVAE settings: quantizer.vocabulary: expected number to be >=2, got 1.]`,
    );
    const { quantizer } = vqvaeConfig();
    expect(() => createQuantizer({ ...quantizer, vocabulary: 1 })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: createQuantizer: expected a vocabulary of at least 2 codes, got 1. One code carries no information.]`,
    );
    expect(() => createQuantizer({ ...quantizer, codeDim: 0.5 })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: createQuantizer: expected a codeDim that is a whole number >= 1, got 0.5.]`,
    );
    expect(() => createQuantizer({ ...quantizer, kind: 'emma' as never })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: createQuantizer: expected a kind out of vq, ema, residual, product, grouped-residual, fsq, lfq, simvq, gumbel, got 'emma'. Did you mean 'ema'?]`,
    );
  });

  test('a kind that is none', () => {
    expect(wrong({ quantizer: { kind: 'fqs' } })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: VQVAE settings: quantizer.kind: expected one of "vq"|"ema"|"residual"|"product"|"grouped-residual"|"fsq"|"lfq"|"simvq"|"gumbel", got 'fqs'. Did you mean 'fsq'?]`,
    );
  });

  test('settings that do not belong to the kind, each with those it belongs to', () => {
    expect(wrong({ quantizer: { kind: 'vq', levels: [8, 5] } })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: VQVAE settings: quantizer.levels: expected it to be left out, as kind vq has no such setting (fsq has), got [8, 5].]`,
    );
    expect(wrong({ quantizer: { kind: 'fsq', decay: 0.5, zeroCode: true } })).toThrowErrorMatchingInlineSnapshot(`
      [ConfigError: VQVAE settings: quantizer.decay: expected it to be left out, as kind fsq has no such setting (ema, residual, product, grouped-residual have), got 0.5.
      VQVAE settings: quantizer.zeroCode: expected it to be left out, as kind fsq has no such setting (residual, grouped-residual have), got true.]
    `);
    expect(wrong({ quantizer: { kind: 'residual', groups: 4 } })).toThrow(
      /quantizer\.groups: .*product, grouped-residual/,
    );
    expect(wrong({ quantizer: { kind: 'residual', projection: 4 } })).toThrow(/quantizer\.projection: /);
    expect(wrong({ quantizer: { kind: 'gumbel', commitment: 1 } })).toThrow(/quantizer\.commitment: /);
    expect(wrong({ quantizer: { kind: 'simvq', restartAfter: 1 } })).toThrow(/quantizer\.restartAfter: /);
    // What a setting is without being set does not count.
    expect(vqvaeConfig({ quantizer: { kind: 'fsq', decay: 0.99, codeDim: 16 } }).quantizer.kind).toBe('fsq');
  });

  test('settings that do not fit each other', () => {
    expect(wrong({ quantizer: { kind: 'product', codeDim: 7 } })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: VQVAE settings: quantizer.codeDim: expected a multiple of the groups, 2, got 7.]`,
    );
    expect(wrong({ quantizer: { kind: 'fsq', levels: [256, 256, 2] } })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: VQVAE settings: quantizer.levels: expected at most 65536 codes, which is their product, got [256, 256, 2].]`,
    );
    expect(wrong({ quantizer: { kind: 'lfq', bits: 6, codeDim: 8 } })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: VQVAE settings: quantizer.codeDim: expected it to be left out, as kind lfq makes it 6, got 8.]`,
    );
    expect(wrong({ quantizer: { kind: 'lfq', bits: 17 } })).toThrow(/quantizer\.bits: /);
    expect(wrong({ quantizer: { kind: 'fsq', levels: [1] } })).toThrow(/quantizer\.levels\.0: /);
    expect(wrong({ quantizer: { kind: 'residual', stages: 1 } })).toThrow(/quantizer\.stages: /);
  });

  test.prop([fc.integer({ min: 2, max: 65_536 })], { numRuns: 30 })(
    'fsq and lfq take as many codes as fit, and settled settings stay what they are',
    (vocabulary) => {
      for (const kind of ['fsq', 'lfq'] as const) {
        const { quantizer } = vqvaeConfig({ quantizer: { kind, vocabulary } });
        expect(quantizer.vocabulary).toBeLessThanOrEqual(vocabulary);
        expect(quantizer.vocabulary).toBeGreaterThan(kind === 'lfq' ? vocabulary / 2 : 0.8 * vocabulary);
        expect(quantizer.codeDim).toBe(kind === 'lfq' ? quantizer.bits : quantizer.levels!.length);
        expect(vqvaeConfig({ quantizer }).quantizer).toEqual(quantizer);
        expect(createQuantizer(quantizer).slots).toEqual([quantizer.vocabulary]);
      }
    },
  );

  test('a frame that does not halve down to the tokens', () => {
    expect(wrong({ frameShape: [20, 20, 3], tokenShape: [6, 6] })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: VQVAE: a frame of 20 x 20 pixels does not halve down to 6 x 6 tokens. Choose tokenShape so that height / rows = width / columns is a power of two.]`,
    );
    for (const tokenShape of [
      [40, 40],
      [5, 10],
      [20, 5],
      [3, 3],
    ]) {
      expect(wrong({ frameShape: [20, 20, 3], tokenShape })).toThrow(ConfigError);
    }
  });

  test.prop([fc.integer({ min: 0, max: 4 }), fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 })])(
    'a frame is 2^n times the tokens',
    (n, rows, columns) => {
      const config = vqvaeConfig({ frameShape: [rows * 2 ** n, columns * 2 ** n, 1], tokenShape: [rows, columns] });
      expect(strideCount(config)).toBe(n);
    },
  );

  test.each([
    { learningRate: 0 },
    { learningRate: NaN },
    { learningRate: Infinity },
    { clipNorm: -1 },
    { channels: 0 },
    { channels: 2.5 },
    { kernelSize: 1 },
    { residualBlocks: -1 },
    { frameShape: [8, 8] },
    { quantizer: { decay: 1 } },
    { quantizer: { epsilon: -1 } },
    { quantizer: { commitment: -0.25 } },
    { reconstruction: { variance: 0 } },
    { reconstruction: { kind: 'l2' } },
  ])('out of range: %j', (options) => {
    expect(wrong(options)).toThrow(ConfigError);
    expect(wrong(options)).toThrow(/^VQVAE settings: .*/);
  });

  test('a seed that is none', () => {
    expect(() => new VQVAE(cpu, tiny(), { seed: -1 })).toThrow(ConfigError);
  });
});

describe('frames', () => {
  const vqvae = new VQVAE(cpu, tiny());
  const calls: Record<string, (frames: NdArray) => unknown> = {
    encode: (frames) => vqvae.encode(frames),
    trainStep: (frames) => vqvae.trainStep(frames),
    seedCodebook: (frames) => vqvae.seedCodebook(frames),
  };
  const good = noise(2, 1);
  const withValue = (value: number) => ndarray('float32', good.shape, good.data.with(100, value));

  test('their messages', () => {
    const encode = (frames: NdArray) => () => vqvae.encode(frames);
    expect(encode(noise(8, 1, [4, 4, 3]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: encode: expected frames of shape [B, 8, 8, 1], got [8, 4, 4, 3]. Resize first, or build the tokenizer with frameShape [4, 4, 3].]`,
    );
    expect(encode(noise(8, 1, [8, 1]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: encode: expected frames of shape [B, 8, 8, 1], got [8, 8, 1]. One frame alone is a batch of 1.]`,
    );
    expect(encode(ndarray('uint8', good.shape))).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: encode: expected float32 frames in [0, 1], got uint8. Convert bytes with toUnit(frames).]`,
    );
    expect(encode(ndarray('float64', good.shape))).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: encode: expected float32 frames in [0, 1], got float64. Convert them first.]`,
    );
    expect(encode(withValue(NaN))).toThrowErrorMatchingInlineSnapshot(
      `[NonFiniteError: encode: expected finite frames, got NaN in frame 1.]`,
    );
    expect(encode(withValue(255))).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: encode: expected frames in [0, 1], got 255 in frame 1. Divide bytes by 255 with toUnit(frames).]`,
    );
    expect(encode(noise(0, 1))).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: encode: expected a batch of at least one frame, got none.]`,
    );
  });

  test.each(Object.entries(calls))('%s refuses what are no frames and changes nothing', (name, call) => {
    const before = vqvae.state();
    const bad: [NdArray, typeof ShapeError][] = [
      [noise(2, 1, [8, 8, 3]), ShapeError],
      [noise(8, 1, [8, 1]), ShapeError],
      [ndarray('float32', []), ShapeError],
      [ndarray('uint8', good.shape), DTypeError],
      [withValue(NaN), NonFiniteError],
      [withValue(-Infinity), NonFiniteError],
      [withValue(1.001), ConfigError],
      [withValue(-0.001), ConfigError],
      [noise(0, 1), ConfigError],
    ];
    for (const [frames, kind] of bad) {
      expect(() => call(frames)).toThrow(kind);
      expect(() => call(frames)).toThrow(`${name}: expected `);
    }
    expect(vqvae.state()).toEqual(before);
  });

  test('the ends of the range, and -0, are inside', () => {
    for (const value of [0, -0, 1]) expect(vqvae.encode(withValue(value)).shape).toEqual([2, 2, 2]);
  });

  test.each([NaN, -1, Infinity])('a learning rate of %d', (learningRate) => {
    const before = vqvae.state();
    expect(() => vqvae.trainStep(good, { learningRate })).toThrow(
      `trainStep: expected a learning rate >= 0, got ${learningRate}.`,
    );
    expect(vqvae.state()).toEqual(before);
  });
});

describe('tokens', () => {
  test('their messages', () => {
    const vqvae = tokenizer(cpu);
    const tokens = (data: number[], shape = [1, 2, 2]) => ndarray('int32', shape, Int32Array.from(data));
    for (const call of [(x: NdArray) => vqvae.decode(x), (x: NdArray) => vqvae.embed(x)]) {
      expect(call(tokens([0, 1, 2, 7])).shape[0]).toBe(1);
      expect(() => call(tokens([0, 1, 2, 8]))).toThrow(ConfigError);
      expect(() => call(tokens([0, -1, 2, 3]))).toThrow(ConfigError);
    }
    const decode = (x: NdArray) => () => vqvae.decode(x);
    expect(decode(tokens([0, 1, 8, 3]))).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: decode: expected tokens in [0, 8), got 8 at position 2.]`,
    );
    expect(decode(tokens([0, 1, 2, 3], [1, 4]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: decode: expected tokens of shape [B, 2, 2], got [1, 4].]`,
    );
    expect(decode(tokens([], [0, 2, 2]))).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: decode: expected a batch of at least one frame's tokens, got none.]`,
    );
    expect(decode(ndarray('float32', [1, 2, 2]))).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: decode: expected int32 tokens, got float32.]`,
    );
    expect(decode(tokens([0], []))).toThrow(ShapeError);
  });
});
