// The encoder and decoder of VideoGPT (Yan et al. 2021, arXiv 2104.10157, section 3.1): strided convolutions over time and space down to the grid of tokens,
// residual blocks, and the mirror image back up. Two differences: time is padded at its beginning alone, so that no output sees the future, and there are
// neither axial attention nor batch normalisation in the residual blocks.
import type { Generator } from '@tessera/core';
import { add, elu, relu } from '@tessera/engine';
import type { Tensor, Traced } from '@tessera/engine';
import {
  causalConv3d,
  causalConv3dTranspose,
  dense,
  initCausalConv3d,
  initCausalConv3dTranspose,
  initDense,
} from '@tessera/nn';
import type { Conv3dStrides, Linear } from '@tessera/nn';
import type { VideoVqvaeConfig } from '../video/config.ts';
import { videoHalvings } from '../video/config.ts';

const activations = { relu, elu } as const;

/** `x + dense(relu(conv3x3x3(relu(x))))`, or with ELU. */
interface VideoBlock {
  readonly inner: Linear;
  readonly outer: Linear;
}

/** Parameters of the encoder. */
export interface VideoEncoder {
  readonly down: readonly Linear[];
  readonly last: Linear;
  readonly residual: readonly VideoBlock[];
  readonly output: Linear;
}

/** Parameters of the decoder. */
export interface VideoDecoder {
  readonly input: Linear;
  readonly residual: readonly VideoBlock[];
  /** The last one makes the pixels. */
  readonly up: readonly Linear[];
}

// Strided kernels are as long as they are wide: 4, twice the stride, as VideoGPT's.
const timeSize = 4;

/** How each strided convolution of the encoder moves. */
function stridesOf(config: VideoVqvaeConfig): readonly Required<Conv3dStrides>[] {
  const { time, space } = videoHalvings(config);
  return Array.from({ length: Math.max(time, space) }, (_, i) => ({
    timeStride: i < time ? 2 : 1,
    stride: i < space ? 2 : 1,
  }));
}

/** Starting values of both. */
export function initVideo(
  generator: Generator,
  config: VideoVqvaeConfig,
): { encoder: VideoEncoder; decoder: VideoDecoder } {
  const { channels, residualChannels, residualBlocks, kernelSize: size, quantizer, frameShape } = config;
  const pixels = frameShape[3];
  const { codeDim } = quantizer;
  const strides = stridesOf(config);
  const residual = () =>
    Array.from({ length: residualBlocks }, () => ({
      inner: initCausalConv3d(generator, { timeSize: 3, size: 3, inputs: channels, outputs: residualChannels }),
      outer: initDense(generator, { inputs: residualChannels, outputs: channels }),
    }));
  return {
    encoder: {
      down: strides.map((_, i) =>
        initCausalConv3d(generator, { timeSize, size, inputs: i === 0 ? pixels : channels, outputs: channels }),
      ),
      last: initCausalConv3d(generator, { timeSize: 3, size: 3, inputs: channels, outputs: channels }),
      residual: residual(),
      output: initDense(generator, { inputs: channels, outputs: codeDim }),
    },
    decoder: {
      input: initDense(generator, { inputs: codeDim, outputs: channels }),
      residual: residual(),
      up: strides.toReversed().map((stride, i) => {
        const outputs = i === strides.length - 1 ? pixels : channels;
        return initCausalConv3dTranspose(generator, { timeSize, size, inputs: channels, outputs, ...stride });
      }),
    },
  };
}

/** Frames [N, T, H, W, C] to vectors [N, t, h, w, D]; vector t sees the frames before `(t + 1) T / t`. */
export function encodeVideo(config: VideoVqvaeConfig, parameters: Traced<VideoEncoder>, frames: Tensor): Tensor {
  const bend = activations[config.activation];
  const x = stridesOf(config).reduce((y, strides, i) => bend(causalConv3d(parameters.down[i]!, y, strides)), frames); // [N, t, h, w, channels]
  return dense(parameters.output, bend(residualStack(parameters.residual, causalConv3d(parameters.last, x), bend)));
}

/** Codes [N, t, h, w, D] to pixels or logits [N, T, H, W, C], not limited to any range; a frame sees the codes of its own time and of those before. */
export function decodeVideo(
  config: VideoVqvaeConfig,
  { input, residual, up }: Traced<VideoDecoder>,
  codes: Tensor,
): Tensor {
  const bend = activations[config.activation];
  const x = residualStack(residual, dense(input, codes), bend);
  return stridesOf(config)
    .toReversed()
    .reduce((y, strides, i) => causalConv3dTranspose(up[i]!, bend(y), strides), x);
}

function residualStack(blocks: readonly Traced<VideoBlock>[], x: Tensor, bend: (x: Tensor) => Tensor): Tensor {
  return blocks.reduce((y, { inner, outer }) => add(y, dense(outer, bend(causalConv3d(inner, bend(y))))), x);
}
