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
  foregroundPsnr,
  greyNoiseChurn,
  highFrequencyShare,
  klPerUnit,
  mixtureHead,
  radialSpectrum,
  reconstructionQuality,
  sharpnessRatio,
  ssim,
  toUnit,
} from '@tessera/vqvae';
import type { StudyConfig } from './config.ts';
import { drawBatch, firstRows } from './frames.ts';
import { latentRows, pickRows, secondStage } from './second-stage.ts';
import type { LatentPool, SecondStageWork } from './second-stage.ts';
import { tokenHead } from './token-head.ts';
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

/** Frames, and what only sprite world knows of them. */
export interface StudyData {
  readonly name: string;
  /** uint8 [N, H, W, C]. */
  readonly train: NdArray<'uint8'>;
  readonly test: NdArray<'uint8'>;
  /** uint8 [N, H, W] of the test frames. */
  readonly mask?: NdArray<'uint8'>;
  /** The share of test frames whose ball is found after decoding. */
  readonly ballRecall?: (decoded: NdArray<'float32'>) => number;
  /** The share of test frames whose mode is the same after decoding. */
  readonly modesKept?: (decoded: NdArray<'float32'>) => number;
  readonly coverage?: (frames: NdArray<'float32'>) => Pick<SampleMeasures, 'modes' | 'klToUniform' | 'invalid'>;
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
// Frames whose spectrum, noise churn and quantisation error are taken.
const measured = 500;

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
  const samples = grid * grid > longest ? Math.ceil(work.samples / 10) : work.samples;
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
    return measure(work, {
      decoded: vae.decode(posteriors.mean),
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
  | 'quantizationError'
>;

function measure(
  { data, seed, model }: MatchedWork,
  {
    decoded,
    sources,
    numbers,
  }: { readonly decoded: NdArray<'float32'>; readonly sources: Pictures; readonly numbers: ModelNumbers },
): Result {
  const real = toUnit(data.test);
  const high = highFrequencyShare(firstRows(real, measured));
  const sharpness = sharpnessRatio(decoded, real);
  const samples = Object.entries(sources).map(([name, frames]): [string, SampleMeasures] => {
    const ratio = sharpnessRatio(frames, real);
    return [
      name,
      {
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
      ...reconstructionQuality(real, decoded),
      ssim: ssim(real, decoded),
      foregroundPsnr: data.mask ? foregroundPsnr(real, decoded, data.mask) : null,
      ballRecall: data.ballRecall?.(decoded) ?? null,
      modesKept: data.modesKept?.(decoded) ?? null,
      sharpnessMean: sharpness.mean,
      sharpnessMin: sharpness.min,
      highFrequency: highFrequencyShare(firstRows(decoded, measured)) / high,
      spectrum: [...radialSpectrum(firstRows(decoded, measured))],
      samples: Object.fromEntries(samples),
    },
    pictures: {
      reconstructions: firstRows(decoded, shown),
      ...Object.fromEntries(Object.entries(sources).map(([name, frames]) => [name, firstRows(frames, shown)])),
    },
  };
}
