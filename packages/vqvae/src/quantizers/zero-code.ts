// A codebook whose first code is the zero vector and stays it: a stage of a residual quantizer that has nothing to add can say so, and never makes a vector worse.
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { constant, mul } from '@tessera/engine';
import type { Tensor } from '@tessera/engine';
import type { Quantizer, QuantizerState, TracedQuantizerState } from './quantizer.ts';

/** The quantizer with code 0 held at the zero vector, whatever its optimiser, averages and restarts make of that row. */
export function withZeroCode(inner: Quantizer): Quantizer {
  const [vocabulary] = inner.slots as [number];
  const keep = ndarray('float32', [vocabulary, 1], new Float32Array(vocabulary).fill(1, 1));
  const held = (state: TracedQuantizerState): TracedQuantizerState => ({
    ...state,
    codebook: mul(state['codebook']!, constant(keep)),
  });
  return {
    ...inner,
    codebooks: inner.codebooks!.map((codebook) => ({
      ...codebook,
      lookUp: (state: TracedQuantizerState, z: Tensor) => codebook.lookUp(held(state), z),
      replace(state: QuantizerState, rows: readonly number[], vectors: Float32Array, counts?: ArrayLike<number>) {
        codebook.replace(state, rows, vectors, counts);
        clear(state['codebook']!);
      },
    })),
    init(generator) {
      const state = inner.init(generator);
      clear(state['codebook']!);
      return state;
    },
    compare: (state, z) => inner.compare!(held(state), z),
    quantize: (state, z, options) => inner.quantize(held(state), z, options),
    update(state, statistics) {
      const changed = inner.update(held(state), statistics);
      return 'codebook' in changed ? held(changed) : changed;
    },
    decode: (state, tokens) => inner.decode(held(state), tokens),
  };
}

function clear({ data, shape }: NdArray): void {
  data.fill(0 as never, 0, shape[1]!);
}
