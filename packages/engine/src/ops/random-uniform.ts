// Uniform random numbers inside a program, a function of a key that the caller drew: Philox 4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1,
// 2, 3"), counted as TensorFlow's stateless generator counts, so that every backend makes the same numbers to the last bit.
import { ConfigError, ShapeError } from '@tessera/core';
import { defineOp } from '../record/op.ts';
import type { Op } from '../record/op.ts';
import { activeRecorder, applyOne } from '../record/recorder.ts';
import type { Tensor } from '../record/tensor.ts';
import { attr } from '../tensorflow/attributes.ts';
import { expectInt, sameShape, shapeText, size } from './shapes.ts';

interface UniformAttrs {
  readonly shape: readonly number[];
  /** Which of the streams of the key: uses in one program differ by it. */
  readonly stream: number;
}

const randomUniformOp: Op<UniformAttrs> = defineOp<UniformAttrs>({
  name: 'randomUniform',
  infer: ([key], { shape }) => {
    expectInt('randomUniform', 'the key', key!);
    if (!sameShape(key!.shape, [2]))
      throw new ShapeError(`randomUniform: expected a key of shape [2], got ${shapeText(key!.shape)}.`);
    return [{ shape, dtype: 'float32' }];
  },
  kernel: (k, [key], { shape, stream }) => {
    const [low, high] = k.read(key!) as Int32Array;
    const numbers = new Float32Array(size(shape));
    for (let i = 0; i < numbers.length; i += 4) {
      const block = philox([i / 4, 0, stream, 0], [low!, high!]);
      for (let j = 0; j < 4 && i + j < numbers.length; j++) numbers[i + j] = (block[j]! & 0x7fffff) / 2 ** 23;
    }
    return [k.write(numbers, shape, 'float32')];
  },
  wasm: (k, [key], { shape, stream }) => {
    const y = k.output(shape);
    k.kernels.uniform(k.pointer(key!), k.pointer(y), size(shape), stream);
    return [y];
  },
  graph: (g, [key], { shape, stream }) => {
    const words = (x: string) => g.node('Bitcast', [x], { T: attr.type('int32'), type: attr.type('uint64') });
    const counter = g.reshape(g.ints([0, 0, stream, 0]), [2, 2], 'int32');
    const inputs = [g.ints(shape), words(g.reshape(key!, [1, 2], 'int32')), words(counter), g.int(philoxAlgorithm)];
    return [g.node('StatelessRandomUniformV2', inputs, { dtype: attr.type('float32'), Tshape: attr.type('int32') })];
  },
});

/** TensorFlow's number for it. */
const philoxAlgorithm = 1;

type Four = [number, number, number, number];

/** One block of four 32-bit words. */
function philox(counter: Four, [low, high]: readonly [number, number]): Four {
  let [a, b, c, d] = counter;
  let [x, y] = [low, high];
  for (let round = 0; round < 10; round++) {
    const [left, right] = [product(0xd2511f53, a), product(0xcd9e8d57, c)];
    [a, b, c, d] = [right.high ^ b ^ x, right.low, left.high ^ d ^ y, left.low];
    x = (x + 0x9e3779b9) | 0;
    y = (y + 0xbb67ae85) | 0;
  }
  return [a, b, c, d];
}

function product(a: number, b: number): { readonly low: number; readonly high: number } {
  const wide = BigInt(a >>> 0) * BigInt(b >>> 0);
  return { low: Number(BigInt.asIntN(32, wide)), high: Number(BigInt.asIntN(32, wide >> 32n)) };
}

/**
 * Numbers uniform in [0, 1), multiples of 2^-23, that are a function of `key` alone, int32 [2]: draw one with a generator (`randomKey`) for each run, and hand it
 * in as an input. Each use in a program has a stream of its own. float32, no gradient; the same on every backend, bit for bit.
 */
export function randomUniform(key: Tensor, shape: readonly number[]): Tensor {
  for (const length of shape) {
    if (!Number.isInteger(length) || length < 0) {
      throw new ConfigError(`randomUniform: expected a shape of whole numbers >= 0, got ${shapeText(shape)}.`);
    }
  }
  const { nodes } = activeRecorder('randomUniform');
  const stream = nodes.filter(({ op }) => op.name === randomUniformOp.name).length;
  return applyOne(randomUniformOp, [key], { shape, stream });
}
