// A quantizer that is made of others: what its parts keep in one state and one record of statistics, under names of their own.
import { concat, reshape, slice } from '@tessera/engine';
import type { Tensor } from '@tessera/engine';
import type { Generator } from '@tessera/core';
import type {
  Codebook,
  Quantization,
  QuantizationStatistics,
  Quantizer,
  QuantizerState,
  TracedQuantizerState,
} from './quantizer.ts';

type Arrays<T> = Readonly<Record<string, T>>;

/** The entries of part `index`, under the names that the part itself knows. */
export function partOf<T>(entries: Arrays<T>, index: number): Arrays<T> {
  const prefix = `${index}/`;
  const own = Object.entries(entries).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(own.map(([name, value]) => [name.slice(prefix.length), value]));
}

/** Entries of all parts as one record: the inverse of `partOf`. */
export function joinParts<T>(parts: readonly Arrays<T>[]): Arrays<T> {
  return Object.fromEntries(
    parts.flatMap((entries, index) => Object.entries(entries).map(([name, value]) => [`${index}/${name}`, value])),
  );
}

/** What is the same for every quantizer made of parts, each with a codebook of equally many codes. */
export function composite(parts: readonly Quantizer[]): Pick<Quantizer, 'slots' | 'trainable' | 'init' | 'update'> {
  const widths = parts.map(({ slots }) => slots.length);
  return {
    slots: parts.flatMap(({ slots }) => slots),
    trainable: parts.flatMap(({ trainable }, index) => trainable.map((name) => `${index}/${name}`)),
    init: (generator: Generator): QuantizerState => joinParts(parts.map((part) => part.init(generator))),
    update(state, { counts, ...others }) {
      const rows = split(counts, widths, 0);
      return joinParts(
        parts.map((part, index) =>
          part.update(partOf(state, index), {
            ...partOf(others, index),
            counts: widths[index] === 1 ? reshape(rows[index]!, [-1]) : rows[index]!,
          }),
        ),
      );
    },
  };
}

/** The codebooks of all parts; `inputOf` says which vectors part `index` quantizes. */
export function codebooksOf(
  parts: readonly Quantizer[],
  inputOf: (state: TracedQuantizerState, z: Tensor, index: number) => Tensor,
): readonly Codebook[] {
  return parts.flatMap(({ codebooks = [] }, index) =>
    codebooks.map((codebook) => ({
      ...codebook,
      name: `${index}/${codebook.name}`,
      lookUp: (state: TracedQuantizerState, z: Tensor) =>
        codebook.lookUp(partOf(state, index), inputOf(state, z, index)),
      replace: (state: QuantizerState, ...rest: Rest) => codebook.replace(partOf(state, index), ...rest),
    })),
  );
}

type Rest = Parameters<Codebook['replace']> extends [unknown, ...infer R] ? R : never;

/** Tokens side by side [N, Q], counts one below the other [Q, K], other statistics under the names of their parts. */
export function joinQuantizations(outs: readonly Quantization[]): Pick<Quantization, 'tokens' | 'statistics'> {
  const matrix = (x: Tensor, shape: readonly number[]) => (x.rank === 1 ? reshape(x, shape) : x);
  const statistics: QuantizationStatistics = {
    ...joinParts(outs.map(({ statistics }) => withoutCounts(statistics))),
    counts: concat(
      outs.map(({ statistics: { counts } }) => matrix(counts, [1, -1])),
      { axis: 0 },
    ),
  };
  return { tokens: concat(outs.map(({ tokens }) => matrix(tokens, [-1, 1]))), statistics };
}

const withoutCounts = (statistics: QuantizationStatistics): Arrays<Tensor> =>
  Object.fromEntries(Object.entries(statistics as Arrays<Tensor>).filter(([name]) => name !== 'counts'));

/** Pieces of a matrix along an axis, so many rows or columns each. */
export function split(x: Tensor, sizes: readonly number[], axis: 0 | 1): Tensor[] {
  let begin = 0;
  return sizes.map((size) => {
    const piece = axis === 0 ? slice(x, [begin, 0], [size, x.shape[1]!]) : slice(x, [0, begin], [x.shape[0]!, size]);
    begin += size;
    return piece;
  });
}
