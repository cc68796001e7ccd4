// TensorFlow's numbers for element types (enum DataType of tensorflow/core/framework/types.proto) and their names here.
import { DTypeError } from '@tessera/core';
import type { DType } from '@tessera/core';

/** An element type of a graph: ours, and those that live only inside TensorFlow. */
export type GraphDType = DType | 'bfloat16' | 'float16' | 'string' | 'resource';

const numbers: { readonly [D in GraphDType]: number } = {
  float32: 1,
  float64: 2,
  int32: 3,
  uint8: 4,
  int16: 5,
  int8: 6,
  string: 7,
  int64: 9,
  bool: 10,
  bfloat16: 14,
  uint16: 17,
  float16: 19,
  resource: 20,
  uint32: 22,
  uint64: 23,
};

/** TensorFlow's number for a dtype; throws DTypeError for a name that it does not know. */
export function dtypeNumber(dtype: GraphDType): number {
  if (!Object.hasOwn(numbers, dtype)) {
    throw new DTypeError(
      `TensorFlow graph: expected a dtype out of ${Object.keys(numbers).join(', ')}, got ${JSON.stringify(dtype)}.`,
    );
  }
  return numbers[dtype];
}

/** The dtype with TensorFlow's number `number`, or `undefined` when it has no name here. */
export function dtypeOfNumber(number: number): GraphDType | undefined {
  return (Object.keys(numbers) as GraphDType[]).find((dtype) => numbers[dtype] === number);
}
