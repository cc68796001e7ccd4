import { describe, expect } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import { bytesPerElement, DTypeError, dtypes, elementCount, ndarray, ShapeError, typedArrayOf } from '@tessera/core';
import type { DType } from '@tessera/core';

const shape = fc.array(fc.nat(6), { maxLength: 4 });

describe('ndarray', () => {
  test.prop([fc.constantFrom(...dtypes), shape])('is zeros without data, in its own memory', (dtype, sizes) => {
    const array = ndarray(dtype, sizes);
    const count = sizes.reduce((a, b) => a * b, 1);
    expect(array.data).toBeInstanceOf(typedArrayOf(dtype));
    expect(array.data.length).toBe(count);
    expect(array.data.byteLength).toBe(count * bytesPerElement(dtype));
    expect(array.data.every((x) => Number(x) === 0)).toBe(true);
  });

  test('keeps the data it was given and copies the shape', () => {
    const data = new Float32Array([1, 2, 3, 4, 5, 6]);
    const sizes = [2, 3];
    const array = ndarray('float32', sizes, data);
    sizes[0] = 99;
    expect(array).toEqual({ dtype: 'float32', shape: [2, 3], data });
    expect(array.data).toBe(data);
  });

  test.prop([shape, fc.integer({ min: 1, max: 5 })])('refuses data whose length does not fit', (sizes, extra) => {
    const count = elementCount(sizes);
    expect(() => ndarray('int32', sizes, new Int32Array(count + extra))).toThrow(ShapeError);
  });

  test('says what does not fit', () => {
    expect(() => ndarray('float32', [2, 3], new Float32Array(5))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: ndarray: the shape [2, 3] has 6 elements, but the data has 5.]`,
    );
    expect(() =>
      ndarray('float32', [2], new Float64Array(2) as unknown as Float32Array),
    ).toThrowErrorMatchingInlineSnapshot(`[DTypeError: ndarray: float32 data is a Float32Array, got Float64Array.]`);
    expect(() => ndarray('int64', [2], [1n, 2n] as unknown as BigInt64Array)).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: ndarray: int64 data is a BigInt64Array, got Array.]`,
    );
    expect(() => ndarray('float16' as DType, [2])).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: ndarray: expected a dtype out of float64, float32, int32, int64, uint8, bool, int8, int16, uint16, uint32, uint64, got "float16".]`,
    );
    expect(() => ndarray('float32', [2, -1])).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: ndarray: expected a shape of whole numbers >= 0, got [2, -1].]`,
    );
    expect(() => ndarray('float32', [2 ** 52])).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: ndarray: no memory for the shape [4503599627370496], 4503599627370496 elements of 4 bytes.]`,
    );
    expect(() => ndarray('toString' as DType, [2])).toThrow(DTypeError);
  });

  test.prop([
    fc.oneof(
      fc.double().filter((x) => !Number.isSafeInteger(x) || x < 0),
      fc.integer({ max: -1 }),
    ),
  ])('a size that is no count is refused', (size) => {
    expect(() => elementCount([2, size])).toThrow(ShapeError);
  });

  test('a product beyond 2^53 is refused, also beside a zero', () => {
    expect(elementCount([2 ** 26, 2 ** 26])).toBe(2 ** 52);
    expect(() => elementCount([2 ** 27, 2 ** 27])).toThrow(ShapeError);
    expect(() => elementCount([0, 2 ** 27, 2 ** 27])).toThrow(ShapeError);
    expect(elementCount([])).toBe(1);
    expect(elementCount([3, 0, 5])).toBe(0);
  });
});
