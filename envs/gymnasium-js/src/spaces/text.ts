// Texts over a set of characters (gymnasium/spaces/text.py). A character is a Unicode code point, as in Python.
import { ConfigError } from '@tessera/core';
import type { Seed } from '../types.ts';
import {
  allowedBy,
  checkDistribution,
  checkNumbers,
  choiceTolerance,
  field,
  isSafeInteger,
  isString,
  sampleKind,
} from './checks.ts';
import { describe } from './describe.ts';
import { compareTexts } from './numpy-format.ts';
import { Space } from './space.ts';
import type { SampleOptions, SpaceJSON } from './space.ts';

const alphanumeric = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

export interface TextOptions {
  /** 1 by default. */
  readonly minLength?: number;
  /** The characters, each once; digits and the Latin letters by default. Their order decides what a seed draws. */
  readonly charset?: string;
  readonly seed?: Seed;
}

export interface TextSampleOptions extends SampleOptions {
  /** The length (null: random) and a 0 or 1 for each character (null: all). */
  readonly mask?: readonly [length: number | null | undefined, characters: ArrayLike<number> | null | undefined] | null;
  /** The length (null: random) and the probability of each character (null: equal), with sum 1. */
  readonly probability?:
    readonly [length: number | null | undefined, characters: ArrayLike<number> | null | undefined] | null;
}

/** Texts of `minLength` to `maxLength` characters of a set. */
export class Text extends Space<string> {
  readonly shape = undefined;
  readonly dtype = undefined;
  readonly minLength: number;
  readonly maxLength: number;
  /** The characters in the order of the charset. */
  readonly characterList: readonly string[];
  readonly #index: ReadonlyMap<string, number>;

  /** Throws ConfigError for lengths that are no whole numbers `0 <= minLength <= maxLength`, and for a charset that names a character twice. */
  constructor(maxLength: number, options: TextOptions = {}) {
    const { minLength = 1, charset = alphanumeric, seed } = options;
    super();
    checkLength('min_length', minLength);
    checkLength('max_length', maxLength);
    if (minLength > maxLength) {
      const got = `min_length: ${minLength}, max_length: ${maxLength}`;
      throw new ConfigError(`Text: the min_length must be less than or equal to the max_length, ${got}.`);
    }
    if (typeof charset !== 'string') {
      throw new ConfigError(`Text: expected the charset to be a string, got ${describe(charset)}.`);
    }
    this.minLength = minLength;
    this.maxLength = maxLength;
    this.characterList = Array.from(charset);
    this.#index = new Map(this.characterList.map((char, i) => [char, i]));
    if (this.#index.size !== this.characterList.length) {
      throw new ConfigError(`Text: expected each character of the charset once, got ${describe(charset)}.`);
    }
    if (this.characterList.length === 0 && minLength > 0) {
      throw new ConfigError('Text: expected a charset that is not empty where min_length is not 0, got "".');
    }
    if (seed !== undefined) this.seed(seed);
  }

  /**
   * A text of random length and characters, or as `mask` or `probability` say. Throws ConfigError for masks that do not fit, and for one
   * that allows no character where the empty text is not in the space.
   */
  override sample(options: TextSampleOptions = {}): string {
    const kind = sampleKind('Text', options);
    const [given, characters] = kind === undefined ? [undefined, undefined] : this.#checkMask(kind, options[kind]);
    const p = this.#probabilities(kind, characters);
    // The length is drawn even where no character is allowed.
    const length = given ?? this.npRandom.integers(this.minLength, this.maxLength + 1);
    if (p.every((x) => x === 0)) return '';
    const indices = this.npRandom.choiceArray(p.length, length, { p });
    return Array.from(indices, (i) => this.characterList[i]!).join('');
  }

  #checkMask(kind: string, mask: unknown): [length: number | undefined, characters: unknown] {
    if (!Array.isArray(mask) || mask.length !== 2) {
      throw new ConfigError(`Text.sample: expected the ${kind} to be [length, characters], got ${describe(mask)}.`);
    }
    const [length, characters] = mask as unknown[];
    if (length === undefined || length === null) return [undefined, characters];
    if (!Number.isSafeInteger(length) || !this.#isLength(length as number)) {
      const range = `between ${this.minLength} and ${this.maxLength}`;
      throw new ConfigError(`Text.sample: expected a length ${range}, actual length: ${describe(length)}.`);
    }
    return [length as number, characters];
  }

  #probabilities(kind: 'mask' | 'probability' | undefined, characters: unknown): number[] {
    const count = this.characterList.length;
    if (kind === undefined || characters === undefined || characters === null) {
      return Array.from({ length: count }, () => 1 / count);
    }
    const numbers = checkNumbers('Text', kind, characters, count);
    if (kind === 'probability') {
      checkDistribution('Text', numbers, choiceTolerance);
      return Array.from(numbers);
    }
    const allowed = allowedBy('Text', numbers).length;
    if (allowed > 0) return Array.from(numbers, (x) => x / allowed);
    if (this.minLength === 0) return [];
    const got = `(actual minimum length=${this.minLength}) but the character mask is all zero`;
    throw new ConfigError(`Text.sample: trying to sample with a minimum length > 0 ${got}. Allow a character.`);
  }

  #isLength(length: number): boolean {
    return length >= this.minLength && length <= this.maxLength;
  }

  override contains(x: unknown): boolean {
    // At most two 16-bit units a character: longer ones need not be taken apart.
    if (typeof x !== 'string' || x.length > 2 * this.maxLength) return false;
    const characters = Array.from(x);
    return this.#isLength(characters.length) && characters.every((char) => this.#index.has(char));
  }

  /** All characters, sorted. */
  get characters(): string {
    return this.characterList.toSorted(compareTexts).join('');
  }

  /** The place of a character in `characterList`; undefined for one that is not of the set. */
  characterIndex(character: string): number | undefined {
    return this.#index.get(character);
  }

  override get isNpFlattenable(): boolean {
    return true;
  }

  override seed(seed?: Seed): Seed {
    return this.seedOwn(seed);
  }

  override fromJsonable(json: unknown): string[] {
    const samples = super.fromJsonable(json);
    const odd = samples.find((sample) => typeof sample !== 'string');
    if (odd === undefined) return samples;
    throw new ConfigError(`Text.fromJsonable: expected strings, got ${describe(odd)}.`);
  }

  /** Whether lengths and characters are the same, these in any order. */
  override equals(other: unknown): boolean {
    return (
      other instanceof Text &&
      other.minLength === this.minLength &&
      other.maxLength === this.maxLength &&
      other.characters === this.characters
    );
  }

  override toString(): string {
    return `Text(${this.minLength}, ${this.maxLength}, charset=${this.characters})`;
  }

  override toJSON(): SpaceJSON {
    const { minLength, maxLength, characterList } = this;
    return { type: 'Text', minLength, maxLength, charset: characterList.join('') };
  }

  /** The space that `toJSON` described. Throws ConfigError for JSON that describes none. */
  static fromJSON(json: SpaceJSON): Text {
    return new Text(field<number>(json, 'maxLength', 'a whole number', isSafeInteger), {
      minLength: field<number>(json, 'minLength', 'a whole number', isSafeInteger),
      charset: field<string>(json, 'charset', 'a string', isString),
    });
  }
}

function checkLength(which: string, length: unknown): void {
  if (!Number.isSafeInteger(length)) {
    throw new ConfigError(`Text: expects the ${which} to be a whole number, actual value: ${describe(length)}.`);
  }
  if ((length as number) < 0) {
    throw new ConfigError(`Text: minimum text length must be non-negative, actual value: ${describe(length)}.`);
  }
}
