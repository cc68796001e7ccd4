// The laws of the nearest-patch tokenizer: what it remembers, in which order, how exactly, and what it refuses.
import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { ConfigError, DTypeError, NonFiniteError, ShapeError, ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { NearestTokenizer, codeTable, evaluateTokenizer, nearestConfig, toUnit } from '../src/index.ts';
import { arcadeFrames, frameOf, noise } from './toy.ts';

// Frames of 4 x 6 pixels and 2 channels in 2 x 3 patches. Few grey values make patches meet again, and distances that are equal.
const frameShape = [4, 6, 2] as const;
const tokenShape = [2, 3] as const;
const patchSize = 8;

function grey(batch: number, seed: number, levels: number): NdArray<'float32'> {
  const generator = npRandom(seed);
  const frames = ndarray('float32', [batch, ...frameShape]);
  // Mostly dark, so that whole patches repeat; -0 is a dark pixel too.
  frames.data.forEach((_, i) => {
    frames.data[i] = generator.random() < 0.7 ? (i % 7 === 0 ? -0 : 0) : generator.integers(levels) / (levels - 1);
  });
  return frames;
}

const streams = fc
  .record({
    batch: fc.integer({ min: 1, max: 12 }),
    seed: fc.noShrink(fc.nat(1e6)),
    levels: fc.integer({ min: 2, max: 5 }),
    vocabulary: fc.integer({ min: 2, max: 80 }),
    threshold: fc.constantFrom(0, 1e-6, 0.05, 0.25, 0.5, 1, 3),
  })
  .map(({ batch, seed, levels, vocabulary, threshold }) => ({
    frames: grey(batch, seed, levels),
    vocabulary,
    threshold,
  }));

function nearest(vocabulary = 64, threshold = 0): NearestTokenizer {
  return new NearestTokenizer({ frameShape, tokenShape, vocabulary, threshold });
}

/** All patches of frames in the order of tokens, cut out pixel by pixel. */
function patchesOf({ shape, data }: NdArray<'float32'>): number[][] {
  const patches: number[][] = [];
  for (let n = 0; n < shape[0]!; n++) {
    for (let row = 0; row < 2; row++) {
      for (let column = 0; column < 3; column++) {
        const patch: number[] = [];
        for (let y = 0; y < 2; y++) {
          for (let x = 0; x < 2; x++) {
            for (let c = 0; c < 2; c++) patch.push(data[((n * 4 + row * 2 + y) * 6 + column * 2 + x) * 2 + c]! + 0);
          }
        }
        patches.push(patch);
      }
    }
  }
  return patches;
}

const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a, (x, i) => (x - b[i]!) ** 2).reduce((sum, square) => sum + square, 0);

/** The rule of the paper, word by word. */
function remember(patches: readonly number[][], vocabulary: number, threshold: number) {
  const codes: number[][] = [];
  let overflow = 0;
  for (const patch of patches) {
    if (codes.some((code) => distance(patch, code) <= threshold)) continue;
    if (codes.length < vocabulary) codes.push(patch);
    else overflow++;
  }
  return { codes, overflow };
}

const rowsOf = (tokenizer: NearestTokenizer): number[][] => {
  const { data } = codeTable(tokenizer);
  return Array.from({ length: tokenizer.spec.vocabulary }, (_, k) =>
    Array.from(data.subarray(k * patchSize, (k + 1) * patchSize), (x) => x + 0),
  );
};

describe('observing', () => {
  test.prop([streams])(
    'codes are the patches farther than tau from all before, in the order of first sight',
    (stream) => {
      const { frames, vocabulary, threshold } = stream;
      const tokenizer = nearest(vocabulary, threshold);
      const expected = remember(patchesOf(frames), vocabulary, threshold);
      expect(tokenizer.observe(frames)).toBe(expected.codes.length);
      expect(tokenizer.codeCount).toBe(expected.codes.length);
      expect(tokenizer.overflow).toBe(expected.overflow);
      const rows = rowsOf(tokenizer);
      expect(rows.slice(0, expected.codes.length)).toEqual(expected.codes);
      expect(
        rows
          .slice(expected.codes.length)
          .flat()
          .every((x) => x === 0),
      ).toBe(true);
    },
  );

  test.prop([streams, fc.array(fc.nat(11), { maxLength: 4 })])(
    'any split of a stream gives the same codebook',
    (stream, cuts) => {
      const { frames, vocabulary, threshold } = stream;
      const [whole, parts] = [nearest(vocabulary, threshold), nearest(vocabulary, threshold)];
      whole.observe(frames);
      const batch = frames.shape[0]!;
      const bounds = [0, ...cuts.map((cut) => cut % batch), batch].toSorted((a, b) => a - b);
      bounds.slice(1).forEach((end, i) => {
        const start = bounds[i]!;
        if (end === start) return;
        const data = frames.data.slice((start * frames.data.length) / batch, (end * frames.data.length) / batch);
        parts.observe(ndarray('float32', [end - start, ...frameShape], data));
      });
      expect(parts.state()).toEqual(whole.state());
    },
  );

  test.prop([streams])('codes never move, and known frames teach nothing', (stream) => {
    const { frames, vocabulary, threshold } = stream;
    const tokenizer = nearest(vocabulary, threshold);
    let before: number[][] = [];
    for (let n = 0; n < frames.shape[0]!; n++) {
      const found = tokenizer.observe(frameOf(frames, n));
      const rows = rowsOf(tokenizer).slice(0, tokenizer.codeCount);
      expect(rows.slice(0, before.length)).toEqual(before);
      expect(rows.length - before.length).toBe(found);
      before = rows;
    }
    const { codes, count } = tokenizer.state();
    expect(tokenizer.observe(frames)).toBe(0);
    expect(tokenizer.state()).toMatchObject({ codes, count });
  });

  test.prop([streams])('what was observed is within tau of its code, unless there was no room', (stream) => {
    const { frames, vocabulary, threshold } = stream;
    const tokenizer = nearest(vocabulary, threshold);
    tokenizer.observe(frames);
    const decoded = patchesOf(tokenizer.decode(tokenizer.encode(frames)));
    const far = patchesOf(frames).filter((patch, i) => distance(patch, decoded[i]!) > threshold).length;
    // There is never room again, so no later code serves a patch that overflowed.
    expect(far).toBe(tokenizer.overflow);
  });
});

describe('encoding', () => {
  test.prop([streams, fc.noShrink(fc.nat(1e6))])('the nearest code, ties to the lowest index', (stream, seed) => {
    const { frames, vocabulary, threshold } = stream;
    const tokenizer = nearest(vocabulary, threshold);
    tokenizer.observe(frames);
    const codes = rowsOf(tokenizer).slice(0, tokenizer.codeCount);
    const others = grey(3, seed, 3);
    const tokens = [...tokenizer.encode(others).data];
    const best = patchesOf(others).map((patch) => {
      const distances = codes.map((code) => distance(patch, code));
      return distances.indexOf(Math.min(...distances));
    });
    expect(tokens).toEqual(best);
  });

  test.prop([streams])(
    'codes are fixed points: encode(decode(k)) = k, and decoding twice changes nothing',
    (stream) => {
      const { frames, vocabulary, threshold } = stream;
      const tokenizer = nearest(vocabulary, threshold);
      tokenizer.observe(frames);
      const tokens = ndarray('int32', [Math.ceil(tokenizer.codeCount / 6), ...tokenShape]);
      for (let k = 0; k < tokenizer.codeCount; k++) tokens.data[k] = k;
      expect(tokenizer.encode(tokenizer.decode(tokens))).toEqual(tokens);
      const once = tokenizer.decode(tokenizer.encode(frames));
      expect(tokenizer.decode(tokenizer.encode(once))).toEqual(once);
    },
  );

  test.prop([streams])(
    'a batch is its rows one by one, and embeddings are the patches of the decoded frames',
    (stream) => {
      const { frames, vocabulary, threshold } = stream;
      const tokenizer = nearest(vocabulary, threshold);
      tokenizer.observe(frames);
      const before = tokenizer.state();
      const tokens = tokenizer.encode(frames);
      const decoded = tokenizer.decode(tokens);
      expect(tokens).toMatchObject({ dtype: 'int32', shape: [frames.shape[0], ...tokenShape] });
      expect(decoded.shape).toEqual(frames.shape);
      for (let n = 0; n < frames.shape[0]!; n++) {
        const one = tokenizer.encode(frameOf(frames, n));
        expect([...one.data]).toEqual([...tokens.data.subarray(n * 6, (n + 1) * 6)]);
        expect(tokenizer.decode(one)).toEqual(frameOf(decoded, n));
      }
      const vectors = tokenizer.embed(tokens);
      expect(vectors.shape).toEqual([...tokens.shape, patchSize]);
      expect(Array.from(vectors.data, (x) => x + 0)).toEqual(patchesOf(decoded).flat());
      expect(tokenizer.state()).toEqual(before);
    },
  );

  test('frames of a game come back exactly, from 25 tokens each', () => {
    const tokenizer = new NearestTokenizer();
    const frames = arcadeFrames(300, 1);
    const found = tokenizer.observe(frames);
    expect(found).toBeGreaterThan(20);
    expect(tokenizer.overflow).toBe(0);
    const { evaluation, decoded } = evaluateTokenizer(tokenizer, frames);
    expect(decoded.data.every((x, i) => x === frames.data[i])).toBe(true);
    expect(evaluation).toMatchObject({ mse: 0, psnr: 100, distinctPatches: found, deadCodes: 192 - found });
  });

  test('bytes that differ by one never share a code under the default threshold', () => {
    const tokenizer = new NearestTokenizer({ frameShape: [1, 256, 1], tokenShape: [1, 256], vocabulary: 256 });
    const bytes = toUnit(
      ndarray(
        'uint8',
        [1, 1, 256, 1],
        Uint8Array.from({ length: 256 }, (_, i) => i),
      ),
    );
    expect(tokenizer.observe(bytes)).toBe(256);
  });

  test('before anything was observed there is code 0 alone, and it is dark', () => {
    const tokenizer = nearest();
    const tokens = tokenizer.encode(noise(2, 1, frameShape));
    expect(tokens.data.every((token) => token === 0)).toBe(true);
    expect(tokenizer.decode(tokens).data.every((x) => x === 0)).toBe(true);
    tokens.data.fill(63); // a code that is not in use
    expect(tokenizer.embed(tokens).data.every((x) => x === 0)).toBe(true);
  });
});

describe('its state', () => {
  test.prop([streams, fc.noShrink(fc.nat(1e6))])('goes into another one, which goes on alike', (stream, seed) => {
    const { frames, vocabulary, threshold } = stream;
    const [one, other] = [nearest(vocabulary, threshold), nearest(vocabulary, threshold)];
    one.observe(frames);
    other.observe(grey(5, seed, 4)); // forgotten by loading
    other.loadState(one.state());
    const more = grey(6, seed + 1, 5);
    expect(other.observe(more)).toBe(one.observe(more));
    expect(other.state()).toEqual(one.state());
    expect(other.encode(more)).toEqual(one.encode(more));
    expect([other.codeCount, other.overflow]).toEqual([one.codeCount, one.overflow]);
  });

  test('is a copy', () => {
    const tokenizer = nearest();
    tokenizer.observe(grey(5, 1, 5));
    const table = codeTable(tokenizer);
    for (const { data } of Object.values(tokenizer.state())) data.fill(1 as never);
    expect(codeTable(tokenizer)).toEqual(table);
  });

  test('that is none is refused, and nothing changes', () => {
    const tokenizer = nearest(8);
    tokenizer.observe(grey(5, 1, 5));
    const before = tokenizer.state();
    const codes = before['codes'] as NdArray<'float32'>;
    const load = (changes: Record<string, NdArray | undefined>) => () => {
      const entries = Object.entries({ ...before, ...changes }).filter(([, array]) => array !== undefined);
      tokenizer.loadState(Object.fromEntries(entries) as Record<string, NdArray>);
    };
    const count = (value: number) => ndarray('int32', [], Int32Array.of(value));
    const withValue = (at: number, value: number) => ndarray('float32', [8, patchSize], codes.data.with(at, value));
    expect(load({ count: undefined })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: loadState: 'count' is missing.]`,
    );
    expect(load({ cuont: count(1) })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: loadState: there is no 'cuont'. Did you mean 'count'?]`,
    );
    expect(load({ codes: ndarray('float32', [9, patchSize]) })).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: loadState: 'codes' is of shape [8, 8], got [9, 8]. Build the tokenizer with the settings that it was saved with.]`,
    );
    expect(load({ codes: ndarray('float64', [8, patchSize]) })).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: loadState: 'codes' is float32, got float64.]`,
    );
    expect(load({ count: count(9) })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: loadState: expected a count from 0 to 8, got 9.]`,
    );
    expect(load({ count: count(-1) })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: loadState: expected a count from 0 to 8, got -1.]`,
    );
    expect(load({ count: count(7) })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: loadState: expected zeros, as only 7 codes are in use, in code 7, got 1.]`,
    );
    expect(load({ codes: withValue(3, NaN) })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: loadState: expected values in [0, 1] in code 0, got NaN.]`,
    );
    expect(load({ overflow: ndarray('float64', [], Float64Array.of(0.5)) })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: loadState: expected an overflow that counts patches, got 0.5.]`,
    );
    const twice = codes.data.slice();
    twice.copyWithin(3 * patchSize, 0, patchSize);
    expect(load({ codes: ndarray('float32', [8, patchSize], twice) })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: loadState: code 3 is the same patch as code 0.]`,
    );
    expect(load({ codes: { ...codes, data: codes.data.subarray(1) } })).toThrow(ShapeError);
    expect(tokenizer.state()).toEqual(before);
  });
});

describe('bad input', () => {
  const wrong = (options: object) => () => nearestConfig(options);

  test('settings', () => {
    expect(wrong({ treshold: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: NearestTokenizer settings: unknown field 'treshold'. Did you mean 'threshold'?]`,
    );
    expect(wrong({ vocabulary: 1, threshold: -1 })).toThrowErrorMatchingInlineSnapshot(`
      [ConfigError: NearestTokenizer settings: vocabulary: expected number to be >=2, got 1.
      NearestTokenizer settings: threshold: expected number to be >=0, got -1.]
    `);
    expect(wrong({ threshold: NaN })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: NearestTokenizer settings: threshold: expected number, got NaN.]`,
    );
    expect(wrong({ tokenShape: [5] })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: NearestTokenizer settings: tokenShape: expected array to have >=2 items, got [5].]`,
    );
    expect(wrong({ tokenShape: [6, 5] })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: NearestTokenizer: a frame of 20 x 20 pixels cannot be cut into 6 x 5 equal patches. Choose tokenShape so that rows divide the height and columns the width.]`,
    );
    expect(
      wrong({ frameShape: [640, 640, 3], tokenShape: [1, 1], vocabulary: 4096 }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: NearestTokenizer: 4096 codes of 1228800 numbers take more than the 268435456 allowed. Choose smaller patches or a smaller vocabulary.]`,
    );
    expect(() => new NearestTokenizer({ tokenShape: [40, 40] })).toThrow(ConfigError);
  });

  test('frames and tokens, and nothing is learned from them', () => {
    const tokenizer = nearest();
    const good = noise(2, 1, frameShape);
    const bad: [NdArray, typeof ShapeError][] = [
      [noise(2, 1, [4, 6, 3]), ShapeError],
      [noise(4, 1, [6, 2]), ShapeError],
      [ndarray('uint8', good.shape), DTypeError],
      [ndarray('float32', good.shape, good.data.with(95, NaN)), NonFiniteError],
      [ndarray('float32', good.shape, good.data.with(95, 1.5)), ConfigError],
      [noise(0, 1, frameShape), ConfigError],
    ];
    for (const [frames, kind] of bad) {
      expect(() => tokenizer.observe(frames)).toThrow(kind);
      expect(() => tokenizer.observe(frames)).toThrow('observe: expected ');
      expect(() => tokenizer.encode(frames)).toThrow('encode: expected ');
    }
    expect(tokenizer.codeCount).toBe(0);
    for (const tokens of [ndarray('int32', [1, 3, 2]), ndarray('float32', [1, 2, 3]), ndarray('int32', [0, 2, 3])]) {
      expect(() => tokenizer.decode(tokens)).toThrow('decode: expected ');
      expect(() => tokenizer.embed(tokens)).toThrow('embed: expected ');
    }
    const outside = ndarray('int32', [1, 2, 3], Int32Array.of(0, 0, 0, 0, 0, 64));
    expect(() => tokenizer.decode(outside)).toThrow('decode: expected tokens in [0, 64), got 64 at position 5.');
  });
});
