// `tessera play ENV`: a person plays a game in the terminal. The return of each episode that ended is a line on stdout.
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError } from '@tessera/core';
import { parseSetting, resolveConfig } from '@tessera/runs';
import { envConfig, environmentSchema, frameShapeOf, isPython } from '../environment.ts';
import type { Io } from '../io.ts';
import { createReporter } from '../reporter.ts';
import { parseCount } from '../usage-error.ts';
import { environmentGame } from './game.ts';
import { playSession } from './session.ts';
import type { PlayedEpisode } from './session.ts';

/** Options as commander gives them. */
export interface PlayCommandOptions {
  readonly seed?: string;
  readonly fps?: string;
  readonly turns?: boolean;
  readonly set?: readonly string[];
}

// Faster than that nobody plays, whatever the films of an environment are meant to run at.
const mostFramesPerSecond = 30;

/** Plays; returns the exit code. Throws errors of Tessera. */
export async function playCommand(id: string, options: PlayCommandOptions, io: Io): Promise<number> {
  const seed = options.seed === undefined ? randomInt(2 ** 31) : parseCount('--seed', options.seed);
  const fps = options.fps === undefined ? undefined : parseCount('--fps', options.fps, { minimum: 1 });
  const layers = (options.set ?? []).map((text) => parseSetting(text, environmentSchema));
  const env = envConfig(id, resolveConfig(environmentSchema, layers));
  if (isPython(id)) {
    throw new ConfigError(`play: expected an environment of this process, got '${id}', which lives in a Python.`);
  }
  await frameShapeOf(env, 'play');
  const { stdin: keyboard, stderr: screen } = io;
  if (keyboard?.isTTY !== true || screen.isTTY !== true) {
    throw new ConfigError(
      'play: expected a terminal for keys and pictures; standard input and standard error have to be one. Run it without redirecting them.',
    );
  }
  const game = environmentGame(env, seed);
  let episodes: readonly PlayedEpisode[];
  try {
    episodes = await playSession({
      game,
      keyboard,
      screen,
      framesPerSecond: fps ?? Math.min(mostFramesPerSecond, game.framesPerSecond),
      turns: options.turns === true,
      signal: io.signal,
      wait,
    });
  } finally {
    game.close();
  }
  const reporter = createReporter(screen, io.nowMs);
  const rows = episodes.map(({ return: total, steps, ended }, i) => ({
    name: `episode ${i + 1}`,
    value: String(total),
    note: `${steps} steps${ended ? '' : ', left before its end'}`,
  }));
  reporter.table([...rows, { name: 'seed', value: String(seed), note: 'the same games again' }]);
  for (const { return: total, ended } of episodes) if (ended) io.stdout.write(`${total}\n`);
  return 0;
}

async function wait(ms: number, signal: AbortSignal): Promise<void> {
  // Node's longest timer, where only the signal ends the wait.
  await sleep(Math.min(ms, 2 ** 31 - 1), undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
