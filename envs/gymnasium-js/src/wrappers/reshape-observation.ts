// Another shape for the same values (gymnasium.wrappers.ReshapeObservation). Observations are flat, so only their space changes.
import { ConfigError } from '@tessera/core';
import type { Env } from '../env.ts';
import { Box } from '../spaces/box.ts';
import type { TypedArray } from '../types.ts';
import { checkBox } from './checks.ts';
import { ObservationWrapper } from './mapping-wrappers.ts';

/** Observations of the given shape; one of its sizes may be -1, which stands for what is left. */
export class ReshapeObservation<Obs extends TypedArray = TypedArray, Act = number> extends ObservationWrapper<
  Obs,
  Act
> {
  readonly shape: readonly number[];

  /** Throws ConfigError for an observation space that is no Box and for a shape with another number of values. */
  constructor(env: Env<Obs, Act>, options: { readonly shape: readonly number[] }) {
    super(env, { ...options });
    const { low, high, dtype, shape } = checkBox('ReshapeObservation', 'observation', env.observationSpace);
    this.shape = completeShape(options?.shape, (low as TypedArray).length, shape);
    this.observationSpace = new Box({ low, high, shape: this.shape, dtype });
  }

  override observation(observation: Obs): Obs {
    return observation;
  }
}

function completeShape(shape: readonly number[], count: number, from: readonly number[]): readonly number[] {
  const sizes = Array.isArray(shape) ? (shape as readonly number[]) : [NaN];
  const known = sizes.filter((size) => size !== -1).reduce((product, size) => product * size, 1);
  const isGood = sizes.every((size) => Number.isSafeInteger(size) && (size > 0 || size === -1));
  const missing = sizes.filter((size) => size === -1).length;
  if (isGood && missing <= 1 && (missing === 0 ? known === count : count % known === 0)) {
    return sizes.map((size) => (size === -1 ? count / known : size));
  }
  const got = Array.isArray(shape) ? `[${shape.join(', ')}]` : typeof shape;
  const expected = `expected a shape of ${count} values, like that of the observations, [${from.join(', ')}]`;
  throw new ConfigError(`ReshapeObservation: ${expected}, got ${got}.`);
}
