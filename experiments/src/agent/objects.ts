// Objects in the frames of dreams beside those in real ones, for the games whose objects we can count.
import type { HeldOutDreams, LookAtDreams } from '@tessera/agent';
import type { NdArray } from '@tessera/core';
import { objectCounter } from '@tessera/env-arcade';
import type { EnvConfig } from '@tessera/rollouts';

/** Means over frames. */
export interface ObjectCounts {
  readonly real: number;
  readonly imagined: number;
  /** Of an object that there is always one of: the share of imagined frames with none or several. */
  readonly wrong?: number;
}

/** Counts the objects of all frames, by name; undefined for environments whose objects we cannot count. */
export function countObjects(
  { id, kwargs = {} }: EnvConfig,
  { real, imagined }: Pick<HeldOutDreams, 'real' | 'imagined'>,
): Readonly<Record<string, ObjectCounts>> | undefined {
  const counter = objectCounter(id, kwargs);
  if (counter === undefined) return undefined;
  const [there, dreamed] = [real, imagined].map((frames) => rows(frames).map((frame) => counter.count(frame)));
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return Object.fromEntries(
    Object.keys(there![0] ?? {}).map((name) => {
      const own = dreamed!.map((counts) => counts[name]!);
      return [
        name,
        {
          real: mean(there!.map((counts) => counts[name]!)),
          imagined: mean(own),
          ...(counter.single.includes(name) && { wrong: mean(own.map((count) => Number(count !== 1))) }),
        },
      ];
    }),
  );
}

/** Counts the objects in the dreams of each round; undefined where we cannot, so that no frame is decoded for it. */
export function objectsInDreams(env: EnvConfig): LookAtDreams | undefined {
  if (objectCounter(env.id, env.kwargs ?? {}) === undefined) return undefined;
  return (frames) => objectMetrics(countObjects(env, frames)!);
}

/** What was counted as numbers to be logged. */
function objectMetrics(counts: Readonly<Record<string, ObjectCounts>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(counts).flatMap(([name, { real, imagined, wrong }]) => [
      [`objects/${name}`, imagined],
      [`objects/${name}_real`, real],
      ...(wrong === undefined ? [] : [[`objects/${name}_wrong`, wrong] as const]),
    ]),
  );
}

function rows({ shape, data }: NdArray<'uint8'>): Uint8Array[] {
  const size = data.length / shape[0]!;
  return Array.from({ length: shape[0]! }, (_, i) => data.subarray(i * size, (i + 1) * size));
}
