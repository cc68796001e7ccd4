// Layer normalisation over the last axis (Ba et al. 2016, arXiv 1607.06450), with its gradient as one op.
import { ShapeError } from '@tessera/core';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { KernelContext } from '../execute/kernel-context.ts';
import { defineOp } from '../record/op.ts';
import type { Op } from '../record/op.ts';
import { apply } from '../record/recorder.ts';
import type { Tensor } from '../record/tensor.ts';
import { attr } from '../tensorflow/attributes.ts';
import type { GraphContext } from '../tensorflow/graph-context.ts';
import { onceDifferentiable } from './gradient-op.ts';
import { expectFloat, expectRows, shapeText, size } from './shapes.ts';

interface LayerNormAttrs {
  readonly epsilon: number;
}

const column = (shape: readonly number[]): number[] => [...shape.slice(0, -1), 1];

// Outputs: y, and for the gradient the mean and the reciprocal deviation r of each row.
const layerNormOp: Op<LayerNormAttrs> = defineOp<LayerNormAttrs>({
  name: 'layerNorm',
  infer: ([x, scale, bias]) => {
    expectFloat('layerNorm', x!, scale!, bias!);
    expectRows('layerNorm', x!);
    const n = x!.shape.at(-1);
    for (const { shape } of [scale!, bias!]) {
      if (shape.length !== 1 || shape[0] !== n) {
        throw new ShapeError(
          `layerNorm: an input ${shapeText(x!.shape)} takes scale and bias of [${n}], got ${shapeText(shape)}.`,
        );
      }
    }
    const rows = { shape: column(x!.shape), dtype: 'float32' as const };
    return [x!, rows, rows];
  },
  gradient: ({ inputs: [x, scale], outputs: [, center, reciprocal] }, [dy]) =>
    dy === undefined ? [] : apply(layerNormGradOp, [dy, x!, center!, reciprocal!, scale!], {}),
  kernel: (k, [x, scale, bias], { epsilon }) => {
    const center = rowMean(k, x!);
    const centred = k.call('Sub', { a: x, b: center });
    const variance = rowMean(k, k.call('Square', { x: centred }));
    const reciprocal = k.call('Rsqrt', { x: k.call('Add', { a: variance, b: k.scalar(epsilon) }) });
    const normalised = k.call('Multiply', { a: centred, b: reciprocal });
    return [k.call('Add', { a: k.call('Multiply', { a: normalised, b: scale }), b: bias }), center, reciprocal];
  },
  wasm: (k, [x, scale, bias], { epsilon }) => {
    const { shape } = x!;
    const [y, center, reciprocal] = [k.output(shape), k.output(column(shape)), k.output(column(shape))];
    k.kernels.layerNorm({
      x: k.pointer(x!),
      gamma: k.pointer(scale!),
      beta: k.pointer(bias!),
      y: k.pointer(y),
      mean: k.pointer(center),
      rstd: k.pointer(reciprocal),
      rows: size(shape.slice(0, -1)),
      n: shape.at(-1)!,
      epsilon,
    });
    return [y, center, reciprocal];
  },
  graph: (g, [x, scale, bias], { epsilon }) => {
    if (g.ownKernels) return g.nodes('TesseraLayerNorm', [x!, scale!, bias!], 3, { epsilon: attr.float(epsilon) });
    const center = rowMeanNode(g, x!);
    const centred = g.float('Sub', x!, center);
    const variance = rowMeanNode(g, g.float('Square', centred));
    const reciprocal = g.float('Rsqrt', g.float('AddV2', variance, g.scalar(epsilon)));
    const normalised = g.float('Mul', centred, reciprocal);
    return [g.float('AddV2', g.float('Mul', normalised, scale!), bias!), center, reciprocal];
  },
});

// With g = dy scale: dx = r (g - mean(g) - x^ mean(g x^)), dscale = sum(dy x^), dbias = sum(dy).
const layerNormGradOp: Op<object> = defineOp<object>({
  name: 'layerNormGrad',
  gradient: onceDifferentiable('layerNorm'),
  infer: ([dy, , , , scale]) => [dy!, scale!, scale!].map(({ shape }) => ({ shape, dtype: 'float32' as const })),
  kernel: (k, [dy, x, center, reciprocal, scale]) => {
    const normalised = k.call('Multiply', { a: k.call('Sub', { a: x, b: center }), b: reciprocal });
    const g = k.call('Multiply', { a: dy, b: scale });
    const weighted = k.call('Multiply', { a: g, b: normalised });
    const centred = k.call('Sub', { a: g, b: rowMean(k, g) });
    const dx = k.call('Sub', { a: centred, b: k.call('Multiply', { a: normalised, b: rowMean(k, weighted) }) });
    const axis = dy!.shape.slice(0, -1).map((_, i) => i);
    const columnSum = (x: TensorInfo) => k.call('Sum', { x }, { axis, keepDims: false });
    return [
      k.call('Multiply', { a: dx, b: reciprocal }),
      columnSum(k.call('Multiply', { a: dy, b: normalised })),
      columnSum(dy!),
    ];
  },
  wasm: (k, [dy, x, center, reciprocal, scale]) => {
    const { shape } = dy!;
    const [dx, dscale, dbias] = [k.output(shape), k.output(scale!.shape), k.output(scale!.shape)];
    k.kernels.layerNormGrad({
      dy: k.pointer(dy!),
      x: k.pointer(x!),
      gamma: k.pointer(scale!),
      mean: k.pointer(center!),
      rstd: k.pointer(reciprocal!),
      dx: k.pointer(dx),
      dgamma: k.pointer(dscale),
      dbeta: k.pointer(dbias),
      rows: size(shape.slice(0, -1)),
      n: shape.at(-1)!,
    });
    return [dx, dscale, dbias];
  },
  graph: (g, [dy, x, center, reciprocal, scale]) => {
    if (g.ownKernels) return g.nodes('TesseraLayerNormGrad', [dy!, x!, center!, reciprocal!, scale!], 3);
    const normalised = g.float('Mul', g.float('Sub', x!, center!), reciprocal!);
    const scaled = g.float('Mul', dy!, scale!);
    const weighted = g.float('Mul', scaled, normalised);
    const centred = g.float('Sub', scaled, rowMeanNode(g, scaled));
    const dx = g.float('Sub', centred, g.float('Mul', normalised, rowMeanNode(g, weighted)));
    const axes = g.inputs[0]!.shape.slice(0, -1).map((_, i) => i);
    return [
      g.float('Mul', dx, reciprocal!),
      g.reduce('Sum', g.float('Mul', dy!, normalised), axes),
      g.reduce('Sum', dy!, axes),
    ];
  },
});

function rowMean(k: KernelContext, x: TensorInfo): TensorInfo {
  const total = k.call('Sum', { x }, { axis: [x.shape.length - 1], keepDims: true });
  return k.call('Multiply', { a: k.alias(total, column(x.shape)), b: k.scalar(1 / x.shape.at(-1)!) });
}

function rowMeanNode(g: GraphContext, x: string): string {
  return g.reduce('Mean', x, [g.inputs[0]!.shape.length - 1], { keepDims: true });
}

/** `(x - mean) / sqrt(variance + epsilon) * scale + bias` over the last axis: x [..., n], scale and bias [n]. Once differentiable. */
export function layerNorm(
  x: Tensor,
  scale: Tensor,
  bias: Tensor,
  { epsilon = 1e-5 }: { epsilon?: number } = {},
): Tensor {
  return apply(layerNormOp, [x, scale, bias], { epsilon })[0]!;
}
