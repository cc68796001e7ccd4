// Two-dimensional convolution in NHWC, and its two gradients as ops of their own: a transposed convolution is the input gradient of a convolution,
// and each of the three is a gradient of the others. On wasm all three are im2col and one matrix product.
import { ConfigError, ShapeError } from '@tessera/core';
import { defineOp } from '../record/op.ts';
import type { BiasAndActivation, Op } from '../record/op.ts';
import { applyOne } from '../record/recorder.ts';
import type { Spec, Tensor } from '../record/tensor.ts';
import type { WasmContext } from '../execute/wasm-context.ts';
import type { ConvGeometry } from '../wasm/kernels.ts';
import { attr } from '../tensorflow/attributes.ts';
import type { Attributes } from '../tensorflow/attributes.ts';
import type { GraphContext } from '../tensorflow/graph-context.ts';
import { expectFloat, expectRank, sameShape, shapeText, size } from './shapes.ts';

/** How a convolution moves over its input. */
export interface ConvOptions {
  /** Pixels from one output to the next, default 1. */
  readonly stride?: number;
  /** `same`: outputs of `ceil(size / stride)`, as TensorFlow pads; `valid`: no padding. Default `same`. */
  readonly padding?: 'same' | 'valid';
}

interface ConvAttrs {
  readonly stride: number;
  readonly padding: 'same' | 'valid';
}

interface InputAttrs extends ConvAttrs {
  readonly inputShape: readonly number[];
}

interface FilterAttrs extends ConvAttrs {
  readonly filterShape: readonly number[];
}

function convGeometry(
  input: readonly number[],
  filter: readonly number[],
  { stride, padding }: ConvAttrs,
): ConvGeometry {
  const [, height, width, channels] = input as [number, number, number, number];
  const [kernelHeight, kernelWidth] = filter as [number, number];
  const out = (n: number, kernel: number) =>
    padding === 'same' ? Math.ceil(n / stride) : Math.floor((n - kernel) / stride) + 1;
  const outHeight = out(height, kernelHeight);
  const outWidth = out(width, kernelWidth);
  // TensorFlow puts the odd row or column of padding at the end.
  const before = (n: number, kernel: number, outputs: number) =>
    padding === 'same' ? Math.floor(Math.max(0, (outputs - 1) * stride + kernel - n) / 2) : 0;
  return {
    height,
    width,
    channels,
    kernelHeight,
    kernelWidth,
    strideHeight: stride,
    strideWidth: stride,
    padTop: before(height, kernelHeight, outHeight),
    padLeft: before(width, kernelWidth, outWidth),
    outHeight,
    outWidth,
  };
}

function outputShape(input: readonly number[], filter: readonly number[], attrs: ConvAttrs): number[] {
  const { outHeight, outWidth } = convGeometry(input, filter, attrs);
  return [input[0]!, outHeight, outWidth, filter[3]!];
}

function tfjsAttrs({ stride, padding }: ConvAttrs): object {
  return { strides: [stride, stride], pad: padding, dataFormat: 'NHWC', dilations: [1, 1], dimRoundingMode: undefined };
}

function nodeAttrs({ stride, padding }: ConvAttrs): Attributes {
  return {
    strides: attr.ints([1, stride, stride, 1]),
    padding: attr.string(padding.toUpperCase()),
    data_format: attr.string('NHWC'),
    dilations: attr.ints([1, 1, 1, 1]),
  };
}

function flops(input: readonly number[], filter: readonly number[], attrs: ConvAttrs): number {
  return 2 * size(outputShape(input, filter, attrs)) * size(filter.slice(0, 3));
}

// A 1x1 convolution of stride 1 reads its input as the matrix that im2col would make.
function isPointwise({ kernelHeight, kernelWidth, strideHeight }: ConvGeometry): boolean {
  return kernelHeight === 1 && kernelWidth === 1 && strideHeight === 1;
}

// Our convolutions beat oneDNN's by a fifth where channels are so few that reordering filters costs as much as using them; with 64 and more they lose.
function isNarrow([, , channels, features]: readonly number[]): boolean {
  return channels! <= 32 && features! <= 32;
}

// For the gradient of a filter ours are a fifth faster than oneDNN's wherever neither side is much narrower than a tile while the other is wide.
function isEven([, , channels, features]: readonly number[]): boolean {
  return isNarrow([0, 0, channels!, features!]) || (channels! >= 32 && features! >= 32);
}

// About 512 kB of columns a block: rows enough for the matrix product, few enough to stay in the second-level cache.
const blockElements = 131_072;

interface Block {
  /** Rows [start, end) of the matrix of all columns. */
  readonly start: number;
  readonly end: number;
  /** Scratch for the columns of the block, and for the matrix product. */
  readonly columns: number;
  readonly scratch: number;
}

function inBlocks(w: WasmContext, batch: number, geometry: ConvGeometry, body: (block: Block) => void): void {
  const rows = batch * geometry.outHeight * geometry.outWidth;
  const width = geometry.kernelHeight * geometry.kernelWidth * geometry.channels;
  const pointwise = isPointwise(geometry);
  const step = pointwise ? Math.max(1, rows) : Math.min(rows, Math.max(16, Math.floor(blockElements / width)));
  w.heap.withScratch(pointwise ? 16 : 4 * step * width, (columns) =>
    w.heap.withScratch(w.kernels.gemmScratchBytes, (scratch) => {
      for (let start = 0; start < rows; start += step)
        body({ start, end: Math.min(rows, start + step), columns, scratch });
    }),
  );
}

// Pointer to the rows of a block: the input itself where im2col would copy it.
function patches(
  w: WasmContext,
  geometry: ConvGeometry,
  { x, start, end, columns }: { x: number; start: number; end: number; columns: number },
): number {
  if (isPointwise(geometry)) return x + 4 * start * geometry.channels;
  w.kernels.im2col({ x, columns, geometry, start, end });
  return columns;
}

const conv2dOp: Op<ConvAttrs> = defineOp<ConvAttrs>({
  name: 'conv2d',
  infer: ([x, filter], attrs) => {
    expectFloat('conv2d', x!, filter!);
    expectRank('conv2d', 'an input [N, H, W, C]', x!, 4);
    expectRank('conv2d', 'a filter [h, w, C, F]', filter!, 4);
    const shape = outputShape(x!.shape, filter!.shape, attrs);
    const sticksOut = attrs.padding === 'valid' && [1, 2].some((axis) => filter!.shape[axis - 1]! > x!.shape[axis]!);
    if (x!.shape[3] !== filter!.shape[2] || sticksOut) {
      throw new ShapeError(
        `conv2d: the input ${shapeText(x!.shape)} does not fit the filter ${shapeText(filter!.shape)} (padding ${attrs.padding}).`,
      );
    }
    return [{ shape, dtype: 'float32' }];
  },
  gradient: ({ inputs: [x, filter], attrs, needs }, [dy]) => [
    needs[0] ? applyOne(inputGradientOp, [dy!, filter!], { ...attrs, inputShape: x!.shape }) : undefined,
    needs[1] ? applyOne(filterGradientOp, [x!, dy!], { ...attrs, filterShape: filter!.shape }) : undefined,
  ],
  kernel: (k, [x, filter], attrs) => [k.call('Conv2D', { x, filter }, tfjsAttrs(attrs))],
  wasm: (w, [x, filter], attrs) => {
    const geometry = convGeometry(x!.shape, filter!.shape, attrs);
    const n = filter!.shape[3]!;
    const k = size(filter!.shape.slice(0, 3));
    const y = w.output(outputShape(x!.shape, filter!.shape, attrs));
    inBlocks(w, x!.shape[0]!, geometry, ({ start, end, columns, scratch }) => {
      const a = patches(w, geometry, { x: w.pointer(x!), start, end, columns });
      w.kernels.batchMatMul({
        a,
        b: w.pointer(filter!),
        c: w.pointer(y) + 4 * start * n,
        m: end - start,
        k,
        n,
        scratch,
      });
    });
    return [y];
  },
  graph: (g, [x, filter], attrs) => [
    ownForward(g, [x!, filter!], attrs) ?? g.product('Conv2D', [g.factor(x!), g.factor(filter!)], nodeAttrs(attrs)),
  ],
  graphBiased: (g, [x, filter], attrs, after) => ownForward(g, [x!, filter!], attrs, after),
  flops: ([x, filter], _, attrs) => flops(x!.shape, filter!.shape, attrs),
});

const inputGradientOp: Op<InputAttrs> = defineOp<InputAttrs>({
  name: 'conv2dInputGradient',
  infer: ([dy, filter], attrs) => {
    expectFloat('conv2dTranspose', dy!, filter!);
    const expected = outputShape(attrs.inputShape, filter!.shape, attrs);
    if (!sameShape(expected, dy!.shape) || attrs.inputShape[3] !== filter!.shape[2]) {
      throw new ShapeError(
        `conv2dTranspose: a filter ${shapeText(filter!.shape)} of stride ${attrs.stride} takes ${shapeText(expected)} to ${shapeText(attrs.inputShape)}, got ${shapeText(dy!.shape)}.`,
      );
    }
    return [{ shape: attrs.inputShape, dtype: 'float32' }];
  },
  gradient: ({ inputs: [dy, filter], attrs: { stride, padding }, needs }, [dx]) => [
    needs[0] ? applyOne(conv2dOp, [dx!, filter!], { stride, padding }) : undefined,
    needs[1] ? applyOne(filterGradientOp, [dx!, dy!], { stride, padding, filterShape: filter!.shape }) : undefined,
  ],
  kernel: (k, [dy, filter], { inputShape, ...attrs }) => [
    k.call('Conv2DBackpropInput', { dy, filter }, { ...tfjsAttrs(attrs), inputShape }),
  ],
  wasm: (w, [dy, filter], { inputShape, ...attrs }) => {
    const geometry = convGeometry(inputShape, filter!.shape, attrs);
    const k = filter!.shape[3]!;
    const n = size(filter!.shape.slice(0, 3));
    const dx = w.output(inputShape);
    if (!isPointwise(geometry)) w.kernels.fillZero(w.pointer(dx), 4 * size(inputShape));
    inBlocks(w, inputShape[0]!, geometry, ({ start, end, columns, scratch }) => {
      const a = w.pointer(dy!) + 4 * start * k;
      const c = isPointwise(geometry) ? w.pointer(dx) : columns;
      w.kernels.batchMatMul({ a, b: w.pointer(filter!), c, m: end - start, k, n, transposeB: true, scratch });
      if (!isPointwise(geometry)) w.kernels.col2im({ x: w.pointer(dx), columns, geometry, start, end });
    });
    return [dx];
  },
  graph: (g, [dy, filter], attrs) => [
    ownInputGradient(g, [dy!, filter!], attrs) ??
      g.product('Conv2DBackpropInput', [g.ints(attrs.inputShape), g.factor(filter!), g.factor(dy!)], nodeAttrs(attrs)),
  ],
  graphBiased: (g, [dy, filter], attrs, after) => ownInputGradient(g, [dy!, filter!], attrs, after),
  flops: ([, filter], _, attrs) => flops(attrs.inputShape, filter!.shape, attrs),
});

const filterGradientOp: Op<FilterAttrs> = defineOp<FilterAttrs>({
  name: 'conv2dFilterGradient',
  infer: (_, { filterShape }) => [{ shape: filterShape, dtype: 'float32' }],
  gradient: ({ inputs: [x, dy], attrs: { stride, padding }, needs }, [df]) => [
    needs[0] ? applyOne(inputGradientOp, [dy!, df!], { stride, padding, inputShape: x!.shape }) : undefined,
    needs[1] ? applyOne(conv2dOp, [x!, df!], { stride, padding }) : undefined,
  ],
  kernel: (k, [x, dy], { filterShape, ...attrs }) => [
    k.call('Conv2DBackpropFilter', { x, dy }, { ...tfjsAttrs(attrs), filterShape }),
  ],
  wasm: (w, [x, dy], { filterShape, ...attrs }) => {
    const geometry = convGeometry(x!.shape, filterShape, attrs);
    const n = filterShape[3]!;
    const m = size(filterShape.slice(0, 3));
    const df = w.output(filterShape);
    w.kernels.fillZero(w.pointer(df), 4 * size(filterShape));
    inBlocks(w, x!.shape[0]!, geometry, ({ start, end, columns, scratch }) => {
      const a = patches(w, geometry, { x: w.pointer(x!), start, end, columns });
      const b = w.pointer(dy!) + 4 * start * n;
      w.kernels.batchMatMul({
        a,
        b,
        c: w.pointer(df),
        m,
        k: end - start,
        n,
        transposeA: true,
        accumulate: true,
        scratch,
      });
    });
    return [df];
  },
  graph: (g, [x, dy], { filterShape, ...attrs }) => {
    const [input, slope] = g.inputs as readonly [Spec, Spec];
    if (filterShape[0] === 1 && filterShape[1] === 1) {
      // Also because oneDNN makes wrong sums of strided ones now and then (TensorFlow 2.21 on AVX2).
      const seen = attrs.stride === 1 ? x! : everyNth(g, x!, attrs.stride);
      const [a, b] = [pixels(g, seen, [...slope.shape.slice(0, 3), input.shape[3]!]), pixels(g, dy!, slope.shape)];
      const flags = { transpose_a: attr.bool(true), transpose_b: attr.bool(false) };
      const df = g.ownProducts
        ? g.ownProduct(a, b, { transposeA: true })
        : g.product('MatMul', [g.factor(a), g.factor(b)], flags);
      return [g.reshape(df, filterShape)];
    }
    if (g.ownProducts && isEven(filterShape)) {
      const sizes = ownSizes(input.shape, filterShape, attrs);
      return [g.node('TesseraConv2DFilterGrad', [x!, dy!, g.ints(sizes)])];
    }
    return [g.product('Conv2DBackpropFilter', [g.factor(x!), g.ints(filterShape), g.factor(dy!)], nodeAttrs(attrs))];
  },
  flops: ([x], _, attrs) => flops(x!.shape, attrs.filterShape, attrs),
});

/** A node of ours for sizes that it is good at. */
function ownForward(
  g: GraphContext,
  [x, filter]: readonly [string, string],
  attrs: ConvAttrs,
  after?: BiasAndActivation,
): string | undefined {
  const [input, { shape }] = g.inputs as readonly [Spec, Spec];
  if (g.ownProducts && isPointwise(convGeometry(input.shape, shape, attrs))) {
    const y = g.ownProduct(pixels(g, x, input.shape), pixels(g, filter, shape), { after });
    return g.reshape(y, g.outputs[0]!.shape);
  }
  if (!g.ownProducts || !isNarrow(shape)) return undefined;
  const sizes = ownSizes(input.shape, shape, attrs, after);
  return g.node('TesseraConv2D', [x, filter, g.ints(sizes), after?.bias ?? g.noBias()]);
}

function ownInputGradient(
  g: GraphContext,
  [dy, filter]: readonly [string, string],
  { inputShape, ...attrs }: InputAttrs,
  after?: BiasAndActivation,
): string | undefined {
  const [slope, { shape }] = g.inputs as readonly [Spec, Spec];
  if (g.ownProducts && isPointwise(convGeometry(inputShape, shape, attrs))) {
    const dx = g.ownProduct(pixels(g, dy, slope.shape), pixels(g, filter, shape), { transposeB: true, after });
    return g.reshape(dx, inputShape);
  }
  if (!g.ownProducts || !isNarrow(shape)) return undefined;
  const sizes = ownSizes(inputShape, shape, attrs, after);
  return g.node('TesseraConv2DInputGrad', [dy, filter, g.ints(sizes), after?.bias ?? g.noBias()]);
}

/** What nodes of ours want to know of a convolution. */
function ownSizes(
  input: readonly number[],
  filter: readonly number[],
  attrs: ConvAttrs,
  after?: BiasAndActivation,
): number[] {
  const { height, width, channels, ...geometry } = convGeometry(input, filter, attrs);
  const { kernelHeight, kernelWidth, strideHeight, padTop, padLeft, outHeight, outWidth } = geometry;
  const image = [input[0]!, height, width, channels];
  const windows = [kernelHeight, kernelWidth, filter[3]!, strideHeight, padTop, padLeft, outHeight, outWidth];
  return [...image, ...windows, after?.relu === true ? 1 : 0];
}

/** The pixels that a filter of one pixel sees. */
function everyNth(g: GraphContext, x: string, stride: number): string {
  const zeros = g.ints([0, 0, 0, 0]);
  return g.node('StridedSlice', [x, zeros, zeros, g.ints([1, stride, stride, 1])], {
    T: attr.type('float32'),
    Index: attr.type('int32'),
    begin_mask: attr.int(15),
    end_mask: attr.int(15),
    ellipsis_mask: attr.int(0),
    new_axis_mask: attr.int(0),
    shrink_axis_mask: attr.int(0),
  });
}

/** An array as rows of its last axis. */
function pixels(g: GraphContext, x: string, shape: readonly number[]): string {
  return g.reshape(x, [size(shape.slice(0, -1)), shape.at(-1)!]);
}

function checkStride(op: string, stride: number): void {
  if (!Number.isInteger(stride) || stride < 1)
    throw new ConfigError(`${op}: expected a stride that is a whole number >= 1, got ${stride}.`);
}

/** The cross-correlation of `x` [N, H, W, C] with `filter` [h, w, C, F]: [N, H', W', F]. */
export function conv2d(x: Tensor, filter: Tensor, { stride = 1, padding = 'same' }: ConvOptions = {}): Tensor {
  checkStride('conv2d', stride);
  return applyOne(conv2dOp, [x, filter], { stride, padding });
}

/**
 * The transposed convolution of `x` [N, H, W, F] with `filter` [h, w, C, F]: [N, H * stride, W * stride, C] under `same` padding.
 *
 * It is the gradient of `conv2d` with respect to its input.
 */
export function conv2dTranspose(x: Tensor, filter: Tensor, { stride = 1, padding = 'same' }: ConvOptions = {}): Tensor {
  checkStride('conv2dTranspose', stride);
  expectRank('conv2dTranspose', 'an input [N, H, W, F]', x, 4);
  expectRank('conv2dTranspose', 'a filter [h, w, C, F]', filter, 4);
  const [batch, height, width, features] = x.shape as [number, number, number, number];
  const [kernelHeight, kernelWidth, channels, outputs] = filter.shape as [number, number, number, number];
  if (features !== outputs) {
    throw new ShapeError(
      `conv2dTranspose: the input ${shapeText(x.shape)} does not fit the filter ${shapeText(filter.shape)}.`,
    );
  }
  const grown = (n: number, kernel: number) => (padding === 'same' ? n * stride : (n - 1) * stride + kernel);
  const inputShape = [batch, grown(height, kernelHeight), grown(width, kernelWidth), channels];
  return applyOne(inputGradientOp, [x, filter], { stride, padding, inputShape });
}
