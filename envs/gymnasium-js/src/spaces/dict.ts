// Several spaces by name (gymnasium/spaces/dict.py).
import { ConfigError } from '@tessera/core';
import { checkSpace, field, isObject, sampleKind } from './checks.ts';
import { describe } from './describe.ts';
import { readSpace } from './from-json.ts';
import { compareTexts, formatText } from './numpy-format.ts';
import { isOneSeed, subSeeds } from './seeds.ts';
import { Space } from './space.ts';
import type { SampleOptions, SpaceJSON, SpaceSeed, SpaceValue } from './space.ts';

/** Spaces by name. */
export type SpaceRecord = Readonly<Record<string, Space<unknown>>>;

/** The values of a Dict of these spaces. */
export type DictValue<S extends SpaceRecord> = { [K in keyof S]: SpaceValue<S[K]> };

export interface DictSampleOptions<S extends SpaceRecord> extends SampleOptions {
  /** A mask for each part; undefined or null for those without. */
  readonly mask?: { readonly [K in keyof S]: unknown } | null;
  /** Probabilities for each part; undefined or null for those without. */
  readonly probability?: { readonly [K in keyof S]: unknown } | null;
}

/** Objects with one value of each space, under its name. */
export class Dict<S extends SpaceRecord = SpaceRecord> extends Space<DictValue<S>> {
  readonly shape = undefined;
  readonly dtype = undefined;
  readonly spaces: S;
  /** The names in the order in which the parts are seeded, drawn, flattened and printed. */
  readonly keys: readonly (keyof S & string)[];

  /** An object's names are sorted, as Gymnasium does with a dict; a Map or pairs keep their order. Throws ConfigError for what is no space. */
  constructor(
    spaces:
      S | ReadonlyMap<keyof S & string, S[keyof S]> | readonly (readonly [keyof S & string, S[keyof S]])[] = {} as S,
    options: { readonly seed?: SpaceSeed } = {},
  ) {
    super();
    const entries = entriesOf(spaces);
    for (const [key, space] of entries) {
      if (typeof key !== 'string') throw new ConfigError(`Dict: expected names to be text, got ${describe(key)}.`);
      checkSpace(`Dict space element key='${key}'`, space);
    }
    // Unlike assignment, this makes a name like __proto__ a name like any other.
    this.spaces = Object.freeze(Object.fromEntries(entries)) as S;
    this.keys = [...new Map(entries as [keyof S & string, unknown][]).keys()];
    if (options.seed !== undefined) this.seed(options.seed);
  }

  /** One value of each part, in order. Throws ConfigError for masks that do not fit. */
  override sample(options: DictSampleOptions<S> = {}): DictValue<S> {
    const kind = sampleKind('Dict', options);
    if (kind === undefined) return this.#collect((space) => space.sample());
    const given = options[kind] as Record<string, unknown>;
    this.#checkKeys(`Dict.sample: expected the keys of ${kind}`, given);
    return this.#collect((space, key) => space.sample({ [kind]: given[key] }));
  }

  #checkKeys(what: string, given: unknown): void {
    if (isObject(given) && this.#hasKeys(given as object)) return;
    const got = isObject(given)
      ? Object.keys(given as object)
          .map(formatText)
          .join(', ')
      : describe(given);
    throw new ConfigError(`${what} to be same as space keys ${this.keys.map(formatText).join(', ')}, got ${got}.`);
  }

  #hasKeys(x: object): boolean {
    return Object.keys(x).length === this.keys.length && this.keys.every((key) => Object.hasOwn(x, key));
  }

  #collect(value: (space: Space<unknown>, key: string) => unknown): DictValue<S> {
    return Object.fromEntries(this.keys.map((key) => [key, value(this.spaces[key]!, key)])) as DictValue<S>;
  }

  /** Whether `x` is an object with exactly these names and a value of its space under each. */
  override contains(x: unknown): boolean {
    if (!isObject(x) || !this.#hasKeys(x as object)) return false;
    return this.keys.every((key) => this.spaces[key]!.contains((x as Record<string, unknown>)[key]));
  }

  /**
   * Seeds the parts: without a seed from entropy, with one by sub-seeds drawn from it, with an object each by its own. Returns an object
   * of what each got. Throws ConfigError for names that are not those of the parts.
   */
  override seed(seed?: SpaceSeed): { [K in keyof S]: SpaceSeed } {
    let seeds: (key: string, i: number) => SpaceSeed;
    if (seed === undefined || seed === null) seeds = () => undefined;
    else if (isOneSeed(seed)) {
      this.seedOwn(seed);
      const drawn = subSeeds(this.npRandom, this.keys.length);
      seeds = (_, i) => drawn[i];
    } else {
      this.#checkKeys('Dict.seed: expected the seed keys', seed);
      seeds = (key) => (seed as Record<string, SpaceSeed>)[key];
    }
    const pairs = this.keys.map((key, i) => [key, this.spaces[key]!.seed(seeds(key, i))] as const);
    return Object.fromEntries(pairs) as { [K in keyof S]: SpaceSeed };
  }

  /** How many parts there are. */
  get size(): number {
    return this.keys.length;
  }

  override get isNpFlattenable(): boolean {
    return this.keys.every((key) => this.spaces[key]!.isNpFlattenable);
  }

  /** An object of one batch for each part. */
  override toJsonable(samples: readonly DictValue<S>[]): Record<string, unknown> {
    return Object.fromEntries(
      this.keys.map((key) => [key, this.spaces[key]!.toJsonable(samples.map((sample) => sample[key]))]),
    );
  }

  override fromJsonable(json: unknown): DictValue<S>[] {
    this.#checkKeys('Dict.fromJsonable: expected the keys', json);
    const batches = this.keys.map((key) => this.spaces[key]!.fromJsonable((json as Record<string, unknown>)[key]));
    const count = batches[0]?.length ?? 0;
    if (batches.some((batch) => batch.length !== count)) {
      const got = batches.map((batch) => batch.length).join(', ');
      throw new ConfigError(`Dict.fromJsonable: expected equally many samples of each part, got ${got}.`);
    }
    return Array.from(
      { length: count },
      (_, n) => Object.fromEntries(this.keys.map((key, i) => [key, batches[i]![n]])) as DictValue<S>,
    );
  }

  /** Whether `other` has the same names, in any order, and equal spaces. */
  override equals(other: unknown): boolean {
    return (
      other instanceof Dict &&
      this.#hasKeys(other.spaces) &&
      this.keys.every((key) => this.spaces[key]!.equals((other.spaces as SpaceRecord)[key]))
    );
  }

  override toString(): string {
    return `Dict(${this.keys.map((key) => `${formatText(key)}: ${this.spaces[key]!.toString()}`).join(', ')})`;
  }

  override toJSON(): SpaceJSON {
    return { type: 'Dict', spaces: this.keys.map((key) => [key, this.spaces[key]!.toJSON()]) };
  }

  /** The space that `toJSON` described. Throws ConfigError for JSON that describes none. */
  static fromJSON(json: SpaceJSON, depth = 0): Dict {
    const isPair = (pair: unknown): boolean => Array.isArray(pair) && pair.length === 2 && typeof pair[0] === 'string';
    const arePairs = (value: unknown): boolean =>
      Array.isArray(value) &&
      value.every(isPair) &&
      new Set(value.map((pair: [string]) => pair[0])).size === value.length;
    const pairs = field<[string, unknown][]>(json, 'spaces', 'pairs of different names and spaces', arePairs);
    return new Dict(pairs.map(([key, space]) => [key, readSpace(space, depth + 1)] as const));
  }
}

function entriesOf(spaces: unknown): [string, unknown][] {
  if (spaces instanceof Map) return [...(spaces as Map<string, unknown>)];
  if (Array.isArray(spaces) && spaces.every((pair) => Array.isArray(pair) && pair.length === 2)) {
    return spaces as [string, unknown][];
  }
  if (isObject(spaces) && !(spaces instanceof Space)) {
    return Object.entries(spaces as object).toSorted(([a], [b]) => compareTexts(a, b));
  }
  throw new ConfigError(`Dict: expected an object, a Map or pairs of names and spaces, got ${describe(spaces)}.`);
}
