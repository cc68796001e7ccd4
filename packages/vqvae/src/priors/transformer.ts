// A causal transformer over tokens in row-major order: the prior of VideoGPT (arXiv 2104.10157) and of every GPT. A sequence begins with a token of its own, one for
// each class, so that a class is nothing but another beginning.
import { ndarray } from '@tessera/core';
import { concat, reshape, slice } from '@tessera/engine';
import { TokenGenerator, causalLogits, initCausalTransformer } from '@tessera/nn';
import type { CausalTransformer, CausalTransformerConfig } from '@tessera/nn';
import type { PriorConfig } from './config.ts';
import type { PriorSpec } from './prior.ts';
import type { PriorNetwork } from './token-prior.ts';

// Tokens that one program draws: enough to make the cost of a call small, few enough for a short record.
const drawnAtOnce = 16;

/** The network for tokens of any shape. */
export function transformer(
  { transformer: sizes, classes }: PriorConfig,
  { tokenShape, vocabulary }: PriorSpec,
): PriorNetwork<CausalTransformer> {
  const length = tokenShape.reduce((product, n) => product * n, 1);
  const config: CausalTransformerConfig = {
    ...sizes,
    length,
    vocabulary: vocabulary + Math.max(1, classes),
    predicted: vocabulary,
  };
  return {
    // A sequence begins with its label.
    firstLabel: vocabulary,

    init: (generator) => initCausalTransformer(generator, config),

    logits(parameters, tokens, labels) {
      const batch = tokens.shape[0]!;
      const begin = reshape(labels, [batch, 1]);
      const before = length === 1 ? begin : concat([begin, slice(tokens, [0, 0], [batch, length - 1])]);
      return causalLogits(parameters, before, config);
    },

    sampler(engine, parameters) {
      let dreams: { readonly batch: number; readonly generator: TokenGenerator } | undefined;
      return {
        draw({ labels, generator, temperature }) {
          const batch = labels.shape[0]!;
          if (dreams?.batch !== batch) {
            dreams?.generator.dispose();
            dreams = { batch, generator: new TokenGenerator(engine, parameters, config, { batch }) };
          }
          dreams.generator.rewind();
          const out = ndarray('int32', [batch, length]);
          let last = ndarray('int32', [batch, 1], labels.data);
          for (let done = 0; done < length; done += drawnAtOnce) {
            const count = Math.min(drawnAtOnce, length - done);
            const { data } = dreams.generator.generate(last, { count, generator, temperature });
            last = ndarray('int32', [batch, 1]);
            for (let row = 0; row < batch; row++) {
              out.data.set(data.subarray(row * count, (row + 1) * count), row * length + done);
              last.data[row] = data[(row + 1) * count - 1]!;
            }
          }
          return out;
        },
        dispose: () => dreams?.generator.dispose(),
      };
    },
  };
}
