// One of several spaces at a time (gymnasium/spaces/oneof.py).
import { ConfigError } from '@tessera/core';
import { sampleKind } from './checks.ts';
import { describe } from './describe.ts';
import { Dict } from './dict.ts';
import { isOneSeed, seedList, subSeeds } from './seeds.ts';
import { Sequence } from './sequence.ts';
import { Space } from './space.ts';
import type { SpaceJSON, SpaceSeed, SpaceValue } from './space.ts';
import { areEqual, checkParts, checkSpaces, spacesFromJson, Tuple } from './tuple.ts';
import type { SpaceList, TupleSampleOptions } from './tuple.ts';

/** Pairs of the index of a space and a value of it. */
export type OneOfValue<S extends SpaceList> = { [K in keyof S]: [index: number, value: SpaceValue<S[K]>] }[number];

/** Pairs `[index, value]` with a value of the space at this index. */
export class OneOf<const S extends SpaceList = SpaceList> extends Space<OneOfValue<S>> {
  readonly shape = undefined;
  readonly dtype = undefined;
  readonly spaces: S;

  /** Throws ConfigError for what is no space, and for none. */
  constructor(spaces: S, options: { readonly seed?: SpaceSeed } = {}) {
    super();
    this.spaces = checkSpaces('OneOf', spaces);
    if (this.spaces.length === 0) throw new ConfigError('OneOf: empty `OneOf` spaces are not supported, got [].');
    if (options.seed !== undefined) this.seed(options.seed);
  }

  /** A space, each equally likely, and a value of it; masks are one for each space. Throws ConfigError for another number of them. */
  override sample(options: TupleSampleOptions = {}): OneOfValue<S> {
    const kind = sampleKind('OneOf', options);
    const given = kind === undefined ? undefined : checkParts('OneOf', kind, options[kind], this.spaces.length);
    const index = this.npRandom.integers(this.spaces.length);
    const inner = kind === undefined ? {} : { [kind]: given![index] };
    return [index, this.spaces[index]!.sample(inner)] as OneOfValue<S>;
  }

  override contains(x: unknown): boolean {
    return Array.isArray(x) && x.length === 2 && this.#isIndex(x[0]) && this.spaces[x[0]]!.contains(x[1]);
  }

  #isIndex(x: unknown): x is number {
    return typeof x === 'number' && Number.isInteger(x) && x >= 0 && x < this.spaces.length;
  }

  /**
   * Seeds the choice and the parts: without a seed from entropy, with one by itself and sub-seeds drawn from it, with a list, first for the
   * choice, each by its own. Returns what each got, first the choice.
   */
  override seed(seed?: SpaceSeed): SpaceSeed[] {
    let seeds: readonly SpaceSeed[] = [];
    let own: SpaceSeed;
    if (isOneSeed(seed)) {
      this.seedOwn(seed);
      own = seed;
      seeds = subSeeds(this.npRandom, this.spaces.length);
    } else if (seed !== undefined && seed !== null) {
      [own, ...seeds] = seedList('OneOf', seed, this.spaces.length + 1);
    }
    return [this.seedOwn(own), ...this.spaces.map((space, i) => space.seed(seeds[i]))];
  }

  override get isNpFlattenable(): boolean {
    return this.spaces.every((space) => space.isNpFlattenable);
  }

  /** Pairs of the index and the value; of a Dict or Tuple its batch of one, as Gymnasium loses the rest of it. */
  override toJsonable(samples: readonly OneOfValue<S>[]): unknown[] {
    return (samples as readonly [number, unknown][]).map(([index, value]) => {
      const space = this.spaces[index]!;
      const batch = space.toJsonable([value]);
      return [index, isWide(space) ? batch : (batch as unknown[])[0]];
    });
  }

  override fromJsonable(json: unknown): OneOfValue<S>[] {
    if (!Array.isArray(json)) {
      throw new ConfigError(`OneOf.fromJsonable: expected an array of samples, got ${describe(json)}.`);
    }
    return json.map((pair: unknown) => {
      if (!Array.isArray(pair) || pair.length !== 2 || !this.#isIndex(pair[0])) {
        throw new ConfigError(`OneOf.fromJsonable: expected pairs of an index and a value, got ${describe(pair)}.`);
      }
      const space = this.spaces[pair[0]]!;
      const [value, ...more] = space.fromJsonable(isWide(space) ? pair[1] : [pair[1]]);
      if (value === undefined || more.length > 0) {
        throw new ConfigError(`OneOf.fromJsonable: expected one value, got ${describe(pair[1])}.`);
      }
      return [pair[0], value] as OneOfValue<S>;
    });
  }

  override equals(other: unknown): boolean {
    return other instanceof OneOf && areEqual(this.spaces, other.spaces as SpaceList);
  }

  override toString(): string {
    return `OneOf(${this.spaces.map((space) => space.toString()).join(', ')})`;
  }

  override toJSON(): SpaceJSON {
    return { type: 'OneOf', spaces: this.spaces.map((space) => space.toJSON()) };
  }

  /** The space that `toJSON` described. Throws ConfigError for JSON that describes none. */
  static fromJSON(json: SpaceJSON, depth = 0): OneOf {
    return new OneOf(spacesFromJson(json, depth));
  }
}

// A batch of these is one batch for each part, not a list of values.
const isWide = (space: Space<unknown>): boolean =>
  space instanceof Dict ||
  space instanceof Tuple ||
  (space instanceof Sequence && space.stackedFeatureSpace !== undefined && isWide(space.featureSpace));
