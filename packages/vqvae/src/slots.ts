// Several tokens for one vector, in one vocabulary: token k of slot q is number `K_0 + ... + K_{q-1} + k`, so a token says which code of which codebook it is wherever it stands,
// as in AudioLM (arXiv 2209.03143, section III-C). World models and policies then need to know nothing of slots.
import { ndarray } from '@tessera/core';
import { constant, gather, greaterEqual, less, add, mul, reshape, sub, toFloat, toInt } from '@tessera/engine';
import type { Tensor } from '@tessera/engine';
import type { Quantizer, TracedQuantizerState } from './quantizers/quantizer.ts';
import type { TokenizerSpec } from './tokenizer.ts';

/** Codes of all slots. */
export function vocabularyOf(slots: readonly number[]): number {
  return slots.reduce((total, vocabulary) => total + vocabulary, 0);
}

/** The grid of vectors: tokens of one place stand beside each other. */
export function placesOf({ tokenShape, slots }: Pick<TokenizerSpec, 'tokenShape' | 'slots'>): readonly number[] {
  const count = slots?.length ?? 1;
  return count === 1 ? tokenShape : [...tokenShape.slice(0, -1), tokenShape.at(-1)! / count];
}

const offsetsOf = (slots: readonly number[]) => slots.map((_, q) => vocabularyOf(slots.slice(0, q)));

const rowOf = (numbers: readonly number[]) =>
  constant(ndarray('float32', [numbers.length], Float32Array.from(numbers)));

/** A quantizer's tokens, int32 [N] or [N, Q], in the one vocabulary; a -1 stays -1. */
export function joinSlots(tokens: Tensor, slots: readonly number[]): Tensor {
  if (slots.length === 1) return tokens;
  const local = toFloat(tokens);
  return toInt(add(local, mul(rowOf(offsetsOf(slots)), greaterEqual(local, 0))));
}

/** The inverse, of any number of tokens in rows of Q: a token that belongs to another slot than it stands in becomes -1, which stands for no code. */
export function splitSlots(tokens: Tensor, slots: readonly number[]): Tensor {
  if (slots.length === 1) return reshape(tokens, [-1]);
  const local = sub(toFloat(reshape(tokens, [-1, slots.length])), rowOf(offsetsOf(slots)));
  const inside = mul(greaterEqual(local, 0), less(local, rowOf(slots)));
  return toInt(sub(mul(add(local, 1), inside), 1));
}

/** The vectors [..., D] of tokens [...] one by one: what each adds to the code of its place. */
export function embedTokens(quantizer: Quantizer, state: TracedQuantizerState, tokens: Tensor): Tensor {
  const { slots } = quantizer;
  if (slots.length === 1) return reshape(quantizer.decode(state, reshape(tokens, [-1])), [...tokens.shape, -1]);
  // Every token of the vocabulary alone in its row.
  const alone = ndarray(
    'int32',
    [vocabularyOf(slots), slots.length],
    new Int32Array(vocabularyOf(slots) * slots.length).fill(-1),
  );
  let token = 0;
  for (const [q, vocabulary] of slots.entries()) {
    for (let k = 0; k < vocabulary; k++) alone.data[token++ * slots.length + q] = k;
  }
  return gather(quantizer.decode(state, constant(alone)), tokens);
}
