// Checks of arguments that several wrappers share.
import { ConfigError } from '@tessera/core';
import { Box } from '../spaces/box.ts';
import { describe } from '../spaces/explain.ts';
import type { Space } from '../spaces/space.ts';

/** Returns the number when it is a whole one of at least `least`; throws ConfigError with Gymnasium's words otherwise. */
export function checkCount(where: string, name: string, value: unknown, least: number): number {
  if (!Number.isSafeInteger(value)) {
    throw new ConfigError(`${where}: The ${name} is expected to be an integer, actual: ${describe(value)}.`);
  }
  if ((value as number) < least) {
    throw new ConfigError(
      `${where}: The ${name} value needs to be equal or greater than ${least}, actual value: ${String(value)}.`,
    );
  }
  return value as number;
}

/** Returns the space when it is a Box; throws ConfigError otherwise. */
export function checkBox(where: string, what: 'observation' | 'action', space: Space<unknown>): Box<never> {
  if (space instanceof Box) return space as unknown as Box<never>;
  throw new ConfigError(`${where}: expected a Box as ${what} space, got ${space.toString()}.`);
}

/** Returns the space when it holds pictures of bytes 0 to 255 with one of these numbers of axes; throws ConfigError otherwise. */
export function checkPictures(where: string, space: Space<unknown>, axes: readonly number[]): Box<'uint8'> {
  if (space instanceof Box && space.dtype === 'uint8' && axes.includes(space.shape.length)) {
    const { low, high } = space as Box<'uint8'>;
    if (low.every((value) => value === 0) && high.every((value) => value === 255)) return space as Box<'uint8'>;
  }
  const shapes = axes.map((count) => (count === 2 ? '(height, width)' : '(height, width, channels)')).join(' or ');
  throw new ConfigError(
    `${where}: expected an observation space Box(0, 255, ${shapes}, uint8), got ${space.toString()}.`,
  );
}

/** Returns `shape` when it is that many whole numbers > 0; throws ConfigError otherwise. */
export function checkShape(where: string, shape: unknown, axes: number): readonly number[] {
  const isShape =
    Array.isArray(shape) &&
    shape.length === axes &&
    shape.every((size) => Number.isSafeInteger(size) && (size as number) > 0);
  if (isShape) return [...(shape as number[])];
  const got = Array.isArray(shape) ? `[${shape.join(', ')}]` : describe(shape);
  throw new ConfigError(`${where}: expected a shape of ${axes} whole numbers > 0, got ${got}.`);
}

/** Returns the function; throws ConfigError when it is none. */
export function checkFunction<F>(where: string, name: string, value: F): F {
  if (typeof value === 'function') return value;
  throw new ConfigError(`${where}: expected a function as ${name}, got ${describe(value)}.`);
}
