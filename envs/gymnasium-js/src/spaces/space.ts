// What all spaces share (gymnasium/spaces/space.py): the set of valid observations or actions, with a random stream of its own.
import type { DType, Generator } from '@tessera/core';
import { npRandom } from '../seeding.ts';
import type { Seed } from '../types.ts';

/** A space as plain JSON; `spaceFromJSON` makes it a space again. */
export type SpaceJSON = { readonly type: string } & Readonly<Record<string, unknown>>;

/** A set of values that can be sampled and tested for membership. */
export abstract class Space<T> {
  /** Shape of one value; `[]` for a plain number. */
  abstract readonly shape: readonly number[];
  abstract readonly dtype: DType;
  #generator: Generator | undefined;

  /** A random value of the space. */
  abstract sample(): T;
  /** Whether `x` is in the space. */
  abstract contains(x: unknown): boolean;
  abstract equals(other: unknown): boolean;
  /** Gymnasium's text for the space, like `Discrete(6)`. */
  abstract toString(): string;
  abstract toJSON(): SpaceJSON;

  /** Starts the random stream of `sample` again from `seed` and returns the seed; without one, from the operating system's entropy. */
  seed(seed?: Seed): Seed {
    const seeded = npRandom(seed);
    this.#generator = seeded.generator;
    return seeded.seed;
  }

  /** The stream behind `sample`; its `getState` and `setState` belong into a checkpoint of whoever samples. */
  get npRandom(): Generator {
    this.#generator ??= npRandom().generator;
    return this.#generator;
  }
}
