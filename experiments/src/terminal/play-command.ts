// `tessera play ENV` and `tessera play RUN`: a person plays a game in the terminal, the real one or the dream of a trained agent. The return of each episode that ended is a line on stdout.
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError } from '@tessera/core';
import { pathInfo } from '@tessera/core/node';
import type { EnvConfig } from '@tessera/rollouts';
import { parseSetting, resolveConfig } from '@tessera/runs';
import { envConfig, environmentSchema, frameShapeOf, isPython } from '../environment.ts';
import type { EnvironmentSettings } from '../environment.ts';
import type { Io } from '../io.ts';
import { openRun, settingsOfRun } from '../open-run.ts';
import type { HumanStream } from '../progress.ts';
import { createReporter } from '../reporter.ts';
import type { Reporter } from '../reporter.ts';
import { checkBackend } from '../train-command.ts';
import { parseCount, UsageError } from '../usage-error.ts';
import { environmentGame } from './game.ts';
import type { PlayableGame } from './game.ts';
import { playSession } from './session.ts';
import type { Keyboard, PlayedEpisode } from './session.ts';

/** Options as commander gives them. */
export interface PlayCommandOptions {
  readonly seed?: string;
  readonly fps?: string;
  readonly turns?: boolean;
  readonly set?: readonly string[];
  readonly real?: boolean;
  readonly backend?: string;
}

// Faster than that nobody plays, whatever the films of an environment are meant to run at.
const mostFramesPerSecond = 30;

/** Plays; returns the exit code. Throws errors of Tessera. */
export async function playCommand(name: string, options: PlayCommandOptions, io: Io): Promise<number> {
  const seed = options.seed === undefined ? randomInt(2 ** 31) : parseCount('--seed', options.seed);
  const fps = options.fps === undefined ? undefined : parseCount('--fps', options.fps, { minimum: 1 });
  const reporter = createReporter(io.stderr, io.nowMs);
  const play = (game: PlayableGame): Promise<PlayedEpisode[]> => {
    const { keyboard, screen } = terminalOf(io);
    return playSession({
      game,
      keyboard,
      screen,
      framesPerSecond: fps ?? Math.min(mostFramesPerSecond, game.framesPerSecond),
      turns: options.turns === true,
      signal: io.signal,
      wait,
    });
  };
  const episodes = (await isRun(name))
    ? await playRun(name, { options, seed, reporter, io }, play)
    : await playReal(environmentOf(name, options), seed, play);
  reporter.close();
  const rows = episodes.map(({ return: total, steps, ended }, i) => ({
    name: `episode ${i + 1}`,
    value: String(total),
    note: `${steps} steps${ended ? '' : ', left before its end'}`,
  }));
  reporter.table([...rows, { name: 'seed', value: String(seed), note: 'the same games again' }]);
  for (const { return: total, ended } of episodes) if (ended) io.stdout.write(`${total}\n`);
  return 0;
}

type Play = (game: PlayableGame) => Promise<PlayedEpisode[]>;

/** Whether a name is a folder rather than an environment's: some ids have a slash too, but they end with a version. */
async function isRun(name: string): Promise<boolean> {
  return (await pathInfo(name)) !== undefined || (name.includes('/') && !isPython(name) && !/-v\d+$/.test(name));
}

/** The environment of this name, without a run. */
function environmentOf(id: string, options: PlayCommandOptions): EnvConfig {
  if (options.real === true || options.backend !== undefined) {
    throw new UsageError(
      `play: --real and --backend are for run folders, and '${id}' is none. An environment is always the real one.`,
    );
  }
  const layers = (options.set ?? []).map((text) => parseSetting(text, environmentSchema));
  return envConfig(id, resolveConfig(environmentSchema, layers));
}

async function playReal(env: EnvConfig, seed: number, play: Play): Promise<PlayedEpisode[]> {
  if (isPython(env.id)) {
    throw new ConfigError(`play: expected an environment of this process, got '${env.id}', which lives in a Python.`);
  }
  await frameShapeOf(env, 'play');
  const game = environmentGame(env, seed);
  try {
    return await play(game);
  } finally {
    game.close();
  }
}

interface RunPlay {
  readonly options: PlayCommandOptions;
  readonly seed: number;
  readonly reporter: Reporter;
  readonly io: Io;
}

/** The dream of a run, or its real game. */
async function playRun(
  directory: string,
  { options, seed, reporter, io }: RunPlay,
  play: Play,
): Promise<PlayedEpisode[]> {
  const { backend } = options;
  if (options.set !== undefined) {
    throw new UsageError(`play: --set is for environments; '${directory}' is a run and has settings of its own.`);
  }
  if (backend !== undefined) checkBackend(backend);
  const opened = await openRun('play', directory, io.experiments);
  const { run, experiment } = opened;
  const { env } = run.config;
  const config = settingsOfRun(opened);
  if (options.real === true) {
    const { rollouts } = config as { readonly rollouts?: EnvironmentSettings };
    return playReal(envConfig(env, rollouts ?? { envKwargs: {}, envModules: [] }), seed, play);
  }
  if (isPython(env) || experiment.dream === undefined) {
    const why = isPython(env) ? `its environment '${env}' lives in a Python` : 'it has no world model';
    throw new ConfigError(
      `play: expected a run that dreams, got one of the experiment '${experiment.name}': ${why}. --real plays its real game.`,
    );
  }
  // Before an engine is started for nothing.
  terminalOf(io);
  const context = { run, config, env, seed, backend, episodes: undefined, signal: io.signal, reporter };
  return experiment.dream(context, play);
}

function terminalOf({ stdin: keyboard, stderr: screen }: Io): {
  readonly keyboard: Keyboard;
  readonly screen: HumanStream;
} {
  if (keyboard?.isTTY === true && screen.isTTY === true) return { keyboard, screen };
  throw new ConfigError(
    'play: expected a terminal for keys and pictures; standard input and standard error have to be one. Run it without redirecting them.',
  );
}

async function wait(ms: number, signal: AbortSignal): Promise<void> {
  // Node's longest timer, where only the signal ends the wait.
  await sleep(Math.min(ms, 2 ** 31 - 1), undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
