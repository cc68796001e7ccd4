// The single ops that wasm-ops measures: how we call them and, where TensorFlow.js has it on wasm, its own version.
import {
  add as addStock,
  cast,
  conv2d as conv2dStock,
  conv2dTranspose,
  div as divStock,
  elu as eluStock,
  engine,
  equal as equalStock,
  erf,
  exp as expStock,
  greater as greaterStock,
  less as lessStock,
  log as logStock,
  matMul as matMulStock,
  maximum as maximumStock,
  mul as mulStock,
  relu as reluStock,
  rsqrt as rsqrtStock,
  sigmoid as sigmoidStock,
  softmax as softmaxStock,
  softplus as softplusStock,
  sqrt as sqrtStock,
  square as squareStock,
  tanh as tanhStock,
  tidy,
} from '@tensorflow/tfjs-core';
import type { Tensor as TfTensor, Tensor4D } from '@tensorflow/tfjs-core';
import { InternalError } from '@tessera/core';
import {
  add,
  conv2d,
  div,
  elu,
  equal,
  exp,
  gelu,
  gradients,
  greater,
  less,
  log,
  matMul,
  maximum,
  mul,
  relu,
  rsqrt,
  sigmoid,
  softmax,
  softplus,
  sqrt,
  square,
  sum,
  tanh,
} from '@tessera/engine';
import type { Tensor } from '@tessera/engine';

/** One op at one size; inputs are float32. */
export interface OpCase {
  readonly name: string;
  readonly shapes: readonly (readonly number[])[];
  /** Of one call; undefined for element-wise ops. */
  readonly flops?: number;
  /** A batch of small matrices, whose floor is its own. */
  readonly batched?: boolean;
  ours(inputs: readonly Tensor[]): Tensor;
  readonly stock?: (inputs: readonly TfTensor[]) => TfTensor;
}

type Sizes = readonly [batch: number, m: number, k: number, n: number];

function product([batch, m, k, n]: Sizes, transposeA: boolean, transposeB: boolean): OpCase {
  const matrix = (rows: number, columns: number, transposed: boolean) => [
    ...(batch > 1 ? [batch] : []),
    ...(transposed ? [columns, rows] : [rows, columns]),
  ];
  const flags = `${transposeA ? 'T' : 'N'}${transposeB ? 'T' : 'N'}`;
  return {
    name: `matMul ${flags} ${batch > 1 ? `${batch} x ` : ''}${m}x${k}x${n}`,
    shapes: [matrix(m, k, transposeA), matrix(k, n, transposeB)],
    flops: 2 * batch * m * k * n,
    batched: batch > 1,
    ours: ([a, b]) => matMul(a!, b!, { transposeA, transposeB }),
    stock: ([a, b]) => matMulStock(a!, b!, transposeA, transposeB),
  };
}

interface ConvSizes {
  readonly x: readonly [number, number, number, number];
  readonly features: number;
  readonly kernel: number;
  readonly stride: number;
}

function convolution({ x, features, kernel, stride }: ConvSizes): OpCase[] {
  const [batch, height, width, channels] = x;
  const filter = [kernel, kernel, channels, features] as const;
  const y = [batch, Math.ceil(height / stride), Math.ceil(width / stride), features] as const;
  const flops = 2 * y.reduce((a, b) => a * b, 1) * kernel * kernel * channels;
  const title = (what: string) => `${what} ${x.join('x')} ${kernel}x${kernel} s${stride} -> ${features}`;
  return [
    {
      name: title('conv2d'),
      shapes: [x, filter],
      flops,
      ours: ([image, weights]) => conv2d(image!, weights!, { stride }),
      stock: ([image, weights]) => conv2dStock(image as Tensor4D, weights as Tensor4D, stride, 'same'),
    },
    {
      name: title('input gradient'),
      shapes: [y, filter, x],
      flops,
      ours: ([dy, weights, image]) =>
        recorded('conv2dInputGradient', [dy!, weights!], () =>
          gradientOf(image!, (z) => conv2d(z, weights!, { stride })),
        ),
      stock: ([dy, weights]) => conv2dTranspose(dy as Tensor4D, weights as Tensor4D, [...x], stride, 'same'),
    },
    {
      name: title('filter gradient'),
      shapes: [x, y, filter],
      flops,
      ours: ([image, dy, weights]) =>
        recorded('conv2dFilterGradient', [image!, dy!], () =>
          gradientOf(weights!, (w) => conv2d(image!, w, { stride })),
        ),
      stock: ([image, dy]) =>
        engine().runKernel(
          'Conv2DBackpropFilter',
          { x: image!, dy: dy! },
          {
            strides: [stride, stride],
            pad: 'same',
            dataFormat: 'NHWC',
            filterShape: [...filter],
          },
        ),
    },
  ];
}

function gradientOf(x: Tensor, f: (x: Tensor) => Tensor): Tensor {
  return gradients(sum(f(x)), [x])[0]!;
}

// Uses the gradient op that `record` records, alone and on the given inputs: what `record` made is needed by nothing and dropped.
function recorded(name: string, inputs: readonly Tensor[], record: () => void): Tensor {
  record();
  const { recorder } = inputs[0]!;
  const node = recorder.nodes.findLast(({ op }) => op.name === name);
  if (node === undefined) throw new InternalError(`no op '${name}' was recorded`);
  return recorder.apply(node.op, inputs, node.attrs)[0]!;
}

const elements = [1_280_000] as const;

function unary(name: string, ours: (x: Tensor) => Tensor, stock: (x: TfTensor) => TfTensor): OpCase {
  return { name, shapes: [elements], ours: ([x]) => ours(x!), stock: ([x]) => stock(x!) };
}

function binary(
  name: string,
  ours: (a: Tensor, b: Tensor) => Tensor,
  stock: (a: TfTensor, b: TfTensor) => TfTensor,
): OpCase {
  return { name, shapes: [elements, elements], ours: ([a, b]) => ours(a!, b!), stock: ([a, b]) => stock(a!, b!) };
}

function gradient(name: string, f: (x: Tensor) => Tensor): OpCase {
  return {
    name,
    shapes: [elements, elements],
    ours: ([dy, saved]) => recorded(name, [dy!, saved!], () => gradientOf(saved!, f)),
  };
}

const transposes = [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
] as const;
const products: readonly Sizes[] = [
  [1, 5000, 64, 256],
  [256, 52, 16, 52],
  [256, 52, 52, 16],
];

/** The first is the plain product that the others are measured by. */
export const productCases: readonly OpCase[] = [
  ...products.flatMap((sizes) => transposes.map(([a, b]) => product(sizes, a, b))),
  ...convolution({ x: [128, 20, 20, 3], features: 32, kernel: 4, stride: 2 }),
  ...convolution({ x: [128, 10, 10, 32], features: 64, kernel: 4, stride: 2 }),
  ...convolution({ x: [128, 5, 5, 64], features: 64, kernel: 3, stride: 1 }),
];

/** The first is sigmoid, that the others are measured by. */
export const elementwiseCases: readonly OpCase[] = [
  unary('sigmoid', sigmoid, sigmoidStock),
  unary('tanh', tanh, tanhStock),
  unary('exp', exp, expStock),
  unary('log', log, logStock),
  unary('sqrt', sqrt, sqrtStock),
  unary('rsqrt', rsqrt, rsqrtStock),
  unary('square', square, squareStock),
  unary('relu', relu, reluStock),
  unary('elu', elu, eluStock),
  unary('softplus', softplus, softplusStock),
  unary('gelu', gelu, (x) => tidy(() => mulStock(mulStock(x, 0.5), addStock(erf(mulStock(x, Math.SQRT1_2)), 1)))),
  { ...unary('softmax of rows of 100', softmax, (x) => softmaxStock(x)), shapes: [[12_800, 100]] },
  binary('add', add, addStock),
  binary('mul', mul, mulStock),
  binary('div', div, divStock),
  binary('maximum', maximum, maximumStock),
  binary('greater', greater, (a, b) => tidy(() => cast(greaterStock(a, b), 'float32'))),
  binary('less', less, (a, b) => tidy(() => cast(lessStock(a, b), 'float32'))),
  binary('equal', equal, (a, b) => tidy(() => cast(equalStock(a, b), 'float32'))),
  gradient('reluGrad', relu),
  gradient('eluGrad', elu),
  gradient('geluGrad', gelu),
  gradient('tanhGrad', tanh),
  gradient('sigmoidGrad', sigmoid),
  gradient('softplusGrad', softplus),
];
