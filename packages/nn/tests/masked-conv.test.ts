// Masked convolutions: what an output sees is exactly what comes before it, in value and in gradient.
import { ConfigError, ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { constant, gradients, read, sum } from '@tessera/engine';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { causalMask, conv, initMaskedConv, maskedConv } from '../src/index.ts';
import { call, engines, expectClose, floats, shaken } from './backends.ts';

const kinds = fc.record({
  mask: fc.constantFrom('A' as const, 'B' as const),
  groups: fc.constantFrom(1, 2, 3),
  size: fc.constantFrom(1, 3, 5),
  perGroup: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 })),
  seed: fc.noShrink(fc.nat(1e6)),
});
const [height, width] = [4, 5];

describe.each(engines)('masked convolutions on %s', (_, engine) => {
  test.prop([kinds, fc.nat(height * width - 1), fc.nat(5)], { numRuns: 40 })(
    'a change of an input reaches outputs after it alone',
    ({ mask, groups, size, perGroup, seed }, place, someChannel) => {
      const [inputs, outputs] = [perGroup[0] * groups, perGroup[1] * groups];
      const parameters = shaken(initMaskedConv(npRandom(seed), { size, inputs, outputs, mask, groups }), seed);
      const x = floats([1, height, width, inputs], seed + 9);
      const channel = someChannel % inputs;
      const other = ndarray('float32', x.shape, x.data.slice());
      other.data[place * inputs + channel]! += 1;
      const [before, after] = [x, other].map((input) =>
        call(engine, { parameters, x: input }, (p, y) => maskedConv(p, y, { mask, groups })),
      );
      const changedGroup = Math.floor(channel / perGroup[0]);
      for (let i = 0; i < height * width * outputs; i++) {
        const [at, group] = [Math.floor(i / outputs), Math.floor((i % outputs) / perGroup[1])];
        const sameOrEarlier = mask === 'A' ? changedGroup < group : changedGroup <= group;
        const [dy, dx] = [Math.floor(at / width) - Math.floor(place / width), (at % width) - (place % width)];
        const near = Math.max(Math.abs(dy), Math.abs(dx)) <= (size - 1) / 2;
        const sees = near && (at > place || (at === place && sameOrEarlier));
        expect(before!.data[i] !== after!.data[i]).toBe(sees);
      }
    },
  );

  test.prop([kinds], { numRuns: 20 })(
    'is the convolution of the masked kernel, and hidden weights have gradient 0',
    (kind) => {
      const { mask, groups, size, perGroup, seed } = kind;
      const sizes = { size, inputs: perGroup[0] * groups, outputs: perGroup[1] * groups };
      const parameters = shaken(initMaskedConv(npRandom(seed), { ...sizes, mask, groups }), seed);
      const x = floats([2, height, width, sizes.inputs], seed + 9);
      const seen = causalMask(sizes, { mask, groups });
      const kernel = ndarray(
        'float32',
        seen.shape,
        parameters.kernel.data.map((w, i) => w * seen.data[i]!),
      );
      expectClose(
        call(engine, { parameters, x }, (p, y) => maskedConv(p, y, { mask, groups })),
        call(engine, { parameters: { ...parameters, kernel }, x }, conv) as NdArray<'float32'>,
      );
      const state = engine.state(parameters);
      const slope = state.eager((p) => {
        const y = maskedConv(p, constant(x), { mask, groups });
        return read(gradients(sum(y), [p.kernel])[0]!);
      });
      state.dispose();
      for (const [i, tap] of seen.data.entries()) if (tap === 0) expect(Math.abs(Number(slope.data[i]))).toBe(0);
    },
  );
});

test('two layers, A then B, see everything before in raster order and nothing else', () => {
  const [, engine] = engines[1]!;
  const first = shaken(initMaskedConv(npRandom(0), { size: 5, inputs: 1, outputs: 2, mask: 'A' }), 1);
  const second = shaken(initMaskedConv(npRandom(0), { size: 5, inputs: 2, outputs: 1, mask: 'B' }), 7);
  const parameters = { first, second };
  const run = (x: ReturnType<typeof floats>) =>
    call(engine, { parameters, x }, (p, y) =>
      maskedConv(p.second, maskedConv(p.first, y, { mask: 'A' }), { mask: 'B' }),
    ).data;
  const x = floats([1, 3, 3, 1], 3);
  const before = run(x);
  for (let place = 0; place < 9; place++) {
    const changed = ndarray(
      'float32',
      x.shape,
      x.data.map((value, i) => (i === place ? value + 1 : value)),
    );
    const after = run(changed);
    for (let at = 0; at < 9; at++) expect(before[at] !== after[at]).toBe(at > place);
  }
});

test('starting weights keep the scale by the taps that are seen', () => {
  const kernel = (mask: 'A' | 'B') => initMaskedConv(npRandom(0), { size: 3, inputs: 64, outputs: 64, mask }).kernel;
  const deviation = ({ data }: { data: Float32Array }) => Math.sqrt(data.reduce((s, w) => s + w * w, 0) / data.length);
  expect(deviation(kernel('A'))).toBeCloseTo(Math.sqrt(2 / (4 * 64)), 3);
  expect(deviation(kernel('B'))).toBeCloseTo(Math.sqrt(2 / (5 * 64)), 3);
});

test('even kernels and channels that do not divide are errors', () => {
  expect(() => causalMask({ size: 4, inputs: 1, outputs: 1 }, { mask: 'A' })).toThrowErrorMatchingInlineSnapshot(
    `[ConfigError: causalMask: expected an odd kernel size, which has a middle, got 4.]`,
  );
  expect(() =>
    causalMask({ size: 3, inputs: 3, outputs: 4 }, { mask: 'B', groups: 3 }),
  ).toThrowErrorMatchingInlineSnapshot(`[ConfigError: causalMask: 4 channels do not divide into 3 groups.]`);
  expect(() => causalMask({ size: 3, inputs: 2, outputs: 2 }, { mask: 'B', groups: 0 })).toThrow(ConfigError);
});
