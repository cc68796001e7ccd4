// Training runs of rounds of 10, 10 and 5 steps, for tests that follow each item.
import type { ShardStore } from '@tessera/rollouts';
import type { TrainerState, TrainingOptions } from '../src/index.ts';
import type { TokenizerKind } from './tokenizers.ts';
import { cpu } from './toy.ts';
import { runOn } from './training-toy.ts';
import type { Run } from './training-toy.ts';
import type { WalkKwargs } from './walk-env.ts';

/** The last round comes after the tokenizer has been frozen. */
export const small = {
  roundSteps: 5,
  replayBytes: 4000,
  tokenizer: { firstUpdates: 2, updates: 1, untilSteps: 20, batchSize: 4, seedFrames: 8, warmupUpdates: 0 },
  worldModel: { firstUpdates: 2, updates: 2 },
  imagination: { updates: 2, starts: 3, horizon: 3, explore: 2, startAccuracy: 0 },
} satisfies TrainingOptions;

/** Only collects and measures, in rounds of 10 steps. */
export const idle = {
  ...small,
  replayBytes: 2 ** 20,
  learnFromReal: false,
  tokenizer: { ...small.tokenizer, firstUpdates: 0, updates: 0 },
  worldModel: { firstUpdates: 1, updates: 1 },
  imagination: { ...small.imagination, updates: 0 },
} satisfies TrainingOptions;

/** A run from its beginning, or `from` a saved state in a new process's place. */
export function start(
  tokenizer: TokenizerKind,
  {
    training = small,
    env = { length: 4, spread: 2 },
    steps = 25,
  }: { readonly training?: TrainingOptions; readonly env?: WalkKwargs; readonly steps?: number } = {},
  from?: { readonly state: TrainerState; readonly store: ShardStore },
): Promise<Run> {
  const behaviour = { epochs: 1, realBatch: 16, imaginedBatch: 16 };
  return runOn(cpu, { tokenizer, training, env, steps, behaviour, seed: 3 }, from);
}
