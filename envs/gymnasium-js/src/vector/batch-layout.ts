// How observations and actions of several environments lie in flat arrays.
import { ConfigError, elementCount, isBigArray, typedArrayOf } from '@tessera/core';
import type { DType } from '@tessera/core';
import { InvalidAction } from '../errors.ts';
import { Box } from '../spaces/box.ts';
import { Discrete } from '../spaces/discrete.ts';
import { MultiBinary } from '../spaces/multi-binary.ts';
import { MultiDiscrete } from '../spaces/multi-discrete.ts';
import { describe, explainMismatch } from '../spaces/explain.ts';
import type { Space } from '../spaces/space.ts';
import type { TypedArray } from '../types.ts';
import type { VectorActions } from './vector-env.ts';

/** dtype, shape and number of values of one observation or action in a batch. A Discrete value is one int32. */
export interface RowLayout {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly size: number;
}

/** Whether values of the space are arrays of numbers of one length, or numbers within 32 bits. */
export function hasRowLayout(space: Space<unknown>): boolean {
  if (space instanceof Box || space instanceof MultiDiscrete || space instanceof MultiBinary) return true;
  return space instanceof Discrete && Math.max(-space.start, space.start + space.n) <= 2 ** 31;
}

/** The layout of one value of a space. Throws ConfigError for spaces that have none, and for Discrete beyond 32 bits. */
export function rowLayout(space: Space<unknown>): RowLayout {
  if (space instanceof Discrete && hasRowLayout(space)) return { dtype: 'int32', shape: [], size: 1 };
  if (space instanceof Box || space instanceof MultiDiscrete || space instanceof MultiBinary) {
    const { dtype, shape } = space as Box<DType>;
    return { dtype, shape, size: elementCount(shape) };
  }
  throw new ConfigError(
    `VectorEnv: expected a space of type Box, MultiDiscrete, MultiBinary or Discrete within 32 bits, got ${space.toString()}.`,
  );
}

/** Writes the observation of row `index`. */
export function writeRow(rows: TypedArray, index: number, size: number, value: unknown): void {
  if (typeof value === 'number') rows[index] = value;
  else rows.set(value as never, index * size);
}

/** The action of row `index`: a number for Discrete, a fresh typed array of the space's dtype for Box. */
export function readAction(space: Space<unknown>, actions: ArrayLike<number>, index: number): unknown {
  if (space instanceof Discrete) return actions[index];
  const { dtype, size } = rowLayout(space);
  const action = new (typedArrayOf(dtype))(size);
  const isBig = isBigArray(action);
  for (let i = 0; i < action.length; i++) {
    const value: unknown = actions[index * action.length + i];
    if (!isBig) action[i] = Number(value) as never;
    else {
      // Whatever is no whole number of the dtype stays what it is, for the space to refuse.
      const isWhole = typeof value === 'bigint' || Number.isInteger(value);
      if (isWhole) action[i] = BigInt(value as number) as never;
      if (!isWhole || action[i] !== BigInt(value as number)) return Array.from(actions);
    }
  }
  return action;
}

/** Throws InvalidAction unless there is one valid action for each environment. */
export function checkActions(space: Space<unknown>, numEnvs: number, actions: VectorActions): void {
  const { size } = rowLayout(space);
  const length = typeof actions === 'object' && actions !== null ? actions.length : undefined;
  if (length !== numEnvs * size) {
    const expected = size === 1 ? `${numEnvs} actions` : `${numEnvs} actions of ${size} values in one flat array`;
    const got = length === undefined ? describe(actions) : `${length} values`;
    throw new InvalidAction(`VectorEnv.step: expected ${expected}, got ${got}.`);
  }
  for (let index = 0; index < numEnvs; index++) {
    const action = readAction(space, actions, index);
    if (space.contains(action)) continue;
    throw new InvalidAction(`VectorEnv.step: action ${index}: ${explainMismatch(space, action)}.`);
  }
}
