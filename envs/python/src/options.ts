// The options of `makeVec('python:...')`, checked, and split into what is ours and what goes to the environment.
import { availableParallelism } from 'node:os';
import { ConfigError, didYouMean } from '@tessera/core';
import type { AutoresetMode, MakeVecOptions } from 'gymnasium-js';
import { encodeValue } from './values.ts';

/**
 * What is usual for Atari games, done in the child, so that full-size frames do not cross over. The same numbers as Gymnasium's AtariPreprocessing; works for
 * all environments whose observations are colour pictures.
 */
export interface Preprocessing {
  /** Most no-ops at the start of an episode, of which between 1 and this many are taken; 0 for none. Default 30. */
  readonly noopMax?: number;
  /** Frames for each step; the observation is the maximum of the last two. Default 4. */
  readonly frameSkip?: number;
  /** Height and width of the observation, or one number for both; by default as large as it is. Equal to OpenCV's INTER_AREA in every byte. */
  readonly size?: number | readonly [height: number, width: number];
  /** `[height, width, 1]` instead of `[height, width, 3]`; default false. */
  readonly grayscale?: boolean;
  /** Whether a lost life ends the episode; default false. */
  readonly terminalOnLifeLoss?: boolean;
}

/** Options of `makeVec` for `python:` ids; every further key is an argument of the environment. */
export interface PythonVecOptions extends MakeVecOptions {
  /** The Python to run; by default the one that `TESSERA_PYTHON` names, else `python3`. */
  readonly python?: string | undefined;
  /** Arguments of the environment, for those whose name is also an option here. */
  readonly kwargs?: Readonly<Record<string, unknown>> | undefined;
  /** `render_mode` of the environment, such as `rgb_array`; none by default. */
  readonly renderMode?: string | undefined;
  /** Environments in each child process, instead of `numWorkers`, the number of children (by default one a core). */
  readonly envsPerWorker?: number | undefined;
  readonly preprocessing?: Preprocessing | undefined;
  /**
   * Whether a child that was killed or hangs is started again, with seeds derived from its own, its episodes truncated; a number says how often at most in all.
   * False by default: it is an error.
   */
  readonly restart?: boolean | number | undefined;
  /** Whether what the environment prints appears on our stderr; false by default. Its last lines are part of errors. */
  readonly showOutput?: boolean | undefined;
}

/** `PythonVecOptions` after the checks. */
export interface BridgeOptions {
  readonly id: string;
  readonly numEnvs: number;
  readonly numWorkers: number;
  readonly autoresetMode: AutoresetMode;
  readonly timeLimitMs: number;
  readonly startTimeLimitMs: number;
  readonly restarts: number;
  readonly python: string | undefined;
  readonly showOutput: boolean;
  /** What a child has to know to build an environment. JSON. */
  readonly setup: Readonly<Record<string, unknown>>;
}

const where = (id: string): string => `makeVec: python:${id}`;

/** Checks. Throws ConfigError. */
export function bridgeOptions(id: string, options: PythonVecOptions): BridgeOptions {
  const {
    numEnvs = 1,
    vectorizationMode: _everyModeIsChildren,
    autoresetMode = 'NextStep',
    wrappers = [],
    observationMode = 'same',
    imports: _javaScriptModules,
    numWorkers,
    envsPerWorker,
    timeLimitMs = 60_000,
    startTimeLimitMs = 60_000,
    maxEpisodeSteps,
    disableEnvChecker = false,
    python,
    kwargs,
    renderMode,
    preprocessing,
    restart = false,
    showOutput = false,
    ...others
  } = options;
  const wholes = { numEnvs, timeLimitMs, startTimeLimitMs, ...given({ numWorkers, envsPerWorker }) };
  for (const [name, value] of Object.entries(wholes)) checkWhole(id, name, value, 1);
  if (maxEpisodeSteps !== undefined && maxEpisodeSteps !== -1) checkWhole(id, 'maxEpisodeSteps', maxEpisodeSteps, 1);
  if (numWorkers !== undefined && envsPerWorker !== undefined) {
    throw new ConfigError(`${where(id)}: expected numWorkers or envsPerWorker, got both. Leave one out.`);
  }
  if (wrappers.length > 0) {
    throw new ConfigError(`${where(id)}: wrappers cannot cross to another process. Wrap the vector environment.`);
  }
  if (observationMode !== 'same') {
    throw new ConfigError(`${where(id)}: expected observationMode 'same': environments of one id have one space.`);
  }
  if (typeof restart !== 'boolean') checkWhole(id, 'restart', restart, 0);
  const children =
    envsPerWorker === undefined ? (numWorkers ?? availableParallelism()) : Math.ceil(numEnvs / envsPerWorker);
  const named = renderMode === undefined ? {} : { render_mode: renderMode };
  return {
    id,
    numEnvs,
    numWorkers: Math.min(children, numEnvs),
    autoresetMode,
    timeLimitMs,
    startTimeLimitMs,
    restarts: restart === true ? Infinity : Number(restart),
    python,
    showOutput,
    setup: {
      id,
      kwargs: encodeValue({ ...others, ...named, ...kwargs }, where(id)),
      maxEpisodeSteps: maxEpisodeSteps ?? null,
      preprocessing: preprocessing === undefined ? null : checkPreprocessing(id, preprocessing),
      checks: !disableEnvChecker,
      autoresetMode,
    },
  };
}

const given = (values: Readonly<Record<string, number | undefined>>): Record<string, number> =>
  Object.fromEntries(Object.entries(values).filter((entry): entry is [string, number] => entry[1] !== undefined));

function checkPreprocessing(id: string, preprocessing: Preprocessing): Record<string, unknown> {
  const defaults = { noopMax: 30, frameSkip: 4, size: null, grayscale: false, terminalOnLifeLoss: false };
  const known = Object.keys(defaults);
  if (typeof preprocessing !== 'object' || preprocessing === null) {
    throw new ConfigError(`${where(id)}: expected preprocessing as an object, got ${JSON.stringify(preprocessing)}.`);
  }
  for (const key of Object.keys(preprocessing)) {
    if (known.includes(key)) continue;
    const wayOut = `Its options are ${known.join(', ')}.`;
    throw new ConfigError(`${where(id)}: preprocessing: unknown option '${key}'.${didYouMean(key, known)} ${wayOut}`);
  }
  const { noopMax, frameSkip, size, grayscale, terminalOnLifeLoss } = { ...defaults, ...preprocessing };
  checkWhole(id, 'preprocessing.noopMax', noopMax, 0);
  checkWhole(id, 'preprocessing.frameSkip', frameSkip, 1);
  const sizes = size === null ? null : typeof size === 'number' ? [size, size] : [...size];
  if (sizes !== null && sizes.length !== 2) {
    throw new ConfigError(`${where(id)}: expected preprocessing.size as [height, width], got ${JSON.stringify(size)}.`);
  }
  for (const side of sizes ?? []) checkWhole(id, 'preprocessing.size', side, 1);
  return {
    noop_max: noopMax,
    frame_skip: frameSkip,
    size: sizes,
    grayscale: Boolean(grayscale),
    terminal_on_life_loss: Boolean(terminalOnLifeLoss),
  };
}

function checkWhole(id: string, name: string, value: number, minimum: number): void {
  if (Number.isSafeInteger(value) && value >= minimum) return;
  throw new ConfigError(`${where(id)}: expected a whole number >= ${minimum} as ${name}, got ${String(value)}.`);
}
