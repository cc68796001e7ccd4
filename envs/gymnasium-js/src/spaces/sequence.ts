// Sequences of any length of values of one space (gymnasium/spaces/sequence.py).
import { ConfigError } from '@tessera/core';
import { batchSpace, concatenate, createEmptyArray, isUncounted, iterate } from '../vector/batch-space.ts';
import type { Batch } from '../vector/batch-space.ts';
import { checkSpace, field, isBoolean, sampleKind } from './checks.ts';
import { describe } from './describe.ts';
import { Dict } from './dict.ts';
import type { SpaceRecord } from './dict.ts';
import { dtypeOf } from './dtype.ts';
import { readSpace } from './from-json.ts';
import { isOneSeed, seedList, subSeeds } from './seeds.ts';
import { Space } from './space.ts';
import type { SampleOptions, SpaceJSON, SpaceSeed, SpaceValue } from './space.ts';
import { Tuple } from './tuple.ts';

/** The values of a Sequence: an array of values, or one batch of them when they are stacked and have numbers. */
export type SequenceValue<S, Stack extends boolean> = Stack extends true ? Batch<S> : SpaceValue<S>[];

/** The length: null for a random one, a number, or numbers out of which one is drawn. */
export type SequenceLength = number | ArrayLike<number> | null | undefined;

export interface SequenceSampleOptions extends SampleOptions {
  /** The length and a mask for each value. */
  readonly mask?: readonly [length: SequenceLength, mask: unknown] | null;
  /** The length and probabilities for each value. */
  readonly probability?: readonly [length: SequenceLength, probability: unknown] | null;
}

/** Finite sequences of values of `featureSpace`. */
export class Sequence<S extends Space<unknown> = Space<unknown>, Stack extends boolean = false> extends Space<
  SequenceValue<S, Stack>
> {
  readonly shape = undefined;
  readonly dtype = undefined;
  readonly featureSpace: S;
  /** Whether a value is one batch rather than an array of values. Of features without any number it is an array of them: a flat batch could not say how many. */
  readonly stack: Stack;
  /** The space of a batch of one, whose rows are those of every value; undefined where a value is an array. */
  readonly stackedFeatureSpace: Space<Batch<S>> | undefined;

  /** Throws ConfigError for what is no space. */
  constructor(space: S, options: { readonly stack?: Stack; readonly seed?: SpaceSeed } = {}) {
    super();
    checkSpace('Sequence feature space', space);
    const { stack = false as Stack, seed } = options;
    this.featureSpace = space;
    this.stack = stack;
    const batched = stack ? batchSpace(space) : undefined;
    this.stackedFeatureSpace = batched === undefined || isUncounted(batched) ? undefined : batched;
    if (seed !== undefined) this.seed(seed);
  }

  /**
   * A sequence of geometric length (mean 4) of samples, or as `mask` or `probability` say. Throws ConfigError for a length that is no whole
   * number >= 0 and for masks that do not fit.
   */
  override sample(options: SequenceSampleOptions = {}): SequenceValue<S, Stack> {
    const kind = sampleKind('Sequence', options);
    let length: SequenceLength;
    let inner: SampleOptions = {};
    if (kind !== undefined) {
      const given: unknown = options[kind];
      if (!Array.isArray(given) || given.length !== 2) {
        throw new ConfigError(`Sequence.sample: expected the ${kind} to be [length, ${kind}], got ${describe(given)}.`);
      }
      length = given[0] as SequenceLength;
      inner = { [kind]: given[1] as unknown };
    }
    const count = this.#drawLength(length);
    return this.fromItems(Array.from({ length: count }, () => this.featureSpace.sample(inner)) as SpaceValue<S>[]);
  }

  /** The sequence of these values of the feature space: one batch of them when they are stacked. Throws ConfigError for other values. */
  fromItems(items: SpaceValue<S>[]): SequenceValue<S, Stack> {
    if (this.stackedFeatureSpace === undefined) return items as SequenceValue<S, Stack>;
    const out = createEmptyArray(this.featureSpace, items.length);
    return concatenate(this.featureSpace, items, out) as SequenceValue<S, Stack>;
  }

  /** The values in a sequence, one by one; rows of arrays are views into it. Throws ConfigError for what is no sequence. */
  toItems(sequence: SequenceValue<S, Stack>): SpaceValue<S>[] {
    if (this.stackedFeatureSpace !== undefined)
      return [...iterate(this.stackedFeatureSpace, sequence)] as SpaceValue<S>[];
    if (Array.isArray(sequence)) return sequence as SpaceValue<S>[];
    throw new ConfigError(`Sequence: expected an array of values of ${this.toString()}, got ${describe(sequence)}.`);
  }

  #drawLength(length: SequenceLength): number {
    // Gymnasium's own arbitrary choice.
    if (length === undefined || length === null) return this.npRandom.geometric(0.25);
    const isList = Array.isArray(length) || dtypeOf(length) !== undefined;
    const lengths = Array.from(isList ? (length as ArrayLike<number | bigint>) : [length as number], Number);
    // Longer ones fit no array.
    const isLength = (x: number): boolean => Number.isInteger(x) && x >= 0 && x < 2 ** 32;
    if (lengths.length === 0 || !lengths.every(isLength)) {
      const got = isList ? `[${lengths.slice(0, 20).join(', ')}]` : describe(length);
      throw new ConfigError(`Sequence.sample: expects the length to be greater than or equal to zero, got ${got}.`);
    }
    return isList ? lengths[this.npRandom.integers(lengths.length)]! : lengths[0]!;
  }

  /** Whether `x` is an array of values of the feature space, or a batch of them when they are stacked. */
  override contains(x: unknown): boolean {
    try {
      return this.toItems(x as SequenceValue<S, Stack>).every((value) => this.featureSpace.contains(value));
    } catch (error) {
      if (error instanceof ConfigError) return false;
      throw error;
    }
  }

  /**
   * Seeds the lengths and the values: without a seed from entropy, with one by itself and a sub-seed drawn from it, with a list of two each by
   * its own. Returns what both got.
   */
  override seed(seed?: SpaceSeed): [length: SpaceSeed, feature: SpaceSeed] {
    if (seed === undefined || seed === null) return [this.seedOwn(), this.featureSpace.seed()];
    if (isOneSeed(seed)) {
      this.seedOwn(seed);
      const [feature] = subSeeds(this.npRandom, 1);
      // Again, so that the list of both seeds gives the same stream.
      return [this.seedOwn(seed), this.featureSpace.seed(feature)];
    }
    const [own, feature] = seedList('Sequence', seed, 2);
    return [this.seedOwn(own), this.featureSpace.seed(feature)];
  }

  /** A list of one batch for each sequence; of stacked Dicts and Tuples one list for each part. */
  override toJsonable(samples: readonly SequenceValue<S, Stack>[]): unknown {
    if (this.stackedFeatureSpace !== undefined) return stackedToJson(this.featureSpace, samples);
    return (samples as readonly unknown[][]).map((sample) => this.featureSpace.toJsonable(sample));
  }

  override fromJsonable(json: unknown): SequenceValue<S, Stack>[] {
    const samples = this.stackedFeatureSpace
      ? stackedFromJson(this.featureSpace, json)
      : list(json).map((sample) => this.featureSpace.fromJsonable(sample));
    return samples as SequenceValue<S, Stack>[];
  }

  override equals(other: unknown): boolean {
    return other instanceof Sequence && other.stack === this.stack && this.featureSpace.equals(other.featureSpace);
  }

  override toString(): string {
    return `Sequence(${this.featureSpace.toString()}, stack=${this.stack ? 'True' : 'False'})`;
  }

  override toJSON(): SpaceJSON {
    return { type: 'Sequence', space: this.featureSpace.toJSON(), stack: this.stack };
  }

  /** The space that `toJSON` described. Throws ConfigError for JSON that describes none. */
  static fromJSON(json: SpaceJSON, depth = 0): Sequence<Space<unknown>, boolean> {
    const stack = field<boolean>(json, 'stack', 'true or false', isBoolean);
    return new Sequence<Space<unknown>, boolean>(readSpace(json['space'], depth + 1), { stack });
  }
}

function list(json: unknown): unknown[] {
  if (Array.isArray(json)) return json;
  throw new ConfigError(`Sequence.fromJsonable: expected an array of samples, got ${describe(json)}.`);
}

function stackedToJson(space: Space<unknown>, samples: readonly unknown[]): unknown {
  const column = (part: Space<unknown>, key: string | number): unknown =>
    stackedToJson(
      part,
      samples.map((sample) => (sample as Record<string, unknown>)[key]),
    );
  if (space instanceof Dict) {
    return Object.fromEntries(space.keys.map((key) => [key, column(space.spaces[key]!, key)]));
  }
  if (space instanceof Tuple) return space.spaces.map((part: Space<unknown>, i: number) => column(part, i));
  const batched = batchSpace(space);
  return samples.map((sample) => space.toJsonable([...iterate(batched, sample)]));
}

function stackedFromJson(space: Space<unknown>, json: unknown): unknown[] {
  const keys: readonly (string | number)[] =
    space instanceof Dict ? space.keys : space instanceof Tuple ? [...space.spaces.keys()] : [];
  if (!(space instanceof Dict || space instanceof Tuple)) {
    return list(json).map((sample) => {
      const values = space.fromJsonable(sample);
      return concatenate(space, values, createEmptyArray(space, values.length));
    });
  }
  const isFit = typeof json === 'object' && json !== null && keys.every((key) => Object.hasOwn(json, key));
  if (!isFit) throw new ConfigError(`Sequence.fromJsonable: expected parts ${keys.join(', ')}, got ${describe(json)}.`);
  const columns = keys.map((key) =>
    stackedFromJson((space.spaces as SpaceRecord)[key]!, (json as Record<string, unknown>)[key]),
  );
  if (columns.some(({ length }) => length !== columns[0]!.length)) {
    const got = columns.map(({ length }) => length).join(', ');
    throw new ConfigError(`Sequence.fromJsonable: expected equally many samples of each part, got ${got}.`);
  }
  return Array.from({ length: columns[0]?.length ?? 0 }, (_, n) =>
    space instanceof Dict
      ? Object.fromEntries(keys.map((key, i) => [key, columns[i]![n]]))
      : columns.map((column) => column[n]),
  );
}
