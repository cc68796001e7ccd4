// Part B: one model with a weak or a strong decoder, trained and measured.
import { Generators } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { Engine } from '@tessera/engine';
import { learningRateAt } from '@tessera/nn';
import { activeUnits, datasetCodeStatistics, klPerUnit, mutualInformation } from '@tessera/vqvae';
import { CollapseModel } from './collapse-model.ts';
import type { CollapseLatents } from './collapse-model.ts';
import type { StudyConfig } from './config.ts';
import { drawLevels, firstRows, toLevels } from './frames.ts';
import type { CollapseUnit, OnStep } from './units.ts';

/** How a model is called in tables. */
export function collapseName(latents: CollapseLatents): string {
  return latents.kind === 'vae' ? `VAE beta ${latents.beta}` : `VQ-VAE K ${latents.vocabulary}`;
}

/** The latents that part B compares. */
export function collapseLatents({ collapse }: StudyConfig): CollapseLatents[] {
  const vaes = collapse.betas.map((beta) => ({ kind: 'vae', beta }) as const);
  return [...vaes, { kind: 'vq', vocabulary: collapse.vocabulary }];
}

const tokensPerFrame = 16;
// Frames whose posteriors the estimate of the mutual information sees: it costs the square.
const informationFrames = 1000;
// Codes start again when so many steps did not choose them, in the first part of training.
const restart = { after: 50, share: 0.6 };

/** Trains one model and measures it. `onStep` is called after every step, and may throw to stop. */
export async function collapseUnit(
  engine: Engine,
  {
    config,
    latents,
    decoder,
    seed,
    train,
    test,
  }: {
    readonly config: StudyConfig;
    readonly latents: CollapseLatents;
    readonly decoder: 'weak' | 'strong';
    readonly seed: number;
    /** uint8 [N, 32, 32, 3]. */
    readonly train: NdArray<'uint8'>;
    readonly test: NdArray<'uint8'>;
  },
  onStep: OnStep,
): Promise<CollapseUnit> {
  const { steps, batch, features } = config.collapse;
  const { channels, latentDim, learningRate: peak } = config;
  const model = new CollapseModel(engine, { latents, decoder, channels, latentDim, features, batch, seed });
  const generators = new Generators(seed);
  try {
    const batches = generators.get('batches');
    for (let step = 0; step < steps; step++) {
      const x = drawLevels(train, batch, batches);
      const learningRate = learningRateAt(
        { peak, warmup: 20, decay: 'cosine', end: 0.05 },
        { step, progress: step / steps },
      );
      model.trainStep(x, { learningRate });
      if (step < restart.share * steps) model.restartUnused(x, restart);
      await onStep();
    }
    const { nll, nllOfOther, posteriors, tokens } = model.evaluate(toLevels(test));
    const bits = (nats: Float64Array) => nats.reduce((sum, value) => sum + value, 0) / nats.length / Math.LN2;
    const kl = posteriors && klPerUnit(posteriors);
    const codes = tokens && latents.kind === 'vq' ? datasetCodeStatistics(tokens, latents.vocabulary) : undefined;
    return {
      part: 'collapse',
      seed,
      model: collapseName(latents),
      kind: latents.kind,
      beta: latents.kind === 'vae' ? latents.beta : null,
      decoder,
      nllBits: bits(nll),
      gapBits: bits(nllOfOther) - bits(nll),
      rateBits:
        latents.kind === 'vq'
          ? tokensPerFrame * Math.log2(latents.vocabulary)
          : kl!.reduce((sum, nats) => sum + nats, 0) / Math.LN2,
      activeUnits: posteriors ? activeUnits(posteriors) : null,
      units: kl?.length ?? null,
      mutualInformation: posteriors
        ? mutualInformation(firstPosteriors(posteriors), generators.get('information'))
        : null,
      klPerUnit: kl ? [...kl] : null,
      usage: codes?.datasetUsage ?? null,
      usageCeiling: codes?.datasetUsageCeiling ?? null,
      perplexity: codes?.datasetPerplexity ?? null,
      perplexityCeiling: codes?.datasetPerplexityCeiling ?? null,
      codeBits: codes ? tokensPerFrame * codes.entropyCorrected : null,
    };
  } finally {
    model.dispose();
  }
}

function firstPosteriors({ mean, deviation }: NonNullable<ReturnType<CollapseModel['evaluate']>['posteriors']>): {
  readonly mean: NdArray<'float32'>;
  readonly deviation: NdArray<'float32'>;
} {
  return { mean: firstRows(mean, informationFrames), deviation: firstRows(deviation, informationFrames) };
}
