import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import type { ConvGeometry } from '../../src/wasm/kernels.ts';
import { expectClose, kernelsOn, noise, TestMemory } from './test-memory.ts';

const memory = new TestMemory();
const kernels = await kernelsOn(memory);

const cases = fc
  .record({
    batch: fc.integer({ min: 1, max: 3 }),
    height: fc.integer({ min: 1, max: 7 }),
    width: fc.integer({ min: 1, max: 7 }),
    channels: fc.integer({ min: 1, max: 6 }),
    kernelHeight: fc.integer({ min: 1, max: 4 }),
    kernelWidth: fc.integer({ min: 1, max: 4 }),
    strideHeight: fc.integer({ min: 1, max: 3 }),
    strideWidth: fc.integer({ min: 1, max: 3 }),
    padTop: fc.nat(3),
    padLeft: fc.nat(3),
    padBottom: fc.nat(3),
    padRight: fc.nat(3),
    cut: fc.float({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ padBottom, padRight, ...rest }) => ({
    ...rest,
    outHeight: Math.floor((rest.height + rest.padTop + padBottom - rest.kernelHeight) / rest.strideHeight) + 1,
    outWidth: Math.floor((rest.width + rest.padLeft + padRight - rest.kernelWidth) / rest.strideWidth) + 1,
  }))
  .filter(({ outHeight, outWidth }) => outHeight > 0 && outWidth > 0);

/** For each element of the patch matrix the pixel it is a copy of, or -1 in the padding. */
function sources(g: ConvGeometry, batch: number): number[] {
  const list: number[] = [];
  for (let i = 0; i < batch; i++) {
    for (let oy = 0; oy < g.outHeight; oy++) {
      for (let ox = 0; ox < g.outWidth; ox++) {
        for (let ky = 0; ky < g.kernelHeight; ky++) {
          for (let kx = 0; kx < g.kernelWidth; kx++) {
            for (let c = 0; c < g.channels; c++) {
              const y = oy * g.strideHeight + ky - g.padTop;
              const x = ox * g.strideWidth + kx - g.padLeft;
              const inside = y >= 0 && y < g.height && x >= 0 && x < g.width;
              list.push(inside ? ((i * g.height + y) * g.width + x) * g.channels + c : -1);
            }
          }
        }
      }
    }
  }
  return list;
}

describe('im2col and col2im', () => {
  test.prop([cases], { numRuns: 300 })(
    'copy patches, and add them back, in any division into ranges',
    ({ batch, cut, ...g }) => {
      memory.reset();
      const pixels = noise(batch * g.height * g.width * g.channels, 1);
      const map = sources(g, batch);
      const rows = batch * g.outHeight * g.outWidth;
      const patch = g.kernelHeight * g.kernelWidth * g.channels;
      const middle = Math.floor(cut * rows);
      const x = memory.float32(pixels);
      const columns = memory.allocate(rows * patch * 4);
      const ranges = [
        { geometry: g, columns, start: 0, end: middle },
        { geometry: g, columns: columns + middle * patch * 4, start: middle, end: rows },
      ];
      for (const range of ranges) kernels.im2col({ x, ...range });
      const expected = map.map((at) => (at < 0 ? 0 : (pixels[at] as number)));
      expectClose(memory.readFloat32(columns, rows * patch), expected, 0);

      const start = noise(pixels.length, 2);
      const back = memory.float32(start);
      for (const range of ranges) kernels.col2im({ x: back, ...range });
      const sums = Float64Array.from(start);
      map.forEach((at, i) => {
        if (at >= 0) sums[at] = (sums[at] as number) + (expected[i] as number);
      });
      expectClose(memory.readFloat32(back, pixels.length), sums, 1e-6, () => 16);
      memory.expectGuardsIntact();
    },
  );

  test('fillZero clears exactly its bytes', () => {
    memory.reset();
    const x = memory.float32([1, 2, 3, 4]);
    kernels.fillZero(x, 12);
    expect([...memory.readFloat32(x, 4)]).toEqual([0, 0, 0, 4]);
  });
});
