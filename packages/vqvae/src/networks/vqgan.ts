// The encoder and decoder of VQGAN (Esser et al. 2021, arXiv 2012.09841, table 7), which IRIS has too (arXiv 2209.00588, appendix A): levels of residual blocks with
// group norm and swish, channels by level, self-attention at small sizes, and a middle with attention. Without dropout.
import type { Generator } from '@tessera/core';
import { add, mul, reshape, sigmoid } from '@tessera/engine';
import type { Tensor, Traced } from '@tessera/engine';
import { attention, conv, groupNorm, initAttention, initConv, initNorm, upsample } from '@tessera/nn';
import type { Attention, Linear, Norm } from '@tessera/nn';
import { strideCount } from '../config.ts';
import type { VqvaeConfig } from '../config.ts';

/** `shortcut(x) + conv(swish(norm(conv(swish(norm(x))))))`; the shortcut is a 1x1 convolution where the channels change, and x itself elsewhere. */
interface NormedBlock {
  readonly firstNorm: Norm;
  readonly first: Linear;
  readonly secondNorm: Norm;
  readonly second: Linear;
  readonly shortcut?: Linear;
}

/** `x + attention(norm(x))` with one head over the pixels. */
interface PixelAttention {
  readonly norm: Norm;
  readonly attention: Attention;
}

interface Step {
  readonly block: NormedBlock;
  readonly attention?: PixelAttention;
}

interface Middle {
  readonly before: NormedBlock;
  readonly attention: PixelAttention;
  readonly after: NormedBlock;
}

/** Parameters of the encoder. */
export interface VqganEncoder {
  readonly input: Linear;
  /** From the frame's size downwards; a level ends in the strided convolution of `down` with its number, the last one in none. */
  readonly levels: readonly (readonly Step[])[];
  readonly down: readonly Linear[];
  readonly middle: Middle;
  readonly norm: Norm;
  readonly output: Linear;
  readonly project: Linear;
}

/** Parameters of the decoder. */
export interface VqganDecoder {
  readonly project: Linear;
  readonly input: Linear;
  readonly middle: Middle;
  /** From the tokens' size upwards. */
  readonly levels: readonly (readonly Step[])[];
  readonly norm: Norm;
  /** After each level but the last one an enlargement goes through one of these; the last one makes the pixels. */
  readonly up: readonly Linear[];
}

// As TensorFlow's and PyTorch's own VQGANs have it.
const epsilon = 1e-6;

/** Starting values of both. */
export function initVqgan(generator: Generator, config: VqvaeConfig): { encoder: VqganEncoder; decoder: VqganDecoder } {
  const { channels, residualBlocks, quantizer, frameShape, vqgan } = config;
  const pixels = frameShape[2];
  const { codeDim } = quantizer;
  const widths = vqgan.multipliers.map((multiplier) => channels * multiplier);
  const last = strideCount(config); // the last level
  const sized = (size: number) => (inputs: number, outputs: number) => initConv(generator, { size, inputs, outputs });
  const [one, three] = [sized(1), sized(3)];
  const block = (inputs: number, outputs: number): NormedBlock => ({
    firstNorm: initNorm(inputs),
    first: three(inputs, outputs),
    secondNorm: initNorm(outputs),
    second: three(outputs, outputs),
    ...(inputs !== outputs && { shortcut: one(inputs, outputs) }),
  });
  const pixelAttention = (width: number) => ({ norm: initNorm(width), attention: initAttention(generator, width) });
  const middle = (width: number): Middle => ({
    before: block(width, width),
    attention: pixelAttention(width),
    after: block(width, width),
  });
  const level = (depth: number, { inputs, count }: { inputs: number; count: number }): Step[] => {
    const outputs = widths[depth]!;
    const attends = vqgan.attentionAt.includes(frameShape[0] / 2 ** depth);
    return Array.from({ length: count }, (_, i) => ({
      block: block(i === 0 ? inputs : outputs, outputs),
      ...(attends && { attention: pixelAttention(outputs) }),
    }));
  };
  const deepest = widths[last]!;
  return {
    encoder: {
      input: three(pixels, channels),
      levels: widths.map((_, depth) =>
        level(depth, { inputs: depth === 0 ? channels : widths[depth - 1]!, count: residualBlocks }),
      ),
      down: widths.slice(0, last).map((width) => three(width, width)),
      middle: middle(deepest),
      norm: initNorm(deepest),
      output: three(deepest, codeDim),
      project: one(codeDim, codeDim),
    },
    decoder: {
      project: one(codeDim, codeDim),
      input: three(codeDim, deepest),
      middle: middle(deepest),
      levels: widths.toReversed().map((_, i) => {
        const depth = last - i;
        return level(depth, { inputs: widths[Math.min(last, depth + 1)]!, count: residualBlocks + 1 });
      }),
      norm: initNorm(widths[0]!),
      up: [
        ...widths
          .slice(1)
          .toReversed()
          .map((width) => three(width, width)),
        three(widths[0]!, pixels),
      ],
    },
  };
}

/** Frames [N, H, W, C] to vectors [N, h, w, D]. */
export function encodeVqgan(config: VqvaeConfig, parameters: Traced<VqganEncoder>, frames: Tensor): Tensor {
  const { groups } = config.vqgan;
  let x = conv(parameters.input, frames);
  for (const [depth, level] of parameters.levels.entries()) {
    x = steps(level, x, groups);
    const down = parameters.down[depth];
    if (down !== undefined) x = conv(down, x, { stride: 2 });
  }
  x = through(parameters.middle, x, groups); // [N, h, w, channels]
  return conv(parameters.project, conv(parameters.output, bent(parameters.norm, x, groups)));
}

/** Codes [N, h, w, D] to pixels or logits [N, H, W, C], not limited to any range. */
export function decodeVqgan(config: VqvaeConfig, parameters: Traced<VqganDecoder>, codes: Tensor): Tensor {
  const { groups } = config.vqgan;
  const { levels, up } = parameters;
  let x = through(parameters.middle, conv(parameters.input, conv(parameters.project, codes)), groups);
  for (const [i, level] of levels.entries()) {
    x = steps(level, x, groups);
    if (i < levels.length - 1) x = conv(up[i]!, upsample(x));
  }
  return conv(up.at(-1)!, bent(parameters.norm, x, groups));
}

function steps(level: readonly Traced<Step>[], x: Tensor, groups: number): Tensor {
  return level.reduce((y, { block, attention: look }) => {
    const mixed = normedBlock(block, y, groups);
    return look === undefined ? mixed : pixelAttention(look, mixed, groups);
  }, x);
}

function through({ before, attention: look, after }: Traced<Middle>, x: Tensor, groups: number): Tensor {
  return normedBlock(after, pixelAttention(look, normedBlock(before, x, groups), groups), groups);
}

function normedBlock(block: Traced<NormedBlock>, x: Tensor, groups: number): Tensor {
  const { firstNorm, first, secondNorm, second, shortcut } = block;
  const y = conv(second, bent(secondNorm, conv(first, bent(firstNorm, x, groups)), groups));
  return add(shortcut === undefined ? x : conv(shortcut, x), y);
}

function pixelAttention(look: Traced<PixelAttention>, x: Tensor, groups: number): Tensor {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const seen = reshape(groupNorm(look.norm, x, { groups, epsilon }), [batch, height * width, channels]);
  return add(x, reshape(attention(look.attention, seen, { heads: 1 }), x.shape));
}

/** `swish(norm(x))`, `swish(y) = y sigmoid(y)`. */
function bent(parameters: Traced<Norm>, x: Tensor, groups: number): Tensor {
  const y = groupNorm(parameters, x, { groups, epsilon });
  return mul(y, sigmoid(y));
}
