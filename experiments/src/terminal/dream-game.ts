// The dream of a trained agent as a game: it begins with a real frame, and from there on the world model says what the keys lead to.
import { Generators, ndarray } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';
import { tokensOf } from '@tessera/agent';
import type { Agent, Decision, PlayOf } from '@tessera/agent';
import { makeFrames } from '@tessera/rollouts';
import type { EnvConfig } from '@tessera/rollouts';
import type { Env } from 'gymnasium-js';
import { actionNames } from '../action-names.ts';
import { controls } from './game.ts';
import type { GameStep, PlayableGame } from './game.ts';
import type { TerminalPicture } from './half-blocks.ts';

/**
 * The dream of an agent of this environment. Episodes begin where real ones do, with seeds of their own drawn from `seed`; their rewards and ends are what the world
 * model says. It owns the real environment that gives the first frames, not the agent.
 */
export function dreamGame(agent: Agent, { id, kwargs = {} }: EnvConfig, seed: number): PlayableGame {
  const real = makeFrames(id, kwargs) as Env<Uint8Array>;
  const { frameShape } = agent.tokenizer.spec;
  const [height, width, channels] = frameShape as [number, number, number];
  const dream = agent.asEnv({ batch: 1, start: (generator) => firstFrame(agent, real, generator) });
  const names = actionNames(id, agent.actions);
  // Its draws are of no consequence: only what it finds likely is told.
  const generator = new Generators(seed).get('play/policy');
  const player = agent.player({ generator, greedy: true });
  let thoughts: Pick<Decision, 'probabilities' | 'values'> | undefined;
  // It sees every frame once, because it may have a memory.
  const show = (observation: Uint8Array, before: Omit<PlayOf, 'envIndices'>): TerminalPicture => {
    thoughts = player.act(ndarray('uint8', [1, ...frameShape], observation), before);
    return { height, width, channels, data: observation };
  };
  let begun = false;
  return {
    title: `${id}, dreamed`,
    ...controls(id, dream.singleActionSpace),
    framesPerSecond: real.metadata.renderFps ?? 15,
    async reset() {
      const { observation } = await dream.reset(begun ? {} : { seed });
      begun = true;
      return show(observation, { begins: [1] });
    },
    async step(action): Promise<GameStep> {
      const { observation, reward, terminated, truncated, info } = await dream.step([action]);
      const [executed] = info['executedAction'] as Float64Array;
      const picture = show(observation, { begins: [0], chosen: [action], executed: [executed] });
      return { picture, reward: reward[0]!, ended: (terminated[0]! | truncated[0]!) === 1 };
    },
    comment() {
      const { probabilities, values } = thoughts!;
      const likely = Array.from(probabilities.data, (share, i) => ({ share, name: names[i]! }));
      const told = likely
        .toSorted((a, b) => b.share - a.share)
        .slice(0, 3)
        .map(({ share, name }) => `${name} ${(100 * share).toFixed(0)} %`);
      return `the agent would: ${told.join(', ')}; value ${values[0]!.toFixed(2)}`;
    },
    close() {
      real.close();
      void dream.close();
    },
  };
}

/** The state at the beginning of an episode: its first frame, again and again, before which there was no action. */
function firstFrame(agent: Agent, real: Env<Uint8Array>, generator: Generator) {
  const { context } = agent.worldModel.config;
  const { observation } = real.reset({ seed: generator.integers(2 ** 31 - 1) });
  const frame: NdArray<'uint8'> = ndarray('uint8', [1, ...agent.tokenizer.spec.frameShape], observation);
  const { data } = tokensOf(agent.tokenizer, frame);
  const tokens = ndarray('int32', [1, context, data.length]);
  for (let age = 0; age < context; age++) tokens.data.set(data, age * data.length);
  return { tokens, actions: ndarray('int32', [1, context], new Int32Array(context).fill(agent.actions.count)) };
}
