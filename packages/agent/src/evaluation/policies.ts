// Policies as evaluation takes them: an agent, and those that it has to beat.
import type { ActionRange, BatchPolicy } from '@tessera/rollouts';
import type { Agent } from '../agent.ts';
import type { Dqn } from '../model-free/dqn.ts';
import type { Ppo } from '../model-free/ppo.ts';
import { episodeGenerators } from './episode-generators.ts';

/** The agent as it is: actions drawn from its policy, or the most likely ones. */
export function agentPolicy(
  agent: Agent,
  { seed, greedy = false }: { readonly seed: number; readonly greedy?: boolean },
): BatchPolicy {
  const player = agent.player({ generator: episodeGenerators(seed), greedy });
  return {
    version: agent.behaviour.version,
    act: (frames, envIndices, before) => player.act(frames, { envIndices, ...before }).actions,
  };
}

/** An agent without a model: actions drawn as it draws them, or the best ones. */
export function modelFreePolicy(
  agent: Ppo | Dqn,
  { seed, greedy = false }: { readonly seed: number; readonly greedy?: boolean },
): BatchPolicy {
  const generatorsOf = episodeGenerators(seed);
  return {
    version: agent.version,
    act: (frames, envIndices, { begins }) => agent.act(frames, { generator: generatorsOf(envIndices, begins), greedy }),
  };
}

/** Every action equally likely. */
export function randomPolicy({ count, first }: ActionRange, { seed }: { readonly seed: number }): BatchPolicy {
  const generatorsOf = episodeGenerators(seed);
  return {
    version: 0,
    act: (_, envIndices, { begins }) =>
      generatorsOf(envIndices, begins).map((generator) => first + generator.integers(count)),
  };
}

/** A rule that looks at one frame at a time, uint8 `[height * width * channels]`. */
export function framePolicy(rule: (frame: Uint8Array) => number): BatchPolicy {
  return {
    version: 0,
    act: ({ shape, data }) => {
      const size = data.length / shape[0]!;
      return Array.from({ length: shape[0]! }, (_, i) => rule(data.subarray(i * size, (i + 1) * size)));
    },
  };
}
