// Gumbel-softmax quantization (Jang et al. 2016, arXiv 1611.01144; Maddison et al. 2016, arXiv 1611.00712; as the dVAE of DALL-E, arXiv 2102.12092): a linear map of a
// vector gives a distribution over codes. Training draws from it, evaluation takes its largest.
import { ndarray } from '@tessera/core';
import {
  add,
  argMax,
  checkFinite,
  constant,
  div,
  equal,
  exp,
  gather,
  log,
  logSoftmax,
  matMul,
  mul,
  neg,
  randomUniform,
  reshape,
  softmax,
  straightThrough,
  sum,
  toFloat,
} from '@tessera/engine';
import type { Tensor } from '@tessera/engine';
import { normal, uniform } from '@tessera/nn';
import type { QuantizerConfig } from '../config.ts';
import { masked, maskedTokens, meanRows } from './masks.ts';
import type { Quantizer, TracedQuantizerState } from './quantizer.ts';
import { tokenCounts } from './statistics.ts';

/** A choice of one class of each row. */
export interface Choice {
  /** int32 [N]. */
  readonly tokens: Tensor;
  /** Exactly one 1 in each row [N, K], with the gradient of the softmax. */
  readonly oneHot: Tensor;
}

/**
 * `argmax(logits + g)` with `g = -ln(-ln u)`, u uniform in (0, 1) by the key `random`, and 0 without one: a draw from `softmax(logits)`, or its largest. The gradient is that of
 * `softmax((logits + g) / temperature)`, straight through.
 */
export function gumbelChoice(
  logits: Tensor,
  { temperature, random }: { readonly temperature: number; readonly random?: Tensor | undefined },
): Choice {
  const [, classes] = logits.shape as [number, number];
  // randomUniform gives multiples of 2^-23 from 0 on: half a step more keeps both logarithms finite.
  const noisy =
    random === undefined ? logits : add(logits, neg(log(neg(log(add(randomUniform(random, logits.shape), 2 ** -24))))));
  const tokens = argMax(noisy);
  const hard = equal(
    reshape(toFloat(tokens), [-1, 1]),
    constant(
      ndarray(
        'float32',
        [classes],
        Float32Array.from({ length: classes }, (_, k) => k),
      ),
    ),
  );
  return { tokens, oneHot: straightThrough(softmax(div(noisy, temperature)), hard) };
}

/** `KL(softmax(logits) || uniform)` of K classes, the mean over rows that are not masked, a scalar in [0, ln K]. */
export function klToUniform(logits: Tensor, mask?: Tensor): Tensor {
  const logP = logSoftmax(logits);
  const [, classes] = logits.shape as [number, number];
  return meanRows(sum(mul(exp(logP), add(logP, Math.log(classes))), { axes: [-1] }), mask);
}

/** Codes [K, D] and the map [D, K] to logits, both trained by the reconstruction loss; `loss = klWeight KL(p(. | z) || uniform)`. */
export function createGumbel(config: QuantizerConfig): Quantizer {
  const { vocabulary, codeDim, klWeight } = config;
  const temperature = config.temperature!;
  const decode = ({ codebook }: TracedQuantizerState, tokens: Tensor) => gather(codebook!, tokens);
  return {
    config,
    slots: [vocabulary],
    trainable: ['projection', 'codebook'],
    random: true,
    init: (generator) => ({
      projection: uniform(generator, [codeDim, vocabulary], Math.sqrt(1 / codeDim)),
      codebook: normal(generator, [vocabulary, codeDim], 1),
    }),
    quantize(state, vectors, { mask, random } = {}) {
      const z = checkFinite(masked(vectors, mask), 'vectors to quantize');
      const logits = matMul(z, state['projection']!); // [N, K]
      const { tokens, oneHot } = gumbelChoice(logits, { temperature, random });
      const kl = klToUniform(logits, mask);
      return {
        tokens: maskedTokens(tokens, mask),
        // The product of a one-hot row and the codes is a code, but for how a backend rounds products; its gradients are what is wanted.
        quantized: masked(straightThrough(matMul(oneHot, state['codebook']!), decode(state, tokens)), mask),
        losses: { kl },
        loss: mul(kl, klWeight),
        statistics: { counts: tokenCounts(tokens, vocabulary, mask) },
      };
    },
    update: () => ({}),
    decode,
  };
}
