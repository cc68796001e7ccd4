// What is logged of every round beside one-step accuracy: how long dreams of its steps stay true, whether they listen to actions, and how its frames use the codes.
// It draws from a generator of its own, so that training is the same without it.
import type { Generator, NdArray } from '@tessera/core';
import type { Replay, ReplayChunk } from '@tessera/rollouts';
import { codeUsage, countCodes } from '@tessera/vqvae';
import type { Agent } from '../agent.ts';
import { dreamFrames, measureDreams } from '../evaluation/dreams.ts';
import type { Transitions } from '../world-model/world-model.ts';
import type { TokenMemory } from './token-memory.ts';

/** Steps that are measured one by one for each that is dreamed from. */
const stepsForDream = 16;
/** Samples of the interval of a number that is only logged. */
const samples = 500;

/** What somebody has to say of dreams: their frames beside those that really came, both uint8 [n, height, width, channels]. Numbers by name. */
export type LookAtDreams = (frames: {
  readonly real: NdArray<'uint8'>;
  readonly imagined: NdArray<'uint8'>;
}) => Readonly<Record<string, number>>;

/** What a round is made of. */
export interface RoundParts {
  readonly replay: Replay;
  readonly memory: TokenMemory;
  readonly chunks: readonly ReplayChunk[];
  readonly generator: Generator;
  /** Steps of the round that are measured one by one. */
  readonly measureSteps: number;
  readonly lookAtDreams?: LookAtDreams | undefined;
}

/** Numbers to be logged, by name; without those of which there was nothing to measure. */
export async function dreamDiagnostics(
  agent: Agent,
  { measureSteps, lookAtDreams, ...parts }: RoundParts,
): Promise<Record<string, number>> {
  const found = await measureDreams(agent, { ...parts, count: Math.ceil(measureSteps / stepsForDream), samples });
  if (found === undefined) return {};
  const { openLoop, deltaPsnr } = found;
  const { tokenizer } = agent;
  return {
    ...lookAtDreams?.(await dreamFrames(found, { replay: parts.replay, tokenizer })),
    'world_model/open_loop_accuracy': openLoop.tokens,
    'world_model/open_loop_changed_accuracy': openLoop.changedTokens,
    'world_model/open_loop_last_real_frame': openLoop.lastRealFrame,
    ...(deltaPsnr && {
      'world_model/delta_psnr': deltaPsnr.mean,
      'world_model/delta_psnr_low': deltaPsnr.low,
      'world_model/delta_psnr_high': deltaPsnr.high,
    }),
  };
}

/** How the frames of these transitions use the codes, whatever made them. */
export function codeDiagnostics({ nextTokens }: Transitions, vocabulary: number): Record<string, number> {
  const { usage, perplexity } = codeUsage(countCodes(nextTokens.data, vocabulary));
  return { 'codes/usage': usage, 'codes/perplexity': perplexity };
}
