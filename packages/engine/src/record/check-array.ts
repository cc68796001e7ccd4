// The check of arrays at the door: values that come from files and from JavaScript have types only on paper.
import { ConfigError, DTypeError, ShapeError, typedArrayOf } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { shapeText, size } from '../ops/shapes.ts';

/** Throws ConfigError, DTypeError or ShapeError unless `array` is an array whose data has its dtype and as many numbers as its shape; messages begin with `where` and name it. */
export function checkArray(array: NdArray, { where, name }: { where: string; name: string }): void {
  const given: unknown = array;
  if (typeof given !== 'object' || given === null || !('shape' in given) || !Array.isArray(given.shape)) {
    throw new ConfigError(
      `${where}: expected an NdArray as '${name}', got ${Array.isArray(given) ? 'a plain array' : typeof given}. Make one with ndarray.`,
    );
  }
  const { shape, dtype, data } = array;
  const expected = typedArrayOf(dtype);
  if (!(data instanceof expected)) {
    throw new DTypeError(
      `${where}: expected the data of '${name}' (${dtype}) as ${expected.name}, got ${(data as object).constructor.name}.`,
    );
  }
  if (data.length !== size(shape)) {
    throw new ShapeError(
      `${where}: expected ${size(shape)} numbers in '${name}' of shape ${shapeText(shape)}, got ${data.length}.`,
    );
  }
}
