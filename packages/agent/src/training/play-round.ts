// A round of steps as it is played apart from the learner: by a copy of the parts that act, from a place in the environments and in a stream of random numbers.
// It is a function of its order alone, wherever and however fast it is played.
import { Generator, PCG64 } from '@tessera/core';
import type { GeneratorState, NdArray } from '@tessera/core';
import type { NamedArrays } from '@tessera/engine';
import { chunkSteps } from '@tessera/rollouts';
import type { Chunk, VectorRollouts, VectorRolloutsState } from '@tessera/rollouts';
import { isStreaming, isTrainable } from '@tessera/vqvae';
import type { AgentPlayer, PlayOf } from '../agent-player.ts';
import type { Agent, Decision } from '../agent.ts';
import { prefixed, under } from '../parts.ts';

/** What decides a round. Plain data, so that it can travel to a worker. */
export interface RoundOrder {
  /** Environment steps in all. */
  readonly steps: number;
  /** Copies of the parts that act, tokenizer and behaviour. */
  readonly acting: NamedArrays;
  /** Where the stream stands that actions are drawn from. */
  readonly generator: GeneratorState;
  /** Where the environments stand; without it, where the round before has left them. */
  readonly rollouts?: VectorRolloutsState | undefined;
}

/** What came of it. */
export interface PlayedRound {
  readonly chunks: readonly Chunk[];
  /** Of each chunk, [T]: natural logarithms of the probabilities that the policy which acted gave its actions. */
  readonly logProbabilities: readonly Float32Array[];
  readonly generator: GeneratorState;
  readonly rollouts: VectorRolloutsState;
}

/** Plays rounds, one at a time, while its caller does something else. */
export interface RoundCollector {
  /** Throws what agent and environments throw; the collector is then of no more use. */
  play(order: RoundOrder): Promise<PlayedRound>;
}

/** Who plays: an agent and environments that nobody else moves. */
export interface RoundPlayer {
  readonly agent: Agent;
  readonly rollouts: VectorRollouts;
}

/** Copies of what an agent acts with. */
export function actingState({ tokenizer, behaviour }: Agent): NamedArrays {
  const learned = isTrainable(tokenizer) || isStreaming(tokenizer) ? tokenizer.state() : {};
  return { ...prefixed('tokenizer', learned), ...prefixed('behaviour', behaviour.state()) };
}

/** Who acts, and in which environments. */
export interface Acting extends PlayOf {
  readonly player: AgentPlayer;
  /** The player's. */
  readonly generator: Generator;
}

/** Acts, at random before the policy has learned anything: a tokenizer may then have no codes to tell it what it sees. */
export function actOrTry(
  agent: Agent,
  frames: NdArray<'uint8'>,
  { player, generator, ...whose }: Acting,
): Pick<Decision, 'actions' | 'logProbabilities'> {
  if (agent.behaviour.version > 0) return player.act(frames, whose);
  const { first, count } = agent.actions;
  const rows = frames.shape[0]!;
  return {
    actions: Int32Array.from({ length: rows }, () => first + generator.integers(count)),
    logProbabilities: new Float32Array(rows).fill(-Math.log(count)),
  };
}

/** Plays a round. The agent is then the one of the order. */
export async function playRound(
  { agent, rollouts }: RoundPlayer,
  { steps, acting, generator: position, rollouts: stand }: RoundOrder,
): Promise<PlayedRound> {
  const { tokenizer, behaviour } = agent;
  if (isTrainable(tokenizer) || isStreaming(tokenizer)) tokenizer.loadState(under('tokenizer', acting));
  behaviour.loadState(under('behaviour', acting));
  if (stand !== undefined) rollouts.setState(stand);
  const generator = new Generator(new PCG64(0));
  generator.setState(position);
  const player = agent.player({ generator });
  const said = new Map<number, number[]>();
  const chunks = await rollouts.collect(
    {
      version: behaviour.version,
      act(frames, envIndices, before) {
        const { actions, logProbabilities } = actOrTry(agent, frames, { player, generator, envIndices, ...before });
        for (const [row, env] of envIndices.entries()) {
          if (!said.has(env)) said.set(env, []);
          said.get(env)!.push(logProbabilities[row]!);
        }
        return actions;
      },
    },
    steps,
  );
  return {
    chunks,
    // The chunks of an environment come in the order of its steps.
    logProbabilities: chunks.map((chunk) =>
      Float32Array.from(said.get(chunk.metadata.envIndex)!.splice(0, chunkSteps(chunk))),
    ),
    generator: generator.getState(),
    rollouts: rollouts.getState(),
  };
}
