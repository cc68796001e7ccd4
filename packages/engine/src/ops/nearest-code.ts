// The nearest codebook row of each vector. Both sides are moved by the codebook's mean and `|e|^2 / 2 - z.e` is compared: no |z|^2 whose rounding would drown
// the differences, no square root, no gradient through distances. Ties go to the lowest index.
import { NonFiniteError, ShapeError } from '@tessera/core';
import { defineOp } from '../record/op.ts';
import type { Op } from '../record/op.ts';
import { applyOne } from '../record/recorder.ts';
import type { Tensor } from '../record/tensor.ts';
import { attr } from '../tensorflow/attributes.ts';
import { expectFloat, expectRank, shapeText } from './shapes.ts';

const nearestCodeOp: Op<object> = defineOp<object>({
  name: 'nearestCode',
  infer: ([z, codebook]) => {
    expectFloat('nearestCode', z!, codebook!);
    expectRank('nearestCode', 'vectors [N, D]', z!, 2);
    expectRank('nearestCode', 'a codebook [K, D]', codebook!, 2);
    if (z!.shape[1] !== codebook!.shape[1] || codebook!.shape[0] === 0) {
      throw new ShapeError(
        `nearestCode: vectors ${shapeText(z!.shape)} do not fit a codebook ${shapeText(codebook!.shape)}.`,
      );
    }
    return [{ shape: [z!.shape[0]!], dtype: 'int32' }];
  },
  // Sums in float64, where no centring is needed: the differences themselves are squared.
  kernel: (k, [z, codebook]) => {
    const [rows, width] = z!.shape as [number, number];
    const count = codebook!.shape[0]!;
    const vectors = k.read(z!);
    const codes = k.read(codebook!);
    checkFinite('the codebook', codes, width);
    checkFinite('the input', vectors, width);
    const nearest = new Int32Array(rows);
    for (let row = 0; row < rows; row++) {
      let least = Infinity;
      for (let code = 0; code < count; code++) {
        let distance = 0;
        for (let d = 0; d < width && distance < least; d++) {
          const difference = vectors[row * width + d]! - codes[code * width + d]!;
          distance += difference * difference;
        }
        if (distance < least) {
          least = distance;
          nearest[row] = code;
        }
      }
    }
    return [k.write(nearest, [rows], 'int32')];
  },
  wasm: (k, [z, codebook]) => {
    const [rows, width] = z!.shape as [number, number];
    const count = codebook!.shape[0]!;
    const nearest = k.output([rows], 'int32');
    const bad = k.heap.withScratch(k.kernels.nearestCodeScratchBytes(count, width), (scratch) =>
      k.kernels.nearestCode({
        z: k.pointer(z!),
        codebook: k.pointer(codebook!),
        indices: k.pointer(nearest),
        n: rows,
        k: count,
        d: width,
        scratch,
      }),
    );
    if (bad !== undefined) {
      throw nonFinite(bad.array === 'codebook' ? 'the codebook' : 'the input', Math.floor(bad.position / width));
    }
    return [nearest];
  },
  // A NaN makes CheckNumerics fail; the executor throws NonFiniteError with this message.
  graph: (g, [z, codebook]) => {
    const checked = (x: string, what: string) =>
      g.node('CheckNumerics', [x], {
        T: attr.type('float32'),
        message: attr.string(nonFiniteText(what)),
      });
    const codes = checked(codebook!, 'the codebook');
    if (g.ownKernels) return [g.node('TesseraNearestCode', [checked(z!, 'the input'), codes])];
    const mean = g.reduce('Mean', codes, [0], { keepDims: true });
    const centredCodes = g.float('Sub', codes, mean);
    const centred = g.float('Sub', checked(z!, 'the input'), mean);
    const half = g.float('Mul', g.reduce('Sum', g.float('Square', centredCodes), [1]), g.scalar(0.5));
    const product = g.node('MatMul', [centred, centredCodes], {
      T: attr.type('float32'),
      transpose_a: attr.bool(false),
      transpose_b: attr.bool(true),
    });
    const distance = g.float('Sub', half, product);
    return [
      g.node('ArgMin', [distance, g.int(1)], {
        T: attr.type('float32'),
        Tidx: attr.type('int32'),
        output_type: attr.type('int32'),
      }),
    ];
  },
  flops: ([z, codebook]) => 2 * z!.shape[0]! * z!.shape[1]! * codebook!.shape[0]!,
});

function checkFinite(what: string, values: ArrayLike<number>, width: number): void {
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i]!)) throw nonFinite(what, Math.floor(i / width));
  }
}

function nonFinite(what: string, row: number): NonFiniteError {
  return new NonFiniteError(nonFiniteText(`row ${row} of ${what}`));
}

function nonFiniteText(where: string): string {
  return `nearestCode: expected finite numbers, got NaN or infinity in ${where}. Lower the learning rate, or look for the step where the loss stopped being finite.`;
}

/** The index of the row of `codebook` [K, D] nearest to each row of `z` [N, D]: int32 [N], no gradient. Throws NonFiniteError when it runs on NaN or infinity. */
export function nearestCode(z: Tensor, codebook: Tensor): Tensor {
  return applyOne(nearestCodeOp, [z, codebook], {});
}
