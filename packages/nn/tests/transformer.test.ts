import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { ConfigError, ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { constant } from '@tessera/engine';
import { attention, block, causalBias, initAttention, initBlock } from '../src/index.ts';
import { call, engines, expectClose, floats, shaken } from './backends.ts';
import * as reference from './reference.ts';

const seeds = fc.noShrink(fc.nat(1e6));
const runs = { numRuns: 20 };
const settings = fc.record({
  heads: fc.constantFrom(1, 2, 3),
  depth: fc.constantFrom(1, 2, 4),
  tokens: fc.constantFrom(1, 2, 5),
  batch: fc.constantFrom(1, 3),
  causal: fc.boolean(),
  seed: seeds,
});

const hidden = (query: number, key: number): number => (key > query ? -Infinity : 0);

describe.each(engines)('%s', (_, engine) => {
  test.prop([settings], runs)(
    'attention: softmax(q.k / sqrt(depth) + bias) v, head by head',
    ({ heads, depth, tokens, batch, causal, seed }) => {
      const parameters = shaken(initAttention(npRandom(seed), heads * depth), seed);
      const x = floats([batch, tokens, heads * depth], seed + 9);
      const out = call(engine, { parameters, x }, (p, input) =>
        attention(p, input, { heads, ...(causal && { bias: constant(causalBias(tokens)) }) }),
      );
      expectClose(out, reference.attention(parameters, x, { heads, ...(causal && { bias: hidden }) }), 2e-4);
    },
  );

  test.prop([settings, fc.constantFrom(1, 3)], runs)(
    'block: x + attention(norm(x)), then x + mlp(norm(x))',
    ({ heads, depth, tokens, batch, causal, seed }, expansion) => {
      const width = heads * depth;
      const parameters = shaken(initBlock(npRandom(seed), { width, expansion }), seed);
      const x = floats([batch, tokens, width], seed + 9);
      const out = call(engine, { parameters, x }, (p, input) =>
        block(p, input, { heads, ...(causal && { bias: constant(causalBias(tokens)) }) }),
      );
      expectClose(out, reference.block(parameters, x, { heads, ...(causal && { bias: hidden }) }), 1e-3);
    },
  );

  test.prop([fc.integer({ min: 2, max: 7 }), fc.nat(5), fc.constantFrom(1, 1e3), seeds], runs)(
    'with causalBias the outputs up to a token are bit for bit the same whatever follows',
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
        call(engine, { parameters, x: input }, (p, y) => block(p, y, { heads: 2, bias: constant(causalBias(tokens)) }));
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

test('causalBias: 0 on and below the diagonal, -1e9 above', () => {
  expect(causalBias(3)).toEqual(ndarray('float32', [3, 3], Float32Array.of(0, -1e9, -1e9, 0, 0, -1e9, 0, 0, 0)));
  expect(causalBias(0).shape).toEqual([0, 0]);
});
