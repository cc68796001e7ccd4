// The kind `parallel`: one pass, each token by itself (the idea of REM, arXiv 2402.05643).
import { mean, softmaxCrossEntropy } from '@tessera/engine';
import type { Dynamics } from './dynamics.ts';
import { tokensIn } from './dynamics.ts';
import { initWorldModel, predictNext } from './model.ts';
import type { WorldModelParameters } from './model.ts';

export const parallel: Dynamics<WorldModelParameters> = {
  init: (generator, { config, spec }) => initWorldModel(generator, config, spec),
  choices: ({ spec }) => tokensIn(spec),
  inputs: () => ({}),
  arrays: () => ({}),
  learn(parameters, settings, { tokens, actions, codes, nextTokens }) {
    const next = predictNext(parameters, settings, { tokens, actions, codes });
    const losses = softmaxCrossEntropy(next.tokens, nextTokens!); // [batch, tokens]
    return {
      tokenLoss: mean(losses),
      tokenLosses: () => mean(losses, { axes: [1] }),
      rewards: next.rewards,
      ends: next.ends,
    };
  },
  hiddenSize: ({ config }) => 2 * config.width,
  hidden: (parameters, settings, seen) => predictNext(parameters, { ...settings, inference: true }, seen).hidden,
  predict: (parameters, settings, seen) => predictNext(parameters, settings, seen),
  imagine(parameters, settings, { seen, choice }) {
    const next = predictNext(parameters, { ...settings, inference: true }, seen);
    return { ...next, tokens: choice.pick(next.tokens) };
  },
};
