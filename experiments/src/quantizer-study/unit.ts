// One quantizer of the study: trained on the frames and the batches that all of them get, then measured.
import { Generators, InternalError, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { Engine } from '@tessera/engine';
import { learningRateAt } from '@tessera/nn';
import {
  NearestTokenizer,
  VQVAE,
  codeUsage,
  countCodes,
  evaluateTokenizer,
  greyNoiseChurn,
  patchCounts,
  placesOf,
  tokenChurn,
  toUnit,
  usageCeilings,
} from '@tessera/vqvae';
import type { Tokenizer, TokenizerSpec } from '@tessera/vqvae';
import { ballRecall } from '../environment.ts';
import { drawBatch, firstRows } from '../study/frames.ts';
import type { OnStep } from '../study/units.ts';
import { arcadeVqvae } from '../tokenizer/config.ts';
import type { QuantizerStudyConfig } from './config.ts';
import type { QuantizerKind } from './kinds.ts';

/**
 * What is known of one quantizer with one seed, on the test frames.
 *
 * A code is here what stands at a place: the one token, or all tokens of a place with several codebooks together, so that usage, perplexity and churn of all kinds are of the same
 * 2^bits codes.
 */
export interface QuantizerUnit {
  readonly part: 'quantizer';
  readonly kind: string;
  readonly seed: number;
  /** Places times bits, bits a frame. */
  readonly rateBits: number;
  readonly psnr: number;
  readonly nmse: number;
  readonly ballRecall: number;
  /** Share of the codes that occur, and what patches of pixels and the number of places allow: `min(1 - (1 - 1/K)^N, patches / K)`. */
  readonly usage: number;
  readonly usageCeiling: number;
  /** `exp` of the entropy of the codes, and that of the patches of pixels under them, or of equally likely codes if that is less. */
  readonly perplexity: number;
  readonly perplexityCeiling: number;
  /** Usage of the tokenizer's vocabulary, that of all codebooks one after the other; as `usage` for kinds with one codebook. */
  readonly tokenUsage: number;
  /** Share of the codes that differ between 90 % and 100 % of the training. */
  readonly churn: number;
  /** Share of the codes that a grey level of noise changes. */
  readonly noiseChurn: number;
  /** Time on the clock in training steps, and that of all cores, which other work on the machine changes less. */
  readonly trainSeconds: number;
  readonly cpuSeconds: number;
  /** Numbers that an optimiser trains. */
  readonly parameters: number;
  /** In the run folder's `media`: reconstructions of the frames that every quantizer shows. */
  readonly picture: string;
}

/** Frames of the task, the same for every quantizer. */
export interface QuantizerData {
  /** The environment's id. */
  readonly env: string;
  /** uint8 [N, H, W, C]. */
  readonly train: NdArray<'uint8'>;
  /** float32 [N, H, W, C] in [0, 1]. */
  readonly test: NdArray<'float32'>;
}

/** What is trained. */
export interface QuantizerWork {
  readonly config: QuantizerStudyConfig;
  readonly kind: QuantizerKind;
  readonly data: QuantizerData;
  readonly seed: number;
}

// Frames whose vectors codes start at, as `tessera train tokenizer` has it.
const seedFrames = 512;
const watchedFrom = 0.9;

interface Trained {
  readonly tokenizer: Tokenizer;
  /** Codes of the test frames at 90 % of the training. */
  readonly before: ArrayLike<number>;
  readonly parameters: number;
}

/** Trains and measures; also returns the decoded test frames. `onStep` is called after every step and may throw to stop. */
export async function quantizerUnit(
  engine: Engine,
  work: QuantizerWork,
  onStep: OnStep,
): Promise<{ readonly unit: Omit<QuantizerUnit, 'picture'>; readonly decoded: NdArray<'float32'> }> {
  const { kind, data, seed, config } = work;
  const clock = new Stopwatch();
  const generators = new Generators(seed);
  const { tokenizer, before, parameters } =
    kind.quantizer === undefined
      ? await observeAll(work, clock, onStep)
      : await train(engine, work, { clock, generators, onStep });
  try {
    const { evaluation, tokens, decoded } = evaluateTokenizer(tokenizer, data.test);
    const codes = jointCodes(tokens, tokenizer.spec);
    const vocabulary = 2 ** config.bits;
    const { perplexity, usage } = codeUsage(countCodes(codes.data, vocabulary));
    const places = placesOf(tokenizer.spec);
    const patches = codeUsage(patchCounts(data.test, places));
    const ceilings = usageCeilings({ vocabulary, tokens: codes.data.length });
    const stable = { encode: (frames: NdArray) => jointCodes(tokenizer.encode(frames), tokenizer.spec) };
    return {
      unit: {
        part: 'quantizer',
        kind: kind.name,
        seed,
        rateBits: places.reduce((product, side) => product * side, 1) * config.bits,
        psnr: evaluation.psnr,
        nmse: evaluation.nmse,
        ballRecall: ballRecall({ id: data.env }, data.test, decoded),
        usage,
        usageCeiling: Math.min(ceilings.usage, evaluation.distinctPatches / vocabulary),
        perplexity,
        perplexityCeiling: Math.min(ceilings.perplexity, patches.perplexity),
        tokenUsage: evaluation.usage,
        churn: tokenChurn(before, codes.data),
        noiseChurn: greyNoiseChurn(stable, firstRows(data.test, 500), generators.get('grey noise')),
        ...clock.seconds,
        parameters,
      },
      decoded,
    };
  } finally {
    tokenizer.dispose();
  }
}

async function train(
  engine: Engine,
  { config, kind, data, seed }: QuantizerWork,
  {
    clock,
    generators,
    onStep,
  }: { readonly clock: Stopwatch; readonly generators: Generators; readonly onStep: OnStep },
): Promise<Trained> {
  const { steps, batch, channels, learningRate: peak } = config;
  const frameShape = data.train.shape.slice(1) as [number, number, number];
  const options = { ...arcadeVqvae, frameShape, channels, quantizer: kind.quantizer! };
  const tokenizer = new VQVAE(engine, options, { seed });
  try {
    clock.measure(() => tokenizer.seedCodebook(drawBatch(data.train, seedFrames, generators.get('seeding'))));
    let before: ArrayLike<number> | undefined;
    for (let step = 0; step < steps; step++) {
      if (step === Math.floor(steps * watchedFrom)) {
        before = jointCodes(tokenizer.encode(data.test), tokenizer.spec).data;
      }
      const schedule = { peak, warmup: 20, decay: 'cosine', end: 0.05 } as const;
      const frames = drawBatch(data.train, batch, generators.get('batches'));
      const learningRate = learningRateAt(schedule, { step, progress: step / steps });
      clock.measure(() => tokenizer.trainStep(frames, { learningRate }));
      await onStep();
    }
    return { tokenizer, before: before!, parameters: tokenizer.parameterCount };
  } catch (error) {
    tokenizer.dispose();
    throw error;
  }
}

/** Shows the training frames once, in order. */
async function observeAll({ config, data }: QuantizerWork, clock: Stopwatch, onStep: OnStep): Promise<Trained> {
  const frameShape = data.train.shape.slice(1) as [number, number, number];
  const { tokenShape } = arcadeVqvae;
  const tokenizer = new NearestTokenizer({ frameShape, tokenShape, vocabulary: 2 ** config.bits });
  const [count = 0] = data.train.shape;
  const size = data.train.data.length / count;
  const show = (from: number, to: number) => {
    const part = ndarray('uint8', [to - from, ...frameShape], data.train.data.slice(from * size, to * size));
    clock.measure(() => tokenizer.observe(toUnit(part)));
  };
  const middle = Math.floor(count * watchedFrom);
  show(0, middle);
  await onStep();
  const before = tokenizer.encode(data.test).data;
  show(middle, count);
  await onStep();
  return { tokenizer, before, parameters: 0 };
}

/** Tokens int32 [N, h, w * Q] as one code for each place, int32 [N, h, w]: the first slot counts most. */
export function jointCodes(
  tokens: NdArray<'int32'>,
  spec: Pick<TokenizerSpec, 'tokenShape' | 'slots' | 'vocabulary'>,
): NdArray<'int32'> {
  const { slots = [spec.vocabulary] } = spec;
  const codes = ndarray('int32', [tokens.shape[0]!, ...placesOf(spec)]);
  for (let place = 0; place < codes.data.length; place++) {
    let [code, offset] = [0, 0];
    for (const [q, vocabulary] of slots.entries()) {
      const token = tokens.data[place * slots.length + q]! - offset;
      if (!(token >= 0 && token < vocabulary))
        throw new InternalError(`jointCodes: a token of slot ${q} is not its own.`);
      code = code * vocabulary + token;
      offset += vocabulary;
    }
    codes.data[place] = code;
  }
  return codes;
}

/** Adds up the time of what is measured. */
class Stopwatch {
  #wallMs = 0;
  #cpuMicroseconds = 0;

  get seconds(): { readonly trainSeconds: number; readonly cpuSeconds: number } {
    return { trainSeconds: this.#wallMs / 1000, cpuSeconds: this.#cpuMicroseconds / 1e6 };
  }

  measure(work: () => void): void {
    const [began, cpu] = [performance.now(), process.cpuUsage()];
    work();
    const { user, system } = process.cpuUsage(cpu);
    this.#wallMs += performance.now() - began;
    this.#cpuMicroseconds += user + system;
  }
}
