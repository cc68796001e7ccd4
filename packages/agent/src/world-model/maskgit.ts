// The kind `maskgit`: a few passes, each of which sees the tokens that those before it were surest of (MaskGIT, Chang et al. 2022, arXiv 2202.04200; in a world model
// EMERALD, arXiv 2507.04075; written from the papers). It learns to fill in frames of which a random share is hidden.
//
// Reward and end are those of the last pass, which sees most of the frame.
import { Generators, InternalError, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import {
  add,
  constant,
  equal,
  f32,
  fill,
  greater,
  i32,
  less,
  mul,
  neg,
  reshape,
  softmaxCrossEntropy,
  sum,
  where,
} from '@tessera/engine';
import type { Tensor } from '@tessera/engine';
import { tokensIn, weighted } from './dynamics.ts';
import type { Dynamics, ModelSettings } from './dynamics.ts';
import { initWorldModel, predictNext } from './model.ts';
import type { WorldModelParameters } from './model.ts';

export const maskgit: Dynamics<WorldModelParameters> = {
  init: (generator, { config, spec }) => initWorldModel(generator, config, spec),
  choices: ({ config, spec }) => (2 * config.passes - 1) * tokensIn(spec),
  inputs: ({ spec }, batch) => ({ draft: i32(batch, tokensIn(spec)), weights: f32(batch, tokensIn(spec)) }),
  arrays: ({ spec: { vocabulary } }, { nextTokens }, update) => hideTokens(nextTokens, { vocabulary, update }),
  learn(parameters, settings, { tokens, actions, codes, nextTokens, draft, weights }) {
    const next = predictNext(parameters, settings, { tokens, actions, codes, draft: draft! });
    const losses = mul(softmaxCrossEntropy(next.tokens, nextTokens!), weights!);
    return { ...weighted(losses), rewards: next.rewards, ends: next.ends };
  },
  hiddenSize: ({ config }) => 2 * config.width,
  hidden(parameters, settings, seen) {
    const draft = nothingKnown(settings, seen.tokens.shape[0]!);
    return predictNext(parameters, { ...settings, inference: true }, { ...seen, draft }).hidden;
  },
  imagine(parameters, settings, { seen, choice }) {
    const { passes } = settings.config;
    const batch = seen.tokens.shape[0]!;
    const count = tokensIn(settings.spec);
    const hidden = nothingKnown(settings, batch);
    let draft = hidden;
    let known = fill([batch, count], 0); // 0 or 1
    for (let pass = 1; pass <= passes; pass++) {
      const next = predictNext(parameters, { ...settings, inference: true }, { ...seen, draft });
      const frame = where(known, draft, choice.pick(next.tokens));
      if (pass === passes) return { tokens: frame, rewards: next.rewards, ends: next.ends };
      const sureness = neg(softmaxCrossEntropy(next.tokens, frame));
      // Drawn tokens are kept with less and less chance in it: else the likelier ones, which are the surer ones, would come up more often than they should.
      const noise = choice.noise?.(count);
      const order = noise === undefined ? sureness : add(sureness, mul(noise, 1 - pass / passes));
      // What is known stays known.
      known = less(ranks(where(known, fill([batch, count], 1e9), order)), knownAfter(pass, { passes, count }));
      draft = where(known, frame, hidden);
    }
    throw new InternalError('maskgit: no pass was the last one.');
  },
};

/** The draft of frames of which no token is known, int32 [batch, tokens]. */
function nothingKnown({ spec }: ModelSettings, batch: number): Tensor {
  const count = tokensIn(spec);
  return constant(ndarray('int32', [batch, count], new Int32Array(batch * count).fill(spec.vocabulary)));
}

/** Tokens that are known after a pass, 1 the first: `count - floor(count cos(pi/2 pass / passes))`, the cosine schedule of the paper, section 3.2. */
export function knownAfter(
  pass: number,
  { passes, count }: { readonly passes: number; readonly count: number },
): number {
  return count - Math.floor(count * Math.cos((Math.PI / 2) * (pass / passes)));
}

/** For each number of x [batch, count] how many of its row come before it, the largest first and of equal ones the left one: float32 [batch, count]. */
export function ranks(x: Tensor): Tensor {
  const [batch, count] = x.shape as [number, number];
  const left = ndarray('float32', [count, count]);
  for (let own = 0; own < count; own++) left.data.fill(1, own * count, own * count + own);
  const [others, own] = [reshape(x, [batch, 1, count]), reshape(x, [batch, count, 1])];
  return sum(add(greater(others, own), mul(equal(others, own), constant(left))), { axes: [2] });
}

/**
 * Frames int32 [batch, tokens] of which `ceil(cos(pi/2 u) tokens)` are hidden, u uniform for each row, as `draft`, and `weights` that make the mean over the hidden
 * ones. It is a function of the number of the update, so that training which goes on from a saved state hides what it would have hidden.
 */
export function hideTokens(
  frames: NdArray<'int32'>,
  { vocabulary, update }: { readonly vocabulary: number; readonly update: number },
): { draft: NdArray<'int32'>; weights: NdArray<'float32'> } {
  const generator = new Generators(update).get('world-model/hidden-tokens');
  const [batch, count] = frames.shape as [number, number];
  const draft = ndarray('int32', frames.shape, frames.data.slice());
  const weights = ndarray('float32', frames.shape);
  let total = 0;
  for (let row = 0; row < batch; row++) {
    const hidden = Math.max(1, Math.ceil(Math.cos((Math.PI / 2) * generator.random()) * count));
    for (const place of generator.permutation(count).slice(0, hidden)) {
      draft.data[row * count + place] = vocabulary;
      weights.data[row * count + place] = 1;
    }
    total += hidden;
  }
  for (let i = 0; i < weights.data.length; i++) weights.data[i]! /= total;
  return { draft, weights };
}
