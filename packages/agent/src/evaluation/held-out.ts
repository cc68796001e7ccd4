// The world model on frames it never learned from: episodes of the agent itself, with seeds of their own.
import { Generators } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { memoryShards, Replay, VectorRollouts } from '@tessera/rollouts';
import type { EnvConfig, StepReference } from '@tessera/rollouts';
import type { Agent } from '../agent.ts';
import { TokenMemory, framesAt } from '../training/token-memory.ts';
import { measureAccuracy } from '../world-model/accuracy.ts';
import type { Accuracy } from '../world-model/accuracy.ts';
import { agentPolicy } from './policies.ts';

/** What is played. */
export interface HeldOutOptions {
  readonly env: EnvConfig;
  readonly steps: number;
  readonly seed: number;
  /** Environments side by side; default 16. */
  readonly numEnvs?: number;
  /** Frames that are given back; default 256. */
  readonly frames?: number;
}

/** What was measured, and frames for measurements of one's own. */
export interface HeldOut {
  readonly accuracy: Accuracy;
  /** uint8 [frames, height, width, channels], drawn from all that was played. */
  readonly frames: NdArray<'uint8'>;
}

/** Lets the agent play, and measures one-step predictions on all of it. */
export async function measureHeldOut(
  agent: Agent,
  { env, steps, seed, numEnvs = 16, frames = 256 }: HeldOutOptions,
): Promise<HeldOut> {
  const rollouts = await VectorRollouts.create({ env, numEnvs, seed });
  try {
    const replay = await Replay.create(memoryShards(), { maxBytes: Number.MAX_SAFE_INTEGER });
    await replay.append(await rollouts.collect(agentPolicy(agent, { seed }), steps));
    const memory = new TokenMemory({
      replay,
      tokenizer: agent.tokenizer,
      actions: agent.actions,
      context: agent.worldModel.config.context,
      rewards: agent.worldModel.config.reward,
      actionKind: agent.worldModel.config.actions,
    });
    memory.settle();
    const all = [...replay.chunks()].flatMap((chunk) =>
      Array.from({ length: chunk.steps }, (_, step): StepReference => ({ chunk, step })),
    );
    const accuracy = measureAccuracy(agent.worldModel, await memory.transitions(all));
    const generator = new Generators(seed).get('held-out/frames');
    const places = replay
      .sampleSteps(generator, frames)
      .map(({ chunk, step }) => ({ chunk, frame: step + generator.integers(2) }));
    return { accuracy, frames: await framesAt(replay, places) };
  } finally {
    rollouts.close();
  }
}
