// Product quantization (Jegou et al. 2011, IEEE TPAMI 33:1; the heads of multi-head VQ): a vector is cut into slices, and each is quantized by a codebook of its own.
// G groups of K codes name K^G vectors. Over residual quantizers it is grouped residual quantization (HiFi-Codec, Yang et al. 2023, arXiv 2305.02765).
import { add, concat, mul, reshape } from '@tessera/engine';
import type { QuantizerConfig } from '../config.ts';
import { decodeMasked } from './masks.ts';
import { codebooksOf, composite, joinQuantizations, partOf, split } from './parts.ts';
import type { Quantization, Quantizer } from './quantizer.ts';

/** Independent quantizers, made by `createPart`, on `groups` slices of equal width. Losses are means over all elements, as those of one wide codebook are. */
export function createProduct(config: QuantizerConfig, createPart: (config: QuantizerConfig) => Quantizer): Quantizer {
  const { groups: count, codeDim } = config;
  const width = codeDim / count;
  const groups = Array.from({ length: count }, () => createPart({ ...config, codeDim: width }));
  const widths = groups.map(() => width);
  return {
    config,
    ...composite(groups),
    random: groups[0]!.random ?? false,
    codebooks: codebooksOf(groups, (_, z, index) => split(z, widths, 1)[index]!),
    quantize(state, z, options) {
      const slices = split(z, widths, 1);
      const outs = groups.map((group, index) => group.quantize(partOf(state, index), slices[index]!, options));
      const average = (pick: (out: Quantization) => Parameters<typeof add>[0]) =>
        mul(
          outs.map(pick).reduce((a, b) => add(a, b)),
          1 / count,
        );
      return {
        ...joinQuantizations(outs),
        quantized: concat(outs.map(({ quantized }) => quantized)),
        losses: Object.fromEntries(
          Object.keys(outs[0]!.losses).map((name) => [name, average(({ losses }) => losses[name]!)]),
        ),
        loss: average(({ loss }) => loss),
      };
    },
    decode(state, tokens) {
      const columns = split(
        tokens,
        groups.map(({ slots }) => slots.length),
        1,
      );
      return concat(
        groups.map((group, index) => {
          const [own, column] = [partOf(state, index), columns[index]!];
          // Quantizers of several tokens know what -1 means.
          if (group.slots.length > 1) return group.decode(own, column);
          return decodeMasked((known) => group.decode(own, known), reshape(column, [-1]));
        }),
      );
    },
  };
}
