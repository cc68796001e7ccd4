// Checks of what environments are given: actions in `step`, options in constructors.
import { ConfigError } from '@tessera/core';
import { InvalidAction } from './errors.ts';
import type { Discrete } from './spaces/discrete.ts';
import { describe } from './spaces/explain.ts';

/** Returns the action as a number when it is in the space; throws InvalidAction otherwise. For `step` of environments that are used without `make`. */
export function checkAction(owner: string, space: Discrete, action: unknown): number {
  if (space.contains(action)) return Number(action);
  throw new InvalidAction(
    `${owner}: ${describe(action)} (${typeof action}) invalid. Pass an action of ${space.toString()}.`,
  );
}

/** The option, or `byDefault` where it is left out; throws ConfigError unless it is true or false. */
export function booleanOption(owner: string, name: string, value: unknown, byDefault: boolean): boolean {
  if (value === undefined) return byDefault;
  if (typeof value === 'boolean') return value;
  throw new ConfigError(`${owner}: expected true or false as ${name}, got ${describe(value)}.`);
}

/** The option, or `byDefault` where it is left out; throws ConfigError unless it is a number within `range`, by default any finite one. */
export function numberOption(
  owner: string,
  name: string,
  value: unknown,
  byDefault: number,
  range: readonly [low: number, high: number] = [-Number.MAX_VALUE, Number.MAX_VALUE],
): number {
  if (value === undefined) return byDefault;
  const [low, high] = range;
  if (typeof value === 'number' && value >= low && value <= high) return value;
  const expected = low === -Number.MAX_VALUE ? 'a finite number' : `a number from ${low} to ${high}`;
  throw new ConfigError(`${owner}: expected ${expected} as ${name}, got ${describe(value)}.`);
}
