// Convolutions that look back alone: each is the sum over taps that it is defined as, changes nothing before a change, and has the gradient of a bilinear function.
import { describe, expect } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { ConfigError, ShapeError, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { constant, gradients, mul, read, sum } from '@tessera/engine';
import type { Engine, Tensor, Traced } from '@tessera/engine';
import {
  causalConv3d,
  causalConv3dTranspose,
  initCausalConv3d,
  initCausalConv3dTranspose,
  initStackConv,
  stackConv,
  upsample,
} from '../src/index.ts';
import type { Linear, StackView } from '../src/index.ts';
import { call, engines, expectClose, floats, shaken } from './backends.ts';
import { expectMoments, gaussian } from './moments.ts';
import * as reference from './reference.ts';
import { at, tabulate } from './reference.ts';

const seeds = fc.noShrink(fc.nat(1e6));
const sizes = fc.constantFrom(1, 2, 3);
const views = fc.record({
  stack: fc.constantFrom('vertical', 'horizontal'),
  mask: fc.constantFrom('A', 'B'),
}) as fc.Arbitrary<StackView>;
const times = fc.constantFrom(
  { timeSize: 1, timeStride: 1 },
  { timeSize: 3, timeStride: 1 },
  { timeSize: 2, timeStride: 2 },
  { timeSize: 4, timeStride: 2 },
  { timeSize: 6, timeStride: 3 },
);
const few = { numRuns: 10 };

type Layer = (p: Traced<Linear>, x: Tensor) => Tensor;

/**
 * Fails unless the gradients of `sum(weights * layer(p, x))` are its differences: the layer is linear in its kernel and in its input, so that a step of 1 in one number
 * changes the sum by the slope, whatever the step.
 */
function expectSlopes(engine: Engine, { p, x, layer }: { p: Linear; x: NdArray<'float32'>; layer: Layer }): void {
  const out = call(engine, { parameters: p, x }, layer);
  const weights = floats(out.shape, 99);
  const weigh = (parameters: Linear, input: NdArray) => {
    const y = call(engine, { parameters, x: input }, layer);
    return (y.data as Float32Array).reduce((total, value, i) => total + value * weights.data[i]!, 0);
  };
  const slope = (which: 'x' | 'kernel') =>
    call(engine, { parameters: p, x }, (traced, input) => {
      const [found] = gradients(sum(mul(layer(traced, input), constant(weights))), [
        which === 'x' ? input : traced.kernel,
      ]);
      return found!;
    });
  const moved = <T extends NdArray<'float32'>>(array: T, i: number): T => {
    const data = array.data.slice();
    data[i]! += 1;
    return { ...array, data };
  };
  const base = weigh(p, x);
  const some = (count: number) => Array.from({ length: Math.min(count, 12) }, (_, i) => Math.floor((i * count) / 12));
  const [dx, dKernel] = [slope('x'), slope('kernel')];
  for (const i of some(x.data.length)) expect(weigh(p, moved(x, i)) - base).toBeCloseTo(Number(dx.data[i]), 3);
  for (const i of some(p.kernel.data.length)) {
    expect(weigh({ ...p, kernel: moved(p.kernel, i) }, x) - base).toBeCloseTo(Number(dKernel.data[i]), 3);
  }
}

describe.each(engines)('on %s', (_, engine) => {
  test.prop([views, fc.constantFrom(3, 5), sizes, sizes, seeds], few)(
    'stackConv: the sum over the taps of a size x size kernel that lie above, or to the left',
    (view, size, inputs, outputs, seed) => {
      const parameters = shaken(initStackConv(npRandom(seed), { size, inputs, outputs, ...view }), seed);
      const x = floats([2, 4, 3, inputs], seed + 9);
      const half = (size - 1) / 2;
      const own = view.mask === 'B' ? 1 : 0;
      const expected = tabulate([2, 4, 3, outputs], ([n, row, column, o]) => {
        let total = parameters.bias.data[o!]!;
        // i and j count rows and columns of the uncut kernel from its middle.
        for (let i = -half; i <= half; i++) {
          for (let j = -half; j <= half; j++) {
            const seen = view.stack === 'vertical' ? i < own : i === 0 && j < own;
            const [y, z] = [row! + i, column! + j];
            if (!seen || y < 0 || y >= 4 || z < 0 || z >= 3) continue;
            const tap = view.stack === 'vertical' ? [i + half, j + half] : [0, j + half];
            for (let c = 0; c < inputs; c++) total += at(x, [n!, y, z, c]) * at(parameters.kernel, [...tap, c, o!]);
          }
        }
        return total;
      });
      expectClose(
        call(engine, { parameters, x }, (p, input) => stackConv(p, input, view)),
        expected,
        1e-4,
      );
    },
  );

  test.prop(
    [times, fc.constantFrom(1, 2), fc.constantFrom(1, 3, 4), sizes, sizes, fc.constantFrom(1, 2, 3), seeds],
    few,
  )(
    'causalConv3d: the sum over frames up to its own and over pixels',
    (time, stride, size, inputs, outputs, steps, seed) => {
      const { timeSize, timeStride } = time;
      const parameters = shaken(initCausalConv3d(npRandom(seed), { timeSize, size, inputs, outputs }), seed);
      const x = floats([2, steps * timeStride, 4, 5, inputs], seed + 9);
      const flat = { kernel: parameters.kernel, bias: { ...parameters.bias, data: new Float32Array(outputs) } };
      // Each frame of the kernel is a convolution of pixels of its own.
      const parts = Array.from({ length: timeSize }, (__, k) => {
        const width = size * size * inputs * outputs;
        const kernel = {
          ...flat.kernel,
          shape: [size, size, inputs, outputs],
          data: flat.kernel.data.slice(k * width, (k + 1) * width),
        };
        const frames = { shape: [2 * steps * timeStride, 4, 5, inputs], data: x.data };
        return reference.conv({ ...flat, kernel }, frames, { stride, padding: 'same' });
      });
      const [, height, width] = parts[0]!.shape as [number, number, number];
      const expected = tabulate([2, steps, height, width, outputs], ([n, t, ...pixel]) => {
        let total = parameters.bias.data[pixel[2]!]!;
        for (let k = 0; k < timeSize; k++) {
          const frame = timeStride * (t! + 1) - timeSize + k;
          if (frame >= 0) total += at(parts[k]!, [n! * steps * timeStride + frame, ...pixel]);
        }
        return total;
      });
      expectClose(
        call(engine, { parameters, x }, (p, input) => causalConv3d(p, input, { stride, timeStride })),
        expected,
        1e-4,
      );
    },
  );

  test.prop([times, fc.constantFrom(1, 2), fc.constantFrom(2, 4), sizes, sizes, fc.constantFrom(1, 2, 3), seeds], few)(
    'causalConv3dTranspose: each input frame spread over its own frames and later ones',
    (time, stride, size, inputs, outputs, steps, seed) => {
      const { timeSize, timeStride } = time;
      const all = { timeSize, size, inputs, outputs, stride, timeStride };
      const parameters = shaken(initCausalConv3dTranspose(npRandom(seed), all), seed);
      const x = floats([2, steps, 3, 2, inputs], seed + 9);
      const bias = { ...parameters.bias, data: new Float32Array(outputs) };
      const parts = Array.from({ length: timeSize }, (__, k) => {
        const width = size * size * inputs * outputs;
        const data = parameters.kernel.data.slice(k * width, (k + 1) * width);
        const kernel = { ...parameters.kernel, shape: [size, size, outputs, inputs], data };
        return reference.convTranspose(
          { kernel, bias },
          { shape: [2 * steps, 3, 2, inputs], data: x.data },
          { stride },
        );
      });
      const expected = tabulate([2, steps * timeStride, 3 * stride, 2 * stride, outputs], ([n, f, ...pixel]) => {
        let total = parameters.bias.data[pixel[2]!]!;
        for (let t = 0; t < steps; t++) {
          const k = f! - timeStride * t;
          if (k >= 0 && k < timeSize) total += at(parts[k]!, [n! * steps + t, ...pixel]);
        }
        return total;
      });
      expectClose(
        call(engine, { parameters, x }, (p, input) => causalConv3dTranspose(p, input, { stride, timeStride })),
        expected,
        1e-4,
      );
    },
  );

  test.prop([times, fc.nat(3), fc.boolean(), seeds], few)(
    'a frame that changes changes nothing before it, bit for bit',
    (time, last, transposed, seed) => {
      const { timeStride } = time;
      const sizesOf = { ...time, size: 3, inputs: 2, outputs: 2 };
      const steps = 4;
      const frames = transposed ? steps : steps * timeStride;
      const x = floats([1, frames, 3, 3, 2], seed);
      const kept = Math.min(last, steps - 1); // steps before it stay
      const future = floats(x.shape, seed + 1);
      const from = (kept * frames * 18) / steps;
      const changed = { ...x, data: Float32Array.from(x.data, (value, i) => (i < from ? value : future.data[i]!)) };
      const run = (input: NdArray) =>
        transposed
          ? call(
              engine,
              { parameters: initCausalConv3dTranspose(npRandom(seed), { ...sizesOf, timeStride }), x: input },
              (p, y) => causalConv3dTranspose(p, y, { timeStride }),
            )
          : call(engine, { parameters: initCausalConv3d(npRandom(seed), sizesOf), x: input }, (p, y) =>
              causalConv3d(p, y, { timeStride }),
            );
      const [before, after] = [run(x).data, run(changed).data];
      const same = (kept * before.length) / steps;
      expect(after.slice(0, same)).toEqual(before.slice(0, same));
      expect(after.slice(same)).not.toEqual(before.slice(same));
    },
  );

  test('gradients are differences', () => {
    for (const stack of ['vertical', 'horizontal'] as const) {
      for (const mask of ['A', 'B'] as const) {
        const p = initStackConv(npRandom(1), { size: 3, inputs: 2, outputs: 3, stack, mask });
        expectSlopes(engine, { p, x: floats([1, 3, 3, 2], 2), layer: (q, x) => stackConv(q, x, { stack, mask }) });
      }
    }
    const strides = { stride: 2, timeStride: 2 };
    const sizesOf = { timeSize: 4, size: 4, inputs: 2, outputs: 2 };
    const down = initCausalConv3d(npRandom(1), sizesOf);
    expectSlopes(engine, { p: down, x: floats([1, 4, 4, 4, 2], 2), layer: (q, x) => causalConv3d(q, x, strides) });
    const up = initCausalConv3dTranspose(npRandom(1), { ...sizesOf, ...strides });
    expectSlopes(engine, {
      p: up,
      x: floats([1, 2, 2, 2, 2], 2),
      layer: (q, x) => causalConv3dTranspose(q, x, strides),
    });
  });

  test.prop([sizes, sizes, sizes, seeds], few)('upsample: every pixel four times', (height, width, channels, seed) => {
    const x = floats([2, height, width, channels], seed);
    const expected = tabulate([2, 2 * height, 2 * width, channels], ([n, row, column, c]) =>
      at(x, [n!, row! >> 1, column! >> 1, c!]),
    );
    expectClose(
      call(engine, { parameters: {}, x }, (__, input) => upsample(input)),
      expected,
      0,
    );
  });

  test('refuses kernels, strides and inputs that do not fit', () => {
    for (const size of [1, 2, 0, 3.5]) {
      expect(() => initStackConv(npRandom(0), { size, inputs: 1, outputs: 1, stack: 'vertical', mask: 'A' })).toThrow(
        ConfigError,
      );
    }
    const parameters = initCausalConv3d(npRandom(0), { timeSize: 4, size: 3, inputs: 1, outputs: 1 });
    const run = (shape: readonly number[], timeStride: number, layer = causalConv3d) =>
      call(engine, { parameters, x: floats(shape, 0) }, (p, x) => read(layer(p, x, { timeStride })) && x);
    expect(() => run([1, 6, 2, 2, 1], 3)).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: causalConv3d: expected a time stride that divides the kernel's 4 frames, got 3.]`,
    );
    expect(() => run([1, 6, 2, 2, 1], 3, causalConv3dTranspose)).toThrow(ConfigError);
    expect(() => run([1, 5, 2, 2, 1], 2)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: causalConv3d: expected frames [N, T, H, W, C] with T a multiple of 2, got [1, 5, 2, 2, 1].]`,
    );
    expect(() => run([5, 2, 2, 1], 1)).toThrow(ShapeError);
  });
});

test('starting values keep the variance of what an output sums over', () => {
  const sizesOf = { timeSize: 4, size: 4, inputs: 16, outputs: 16 };
  expectMoments(initCausalConv3d(npRandom(1), sizesOf).kernel, Math.sqrt(2 / (64 * 16)), gaussian);
  const up = initCausalConv3dTranspose(npRandom(1), { ...sizesOf, stride: 2, timeStride: 2 });
  expectMoments(up.kernel, Math.sqrt(2 / (8 * 16)), gaussian);
  const view = { stack: 'vertical', mask: 'B' } as const;
  expectMoments(
    initStackConv(npRandom(1), { size: 5, inputs: 16, outputs: 32, ...view }).kernel,
    Math.sqrt(2 / (15 * 16)),
    gaussian,
  );
});
