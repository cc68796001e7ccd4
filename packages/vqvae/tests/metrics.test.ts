import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { ShapeError, ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { TokenizerEvaluator, evaluateTokenizer } from '../src/evaluation.ts';
import { checkTokens, toBytes, toUnit } from '../src/frames.ts';
import { patchCounts } from '../src/metrics/patches.ts';
import { reconstructionQuality } from '../src/metrics/reconstruction.ts';
import type { Tokenizer } from '../src/tokenizer.ts';
import { codeUsage, countCodes, tokenChurn, usageCeilings } from '../src/usage.ts';

const tokenLists = fc.integer({ min: 1, max: 40 }).chain((vocabulary) =>
  fc.record({
    vocabulary: fc.constant(vocabulary),
    tokens: fc.array(fc.nat(vocabulary - 1), { minLength: 1, maxLength: 200 }),
    seed: fc.nat(1e6),
  }),
);

function frames(shape: readonly number[], value: (i: number) => number): NdArray<'float32'> {
  const array = ndarray('float32', shape);
  array.data.forEach((_, i) => (array.data[i] = value(i)));
  return array;
}

describe('codeUsage', () => {
  test.prop([tokenLists])('1 <= perplexity <= used codes <= min(K, N)', ({ vocabulary, tokens }) => {
    const { perplexity, usage, dead, tokens: count } = codeUsage(countCodes(tokens, vocabulary));
    const used = new Set(tokens).size;
    expect(count).toBe(tokens.length);
    expect(dead).toBe(vocabulary - used);
    expect(usage).toBeCloseTo(used / vocabulary, 12);
    expect(perplexity).toBeGreaterThanOrEqual(1 - 1e-12);
    expect(perplexity).toBeLessThanOrEqual(used * (1 + 1e-12));
    expect(used).toBeLessThanOrEqual(Math.min(vocabulary, tokens.length));
  });

  test.prop([tokenLists])('new names for the codes change nothing', ({ vocabulary, tokens, seed }) => {
    const names = npRandom(seed).permutation(vocabulary);
    const [before, after] = [tokens, tokens.map((k) => Number(names[k]))].map((list) =>
      codeUsage(countCodes(list, vocabulary)),
    );
    expect(after!.perplexity).toBeCloseTo(before!.perplexity, 10);
    expect({ ...after, perplexity: 0 }).toEqual({ ...before, perplexity: 0 });
  });

  test.prop([fc.integer({ min: 1, max: 512 }), fc.integer({ min: 1, max: 9 }), fc.nat(100)])(
    'm codes used alike have perplexity m',
    (codes, hits, unused) => {
      const counts = [...Array<number>(codes).fill(hits), ...Array<number>(unused).fill(0)];
      expect(codeUsage(counts).perplexity / codes).toBeCloseTo(1, 10);
    },
  );

  test('by hand: shares 1/2, 1/4, 1/4 carry 1.5 bits', () => {
    expect(codeUsage([2, 0, 1, 1])).toEqual({ perplexity: 2 ** 1.5, usage: 0.75, dead: 1, tokens: 4 });
  });

  test('nothing seen', () => {
    expect(codeUsage([0, 0])).toEqual({ perplexity: 1, usage: 0, dead: 2, tokens: 0 });
  });
});

describe('usageCeilings', () => {
  // Means over 40 samples of equally likely codes, measured elsewhere to the digits given.
  test.each([
    [64, 1024, 1, 62.0],
    [256, 1024, 0.982, 224.5],
    [512, 512, 0.632, 288],
    [512, 2048, 0.982, 448.5],
    [512, 8192, 1, 495.9],
    [512, 32768, 1, 508.0],
    [1024, 8192, 1, 960.7],
  ])('K = %i, N = %i: usage %d, perplexity %d', (vocabulary, tokens, usage, perplexity) => {
    const ceilings = usageCeilings({ vocabulary, tokens });
    expect(ceilings.usage).toBeCloseTo(usage, 3);
    // The table averages perplexities, the ceiling is exp of the mean entropy, which is no larger.
    expect(Math.abs(ceilings.perplexity / perplexity - 1)).toBeLessThan(3e-3);
  });

  test.prop([fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 300 }), fc.noShrink(fc.nat(1e6))], {
    numRuns: 30,
  })('are what samples of equally likely codes show', (vocabulary, tokens, seed) => {
    const generator = npRandom(seed);
    const samples = Array.from({ length: 300 }, () => {
      const list = Array.from({ length: tokens }, () => generator.integers(vocabulary));
      return codeUsage(countCodes(list, vocabulary));
    });
    const close = (values: number[], expected: number) => {
      const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
      const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (values.length - 1);
      expect(Math.abs(mean - expected)).toBeLessThanOrEqual(6 * Math.sqrt(variance / values.length) + 5e-3);
    };
    const ceilings = usageCeilings({ vocabulary, tokens });
    close(
      samples.map(({ usage }) => usage),
      ceilings.usage,
    );
    close(
      samples.map(({ perplexity }) => Math.log(perplexity)),
      Math.log(ceilings.perplexity),
    );
  });

  test('the edges: one code, one token, none', () => {
    expect(usageCeilings({ vocabulary: 1, tokens: 5 }).usage).toBe(1);
    expect(usageCeilings({ vocabulary: 1, tokens: 5 }).perplexity).toBeCloseTo(1, 12);
    expect(usageCeilings({ vocabulary: 4, tokens: 1 }).usage).toBeCloseTo(0.25, 12);
    expect(usageCeilings({ vocabulary: 4, tokens: 1 }).perplexity).toBeCloseTo(1, 12);
    expect(usageCeilings({ vocabulary: 4, tokens: 0 })).toEqual({ usage: 0, perplexity: 1 });
    expect(usageCeilings({ vocabulary: 64, tokens: 1e7 }).perplexity).toBeCloseTo(64, 3);
  });
});

describe('tokenChurn', () => {
  test.prop([fc.array(fc.boolean(), { minLength: 1, maxLength: 50 })])(
    'is the share of positions that differ',
    (changed) => {
      const before = changed.map((_, i) => i);
      const after = changed.map((is, i) => (is ? i + 1 : i));
      expect(tokenChurn(before, after)).toBeCloseTo(changed.filter(Boolean).length / changed.length, 12);
      expect(tokenChurn(before, before)).toBe(0);
    },
  );

  test('of nothing is 0; of lists of two lengths an error', () => {
    expect(tokenChurn([], [])).toBe(0);
    expect(() => tokenChurn([1, 2], [1])).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: tokenChurn: expected tokens of the same frames, got 2 and 1 of them.]`,
    );
  });
});

describe('reconstructionQuality', () => {
  const half = frames([2, 2, 2, 1], (i) => i % 2); // variance 1/4
  test.prop([fc.constantFrom(1, 0.5, 0.25, 0.125)])('an error of d everywhere', (d) => {
    const { mse, nmse, psnr } = reconstructionQuality(
      half,
      frames(half.shape, (i) => (i % 2) + d),
    );
    expect(mse).toBeCloseTo(d ** 2, 12);
    expect(nmse).toBeCloseTo(4 * d ** 2, 12);
    expect(psnr).toBeCloseTo(-20 * Math.log10(d), 10);
  });

  test('the PSNR is the mean over frames, not that of the mean error', () => {
    const { psnr } = reconstructionQuality(
      half,
      frames(half.shape, (i) => (i % 2) + (i < 4 ? 0.1 : 0.001)),
    );
    expect(psnr).toBeCloseTo((20 + 60) / 2, 3);
  });

  test('the mean frame has NMSE 1', () => {
    expect(
      reconstructionQuality(
        half,
        frames(half.shape, () => 0.5),
      ).nmse,
    ).toBe(1);
  });

  test('exact frames: 0, 0 and 100 dB', () => {
    expect(reconstructionQuality(half, half)).toEqual({ mse: 0, nmse: 0, psnr: 100 });
  });

  test.prop([fc.float({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 5 })])(
    'frames of one colour have no variance to explain',
    (colour, batch) => {
      const flat = frames([batch, 3, 3, 1], () => colour);
      expect(reconstructionQuality(flat, flat)).toEqual({ mse: 0, nmse: 0, psnr: 100 });
      expect(
        reconstructionQuality(
          flat,
          frames(flat.shape, () => colour / 2 + 0.3),
        ).nmse,
      ).toBe(Math.fround(colour / 2 + 0.3) === Math.fround(colour) ? 0 : Infinity);
    },
  );

  test('other shapes, and nothing at all', () => {
    expect(() =>
      reconstructionQuality(
        half,
        frames([2, 4, 1, 1], () => 0),
      ),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: reconstructionQuality: frames are [2, 2, 2, 1], decoded ones [2, 4, 1, 1].]`,
    );
    const none = frames([0, 2, 2, 1], () => 0);
    expect(() => reconstructionQuality(none, none)).toThrow(ShapeError);
  });
});

describe('bytes', () => {
  test('toUnit and toBytes are inverses on every byte', () => {
    const bytes = ndarray(
      'uint8',
      [256],
      Uint8Array.from({ length: 256 }, (_, i) => i),
    );
    const unit = toUnit(bytes);
    expect(unit.data[0]).toBe(0);
    expect(unit.data[255]).toBe(1);
    expect(unit.data[51]).toBe(Math.fround(0.2));
    expect(toBytes(unit)).toEqual(bytes);
  });

  test('toUnit refuses what is no byte', () => {
    expect(() => toUnit(ndarray('float32', [1]) as never)).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: toUnit: expected uint8 frames, got float32.]`,
    );
  });

  test.prop([fc.nat(255), fc.nat(1e6)])('patches are counted under their tokens', (colour, seed) => {
    const generator = npRandom(seed);
    const cells = Array.from({ length: 6 }, () => generator.integers(4)); // 2 frames of 1 x 3 cells of 2 x 2 pixels; a bit for each row
    const image = frames([2, 2, 6, 1], (i) => {
      const [frame, row, column] = [Math.floor(i / 12), Math.floor(i / 6) % 2, i % 6];
      return (colour / 255 + ((cells[frame * 3 + Math.floor(column / 2)]! >> row) & 1)) / 2;
    });
    const expected = [0, 1, 2, 3].map((cell) => cells.filter((c) => c === cell).length).filter((n) => n > 0);
    const ascending = (counts: number[]) => counts.toSorted((a, b) => a - b);
    expect(ascending(patchCounts(image, [1, 3]))).toEqual(ascending(expected));
    expect(patchCounts(image, [7]).reduce((sum, n) => sum + n, 0)).toBe(2);
  });
});

// Two codes, dark and bright, one per pixel.
const threshold: Tokenizer = {
  spec: { frameShape: [2, 2, 1], tokenShape: [2, 2], vocabulary: 4, codeDim: 1 },
  encode: ({ data, shape }) =>
    ndarray(
      'int32',
      shape.slice(0, 3),
      Int32Array.from(data as Float32Array, (x) => (x > 0.5 ? 1 : 0)),
    ),
  embed: ({ data, shape }) => ndarray('float32', [...shape, 1], Float32Array.from(data as Int32Array)),
  decode: ({ data, shape }) => ndarray('float32', [...shape, 1], Float32Array.from(data as Int32Array)),
  dispose: () => undefined,
};

test('evaluateTokenizer measures both directions of any tokenizer', () => {
  const image = frames([2, 2, 2, 1], (i) => [0, 1, 0, 0.75][i % 4]!);
  const { evaluation, tokens, decoded } = evaluateTokenizer(threshold, image);
  expect([...tokens.data]).toEqual([0, 1, 0, 1, 0, 1, 0, 1]);
  checkTokens('the test', tokens, threshold.spec);
  expect([...decoded.data]).toEqual([0, 1, 0, 1, 0, 1, 0, 1]);
  expect(evaluation).toEqual({
    mse: 1 / 64,
    nmse: 1 / 64 / 0.19921875, // (0, 1, 0, 3/4) lie around 7/16
    psnr: 10 * Math.log10(64),
    frames: 2,
    tokens: 8,
    perplexity: 2,
    perplexityCeiling: usageCeilings({ vocabulary: 4, tokens: 8 }).perplexity,
    usage: 0.5,
    usageCeiling: 0.75,
    deadCodes: 2,
    distinctPatches: 3,
    meanFrameNmse: 0, // both frames are the mean frame
  });
  // Two flat frames of 1/4 and 3/4: the mean frame is off by the deviation itself.
  const flat = frames([2, 2, 2, 1], (i) => (i < 4 ? 0.25 : 0.75));
  expect(evaluateTokenizer(threshold, flat).evaluation.meanFrameNmse).toBe(1);
});

const greys = fc.array(fc.constantFrom(0, 0.1, 0.25, 0.6, 1), { minLength: 4, maxLength: 80, size: 'max' });

test.prop([greys, fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 6 }), fc.constantFrom(0, 0.3)])(
  'a set that comes in batches is measured as the same frames at once, and as the definitions say',
  (values, cuts, base) => {
    const count = Math.floor(values.length / 4);
    const image = frames([count, 2, 2, 1], (i) => base + 0.7 * values[i]!);
    const evaluator = new TokenizerEvaluator(threshold);
    const tokens: number[] = [];
    let start = 0;
    for (const length of [...cuts, count]) {
      const end = Math.min(count, start + length);
      if (end === start) break;
      const part = ndarray('float32', [end - start, 2, 2, 1], image.data.slice(start * 4, end * 4));
      tokens.push(...evaluator.add(part).tokens.data);
      start = end;
    }
    const all = evaluateTokenizer(threshold, image);
    expect(tokens).toEqual([...all.tokens.data]);
    const result = evaluator.result();
    for (const [name, value] of Object.entries(all.evaluation))
      expect(result[name as keyof typeof result]).toBeCloseTo(value as number, 9);
    const mean = image.data.reduce((sum, x) => sum + x, 0) / image.data.length;
    const variance = image.data.reduce((sum, x) => sum + (x - mean) ** 2, 0) / image.data.length;
    if (variance > 1e-9) expect(result.nmse).toBeCloseTo(result.mse / variance, 9);
    const still = frames(image.shape, (i) => {
      const pixel = Array.from({ length: count }, (_, n) => image.data[n * 4 + (i % 4)]!);
      return pixel.reduce((sum, x) => sum + x, 0) / count;
    });
    const expected = reconstructionQuality(image, still);
    if (variance > 1e-9) expect(result.meanFrameNmse).toBeCloseTo(expected.nmse, 6);
  },
);

test('patches that differ in one byte are two, whatever the bytes', () => {
  const every = frames([256, 1, 1, 1], (i) => i / 255);
  expect(patchCounts(every, [1, 1])).toEqual(Array(256).fill(1));
});

test('an evaluator of nothing, and patches of frames that are not cut', () => {
  expect(() => new TokenizerEvaluator(threshold).result()).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: reconstructionQuality: expected at least one frame, got none.]`,
  );
  const videos = ndarray('float32', [3, 2, 2, 2, 3]);
  videos.data.set([1], 23); // the last number of the first video
  expect(patchCounts(videos, [2, 2])).toEqual([1, 2]);
});
