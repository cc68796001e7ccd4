// The convolutional encoder and decoder as ONNX nodes, layer by layer as `../autoencoder.ts` has them. ONNX wants channels before pixels: pictures are turned
// once on the way in and once on the way out, kernels here.
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { Linear } from '@tessera/nn';
import type { DecoderTrunk, EncoderTrunk, ResidualBlock } from '../autoencoder.ts';
import { strideCount } from '../config.ts';
import type { VqvaeConfig } from '../config.ts';
import type { OnnxGraph } from './onnx-graph.ts';

/** A tensor [N, channels, height, width]. */
interface Features {
  readonly name: string;
  readonly size: readonly [height: number, width: number];
}

/** Frames [N, H, W, C] to vectors [N, h, w, D]. */
export function onnxEncoder(
  graph: OnnxGraph,
  config: VqvaeConfig,
  { down, residual, output }: EncoderTrunk,
  frames: string,
): string {
  const last = down.length - 1;
  let x: Features = { name: channelsFirst(graph, frames), size: [config.frameShape[0], config.frameShape[1]] };
  for (const [i, layer] of down.entries()) {
    x = bend(graph, config, convolution(graph, layer, x, i < last ? 2 : 1));
  }
  x = bend(graph, config, residualStack(graph, config, residual, x));
  return channelsLast(graph, convolution(graph, output, x).name);
}

/** Codes [N, h, w, D] to pixels [N, H, W, C], or to logits where the frames are categories. */
export function onnxDecoder(
  graph: OnnxGraph,
  config: VqvaeConfig,
  { input, residual, up }: DecoderTrunk,
  codes: string,
): string {
  const start = convolution(graph, input, { name: channelsFirst(graph, codes), size: config.tokenShape });
  let x = residualStack(graph, config, residual, start);
  const grows = strideCount(config) > 0;
  for (const layer of up) {
    const bent = bend(graph, config, x);
    x = grows ? transposedConvolution(graph, layer, bent) : convolution(graph, layer, bent);
  }
  return channelsLast(graph, x.name);
}

function residualStack(graph: OnnxGraph, config: VqvaeConfig, blocks: readonly ResidualBlock[], x: Features): Features {
  return blocks.reduce((y, { inner, outer }) => {
    const hidden = bend(graph, config, convolution(graph, inner, bend(graph, config, y)));
    return { ...y, name: graph.node('Add', [y.name, convolution(graph, outer, hidden).name]) };
  }, x);
}

function bend(graph: OnnxGraph, { activation }: VqvaeConfig, x: Features): Features {
  return { ...x, name: graph.node(activation === 'relu' ? 'Relu' : 'Elu', [x.name]) };
}

function convolution(graph: OnnxGraph, layer: Linear, x: Features, stride = 1): Features {
  const size = x.size.map((n) => Math.ceil(n / stride)) as [number, number];
  const attributes = { strides: [stride, stride], pads: padding(layer, x.size, size, stride) };
  return { name: graph.node('Conv', [x.name, ...weights(graph, layer)], attributes), size };
}

// The padding is that of the convolution which leads back: from the large picture to the small one.
function transposedConvolution(graph: OnnxGraph, layer: Linear, x: Features): Features {
  const size: [number, number] = [2 * x.size[0], 2 * x.size[1]];
  const attributes = { strides: [2, 2], pads: padding(layer, size, x.size, 2) };
  return { name: graph.node('ConvTranspose', [x.name, ...weights(graph, layer)], attributes), size };
}

/** `[top, left, bottom, right]` as TensorFlow pads: the odd pixel at the end. */
function padding(
  { kernel }: Linear,
  large: readonly [number, number],
  small: readonly [number, number],
  stride: number,
): number[] {
  const totals = [0, 1].map((axis) => Math.max(0, (small[axis]! - 1) * stride + kernel.shape[axis]! - large[axis]!));
  return [...totals.map((total) => Math.floor(total / 2)), ...totals.map((total) => Math.ceil(total / 2))];
}

// [height, width, inputs, outputs] becomes [outputs, inputs, height, width], and for a transposed convolution, whose kernel here is [height, width, outputs,
// inputs], [inputs, outputs, height, width]: the same turn.
function weights(graph: OnnxGraph, { kernel, bias }: Linear): string[] {
  return [graph.constant(turned(kernel)), graph.constant(bias)];
}

function turned({ shape, data }: NdArray<'float32'>): NdArray<'float32'> {
  const [height, width, third, fourth] = shape as [number, number, number, number];
  const out = ndarray('float32', [fourth, third, height, width]);
  const pixels = height * width;
  for (let at = 0; at < data.length; at++) {
    const [pixel, channels] = [Math.floor(at / (third * fourth)), at % (third * fourth)];
    const [i, j] = [Math.floor(channels / fourth), channels % fourth];
    out.data[(j * third + i) * pixels + pixel] = data[at]!;
  }
  return out;
}

function channelsFirst(graph: OnnxGraph, x: string): string {
  return graph.node('Transpose', [x], { perm: [0, 3, 1, 2] });
}

function channelsLast(graph: OnnxGraph, x: string): string {
  return graph.node('Transpose', [x], { perm: [0, 2, 3, 1] });
}
