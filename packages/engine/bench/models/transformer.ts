// A small causal transformer: 2 blocks of width 128, 4 heads, 100 tokens, batch 16, vocabulary 512 (peers/transformer_step.py).
import { ndarray, npRandom } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';
import {
  add,
  biasAdd,
  constant,
  gather,
  gelu,
  layerNorm,
  matMul,
  mean,
  mul,
  reshape,
  slice,
  softmax,
  softmaxCrossEntropy,
  transpose,
} from '@tessera/engine';
import type { Tensor, Traced } from '@tessera/engine';
import { causalMask } from './causal-mask.ts';
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

interface Transformer {
  readonly embedding: { readonly tokens: NdArray<'float32'>; readonly positions: NdArray<'float32'> };
  readonly block1: Block;
  readonly block2: Block;
  readonly norm: Norm;
  readonly head: Dense;
}

const length = 100;
const vocabulary = 512;
const width = 128;
const heads = 4;

/** The model; a smaller batch is for checks. */
export function transformer({ batch = 16, seed = 0 }: { batch?: number; seed?: number } = {}): StepModel<Transformer> {
  const generator = npRandom(seed);
  const tokens = () => {
    const array = ndarray('int32', [batch, length]);
    for (let i = 0; i < array.data.length; i++) array.data[i] = generator.integers(0, vocabulary);
    return array;
  };
  return {
    name: 'transformer-step',
    peer: 'transformer_step.py',
    batch: { tokens: tokens(), targets: tokens() },
    parameters: initialise(generator),
    loss: (parameters, inputs) => loss(parameters, inputs['tokens']!, inputs['targets']!),
    tapeLoss: (parameters, inputs) => transformerTapeLoss(parameters, inputs['tokens']!, inputs['targets']!),
  };
}

function loss({ embedding, block1, block2, norm, head }: Traced<Transformer>, tokens: Tensor, targets: Tensor): Tensor {
  let x = add(gather(embedding.tokens, tokens), embedding.positions); // [B, T, 128]
  for (const block of [block1, block2]) {
    x = add(x, attention(block.attention, normalise(block.norm1, x)));
    x = add(x, dense(block.mlp.down, gelu(dense(block.mlp.up, normalise(block.norm2, x)))));
  }
  return mean(softmaxCrossEntropy(dense(head, normalise(norm, x)), targets));
}

function attention({ qkv, out }: Traced<Attention>, x: Tensor): Tensor {
  const batch = x.shape[0]!;
  const parts = transpose(reshape(dense(qkv, x), [batch, length, 3, heads, width / heads]), [2, 0, 3, 1, 4]);
  const part = (i: number) =>
    reshape(slice(parts, [i, 0, 0, 0, 0], [1, ...parts.shape.slice(1)]), [batch * heads, length, width / heads]);
  const scores = mul(matMul(part(0), part(1), { transposeB: true }), 1 / Math.sqrt(width / heads)); // [B*heads, T, T]
  const mixed = matMul(softmax(add(scores, constant(causalMask(length)))), part(2)); // [B*heads, T, 32]
  const together = transpose(reshape(mixed, [batch, heads, length, width / heads]), [0, 2, 1, 3]);
  return dense(out, reshape(together, [batch, length, width]));
}

function dense({ kernel, bias }: Traced<Dense>, x: Tensor): Tensor {
  return biasAdd(matMul(x, kernel), bias);
}

function normalise({ scale, bias }: Traced<Norm>, x: Tensor): Tensor {
  return layerNorm(x, scale, bias);
}

function initialise(generator: Generator): Transformer {
  const newDense = (from: number, to: number): Dense => ({
    kernel: normal(generator, [from, to], 0.02),
    bias: ndarray('float32', [to]),
  });
  const newNorm = (): Norm => {
    const scale = ndarray('float32', [width]);
    scale.data.fill(1);
    return { scale, bias: ndarray('float32', [width]) };
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
    block1: newBlock(),
    block2: newBlock(),
    norm: newNorm(),
    head: newDense(width, vocabulary),
  };
}
