// Several spaces in order (gymnasium/spaces/tuple.py).
import { ConfigError } from '@tessera/core';
import { checkSpace, field, sampleKind } from './checks.ts';
import { describe } from './describe.ts';
import { dtypeOf } from './dtype.ts';
import { readSpace } from './from-json.ts';
import { isOneSeed, seedList, subSeeds } from './seeds.ts';
import { Space } from './space.ts';
import type { SampleOptions, SpaceJSON, SpaceSeed, SpaceValue } from './space.ts';

/** Spaces in order. */
export type SpaceList = readonly Space<unknown>[];

/** The values of a Tuple of these spaces. */
export type TupleValue<S extends SpaceList> = { -readonly [K in keyof S]: SpaceValue<S[K]> };

export interface TupleSampleOptions extends SampleOptions {
  /** A mask for each part; undefined or null for those without. */
  readonly mask?: readonly unknown[] | null;
  /** Probabilities for each part; undefined or null for those without. */
  readonly probability?: readonly unknown[] | null;
}

/** Arrays with one value of each space. */
export class Tuple<const S extends SpaceList = SpaceList> extends Space<TupleValue<S>> {
  readonly shape = undefined;
  readonly dtype = undefined;
  readonly spaces: S;

  /** Throws ConfigError for what is no space. */
  constructor(spaces: S, options: { readonly seed?: SpaceSeed } = {}) {
    super();
    this.spaces = checkSpaces('Tuple', spaces);
    if (options.seed !== undefined) this.seed(options.seed);
  }

  /** One value of each part, in order. Throws ConfigError for masks that do not fit. */
  override sample(options: TupleSampleOptions = {}): TupleValue<S> {
    const kind = sampleKind('Tuple', options);
    if (kind === undefined) return this.spaces.map((space) => space.sample()) as TupleValue<S>;
    const given = checkParts('Tuple', kind, options[kind], this.spaces.length);
    return this.spaces.map((space, i) => space.sample({ [kind]: given[i] })) as TupleValue<S>;
  }

  /** Whether `x` is an array, or a typed array, with one value of each space. */
  override contains(x: unknown): boolean {
    if (!Array.isArray(x) && dtypeOf(x) === undefined) return false;
    const parts = x as ArrayLike<unknown>;
    return parts.length === this.spaces.length && this.spaces.every((space, i) => space.contains(parts[i]));
  }

  /**
   * Seeds the parts: without a seed from entropy, with one by sub-seeds drawn from it, with a list each by its own. Returns what each got.
   * Throws ConfigError for a list of another length.
   */
  override seed(seed?: SpaceSeed): SpaceSeed[] {
    if (seed === undefined || seed === null) return this.spaces.map((space) => space.seed());
    let seeds: readonly SpaceSeed[];
    if (isOneSeed(seed)) {
      this.seedOwn(seed);
      seeds = subSeeds(this.npRandom, this.spaces.length);
    } else seeds = seedList('Tuple', seed, this.spaces.length);
    return this.spaces.map((space, i) => space.seed(seeds[i]));
  }

  override get isNpFlattenable(): boolean {
    return this.spaces.every((space) => space.isNpFlattenable);
  }

  /** A list of one batch for each part. */
  override toJsonable(samples: readonly TupleValue<S>[]): unknown[] {
    return this.spaces.map((space, i) => space.toJsonable(samples.map((sample) => sample[i])));
  }

  override fromJsonable(json: unknown): TupleValue<S>[] {
    if (!Array.isArray(json) || json.length !== this.spaces.length) {
      const got = describe(json);
      throw new ConfigError(`Tuple.fromJsonable: expected an array of ${this.spaces.length} batches, got ${got}.`);
    }
    const batches = this.spaces.map((space, i) => space.fromJsonable(json[i]));
    const count = batches[0]?.length ?? 0;
    if (batches.some((batch) => batch.length !== count)) {
      const got = batches.map((batch) => batch.length).join(', ');
      throw new ConfigError(`Tuple.fromJsonable: expected equally many samples of each part, got ${got}.`);
    }
    return Array.from({ length: count }, (_, n) => batches.map((batch) => batch[n]) as TupleValue<S>);
  }

  override equals(other: unknown): boolean {
    return other instanceof Tuple && areEqual(this.spaces, other.spaces as SpaceList);
  }

  override toString(): string {
    return `Tuple(${this.spaces.map((space) => space.toString()).join(', ')})`;
  }

  override toJSON(): SpaceJSON {
    return { type: 'Tuple', spaces: this.spaces.map((space) => space.toJSON()) };
  }

  /** The space that `toJSON` described. Throws ConfigError for JSON that describes none. */
  static fromJSON(json: SpaceJSON, depth = 0): Tuple {
    return new Tuple(spacesFromJson(json, depth));
  }
}

/** A copy of a list of spaces; throws ConfigError when it is none. */
export function checkSpaces<S extends SpaceList>(where: string, spaces: S): S {
  if (!Array.isArray(spaces)) {
    throw new ConfigError(`${where}: expected an array of spaces, got ${describe(spaces)}.`);
  }
  spaces.forEach((space, i) => checkSpace(`${where} element ${i}`, space));
  return Object.freeze([...(spaces as SpaceList)]) as unknown as S;
}

/** One mask for each of `count` parts; throws ConfigError for another number of them. */
export function checkParts(where: string, kind: string, given: unknown, count: number): readonly unknown[] {
  if (Array.isArray(given) && given.length === count) return given;
  throw new ConfigError(`${where}.sample: expected length of ${kind} to be ${count}, got ${describe(given)}.`);
}

export function areEqual(a: SpaceList, b: SpaceList): boolean {
  return a.length === b.length && a.every((space, i) => space.equals(b[i]));
}

/** The list of spaces in the JSON of a Tuple or a OneOf. */
export function spacesFromJson(json: SpaceJSON, depth: number): Space<unknown>[] {
  return field<unknown[]>(json, 'spaces', 'an array of spaces', Array.isArray).map((one) => readSpace(one, depth + 1));
}
