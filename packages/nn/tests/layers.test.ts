import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { ConfigError, ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { constant, gradients, read, sum } from '@tessera/engine';
import {
  attention,
  block,
  conv,
  convTranspose,
  dense,
  embedding,
  groupNorm,
  initAdam,
  initAttention,
  initBlock,
  initConv,
  initConvTranspose,
  initDense,
  initEmbedding,
  initNorm,
  norm,
  ones,
  zeros,
} from '../src/index.ts';
import { call, engines, expectClose, floats, shaken } from './backends.ts';
import { expectMoments, gaussian } from './moments.ts';
import * as reference from './reference.ts';

const seeds = fc.noShrink(fc.nat(1e6));
const sizes = fc.constantFrom(1, 2, 3, 5);
const runs = { numRuns: 30 };
const few = { numRuns: 15 };

describe.each(engines)('layers on %s', (_, engine) => {
  test.prop([fc.array(sizes, { maxLength: 3 }), sizes, sizes, seeds], runs)(
    'dense: x kernel + bias on the last axis',
    (axes, inputs, outputs, seed) => {
      const parameters = shaken(initDense(npRandom(seed), { inputs, outputs }), seed);
      const x = floats([2, ...axes, inputs], seed + 9);
      expectClose(call(engine, { parameters, x }, dense), reference.dense(parameters, x));
    },
  );

  test.prop([sizes, sizes, fc.constantFrom(1, 2, 3, 4), fc.constantFrom(1, 2), fc.boolean(), seeds], runs)(
    'conv: the sum over taps, padded as TensorFlow pads',
    (inputs, outputs, size, stride, valid, seed) => {
      const parameters = shaken(initConv(npRandom(seed), { size, inputs, outputs }), seed);
      const x = floats([2, 5, 7, inputs], seed + 9);
      const options = { stride, padding: valid ? 'valid' : 'same' } as const;
      expectClose(
        call(engine, { parameters, x }, (p, input) => conv(p, input, options)),
        reference.conv(parameters, x, options),
      );
    },
  );

  test.prop([sizes, sizes, fc.constantFrom(1, 2, 3, 4), fc.constantFrom(1, 2), seeds], runs)(
    'convTranspose: each input spread over the outputs',
    (inputs, outputs, size, stride, seed) => {
      const parameters = shaken(initConvTranspose(npRandom(seed), { size, inputs, outputs, stride }), seed);
      const x = floats([2, 3, 4, inputs], seed + 9);
      expectClose(
        call(engine, { parameters, x }, (p, input) => convTranspose(p, input, { stride })),
        reference.convTranspose(parameters, x, { stride }),
      );
    },
  );

  test.prop([fc.array(sizes, { maxLength: 3 }), sizes, sizes, seeds], runs)(
    'embedding: rows of the table, bit for bit',
    (axes, vocabulary, width, seed) => {
      const generator = npRandom(seed);
      const table = initEmbedding(generator, { vocabulary, width });
      const count = axes.reduce<number>((product, n) => product * n, 1);
      const indices = ndarray(
        'int32',
        axes,
        Int32Array.from({ length: count }, () => generator.integers(vocabulary)),
      );
      const rows = engine.eager(() => read(embedding(constant(table), constant(indices))));
      const expected = reference.tabulate([...axes, width], (index) =>
        reference.at(table, [reference.at(indices, index.slice(0, -1)), index.at(-1)!]),
      );
      expect(rows.shape).toEqual(expected.shape);
      expect([...rows.data]).toEqual(Array.from(expected.data));
    },
  );

  test.prop([fc.array(sizes, { maxLength: 3 }), sizes, fc.constantFrom(1e-5, 0.1), seeds], runs)(
    'norm: (x - mean) / sqrt(variance + epsilon) scale + bias',
    (axes, width, epsilon, seed) => {
      const parameters = shaken(initNorm(width), seed);
      const x = floats([...axes, width], seed + 9);
      const out = call(engine, { parameters, x }, (p, input) => norm(p, input, { epsilon }));
      expectClose(out, reference.layerNorm(parameters, x, epsilon), 1e-4);
    },
  );

  test.prop([fc.constantFrom(1, 2, 3), sizes, sizes, fc.constantFrom(1e-5, 0.1), seeds], runs)(
    'groupNorm: the same over the pixels and channels of a group',
    (groups, depth, height, epsilon, seed) => {
      const channels = groups * depth;
      const parameters = shaken(initNorm(channels), seed);
      const x = floats([2, height, 3, channels], seed + 9);
      const out = call(engine, { parameters, x }, (p, input) => groupNorm(p, input, { groups, epsilon }));
      expectClose(out, reference.groupNorm(parameters, x, groups, epsilon), 1e-4);
    },
  );

  test('groupNorm under a common offset of 1000 keeps its digits', () => {
    const parameters = initNorm(4);
    const x = floats([1, 3, 3, 4], 1);
    for (let i = 0; i < x.data.length; i++) x.data[i] = 1000 + x.data[i]!;
    const out = call(engine, { parameters, x }, (p, input) => groupNorm(p, input, { groups: 2 }));
    expectClose(out, reference.groupNorm(parameters, x, 2), 1e-3);
  });

  test.each([3, 0, -2, NaN])('groupNorm of 4 channels refuses %d groups', (groups) => {
    const run = () =>
      call(engine, { parameters: initNorm(4), x: floats([1, 2, 2, 4], 0) }, (p, x) => groupNorm(p, x, { groups }));
    expect(run).toThrow(ConfigError);
    expect(run).toThrow(`groupNorm: 4 channels do not divide into ${groups} groups.`);
  });

  test('layers refuse inputs of another width', () => {
    const run = () =>
      call(engine, { parameters: initDense(npRandom(0), { inputs: 3, outputs: 2 }), x: floats([5, 4], 0) }, dense);
    expect(run).toThrowErrorMatchingInlineSnapshot(`[ShapeError: matMul: [5, 4] times [3, 2] do not fit.]`);
  });
});

const settings = fc.record({
  heads: fc.constantFrom(1, 2, 3),
  depth: fc.constantFrom(1, 2, 4),
  tokens: fc.constantFrom(1, 2, 5),
  batch: fc.constantFrom(1, 3),
  causal: fc.boolean(),
  seed: seeds,
});

const hidden = (query: number, key: number): number => (key > query ? -Infinity : 0);

describe.each(engines)('transformers on %s', (_, engine) => {
  test.prop([settings], few)(
    'attention: softmax(q.k / sqrt(depth) + bias) v, head by head',
    ({ heads, depth, tokens, batch, causal, seed }) => {
      const parameters = shaken(initAttention(npRandom(seed), heads * depth), seed);
      const x = floats([batch, tokens, heads * depth], seed + 9);
      const out = call(engine, { parameters, x }, (p, input) => attention(p, input, { heads, causal }));
      expectClose(out, reference.attention(parameters, x, { heads, ...(causal && { bias: hidden }) }), 2e-4);
    },
  );

  test.prop([settings, fc.constantFrom(1, 3), fc.constantFrom('gelu', 'relu', undefined)], few)(
    'block: x + attention(norm(x)), then x + mlp(norm(x)) with GELU or ReLU',
    ({ heads, depth, tokens, batch, causal, seed }, expansion, activation) => {
      const width = heads * depth;
      const parameters = shaken(initBlock(npRandom(seed), { width, expansion }), seed);
      const x = floats([batch, tokens, width], seed + 9);
      const out = call(engine, { parameters, x }, (p, input) =>
        block(p, input, {
          heads,
          causal,
          ...(activation && { activation }),
        }),
      );
      const expected = reference.block(parameters, x, {
        heads,
        ...(causal && { bias: hidden }),
        ...(activation === 'relu' && { activation: (y: number) => Math.max(0, y) }),
      });
      expectClose(out, expected, 1e-3);
    },
  );

  test('where every hidden unit is off, ReLU lets no gradient through', () => {
    const parameters = shaken(initBlock(npRandom(3), { width: 4 }), 3);
    const slopesOf = (bias: number) => {
      const { kernel } = parameters.up;
      const up = { kernel, bias: ndarray('float32', [16], new Float32Array(16).fill(bias)) };
      const x = floats([2, 3, 4], 4);
      const slopes = call(engine, { parameters: { ...parameters, up }, x }, (p, input) => {
        const [slope] = gradients(sum(block(p, input, { heads: 2, activation: 'relu' })), [p.up.bias]);
        return slope!;
      });
      return [...slopes.data];
    };
    expect(slopesOf(-100).every((slope) => slope === 0)).toBe(true);
    expect(slopesOf(100).every((slope) => slope !== 0)).toBe(true);
  });

  test.prop([fc.integer({ min: 2, max: 7 }), fc.nat(5), fc.constantFrom(1, 1e3), seeds], few)(
    'causal: the outputs up to a token are bit for bit the same whatever follows',
    (tokens, last, scale, seed) => {
      const width = 8;
      const parameters = shaken(initBlock(npRandom(seed), { width }), seed);
      const x = floats([2, tokens, width], seed + 9);
      const seen = Math.min(last, tokens - 2) + 1; // tokens 0 .. seen - 1 are kept
      const future = floats([2, tokens, width], seed + 10);
      const changed = ndarray('float32', x.shape, x.data.slice());
      for (let n = 0; n < 2; n++) {
        for (let i = (n * tokens + seen) * width; i < (n + 1) * tokens * width; i++) {
          changed.data[i] = scale * future.data[i]!;
        }
      }
      const pass = (input: NdArray) =>
        call(engine, { parameters, x: input }, (p, y) => block(p, y, { heads: 2, causal: true }));
      const [before, after] = [pass(x), pass(changed)];
      const rows = ({ data }: NdArray, n: number, from: number, to: number) =>
        [...data].slice((n * tokens + from) * width, (n * tokens + to) * width);
      for (let n = 0; n < 2; n++) {
        expect(rows(after, n, 0, seen)).toEqual(rows(before, n, 0, seen));
        expect(rows(after, n, seen, tokens)).not.toEqual(rows(before, n, seen, tokens));
      }
    },
  );

  test('without the bias every output sees every token', () => {
    const parameters = shaken(initAttention(npRandom(1), 4), 1);
    const x = floats([1, 3, 4], 2);
    const changed = ndarray('float32', x.shape, x.data.with(11, 9));
    const pass = (input: NdArray) => call(engine, { parameters, x: input }, (p, y) => attention(p, y, { heads: 2 }));
    const [before, after] = [pass(x), pass(changed)];
    for (let i = 0; i < 12; i++) expect(after.data[i]).not.toBe(before.data[i]);
  });

  test.each([3, 0, -2, 0.5, NaN])('a width of 4 refuses %d heads', (heads) => {
    const run = () =>
      call(engine, { parameters: initAttention(npRandom(0), 4), x: floats([1, 2, 4], 0) }, (p, x) =>
        attention(p, x, { heads }),
      );
    expect(run).toThrow(ConfigError);
    expect(run).toThrow(`attention: a width of 4 does not divide into ${heads} heads.`);
  });
});

describe('layers start at', () => {
  const generator = () => npRandom(7);

  test('dense: He, times the gain, zero bias', () => {
    const { kernel, bias } = initDense(generator(), { inputs: 64, outputs: 64, gain: 0.5 });
    expect(kernel.shape).toEqual([64, 64]);
    expectMoments(kernel, 0.5 * Math.sqrt(2 / 64), gaussian);
    expect(bias).toEqual(zeros([64]));
  });

  test('conv: He over size * size * inputs', () => {
    const { kernel, bias } = initConv(generator(), { size: 4, inputs: 8, outputs: 32 });
    expect(kernel.shape).toEqual([4, 4, 8, 32]);
    expectMoments(kernel, Math.sqrt(2 / 128), gaussian);
    expect(bias).toEqual(zeros([32]));
  });

  test.each([
    [1, 16],
    [2, 4],
    [4, 1],
    [8, 1],
  ])('convTranspose of stride %i: He over %i taps times inputs', (stride, taps) => {
    const { kernel, bias } = initConvTranspose(generator(), { size: 4, inputs: 8, outputs: 32, stride });
    expect(kernel.shape).toEqual([4, 4, 32, 8]);
    expectMoments(kernel, Math.sqrt(2 / (taps * 8)), gaussian);
    expect(bias).toEqual(zeros([32]));
  });

  test('embedding: deviation 0.02', () => {
    const table = initEmbedding(generator(), { vocabulary: 64, width: 64 });
    expect(table.shape).toEqual([64, 64]);
    expectMoments(table, 0.02, gaussian);
    expectMoments(initEmbedding(generator(), { vocabulary: 64, width: 64, deviation: 3 }), 3, gaussian);
  });

  test('attention and block: variance 1 / fanIn, and 2 / fanIn in front of the GELU', () => {
    const { qkv, output } = initAttention(generator(), 64);
    expect(qkv.kernel.shape).toEqual([64, 192]);
    expectMoments(qkv.kernel, Math.sqrt(1 / 64), gaussian);
    expectMoments(output.kernel, Math.sqrt(1 / 64), gaussian);
    const { up, down, attentionNorm, mlpNorm } = initBlock(generator(), { width: 64, expansion: 2 });
    expectMoments(up.kernel, Math.sqrt(2 / 64), gaussian);
    expectMoments(down.kernel, Math.sqrt(1 / 128), gaussian);
    expect([attentionNorm, mlpNorm]).toEqual([initNorm(64), initNorm(64)]);
    expect(initNorm(2)).toEqual({ scale: ones([2]), bias: zeros([2]) });
  });

  test('Adam: moments of 0 under names without dots', () => {
    const parameters = { encoder: { down: [initDense(generator(), { inputs: 2, outputs: 3 })] } };
    expect(initAdam(parameters)).toEqual({
      step: zeros([]),
      first: { 'encoder/down/0/kernel': zeros([2, 3]), 'encoder/down/0/bias': zeros([3]) },
      second: { 'encoder/down/0/kernel': zeros([2, 3]), 'encoder/down/0/bias': zeros([3]) },
    });
  });
});
