// What all spaces share (gymnasium/spaces/space.py): the set of valid observations or actions, with a random stream of its own.
import { ConfigError } from '@tessera/core';
import type { DType, Generator } from '@tessera/core';
import { npRandom } from '../seeding.ts';
import type { Seed } from '../types.ts';

/** A space as plain JSON; `spaceFromJSON` makes it a space again. */
export type SpaceJSON = { readonly type: string } & Readonly<Record<string, unknown>>;

/** A seed for a space, or for a space of spaces one for each part: an array for Tuple and its kin, an object for Dict. */
export type SpaceSeed = Seed | undefined | readonly SpaceSeed[] | { readonly [key: string]: SpaceSeed };

/** What `sample` takes; each space says what its own mask and probabilities look like. At most one of the two. */
export interface SampleOptions {
  /** What may be drawn. */
  readonly mask?: unknown;
  /** How likely each element is. */
  readonly probability?: unknown;
}

/** The values of a space: `number` for Discrete, `Float32Array` for Box, `{ a: number }` for `Dict<{ a: Discrete }>`. */
export type SpaceValue<S> = S extends Space<infer T> ? T : never;

/** A set of values that can be sampled and tested for membership. */
export abstract class Space<T> {
  /** Shape of one value; `[]` for a plain number, undefined for values that are no arrays. */
  abstract readonly shape: readonly number[] | undefined;
  /** Undefined for values that are no arrays. */
  abstract readonly dtype: DType | undefined;
  #generator: Generator | undefined;

  /** A random value of the space. */
  abstract sample(options?: SampleOptions): T;
  /** Whether `x` is in the space. */
  abstract contains(x: unknown): boolean;
  abstract equals(other: unknown): boolean;
  /** Gymnasium's text for the space, like `Discrete(6)`. */
  abstract toString(): string;
  abstract toJSON(): SpaceJSON;

  /** Whether `flatten` makes one array of every value: not where there is a Sequence or a Graph inside. */
  get isNpFlattenable(): boolean {
    return false;
  }

  /** A batch of values as JSON that Gymnasium's `from_jsonable` understands. */
  toJsonable(samples: readonly T[]): unknown {
    return [...samples];
  }

  /** The batch that `toJsonable` wrote down. Throws ConfigError for JSON that it cannot have written. */
  fromJsonable(json: unknown): T[] {
    if (Array.isArray(json)) return [...(json as T[])];
    throw new ConfigError(`${this.constructor.name}.fromJsonable: expected an array of samples, got ${typeof json}.`);
  }

  /**
   * Starts the random stream of `sample` again from `seed` and returns the seed; without one, from the operating system's entropy.
   * A space of spaces seeds its parts too and says with what. Throws ConfigError for a seed that is none.
   */
  seed(seed?: SpaceSeed): SpaceSeed {
    return this.seedOwn(seed);
  }

  /** Seeds the space's own stream and none of its parts. */
  protected seedOwn(seed?: SpaceSeed): Seed {
    const seeded = npRandom(seed as Seed | undefined);
    this.#generator = seeded.generator;
    return seeded.seed;
  }

  /** The stream behind `sample`; its `getState` and `setState` belong into a checkpoint of whoever samples. */
  get npRandom(): Generator {
    this.#generator ??= npRandom().generator;
    return this.#generator;
  }

  /** Draws go on from this generator, which stays the caller's too. */
  set npRandom(generator: Generator) {
    this.#generator = generator;
  }
}
