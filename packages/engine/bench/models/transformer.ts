// A causal transformer (Vaswani et al. 2017, arXiv 1706.03762, pre-norm) at several sizes (peers/gpt.py).
import { ndarray, npRandom } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';
import {
  add,
  biasAdd,
  causalAttention,
  gather,
  gelu,
  layerNorm,
  matMul,
  mean,
  softmaxCrossEntropy,
} from '@tessera/engine';
import type { Tensor, Traced } from '@tessera/engine';
import { normal } from './step-model.ts';
import type { StepModel } from './step-model.ts';
import { transformerTapeLoss } from './transformer-tape.ts';

interface Dense {
  readonly kernel: NdArray<'float32'>;
  readonly bias: NdArray<'float32'>;
}

interface Norm {
  readonly scale: NdArray<'float32'>;
  readonly bias: NdArray<'float32'>;
}

interface Attention {
  readonly qkv: Dense;
  readonly out: Dense;
}

interface Block {
  readonly norm1: Norm;
  readonly attention: Attention;
  readonly norm2: Norm;
  readonly mlp: { readonly up: Dense; readonly down: Dense };
}

/** Parameters. */
export interface Transformer {
  readonly embedding: { readonly tokens: NdArray<'float32'>; readonly positions: NdArray<'float32'> };
  readonly blocks: readonly Block[];
  readonly norm: Norm;
  readonly head: Dense;
}

/** Sizes of the model and its batch. */
export interface TransformerSizes {
  readonly batch: number;
  readonly length: number;
  readonly vocabulary: number;
  readonly width: number;
  readonly blocks: number;
  readonly heads: number;
}

/** The sizes that are measured. */
export const transformerSizes: Readonly<Record<'large' | 'small' | 'tiny', TransformerSizes>> = {
  large: { batch: 8, length: 340, vocabulary: 512, width: 256, blocks: 4, heads: 4 },
  small: { batch: 16, length: 100, vocabulary: 512, width: 128, blocks: 2, heads: 4 },
  tiny: { batch: 2, length: 5, vocabulary: 11, width: 8, blocks: 2, heads: 2 },
};

/** The model with starting values. */
export function transformer(sizes: TransformerSizes): StepModel<Transformer> {
  const { batch, length, vocabulary, heads } = sizes;
  const generator = npRandom(0);
  const tokens = () => {
    const array = ndarray('int32', [batch, length]);
    for (let i = 0; i < array.data.length; i++) array.data[i] = generator.integers(0, vocabulary);
    return array;
  };
  return {
    name: 'gpt step',
    batch: { tokens: tokens(), targets: tokens() },
    parameters: initialise(generator, sizes),
    loss: (parameters, inputs) => loss(parameters, inputs['tokens']!, inputs['targets']!, heads),
    tapeLoss: (parameters, inputs) => transformerTapeLoss(parameters, inputs['tokens']!, inputs['targets']!, heads),
  };
}

function loss(
  { embedding, blocks, norm, head }: Traced<Transformer>,
  tokens: Tensor,
  targets: Tensor,
  heads: number,
): Tensor {
  let x = add(gather(embedding.tokens, tokens), embedding.positions); // [B, T, width]
  for (const block of blocks) {
    x = add(x, attention(block.attention, normalise(block.norm1, x), heads));
    x = add(x, dense(block.mlp.down, gelu(dense(block.mlp.up, normalise(block.norm2, x)))));
  }
  return mean(softmaxCrossEntropy(dense(head, normalise(norm, x)), targets));
}

function attention({ qkv, out }: Traced<Attention>, x: Tensor, heads: number): Tensor {
  return dense(out, causalAttention(dense(qkv, x), { heads }));
}

function dense({ kernel, bias }: Traced<Dense>, x: Tensor): Tensor {
  return biasAdd(matMul(x, kernel), bias);
}

function normalise({ scale, bias }: Traced<Norm>, x: Tensor): Tensor {
  return layerNorm(x, scale, bias);
}

function initialise(generator: Generator, { length, vocabulary, width, blocks }: TransformerSizes): Transformer {
  const newDense = (from: number, to: number): Dense => ({
    kernel: normal(generator, [from, to], 0.02),
    bias: normal(generator, [to], 0.02),
  });
  const newNorm = (): Norm => {
    const scale = normal(generator, [width], 0.02);
    for (let i = 0; i < width; i++) scale.data[i]! += 1;
    return { scale, bias: normal(generator, [width], 0.02) };
  };
  const newBlock = (): Block => ({
    norm1: newNorm(),
    attention: { qkv: newDense(width, 3 * width), out: newDense(width, width) },
    norm2: newNorm(),
    mlp: { up: newDense(width, 4 * width), down: newDense(4 * width, width) },
  });
  return {
    embedding: {
      tokens: normal(generator, [vocabulary, width], 0.02),
      positions: normal(generator, [length, width], 0.02),
    },
    blocks: Array.from({ length: blocks }, newBlock),
    norm: newNorm(),
    head: newDense(width, vocabulary),
  };
}
