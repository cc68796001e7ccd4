// The codebook of any tokenizer as one table, read through `embed` alone: what embeddings of a policy or a world model start from.
import { elementCount, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { Tokenizer } from './tokenizer.ts';

/** The embedding of every code, float32 [vocabulary, codeDim], of a tokenizer that embeds a token alike wherever it stands. */
export function codeTable(tokenizer: Pick<Tokenizer, 'spec' | 'embed'>): NdArray<'float32'> {
  const { vocabulary, codeDim, tokenShape } = tokenizer.spec;
  const batch = Math.ceil(vocabulary / elementCount(tokenShape));
  const tokens = ndarray('int32', [batch, ...tokenShape]);
  // The last grid is filled up with code 0.
  for (let code = 0; code < vocabulary; code++) tokens.data[code] = code;
  const { data } = tokenizer.embed(tokens); // [batch, ...tokenShape, codeDim]
  return ndarray('float32', [vocabulary, codeDim], data.slice(0, vocabulary * codeDim));
}
