// The convolutional encoder and decoder around the quantizer: strided convolutions down to the grid of tokens, residual blocks, and the mirror image back up
// (arXiv 1711.00937, section 4.1). Plain functions of a record of parameters.
import type { Generator } from '@tessera/core';
import { add, elu, relu } from '@tessera/engine';
import type { Tensor, Traced } from '@tessera/engine';
import { conv, convTranspose, initConv, initConvTranspose, zeros } from '@tessera/nn';
import type { Linear } from '@tessera/nn';
import { strideCount } from './config.ts';
import type { VqvaeConfig } from './config.ts';

const activations = { relu, elu } as const;

/** `x + conv1x1(relu(conv3x3(relu(x))))`, or with ELU. */
export interface ResidualBlock {
  readonly inner: Linear;
  readonly outer: Linear;
}

/** Parameters of the encoder. */
export interface EncoderTrunk {
  readonly down: readonly Linear[];
  readonly residual: readonly ResidualBlock[];
  readonly output: Linear;
}

/** Parameters of the decoder. */
export interface DecoderTrunk {
  readonly input: Linear;
  readonly residual: readonly ResidualBlock[];
  readonly up: readonly Linear[];
}

/** The settings of an encoder and a decoder, whatever is between them. */
export type TrunkConfig = Pick<
  VqvaeConfig,
  'frameShape' | 'tokenShape' | 'channels' | 'residualBlocks' | 'activation' | 'kernelSize'
>;

/** What goes in and out between encoder and decoder, in numbers for each place of the grid. */
export interface TrunkWidths {
  /** Numbers that the encoder gives. */
  readonly encoded: number;
  /** Numbers that the decoder takes. */
  readonly decoded: number;
  /** Numbers that the decoder gives for each pixel, if it does not give the pixel itself. */
  readonly outputs?: number;
}

/**
 * Starting values of both. Where the decoder gives pixels its last kernel is 0, so its output is its bias and training begins there: with He's values its pixels
 * would deviate by several times what frames do.
 */
export function initTrunks(
  generator: Generator,
  config: TrunkConfig,
  { encoded, decoded, outputs }: TrunkWidths,
): { encoder: EncoderTrunk; decoder: DecoderTrunk } {
  const { channels, kernelSize: size, residualBlocks, frameShape } = config;
  const strides = strideCount(config);
  const pixels = frameShape[2];
  const residual = () =>
    Array.from({ length: residualBlocks }, () => ({
      inner: initConv(generator, { size: 3, inputs: channels, outputs: channels }),
      outer: initConv(generator, { size: 1, inputs: channels, outputs: channels }),
    }));
  const down = Array.from({ length: strides }, (_, i) =>
    initConv(generator, { size, inputs: i === 0 ? pixels : channels, outputs: channels }),
  );
  const features = strides === 0 ? pixels : channels;
  const startsAtBias: Linear = {
    kernel: zeros(strides === 0 ? [1, 1, channels, pixels] : [size, size, pixels, channels]),
    bias: zeros([pixels]),
  };
  const mixed = (count: number) =>
    strides === 0
      ? initConv(generator, { size: 1, inputs: channels, outputs: count })
      : initConvTranspose(generator, { size, stride: 2, inputs: channels, outputs: count });
  return {
    encoder: {
      down: [...down, initConv(generator, { size: 1, inputs: features, outputs: channels })],
      residual: residual(),
      output: initConv(generator, { size: 1, inputs: channels, outputs: encoded }),
    },
    decoder: {
      input: initConv(generator, { size: 3, inputs: decoded, outputs: channels }),
      residual: residual(),
      up: [
        ...Array.from({ length: Math.max(0, strides - 1) }, () =>
          initConvTranspose(generator, { size, stride: 2, inputs: channels, outputs: channels }),
        ),
        outputs === undefined ? startsAtBias : mixed(outputs),
      ],
    },
  };
}

/** Frames [N, H, W, C] to vectors [N, h, w, D]. */
export function encodeTrunk(
  { activation }: Pick<TrunkConfig, 'activation'>,
  { down, residual, output }: Traced<EncoderTrunk>,
  frames: Tensor,
): Tensor {
  const bend = activations[activation];
  const last = down.length - 1;
  let x = frames;
  for (const [i, layer] of down.entries()) x = bend(conv(layer, x, { stride: i < last ? 2 : 1 })); // [N, h, w, channels]
  return conv(output, bend(residualStack(residual, x, bend)));
}

/** Codes [N, h, w, D] to pixels or logits [N, H, W, C], not limited to any range. */
export function decodeTrunk(config: TrunkConfig, { input, residual, up }: Traced<DecoderTrunk>, codes: Tensor): Tensor {
  const bend = activations[config.activation];
  let x = residualStack(residual, conv(input, codes), bend); // [N, h, w, channels]
  if (strideCount(config) === 0) return conv(up[0]!, bend(x));
  for (const layer of up) x = convTranspose(layer, bend(x), { stride: 2 });
  return x;
}

function residualStack(blocks: readonly Traced<ResidualBlock>[], x: Tensor, bend: (x: Tensor) => Tensor): Tensor {
  return blocks.reduce((y, { inner, outer }) => add(y, conv(outer, bend(conv(inner, bend(y))))), x);
}
