import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { ConfigError, ndarray, npRandom } from '@tessera/core';
import { constant, read } from '@tessera/engine';
import {
  conv,
  convTranspose,
  dense,
  embedding,
  groupNorm,
  initConv,
  initConvTranspose,
  initDense,
  initEmbedding,
  initNorm,
  norm,
} from '../src/index.ts';
import { call, engines, expectClose, floats, shaken } from './backends.ts';
import * as reference from './reference.ts';

const seeds = fc.noShrink(fc.nat(1e6));
const sizes = fc.constantFrom(1, 2, 3, 5);
const runs = { numRuns: 40 };

describe.each(engines)('%s', (_, engine) => {
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
