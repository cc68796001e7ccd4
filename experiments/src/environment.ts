// The environment of a run: its frames' shape, and where the ball is, for the games whose ball we know how to find.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { breakoutBoard, catchBoard, findBall } from '@tessera/env-arcade';
import { findPoleTip } from '@tessera/env-classic-control';
import { ConfigError } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { isFrameSpace, makeFrames } from '@tessera/rollouts';
import type { EnvConfig } from '@tessera/rollouts';
import { makeVec, UnregisteredEnv } from 'gymnasium-js';
import type { Env, Space } from 'gymnasium-js';
import { z } from 'zod';
import '@tessera/env-python';

/** Modules that register the built-in environments, as a worker has to import them. */
const builtIn = [
  import.meta.resolve('@tessera/env-arcade'),
  import.meta.resolve('@tessera/env-classic-control'),
  import.meta.resolve('@tessera/env-toy-text'),
];

/** The settings that belong to the environment. */
export interface EnvironmentSettings {
  readonly envKwargs: Readonly<Record<string, unknown>>;
  readonly envModules: readonly string[];
}

/** The schema of `EnvironmentSettings`. */
export const environmentSchema: z.ZodType<EnvironmentSettings, Partial<EnvironmentSettings>> & z.ZodObject =
  z.strictObject({
    envKwargs: z.record(z.string(), z.unknown()).default({}).describe('arguments of the environment'),
    envModules: z
      .array(z.string().min(1))
      .default([])
      .describe('modules that register environments: packages, or files such as ./my-envs.js'),
  }) as never;

/** The environment as rollouts take it. */
export function envConfig(id: string, { envKwargs, envModules }: EnvironmentSettings): EnvConfig {
  // A child that is lost costs its episodes, not the run.
  const kwargs = isPython(id) ? { restart: 10, ...envKwargs } : envKwargs;
  return { id, kwargs, imports: [...builtIn, ...envModules.map(moduleAddress)] };
}

/** Files are named as seen from the working directory; everything else is a package's name or an address. */
function moduleAddress(name: string): string {
  return /^\.{0,2}\//.test(name) ? pathToFileURL(resolve(name)).href : name;
}

/** `[height, width, channels]` of the environment's frames. Throws ConfigError for modules that cannot be imported and observations that are no uint8 pictures, and the registry's errors for unknown ids. */
export async function frameShapeOf(
  { id, kwargs = {}, imports = [] }: EnvConfig,
  command = 'train',
): Promise<[number, number, number]> {
  for (const specifier of imports) {
    try {
      await import(/* @vite-ignore */ specifier);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new ConfigError(
        `${command}: cannot import '${specifier}', which was to register ${id}: ${why}. Name a package, or a file such as ./my-envs.js, in rollouts.envModules.`,
        { cause },
      );
    }
  }
  return shapeOfPictures(command, id, await observationSpaceOf(id, kwargs, command));
}

/** Whether an environment lives in another process, where it cannot save its state. */
export const isPython = (id: string): boolean => id.startsWith('python:');

async function observationSpaceOf(
  id: string,
  kwargs: Readonly<Record<string, unknown>>,
  command: string,
): Promise<Space<unknown>> {
  if (isPython(id)) {
    const envs = await makeVec(id, { ...kwargs, numEnvs: 1 });
    await envs.close();
    return envs.singleObservationSpace;
  }
  const env = makeKnown(id, kwargs, command);
  env.close();
  return env.observationSpace;
}

function shapeOfPictures(command: string, id: string, space: Space<unknown>): [number, number, number] {
  if (!isFrameSpace(space)) {
    throw new ConfigError(
      `${command}: expected an environment of pictures, Box(0, 255, (height, width, channels), uint8), got ${String(space)} from '${id}'. Choose another one, or render it to pixels.`,
    );
  }
  return [...space.shape] as [number, number, number];
}

function makeKnown(id: string, kwargs: Readonly<Record<string, unknown>>, command: string): Env {
  try {
    return makeFrames(id, kwargs);
  } catch (cause) {
    if (!(cause instanceof UnregisteredEnv)) throw cause;
    throw new ConfigError(
      `${command}: --env ${id}: ${cause.message} Name modules that register others in rollouts.envModules.`,
      { cause },
    );
  }
}

/**
 * The share of frames whose ball is found at its place after decoding, of those that show one; NaN for environments without a ball that we know.
 */
export function ballRecall(env: EnvConfig, frames: NdArray<'float32'>, decoded: NdArray<'float32'>): number {
  return recallOf(ballHits(env, frames, decoded));
}

/** Of some frames: how many show what is looked for, and in how many of those it is found at its place after decoding. */
export interface Hits {
  readonly shown: number;
  readonly found: number;
}

/** Hits of a whole set as a share; NaN when nothing showed what was looked for. */
export const recallOf = ({ shown, found }: Hits): number => found / shown;

/** Hits of two sets together. */
export const sumHits = (a: Hits, b: Hits): Hits => ({ shown: a.shown + b.shown, found: a.found + b.found });

/** Of the ball of Breakout and Catch; nothing is shown in other environments. */
export function ballHits(
  { id, kwargs = {} }: EnvConfig,
  frames: NdArray<'float32'>,
  decoded: NdArray<'float32'>,
): Hits {
  const board = id.startsWith('Breakout-v')
    ? breakoutBoard(kwargs['cellSize'] as number | undefined)
    : id.startsWith('Catch-v')
      ? catchBoard
      : undefined;
  if (board === undefined) return { shown: 0, found: 0 };
  return countHits(frames, decoded, {
    find: (frame) => findBall(frame, board),
    same: (truth, seen) => seen.row === truth.row && seen.column === truth.column,
  });
}

// A detector sees the tip within a pixel of where the state has it: what is within another pixel is within two of the truth.
const tipDistance = 1;

/** Of the tip of CartPole's pole: found when it is within two pixels of the truth; nothing is shown in other environments. */
export function poleTipHits({ id }: EnvConfig, frames: NdArray<'float32'>, decoded: NdArray<'float32'>): Hits {
  if (!id.startsWith('CartPole-v')) return { shown: 0, found: 0 };
  const [, height, width] = frames.shape as [number, number, number];
  return countHits(frames, decoded, {
    find: (frame) => findPoleTip(frame, { size: [height, width] }),
    same: (truth, seen) => Math.hypot(seen.x - truth.x, seen.y - truth.y) <= tipDistance,
  });
}

function countHits<Place>(
  frames: NdArray<'float32'>,
  decoded: NdArray<'float32'>,
  {
    find,
    same,
  }: {
    readonly find: (frame: Float32Array) => Place | undefined;
    readonly same: (truth: Place, seen: Place) => boolean;
  },
): Hits {
  const size = frames.data.length / frames.shape[0]!;
  const channels = frames.shape[3]!;
  const place = ({ data }: NdArray<'float32'>, frame: number) => {
    const own = data.subarray(frame * size, (frame + 1) * size);
    // Of stacked frames the newest.
    return find(channels === 3 ? own : own.filter((_, i) => i % channels >= channels - 3));
  };
  let [shown, found] = [0, 0];
  for (let frame = 0; frame < frames.shape[0]!; frame++) {
    const truth = place(frames, frame);
    if (truth === undefined) continue;
    shown++;
    const seen = place(decoded, frame);
    if (seen !== undefined && same(truth, seen)) found++;
  }
  return { shown, found };
}
