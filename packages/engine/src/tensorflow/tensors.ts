// Arrays to tensors of TensorFlow and back, through the binding of tfjs-node.
import { DTypeError } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { TensorFlowBinding, TensorMetadata } from './binding.ts';
import { dtypeNumber, dtypeOfNumber } from './dtypes.ts';

/** A tensor that shares the memory of `array` as long as it lives; the caller deletes it. Throws DTypeError for dtypes that the binding cannot make. */
export function createTensor(binding: TensorFlowBinding, { dtype, shape, data }: NdArray): number {
  switch (dtype) {
    case 'float32':
    case 'int32':
    case 'uint8':
    case 'bool':
      return binding.createTensor(shape, dtypeNumber(dtype), data as Float32Array | Int32Array | Uint8Array);
    case 'int64': {
      const { buffer, byteOffset, length } = data as BigInt64Array;
      return binding.createTensor(shape, dtypeNumber(dtype), new Int32Array(buffer, byteOffset, 2 * length));
    }
    default:
      throw new DTypeError(
        `TensorFlow: expected arrays of float32, int32, int64, uint8 or bool, got ${dtype}. The addon creates no other tensors.`,
      );
  }
}

/** A copy of a tensor's values; `what` is how an error calls it. uint8 is copied through int32. Throws DTypeError for dtypes that the binding cannot read. */
export function readTensor(
  binding: TensorFlowBinding,
  { id, shape, dtype: number }: TensorMetadata,
  what: string,
): NdArray {
  const dtype = dtypeOfNumber(number);
  switch (dtype) {
    case 'float32':
    case 'int32':
    case 'int64':
    case 'bool':
      return { dtype, shape, data: binding.tensorDataSync(id) } as NdArray;
    case 'uint8':
      return { dtype, shape, data: Uint8Array.from(readAsInt32(binding, id, number)) };
    default:
      throw new DTypeError(
        `TensorFlow: expected results of float32, int32, int64, uint8 or bool, but '${what}' is ${dtype ?? `TensorFlow's dtype ${number}`}. Cast it in the graph.`,
      );
  }
}

function readAsInt32(binding: TensorFlowBinding, id: number, from: number): Int32Array {
  const { TF_ATTR_TYPE, TF_ATTR_BOOL } = binding;
  const attributes = [
    { name: 'SrcT', type: TF_ATTR_TYPE, value: from },
    { name: 'DstT', type: TF_ATTR_TYPE, value: dtypeNumber('int32') },
    { name: 'Truncate', type: TF_ATTR_BOOL, value: false },
  ];
  const cast = binding.executeOp('Cast', attributes, [id], 1)[0]!;
  try {
    return binding.tensorDataSync(cast.id) as Int32Array;
  } finally {
    binding.deleteTensor(cast.id);
  }
}
