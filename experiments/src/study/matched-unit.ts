// Parts C and D: one model trained, its reconstructions measured beside its rate, and frames made up by it from each source of latents that it has.
import { Generators, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { Engine } from '@tessera/engine';
import { learningRateAt } from '@tessera/nn';
import {
  VAE,
  VQVAE,
  activeUnits,
  countCodes,
  datasetCodeStatistics,
  frechetDistance,
  greyNoiseChurn,
  highFrequencyShare,
  klPerUnit,
  mixtureHead,
  radialSpectrum,
  randomFeatures,
  sharpnessRatio,
  toUnit,
} from '@tessera/vqvae';
import type { StudyConfig } from './config.ts';
import { drawBatch, firstRows } from './frames.ts';
import { compareFrames, measured, readParts } from './study-data.ts';
import type { StudyData } from './study-data.ts';
import { latentRows, pickRows, samplingSteps, secondStage } from './second-stage.ts';
import type { LatentPool, SecondStageWork } from './second-stage.ts';
import { tokenHead } from './token-head.ts';
import { realFrames } from './units.ts';
import type { MatchedUnit, OnStep, SampleMeasures } from './units.ts';

/** Which model. */
export type MatchedModel =
  | { readonly kind: 'ae' }
  | { readonly kind: 'vae'; readonly beta: number }
  | { readonly kind: 'vq'; readonly grid: number; readonly vocabulary: number };

/** How a model is called in tables and files. */
export function matchedName(model: MatchedModel): string {
  if (model.kind === 'ae') return 'AE';
  return model.kind === 'vae' ? `VAE beta ${model.beta}` : `VQ-VAE ${model.grid}x${model.grid} K ${model.vocabulary}`;
}

/** The models that parts C and D compare. */
export function matchedModels({ matched }: StudyConfig): MatchedModel[] {
  return [
    { kind: 'ae' },
    ...matched.betas.map((beta) => ({ kind: 'vae', beta }) as const),
    ...matched.codebooks.map(({ grid, vocabulary }) => ({ kind: 'vq', grid, vocabulary }) as const),
  ];
}

/** What is trained. */
export interface MatchedWork {
  readonly config: StudyConfig;
  readonly model: MatchedModel;
  readonly data: StudyData;
  readonly seed: number;
  readonly steps: number;
  /** Rows and columns of latents of the autoencoders. */
  readonly grid: number;
  /** Frames that are made up; 0 for none, and then no prior is trained either. */
  readonly samples: number;
}

/** Frames for the pictures: reconstructions of the first test frames, and the first samples of each source. */
export type Pictures = Readonly<Record<string, NdArray<'float32'>>>;

type Result = { readonly unit: Omit<MatchedUnit, 'pictures'>; readonly pictures: Pictures };

const shown = 16;
// Sampling costs the square of the length: longer sequences are drawn in smaller number.
const longest = 16;

/** How often a unit calls `onStep`. */
export function matchedSteps({ config, model, steps, samples }: Omit<MatchedWork, 'data' | 'seed'>): number {
  return steps + (samples === 0 ? 0 : config.matched.priorSteps + samplingSteps(sampleCount(model, samples)));
}

function sampleCount(model: MatchedModel, samples: number): number {
  return model.kind === 'vq' && model.grid ** 2 > longest ? Math.ceil(samples / 10) : samples;
}

/** Trains one model and measures it. `onStep` is called after every step, of the model and of its prior, and may throw to stop. */
export async function matchedUnit(engine: Engine, work: MatchedWork, onStep: OnStep): Promise<Result> {
  return work.model.kind === 'vq'
    ? vqUnit(engine, work, { ...work.model, onStep })
    : vaeUnit(engine, work, { beta: work.model.kind === 'vae' ? work.model.beta : undefined, onStep });
}

async function vqUnit(
  engine: Engine,
  work: MatchedWork,
  { grid, vocabulary, onStep }: { readonly grid: number; readonly vocabulary: number; readonly onStep: OnStep },
): Promise<Result> {
  const { config, data, seed } = work;
  const samples = sampleCount(work.model, work.samples);
  const generators = new Generators(seed);
  const tokenizer = new VQVAE(
    engine,
    {
      ...trunkOf(work, grid),
      quantizer: { kind: 'ema', vocabulary, codeDim: config.latentDim },
      // The scale of the VAE's likelihood, so that the commitment loss weighs what it does elsewhere.
      reconstruction: { kind: 'mse', variance: 2 * config.matched.deviation ** 2 },
    },
    { seed },
  );
  try {
    await fit(work, generators, async (frames, learningRate) => {
      tokenizer.trainStep(frames, { learningRate });
      await onStep();
    });
    const real = toUnit(data.test);
    const tokens = tokenizer.encode(real);
    const codes = datasetCodeStatistics(tokens.data, vocabulary);
    const slots = grid * grid;
    const decoded = tokenizer.decode(tokens);
    const sources: Record<string, NdArray<'float32'>> = {};
    let priorBits: number | null = null;
    if (samples > 0) {
      const decode = (drawn: NdArray) =>
        tokenizer.decode(ndarray('int32', [samples, grid, grid], drawn.data as Int32Array));
      const uniform = generators.get('uniform codes');
      sources['uniform codes'] = decode(
        ndarray(
          'int32',
          [samples, slots],
          Int32Array.from({ length: samples * slots }, () => uniform.integers(vocabulary)),
        ),
      );
      const prepare = (frames: NdArray<'float32'>): LatentPool => {
        const encoded = ndarray('int32', [frames.shape[0]!, slots], tokenizer.encode(frames).data);
        return { count: encoded.shape[0]!, rows: (chosen) => pickRows(encoded, chosen) };
      };
      const learned = await secondStage(engine, priorWork(work), {
        head: tokenHead(vocabulary),
        length: slots,
        samples,
        prepare,
        generators,
        onStep,
      });
      priorBits = learned.bits;
      sources['learned prior'] = decode(learned.drawn);
    }
    return measure(work, {
      decoded,
      sources,
      numbers: {
        parameters: tokenizer.parameterCount,
        rateBits: slots * Math.log2(vocabulary),
        entropyBits: slots * codes.entropyCorrected,
        priorBits,
        klPerUnit: null,
        activeUnits: null,
        usage: codes.datasetUsage,
        usageCeiling: codes.datasetUsageCeiling,
        perplexity: codes.datasetPerplexity,
        perplexityCeiling: codes.datasetPerplexityCeiling,
        codeCounts: [...countCodes(tokens.data, vocabulary)],
        noiseChurn: greyNoiseChurn(tokenizer, firstRows(real, measured), generators.get('grey noise')),
        probe: data.parts ? readParts(tokens, data.parts, vocabulary) : null,
        quantizationError: tokenizer.quantizationError(firstRows(real, measured)).relative,
      },
    });
  } finally {
    tokenizer.dispose();
  }
}

async function vaeUnit(
  engine: Engine,
  work: MatchedWork,
  { beta, onStep }: { readonly beta: number | undefined; readonly onStep: OnStep },
): Promise<Result> {
  const { config, data, seed, samples, grid } = work;
  const { latentDim, matched } = config;
  const generators = new Generators(seed);
  const kind = beta === undefined ? { beta: 0, noise: false } : { beta };
  const vae = new VAE(engine, { ...trunkOf(work, grid), ...kind, latentDim, deviation: matched.deviation }, { seed });
  try {
    await fit(work, generators, async (frames, learningRate) => {
      vae.trainStep(frames, { learningRate });
      await onStep();
    });
    const posteriors = vae.posterior(toUnit(data.test));
    const kl = klPerUnit(posteriors);
    const sources: Record<string, NdArray<'float32'>> = {};
    let priorBits: number | null = null;
    if (samples > 0) {
      if (beta !== undefined) sources['N(0, I)'] = vae.sample(samples, generators.get('prior'));
      // Latents of an autoencoder have any scale; the second stage sees them at deviation 1.
      const scale = beta === undefined ? deviationOf(posteriors.mean) : 1;
      const noise = generators.get('second stage');
      const prepare = (frames: NdArray<'float32'>): LatentPool => {
        const all = vae.posterior(frames);
        const options = { noise, scale, draw: beta !== undefined };
        const rows = (chosen: readonly number[]) =>
          latentRows({ mean: pickRows(all.mean, chosen), deviation: pickRows(all.deviation, chosen) }, options);
        return { count: all.mean.shape[0]!, rows };
      };
      const head = mixtureHead({ dimensions: latentDim });
      const learned = await secondStage(engine, priorWork(work), {
        head,
        length: grid * grid,
        samples,
        prepare,
        generators,
        onStep,
      });
      priorBits = learned.bits;
      const latents = ndarray('float32', [samples, ...vae.latentShape], learned.drawn.data as Float32Array);
      for (let i = 0; i < latents.data.length; i++) latents.data[i]! *= scale;
      sources['learned prior'] = vae.decode(latents);
    }
    const drawn = latentRows(posteriors, {
      noise: generators.get('posterior'),
      scale: 1,
      draw: beta !== undefined,
    });
    const ofDraws = vae.decode(ndarray('float32', posteriors.mean.shape, drawn.data));
    return measure(work, {
      decoded: ofDraws,
      decodedMeans: beta === undefined ? undefined : vae.decode(posteriors.mean),
      sources,
      numbers: {
        parameters: vae.parameterCount,
        rateBits: beta === undefined ? null : kl.reduce((sum, nats) => sum + nats, 0) / Math.LN2,
        entropyBits: null,
        priorBits: beta === undefined ? null : priorBits,
        klPerUnit: beta === undefined ? null : [...kl],
        activeUnits: beta === undefined ? null : activeUnits(posteriors),
        usage: null,
        usageCeiling: null,
        perplexity: null,
        perplexityCeiling: null,
        codeCounts: null,
        noiseChurn: null,
        probe: null,
        quantizationError: null,
      },
    });
  } finally {
    vae.dispose();
  }
}

function priorWork({ config, data: { train, test }, seed }: MatchedWork): SecondStageWork {
  return { priorSteps: config.matched.priorSteps, train, test, seed };
}

/** What every model of the parts shares. */
function trunkOf({ config, data }: MatchedWork, grid: number): object {
  return {
    frameShape: data.train.shape.slice(1) as [number, number, number],
    tokenShape: [grid, grid] as [number, number],
    channels: config.channels,
    // For the time that it takes, smaller errors than with blocks.
    residualBlocks: 0,
    // Frames nearly all of one colour kill ReLUs.
    activation: 'elu' as const,
  };
}

async function fit(
  { config, data, steps }: MatchedWork,
  generators: Generators,
  step: (frames: NdArray<'float32'>, learningRate: number) => Promise<void>,
): Promise<void> {
  const schedule = { peak: config.learningRate, warmup: 20, decay: 'cosine', end: 0.05 } as const;
  const batches = generators.get('batches');
  for (let i = 0; i < steps; i++) {
    const frames = drawBatch(data.train, config.matched.batch, batches);
    await step(frames, learningRateAt(schedule, { step: i, progress: i / steps }));
  }
}

function deviationOf({ data }: NdArray<'float32'>): number {
  const mean = data.reduce((sum, x) => sum + x, 0) / data.length;
  return Math.sqrt(data.reduce((sum, x) => sum + (x - mean) ** 2, 0) / data.length) || 1;
}

type ModelNumbers = Pick<
  MatchedUnit,
  | 'parameters'
  | 'rateBits'
  | 'entropyBits'
  | 'priorBits'
  | 'klPerUnit'
  | 'activeUnits'
  | 'usage'
  | 'usageCeiling'
  | 'perplexity'
  | 'perplexityCeiling'
  | 'codeCounts'
  | 'noiseChurn'
  | 'probe'
  | 'quantizationError'
>;

function measure(
  work: MatchedWork,
  {
    decoded,
    decodedMeans,
    sources,
    numbers,
  }: {
    readonly decoded: NdArray<'float32'>;
    readonly decodedMeans?: NdArray<'float32'> | undefined;
    readonly sources: Pictures;
    readonly numbers: ModelNumbers;
  },
): Result {
  const { data, seed, model } = work;
  const real = toUnit(data.test);
  const high = highFrequencyShare(firstRows(real, measured));
  const features = randomFeatures(firstRows(real, measured));
  const samples = Object.entries(sources).map(([name, frames]): [string, SampleMeasures] => {
    const ratio = sharpnessRatio(frames, real);
    return [
      name,
      {
        frechet: frechetDistance(randomFeatures(firstRows(frames, measured)), features),
        sharpnessMean: ratio.mean,
        sharpnessMin: ratio.min,
        highFrequency: highFrequencyShare(firstRows(frames, measured)) / high,
        ...(data.coverage?.(frames) ?? { modes: null, klToUniform: null, invalid: null }),
        count: frames.shape[0]!,
      },
    ];
  });
  return {
    unit: {
      part: 'matched',
      data: data.name,
      seed,
      model: matchedName(model),
      kind: model.kind,
      beta: model.kind === 'vae' ? model.beta : null,
      ...numbers,
      ...compareFrames(data, decoded, features),
      ofMeans: decodedMeans ? compareFrames(data, decodedMeans, features) : null,
      spectrum: [...radialSpectrum(firstRows(decoded, measured))],
      samples: Object.fromEntries(samples),
    },
    pictures: {
      [realFrames]: firstRows(real, shown),
      reconstructions: firstRows(decoded, shown),
      ...(decodedMeans && { "reconstructions of the posteriors' means": firstRows(decodedMeans, shown) }),
      ...Object.fromEntries(
        Object.entries(sources).map(([name, frames]) => [`samples, latents from ${name}`, firstRows(frames, shown)]),
      ),
    },
  };
}
