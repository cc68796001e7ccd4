// Element-wise arithmetic of two tensors under NumPy's broadcasting, and sums that undo a broadcast in the gradients.
import { ShapeError } from '@tessera/core';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { WasmContext } from '../execute/wasm-context.ts';
import { defineOp } from '../record/op.ts';
import type { GradientContext, Op } from '../record/op.ts';
import { applyOne } from '../record/recorder.ts';
import type { Tensor } from '../record/tensor.ts';
import { attr } from '../tensorflow/attributes.ts';
import { tensorOf } from './constant.ts';
import { reshape } from './shape.ts';
import { sum } from './reduce.ts';
import { broadcastShape, expectFloat, sameShape, shapeText, size } from './shapes.ts';
import { neg, square } from './unary.ts';

type Gradient = (context: GradientContext<object>, dy: Tensor) => [Tensor | undefined, Tensor | undefined];

type Comparison = 'greater' | 'greaterEqual' | 'less' | 'equal';
type BinaryName = 'add' | 'sub' | 'mul' | 'div' | 'maximum' | 'minimum' | Comparison;

interface BinaryOptions {
  readonly kernel: string;
  readonly node: string;
  /** The kernel answers true or false, which becomes a mask of 1 and 0. */
  readonly mask?: boolean;
  /** On wasm the result is b where this holds of a and b, else a; TensorFlow.js's kernel has no SIMD. */
  readonly takeB?: Comparison;
  readonly gradient?: Gradient;
}

function binary(name: BinaryName, { kernel, node, mask = false, takeB, gradient }: BinaryOptions): Op<object> {
  const op: Op<object> = defineOp<object>({
    name,
    infer: (inputs) => {
      expectFloat(name, ...inputs);
      const [a, b] = inputs.map(({ shape }) => shape) as [number[], number[]];
      const shape = broadcastShape(a, b);
      if (shape === undefined) {
        throw new ShapeError(`${name}: the shapes ${shapeText(a)} and ${shapeText(b)} do not broadcast.`);
      }
      return [{ shape, dtype: 'float32' }];
    },
    kernel: (k, [a, b]) => {
      const result = k.call(kernel, { a, b });
      return [mask ? k.call('Cast', { x: result }, { dtype: 'float32' }) : result];
    },
    ...((mask || takeB !== undefined) && {
      wasm: (k: WasmContext, [a, b]: readonly TensorInfo[]) => {
        const n = size(a!.shape);
        const step = size(b!.shape) === 1 ? 0 : 1;
        const { shape } = k.outputs[0]!;
        if (size(shape) !== n || !(step === 0 || size(b!.shape) === n)) return op.kernel(k, [a!, b!], {});
        const y = k.output(shape);
        const [pa, pb, py] = [k.pointer(a!), k.pointer(b!), k.pointer(y)];
        k.heap.withScratch(n, (bytes) => {
          k.kernels[takeB ?? (name as Comparison)](pa, pb, bytes, n, step);
          if (takeB !== undefined) k.kernels.select(bytes, pb, pa, py, n, step, 1);
          else k.kernels.bytesToFloat(bytes, py, n);
        });
        return [y];
      },
    }),
    graph: (g, [a, b]) => {
      const result = g.node(node, [a!, b!], { T: attr.type('float32') });
      return [mask ? g.mask(result) : result];
    },
  });
  return gradient === undefined
    ? op
    : {
        ...op,
        gradient: (context, [dy]) => gradient(context, dy!).map((dx, i) => dx && sumTo(dx, context.inputs[i]!.shape)),
      };
}

/** Sums a broadcast tensor back to `shape`: the adjoint of broadcasting. */
export function sumTo(x: Tensor, shape: readonly number[]): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const extra = x.rank - shape.length;
  const axes = x.shape.flatMap((n, axis) => (axis < extra || (shape[axis - extra] === 1 && n !== 1) ? [axis] : []));
  return reshape(sum(x, { axes }), shape);
}

const addOp = binary('add', {
  kernel: 'Add',
  node: 'AddV2',
  gradient: (_, dy) => [dy, dy],
});
const subOp = binary('sub', {
  kernel: 'Sub',
  node: 'Sub',
  gradient: ({ needs }, dy) => [dy, needs[1] ? neg(dy) : undefined],
});
const mulOp = binary('mul', {
  kernel: 'Multiply',
  node: 'Mul',
  gradient: ({ inputs: [a, b], needs }, dy) => [needs[0] ? mul(dy, b!) : undefined, needs[1] ? mul(dy, a!) : undefined],
});
const divOp = binary('div', {
  kernel: 'RealDiv',
  node: 'RealDiv',
  gradient: ({ inputs: [a, b], needs }, dy) => [
    needs[0] ? div(dy, b!) : undefined,
    needs[1] ? neg(div(mul(dy, a!), square(b!))) : undefined,
  ],
});
// Where both are equal the gradient goes to the first, as a subgradient.
const maximumOp = binary('maximum', {
  kernel: 'Maximum',
  node: 'Maximum',
  takeB: 'less',
  gradient: ({ inputs: [a, b] }, dy) => [mul(dy, greaterEqual(a!, b!)), mul(dy, less(a!, b!))],
});
const minimumOp = binary('minimum', {
  kernel: 'Minimum',
  node: 'Minimum',
  takeB: 'greater',
  gradient: ({ inputs: [a, b] }, dy) => [mul(dy, greaterEqual(b!, a!)), mul(dy, less(b!, a!))],
});
const greaterOp = binary('greater', { kernel: 'Greater', node: 'Greater', mask: true });
const greaterEqualOp = binary('greaterEqual', { kernel: 'GreaterEqual', node: 'GreaterEqual', mask: true });
const lessOp = binary('less', { kernel: 'Less', node: 'Less', mask: true });
const equalOp = binary('equal', { kernel: 'Equal', node: 'Equal', mask: true });

/** `a + b`, broadcast. */
export function add(a: Tensor | number, b: Tensor | number): Tensor {
  return applyOne(addOp, [tensorOf(a), tensorOf(b)], {});
}

/** `a - b`, broadcast. */
export function sub(a: Tensor | number, b: Tensor | number): Tensor {
  return applyOne(subOp, [tensorOf(a), tensorOf(b)], {});
}

/** `a * b`, broadcast. */
export function mul(a: Tensor | number, b: Tensor | number): Tensor {
  return applyOne(mulOp, [tensorOf(a), tensorOf(b)], {});
}

/** `a / b`, broadcast. */
export function div(a: Tensor | number, b: Tensor | number): Tensor {
  return applyOne(divOp, [tensorOf(a), tensorOf(b)], {});
}

/** The larger of `a` and `b`, broadcast. */
export function maximum(a: Tensor | number, b: Tensor | number): Tensor {
  return applyOne(maximumOp, [tensorOf(a), tensorOf(b)], {});
}

/** The smaller of `a` and `b`, broadcast. */
export function minimum(a: Tensor | number, b: Tensor | number): Tensor {
  return applyOne(minimumOp, [tensorOf(a), tensorOf(b)], {});
}

/** 1 where `a > b`, else 0; broadcast, no gradient. */
export function greater(a: Tensor | number, b: Tensor | number): Tensor {
  return applyOne(greaterOp, [tensorOf(a), tensorOf(b)], {});
}

/** 1 where `a >= b`, else 0; broadcast, no gradient. */
export function greaterEqual(a: Tensor | number, b: Tensor | number): Tensor {
  return applyOne(greaterEqualOp, [tensorOf(a), tensorOf(b)], {});
}

/** 1 where `a < b`, else 0; broadcast, no gradient. */
export function less(a: Tensor | number, b: Tensor | number): Tensor {
  return applyOne(lessOp, [tensorOf(a), tensorOf(b)], {});
}

/** 1 where `a == b`, else 0; broadcast, no gradient. */
export function equal(a: Tensor | number, b: Tensor | number): Tensor {
  return applyOne(equalOp, [tensorOf(a), tensorOf(b)], {});
}
