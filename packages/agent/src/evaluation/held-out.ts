// The world model on frames it never learned from: episodes of the agent itself, and of a random player, with seeds of their own.
import { Generators } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { memoryShards, Replay, VectorRollouts } from '@tessera/rollouts';
import type { BatchPolicy, EnvConfig, StepReference } from '@tessera/rollouts';
import type { Agent } from '../agent.ts';
import { TokenMemory, framesAt } from '../training/token-memory.ts';
import { measureAccuracy } from '../world-model/accuracy.ts';
import type { Accuracy } from '../world-model/accuracy.ts';
import { dreamFrames, measureDreams } from './dreams.ts';
import type { DeltaPsnr } from './delta-psnr.ts';
import type { OpenLoop } from './open-loop.ts';
import { agentPolicy, randomPolicy } from './policies.ts';

/** What is played. */
export interface HeldOutOptions {
  readonly env: EnvConfig;
  readonly steps: number;
  readonly seed: number;
  /** Environments side by side; default 16. */
  readonly numEnvs?: number;
  /** Frames that are given back; default 256. */
  readonly frames?: number;
  /** Steps of an open-loop dream; default 10. */
  readonly horizon?: number;
  /** Open-loop dreams at most; default 256. */
  readonly dreams?: number;
}

/** What was measured, and frames for measurements of one's own. */
export interface HeldOut {
  readonly accuracy: Accuracy;
  /** uint8 [frames, height, width, channels], drawn from all that was played. */
  readonly frames: NdArray<'uint8'>;
  /** Undefined when nothing lasts `horizon` steps or to an end. */
  readonly dreams: HeldOutDreams | undefined;
}

/** Open-loop dreams of what was played. */
export interface HeldOutDreams {
  readonly openLoop: OpenLoop;
  /** Undefined when no dream is long enough. */
  readonly deltaPsnr: DeltaPsnr | undefined;
  /** uint8 [n, height, width, channels]: every frame that was dreamed with the actions that were taken, */
  readonly imagined: NdArray<'uint8'>;
  /** and what really came. */
  readonly real: NdArray<'uint8'>;
}

/** The agent in every other environment and random actions in those between, so that what a good player never meets, an end for one, is measured too. */
function mixedPolicy(agent: Agent, seed: number): BatchPolicy {
  const [own, random] = [agentPolicy(agent, { seed }), randomPolicy(agent.actions, { seed })];
  return {
    version: own.version,
    act(frames, envIndices, before) {
      const [chosen, drawn] = [own, random].map((policy) => policy.act(frames, envIndices, before));
      return envIndices.map((envIndex, row) => (envIndex % 2 === 0 ? chosen : drawn)![row]!);
    },
  };
}

/** Lets the agent play, in half of the environments, and measures one-step predictions on all of it and open-loop dreams on windows of it. */
export async function measureHeldOut(
  agent: Agent,
  { env, steps, seed, numEnvs = 16, frames = 256, horizon = 10, dreams: count = 256 }: HeldOutOptions,
): Promise<HeldOut> {
  const rollouts = await VectorRollouts.create({ env, numEnvs, seed });
  try {
    const replay = await Replay.create(memoryShards(), { maxBytes: Number.MAX_SAFE_INTEGER });
    await replay.append(await rollouts.collect(mixedPolicy(agent, seed), steps));
    const memory = new TokenMemory({
      replay,
      tokenizer: agent.tokenizer,
      actions: agent.actions,
      context: agent.worldModel.config.context,
      rewards: agent.worldModel.config.reward,
      actionKind: agent.worldModel.config.actions,
    });
    memory.settle();
    const chunks = [...replay.chunks()];
    const all = chunks.flatMap((chunk) =>
      Array.from({ length: chunk.steps }, (_, step): StepReference => ({ chunk, step })),
    );
    const accuracy = measureAccuracy(agent.worldModel, await memory.transitions(all));
    const generators = new Generators(seed);
    const generator = generators.get('held-out/frames');
    const places = replay
      .sampleSteps(generator, frames)
      .map(({ chunk, step }) => ({ chunk, frame: step + generator.integers(2) }));
    const dreams = await measureDreams(agent, {
      replay,
      memory,
      chunks,
      count,
      horizon,
      generator: generators.get('held-out/dreams'),
    });
    return {
      accuracy,
      frames: await framesAt(replay, places),
      dreams: dreams && {
        openLoop: dreams.openLoop,
        deltaPsnr: dreams.deltaPsnr,
        ...(await dreamFrames(dreams, { replay, tokenizer: agent.tokenizer })),
      },
    };
  } finally {
    rollouts.close();
  }
}
