// Softmax and what follows it: log-probabilities and the cross-entropy of integer labels, fused where a backend can.
import { ShapeError } from '@tessera/core';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { KernelContext } from '../execute/kernel-context.ts';
import { defineOp } from '../record/op.ts';
import type { Op } from '../record/op.ts';
import { apply, applyOne } from '../record/recorder.ts';
import type { Spec, Tensor } from '../record/tensor.ts';
import { attr } from '../tensorflow/attributes.ts';
import { mul, sub } from './arithmetic.ts';
import { checkIndex } from './gather.ts';
import { onceDifferentiable } from './gradient-op.ts';
import { sum } from './reduce.ts';
import { expectInt, expectRows, sameShape, shapeText, size } from './shapes.ts';
import { exp } from './unary.ts';

const rowsOf = (shape: readonly number[]): number => size(shape.slice(0, -1));

const softmaxOp: Op<object> = defineOp<object>({
  name: 'softmax',
  infer: ([x]) => {
    expectRows('softmax', x!);
    return [{ shape: x!.shape, dtype: 'float32' }];
  },
  gradient: ({ outputs: [y] }, [dy]) => [applyOne(softmaxGradOp, [dy!, y!], {})],
  kernel: (k, [logits]) => [k.call('Softmax', { logits }, { dim: logits!.shape.length - 1 })],
  wasm: (k, [x]) => {
    const y = k.output(x!.shape);
    k.kernels.softmax({ x: k.pointer(x!), y: k.pointer(y), rows: rowsOf(x!.shape), n: x!.shape.at(-1)! });
    return [y];
  },
  graph: (g, [x]) => [g.float('Softmax', x!)],
});

// dx = y (dy - sum(dy y))
const softmaxGradOp: Op<object> = defineOp<object>({
  name: 'softmaxGrad',
  infer: ([, y]) => [{ shape: y!.shape, dtype: 'float32' }],
  gradient: ({ inputs: [dy, y] }, [dz]) => {
    const inner = (a: Tensor, b: Tensor) => sum(mul(a, b), { axes: [-1], keepDims: true });
    return [applyOne(softmaxGradOp, [dz!, y!], {}), sub(mul(dz!, sub(dy!, inner(dy!, y!))), mul(dy!, inner(dz!, y!)))];
  },
  kernel: (k, [dy, y]) => {
    const weighted = k.call('Multiply', { a: dy, b: y });
    const total = k.call('Sum', { x: weighted }, { axis: [y!.shape.length - 1], keepDims: true });
    const column = k.alias(total, [...y!.shape.slice(0, -1), 1]);
    return [k.call('Sub', { a: weighted, b: k.call('Multiply', { a: y, b: column }) })];
  },
  wasm: (k, [dy, y]) => {
    const dx = k.output(y!.shape);
    k.kernels.softmaxGrad(k.pointer(dy!), k.pointer(y!), k.pointer(dx), rowsOf(y!.shape), y!.shape.at(-1)!, 1);
    return [dx];
  },
  graph: (g, [dy, y]) => {
    if (g.ownKernels) return [g.node('TesseraSoftmaxGrad', [dy!, y!])];
    const weighted = g.float('Mul', dy!, y!);
    const total = g.reduce('Sum', weighted, [g.inputs[1]!.shape.length - 1], { keepDims: true });
    return [g.float('Sub', weighted, g.float('Mul', y!, total))];
  },
});

/** `e^x / sum(e^x)` over the last axis. */
export function softmax(x: Tensor): Tensor {
  return applyOne(softmaxOp, [x], {});
}

const logSoftmaxOp: Op<object> = defineOp<object>({
  name: 'logSoftmax',
  infer: ([x]) => {
    expectRows('logSoftmax', x!);
    return [{ shape: x!.shape, dtype: 'float32' }];
  },
  gradient: ({ outputs: [y] }, [dy]) => [sub(dy!, mul(exp(y!), sum(dy!, { axes: [-1], keepDims: true })))],
  kernel: (k, [logits]) => {
    const { shape } = logits!;
    const top = k.alias(k.call('Max', { x: logits }, { reductionIndices: [shape.length - 1], keepDims: true }), [
      ...shape.slice(0, -1),
      1,
    ]);
    const shifted = k.call('Sub', { a: logits, b: top });
    const total = k.call('Sum', { x: k.call('Exp', { x: shifted }) }, { axis: [shape.length - 1], keepDims: true });
    return [k.call('Sub', { a: shifted, b: k.call('Log', { x: k.alias(total, top.shape) }) })];
  },
  wasm: (k, [x]) => {
    const y = k.output(x!.shape);
    k.kernels.logSoftmax(k.pointer(x!), k.pointer(y), rowsOf(x!.shape), x!.shape.at(-1)!);
    return [y];
  },
  graph: (g, [x]) => [g.float('LogSoftmax', x!)],
});

/** `x - log(sum(e^x))` over the last axis. */
export function logSoftmax(x: Tensor): Tensor {
  return applyOne(logSoftmaxOp, [x], {});
}

// Outputs: the losses [...], and what the backend keeps for the gradient [..., K]: probabilities, or on TensorFlow the slope itself.
const crossEntropyOp: Op<object> = defineOp<object>({
  name: 'softmaxCrossEntropy',
  infer: ([logits, labels]) => {
    expectRows('softmaxCrossEntropy', logits!);
    expectInt('softmaxCrossEntropy', 'labels', labels!);
    if (!sameShape(logits!.shape.slice(0, -1), labels!.shape)) {
      throw new ShapeError(
        `softmaxCrossEntropy: logits ${shapeText(logits!.shape)} need labels ${shapeText(logits!.shape.slice(0, -1))}, got ${shapeText(labels!.shape)}.`,
      );
    }
    return [
      { shape: labels!.shape, dtype: 'float32' },
      { shape: logits!.shape, dtype: 'float32' },
    ];
  },
  gradient: ({ inputs: [, labels], outputs: [, kept] }, [dy]) =>
    dy === undefined ? [] : [applyOne(crossEntropyGradOp, [dy, kept!, labels!], {})],
  kernel: (k, [logits, labels]) => {
    const { shape } = logits!;
    const logProbabilities = logSoftmaxOp.kernel(k, [logits!], {})[0]!;
    checkLabels(k, labels!, shape);
    // Picked and not multiplied by a one-hot mask: an impossible class has -Infinity, and 0 times that is NaN.
    const numbers = k.read(logProbabilities);
    const losses = Float32Array.from(k.read(labels!), (label, row) => -numbers[row * shape.at(-1)! + label]!);
    return [k.write(losses, labels!.shape, 'float32'), k.call('Exp', { x: logProbabilities })];
  },
  wasm: (k, [logits, labels]) => {
    const { shape } = logits!;
    const [losses, kept] = [k.output(labels!.shape), k.output(shape)];
    const bad = k.kernels.softmaxCrossEntropy(
      k.pointer(logits!),
      k.pointer(labels!),
      k.pointer(losses),
      k.pointer(kept),
      rowsOf(shape),
      shape.at(-1)!,
    );
    checkIndex('softmaxCrossEntropy', bad, shape.at(-1)!);
    return [losses, kept];
  },
  graph: (g, [logits, labels]) => {
    const [x, y] = g.inputs as readonly [Spec, Spec];
    const rows = size(y.shape);
    const flat = [g.reshape(logits!, [rows, x.shape.at(-1)!]), g.reshape(labels!, [rows], 'int32')];
    const types = { T: attr.type('float32'), Tlabels: attr.type('int32') };
    const [losses, slope] = g.ownKernels
      ? g.nodes('TesseraSoftmaxCrossEntropy', flat, 2)
      : g.nodes('SparseSoftmaxCrossEntropyWithLogits', flat, 2, types);
    return [g.reshape(losses!, y.shape), g.reshape(slope!, x.shape)];
  },
});

// dx = dy (probabilities - one-hot)
const crossEntropyGradOp: Op<object> = defineOp<object>({
  name: 'softmaxCrossEntropyGrad',
  gradient: onceDifferentiable('softmaxCrossEntropy'),
  infer: ([, kept]) => [{ shape: kept!.shape, dtype: 'float32' }],
  kernel: (k, [dy, kept, labels]) => {
    const { shape } = kept!;
    const column = k.alias(dy!, [...shape.slice(0, -1), 1]);
    return [k.call('Multiply', { a: k.call('Sub', { a: kept, b: oneHot(k, labels!, shape) }), b: column })];
  },
  wasm: (k, [dy, kept, labels]) => {
    const { shape } = kept!;
    const dx = k.output(shape);
    k.kernels.softmaxCrossEntropyGrad(
      k.pointer(kept!),
      k.pointer(labels!),
      k.pointer(dy!),
      k.pointer(dx),
      rowsOf(shape),
      shape.at(-1)!,
    );
    return [dx];
  },
  graph: (g, [dy, slope]) => [g.float('Mul', slope!, g.reshape(dy!, [...g.inputs[0]!.shape, 1]))],
});

function checkLabels(k: KernelContext, labels: TensorInfo, shape: readonly number[]): void {
  const numbers = k.read(labels);
  checkIndex(
    'softmaxCrossEntropy',
    numbers.findIndex((label) => label < 0 || label >= shape.at(-1)!),
    shape.at(-1)!,
  );
}

function oneHot(k: KernelContext, indices: TensorInfo, shape: readonly number[]): TensorInfo {
  return k.call('OneHot', { indices }, { depth: shape.at(-1)!, onValue: 1, offValue: 0, dtype: 'float32' });
}

/** `-log softmax(logits)[label]` for each row: logits [..., K] float32, labels [...] int32 in [0, K), result [...]. Once differentiable. */
export function softmaxCrossEntropy(logits: Tensor, labels: Tensor): Tensor {
  return apply(crossEntropyOp, [logits, labels], {})[0]!;
}
