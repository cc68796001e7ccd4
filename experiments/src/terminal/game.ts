// What a person can play: an environment, as frames and actions with names.
import { ConfigError, Generators } from '@tessera/core';
import { isFrameSpace, makeFrames } from '@tessera/rollouts';
import type { EnvConfig } from '@tessera/rollouts';
import { Discrete } from 'gymnasium-js';
import type { Env } from 'gymnasium-js';
import type { TerminalPicture } from './half-blocks.ts';
import type { Key } from './keys.ts';

/** A game for one player. */
export interface PlayableGame {
  readonly title: string;
  /** Actions by the keys that choose them. */
  readonly keys: ReadonlyMap<Key, number>;
  /** What is done while no key is pressed; undefined: what was done before. */
  readonly idle: number | undefined;
  /** Steps a second as its author meant it. */
  readonly framesPerSecond: number;
  /** Begins an episode. */
  reset(): TerminalPicture | Promise<TerminalPicture>;
  step(action: number): GameStep | Promise<GameStep>;
  /** A line about what is to be seen now, shown below the picture. */
  comment?(): string;
  close(): void;
}

/** What a step led to. */
export interface GameStep {
  readonly picture: TerminalPicture;
  readonly reward: number;
  /** The episode is over. */
  readonly ended: boolean;
}

/** The real game. Its episodes have seeds of their own, drawn from `seed`. Throws ConfigError for actions that are no finite choice and for observations that are no pictures. */
export function environmentGame({ id, kwargs = {} }: EnvConfig, seed: number): PlayableGame {
  const env = makeFrames(id, kwargs) as Env<Uint8Array>;
  const { observationSpace, actionSpace } = env;
  if (!isFrameSpace(observationSpace) || !(actionSpace instanceof Discrete)) {
    env.close();
    throw new ConfigError(
      `play: expected an environment of pictures with a finite choice of actions, got ${String(observationSpace)} and ${String(actionSpace)} from '${id}'.`,
    );
  }
  const [height, width, channels] = observationSpace.shape as [number, number, number];
  const seeds = new Generators(seed).get('play/episodes');
  const picture = (data: Uint8Array): TerminalPicture => ({ height, width, channels, data });
  return {
    title: id,
    ...controls(id, actionSpace),
    framesPerSecond: env.metadata.renderFps ?? 15,
    reset: () => picture(env.reset({ seed: seeds.integers(2 ** 31 - 1) }).observation),
    step(action) {
      const { observation, reward, terminated, truncated } = env.step(action);
      return { picture: picture(observation), reward, ended: terminated || truncated };
    },
    close: () => env.close(),
  };
}

/** Keys of the games whose actions we know; digits, counted from 0, everywhere. */
export function controls(id: string, { n, start }: Discrete): Pick<PlayableGame, 'keys' | 'idle'> {
  const digits = Array.from({ length: Math.min(10, n) }, (_, i): [Key, number] => [String(i), start + i]);
  const named = (actions: Readonly<Record<string, number>>): [Key, number][] =>
    Object.entries(actions).filter(([, action]) => action < start + n);
  const known = layouts.find(({ ids }) => ids.test(id));
  return {
    keys: new Map([...digits, ...named(known?.keys ?? {})]),
    idle: known === undefined ? start : known.idle,
  };
}

const minAtar = { left: 1, up: 2, right: 3, down: 4, ' ': 5, a: 1, w: 2, d: 3, s: 4 };
const layouts: readonly {
  readonly ids: RegExp;
  readonly keys: Readonly<Record<string, number>>;
  readonly idle?: number;
}[] = [
  { ids: /^Catch-v/, keys: { left: 0, right: 2, a: 0, d: 2 }, idle: 1 },
  { ids: /^(?:Breakout|SpaceInvaders|Asterix|Freeway|Seaquest)-v/, keys: minAtar, idle: 0 },
  { ids: /^CartPole-v/, keys: { left: 0, right: 1, a: 0, d: 1 } },
];
