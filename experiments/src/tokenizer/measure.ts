// Measures a tokenizer on frames of its environment that it never trained on.
import { Generators, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { ChunkMemory } from '@tessera/rollouts';
import type { EnvConfig } from '@tessera/rollouts';
import { rolloutSource } from '@tessera/rollouts/node';
import { TokenizerEvaluator, toUnit } from '@tessera/vqvae';
import type { RoundTrip, TokenizerEvaluation, VQVAE } from '@tessera/vqvae';
import { formatNumber } from '../format.ts';
import type { TableRow } from '../table.ts';
import type { TokenizerConfig } from './config.ts';
import { ballHits, poleTipHits, recallOf, sumHits } from '../environment.ts';

/** Frames that stay out of training. */
export interface HeldOut {
  /** uint8 [evaluationFrames, H, W, C], as bytes because there are many. */
  readonly frames: NdArray<'uint8'>;
  /** float32 [probeFrames, H, W, C]: their codes are watched. */
  readonly probe: NdArray<'float32'>;
}

/** Collects held-out frames from episodes with a seed of their own. */
export async function collectHeldOut(
  env: EnvConfig,
  { rollouts, measure }: TokenizerConfig,
  { seed, signal }: { readonly seed: number; readonly signal: AbortSignal },
): Promise<HeldOut> {
  const generators = new Generators(seed);
  const memory = new ChunkMemory({ maxBytes: Number.MAX_SAFE_INTEGER });
  const source = rolloutSource({
    env,
    numEnvs: rollouts.numEnvs,
    numWorkers: rollouts.numWorkers,
    chunkLength: rollouts.chunkLength,
    seed: generators.get('held-out/seed').integers(2 ** 31 - 1),
    steps: measure.heldOutSteps,
    timeoutMs: rollouts.timeoutMs,
    signal,
  });
  for await (const chunk of source) memory.add(chunk);
  return {
    frames: memory.sampleFrames(generators.get('held-out/frames'), measure.evaluationFrames),
    probe: toUnit(memory.sampleFrames(generators.get('held-out/probe'), measure.probeFrames)),
  };
}

/** What `result.json` says of a tokenizer. */
export type TokenizerMeasures = TokenizerEvaluation & {
  readonly ballRecall: number;
  /** Of CartPole; NaN elsewhere. */
  readonly poleTipRecall: number;
  readonly churn: number;
  /** Relative to the spread of the encoder's vectors; of the first frames. */
  readonly quantizationError: number;
};

/** Frames beside what became of them. */
export interface Sample extends RoundTrip {
  readonly frames: NdArray<'float32'>;
}

// Frames that are numbers, and not bytes, at a time.
const batchFrames = 1024;

/** Evaluates on held-out frames, uint8 [N, H, W, C]; also returns the first of them for pictures. */
export function measureTokenizer(
  tokenizer: VQVAE,
  env: EnvConfig,
  { frames, churn }: { readonly frames: NdArray<'uint8'>; readonly churn: number },
): { measures: TokenizerMeasures; sample: Sample } {
  const evaluator = new TokenizerEvaluator(tokenizer);
  const [count = 0, ...shape] = frames.shape;
  const size = frames.data.length / count;
  const add = (start: number): Sample => {
    const end = Math.min(count, start + batchFrames);
    const bytes = ndarray('uint8', [end - start, ...shape], frames.data.subarray(start * size, end * size));
    const unit = toUnit(bytes);
    return { frames: unit, ...evaluator.add(unit) };
  };
  const sample = add(0);
  let balls = ballHits(env, sample.frames, sample.decoded);
  let tips = poleTipHits(env, sample.frames, sample.decoded);
  for (let start = batchFrames; start < count; start += batchFrames) {
    const { frames: real, decoded } = add(start);
    balls = sumHits(balls, ballHits(env, real, decoded));
    tips = sumHits(tips, poleTipHits(env, real, decoded));
  }
  return {
    measures: {
      ...evaluator.result(),
      ballRecall: recallOf(balls),
      poleTipRecall: recallOf(tips),
      churn,
      quantizationError: tokenizer.quantizationError(sample.frames).relative,
    },
    sample,
  };
}

/** The rows of the table at the end. */
export function measureRows(measures: TokenizerMeasures): TableRow[] {
  const percent = (share: number) => (Number.isNaN(share) ? '-' : `${(100 * share).toFixed(1)} %`);
  const found = (name: string, share: number, note: string): TableRow[] =>
    Number.isNaN(share) ? [] : [{ name, value: percent(share), note }];
  return [
    { name: 'PSNR', value: `${measures.psnr.toFixed(1)} dB`, note: `${measures.frames} held-out frames` },
    {
      name: 'NMSE',
      value: formatNumber(measures.nmse),
      note: `squared error / variance of the frames; the mean frame scores ${formatNumber(measures.meanFrameNmse)}`,
    },
    ...found('ball recall', measures.ballRecall, 'frames whose ball is found after decoding'),
    ...found(
      'pole tip recall',
      measures.poleTipRecall,
      'frames whose pole tip is found within 2 pixels after decoding',
    ),
    {
      name: 'usage',
      value: percent(measures.usage),
      note: `ceiling ${percent(measures.usageCeiling)}: ${measures.distinctPatches} distinct patches`,
    },
    {
      name: 'perplexity',
      value: measures.perplexity.toFixed(1),
      note: `ceiling ${measures.perplexityCeiling.toFixed(1)}: all codes equally likely`,
    },
    {
      name: 'quantisation error',
      value: formatNumber(measures.quantizationError),
      note: 'squared distance to the code / spread of the vectors',
    },
    {
      name: 'token churn',
      value: percent(measures.churn),
      note: 'codes of probe frames that changed at the last look',
    },
  ];
}
