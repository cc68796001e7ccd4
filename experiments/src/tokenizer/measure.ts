// Measures a tokenizer on frames of its environment that it never trained on.
import { Generators } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { ChunkMemory } from '@tessera/rollouts';
import type { EnvConfig } from '@tessera/rollouts';
import { rolloutSource } from '@tessera/rollouts/node';
import { evaluateTokenizer, toUnit } from '@tessera/vqvae';
import type { TokenizerEvaluation, VQVAE } from '@tessera/vqvae';
import { formatNumber } from '../format.ts';
import type { TableRow } from '../table.ts';
import type { TokenizerConfig } from './config.ts';
import { ballRecall } from '../environment.ts';

/** Frames that stay out of training. */
export interface HeldOut {
  /** float32 [evaluationFrames, H, W, C] in [0, 1]. */
  readonly frames: NdArray<'float32'>;
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
    frames: toUnit(memory.sampleFrames(generators.get('held-out/frames'), measure.evaluationFrames)),
    probe: toUnit(memory.sampleFrames(generators.get('held-out/probe'), measure.probeFrames)),
  };
}

/** What `result.json` says of a tokenizer. */
export type TokenizerMeasures = TokenizerEvaluation & {
  readonly ballRecall: number;
  readonly churn: number;
  /** Relative to the spread of the encoder's vectors. */
  readonly quantizationError: number;
};

/** Evaluates on held-out frames; also returns what the pictures show. */
export function measureTokenizer(
  tokenizer: VQVAE,
  env: EnvConfig,
  { frames, churn }: { readonly frames: NdArray<'float32'>; readonly churn: number },
): { measures: TokenizerMeasures; tokens: NdArray<'int32'>; decoded: NdArray<'float32'> } {
  const { evaluation, tokens, decoded } = evaluateTokenizer(tokenizer, frames);
  return {
    measures: {
      ...evaluation,
      ballRecall: ballRecall(env, frames, decoded),
      churn,
      quantizationError: tokenizer.quantizationError(frames).relative,
    },
    tokens,
    decoded,
  };
}

/** The rows of the table at the end. */
export function measureRows(measures: TokenizerMeasures): TableRow[] {
  const percent = (share: number) => (Number.isNaN(share) ? '-' : `${(100 * share).toFixed(1)} %`);
  return [
    { name: 'PSNR', value: `${measures.psnr.toFixed(1)} dB`, note: `${measures.frames} held-out frames` },
    {
      name: 'NMSE',
      value: formatNumber(measures.nmse),
      note: `squared error / variance of the frames; the mean frame scores ${formatNumber(measures.meanFrameNmse)}`,
    },
    ...(Number.isNaN(measures.ballRecall)
      ? []
      : [
          {
            name: 'ball recall',
            value: percent(measures.ballRecall),
            note: 'frames whose ball is found after decoding',
          },
        ]),
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
