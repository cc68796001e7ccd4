// PCG64 (XSL-RR 128/64), NumPy's default bit generator, without BigInt on the hot path: 128-bit state as four 32-bit limbs in doubles,
// multiplied by 16-bit limbs so that each partial sum stays exact below 2^53. After M. E. O'Neill, "PCG: A Family of Simple Fast ... Algorithms" (2014).
import { FormatError } from '../errors.ts';
import { SeedSequence } from './seed-sequence.ts';

/** The state of a PCG64 as plain JSON: what NumPy's `bit_generator.state` holds. */
export interface GeneratorState {
  readonly bitGenerator: 'PCG64';
  /** The 128-bit state, 32 hexadecimal digits. */
  readonly state: string;
  /** The 128-bit odd increment that names the stream, 32 hexadecimal digits. */
  readonly inc: string;
  /** Whether half of a 64-bit draw waits for the next 32-bit draw. */
  readonly hasUint32: boolean;
  /** That half; when none waits, the last one that did. */
  readonly uinteger: number;
}

const multiplier = 0x2360ed051fc65da44385df649fccf645n;
const mask128 = (1n << 128n) - 1n;
const limb16 = (value: bigint, i: number): number => Number((value >> BigInt(16 * i)) & 0xffffn);
const limb32 = (value: bigint, i: number): number => Number((value >> BigInt(32 * i)) & 0xffff_ffffn);
// Eight constants rather than an array: the optimiser folds them into the products.
const m0 = limb16(multiplier, 0);
const m1 = limb16(multiplier, 1);
const m2 = limb16(multiplier, 2);
const m3 = limb16(multiplier, 3);
const m4 = limb16(multiplier, 4);
const m5 = limb16(multiplier, 5);
const m6 = limb16(multiplier, 6);
const m7 = limb16(multiplier, 7);
const inverse = 1 / 65536;

/** The bit generator: 64 uniform bits a step, period `2^128`. */
export class PCG64 {
  /** Upper and lower 32 bits of the latest 64-bit draw. */
  high = 0;
  low = 0;
  /** What the stream was started from; `spawn` of a generator takes its children. */
  readonly seedSequence: SeedSequence;
  // The state, least significant limb first.
  #s0 = 0;
  #s1 = 0;
  #s2 = 0;
  #s3 = 0;
  // The increment.
  #i0 = 0;
  #i1 = 0;
  #i2 = 0;
  #i3 = 0;
  #i4 = 0;
  #i5 = 0;
  #i6 = 0;
  #i7 = 0;
  #hasUint32 = false;
  #uinteger = 0;

  /** Starts where NumPy's `PCG64(seed)` starts; throws ConfigError for a seed that is no whole number >= 0. */
  constructor(seed: number | bigint | SeedSequence) {
    const sequence = seed instanceof SeedSequence ? seed : new SeedSequence(seed);
    this.seedSequence = sequence;
    const w = sequence.generateState(8);
    const join = (...words: number[]): bigint => words.reduce((value, word) => (value << 32n) | BigInt(word), 0n);
    const initialState = join(w[1]!, w[0]!, w[3]!, w[2]!);
    const stream = join(w[5]!, w[4]!, w[7]!, w[6]!);
    const inc = ((stream << 1n) | 1n) & mask128;
    this.#load(((inc + initialState) * multiplier + inc) & mask128, inc);
  }

  /** Draws 64 bits into `high` and `low`. */
  next64(): void {
    this.#step();
    const rotation = this.#s3 >>> 26; // the state's top six bits
    let high = this.#s3 ^ this.#s1;
    let low = this.#s2 ^ this.#s0;
    if (rotation >= 32) [high, low] = [low, high];
    const k = rotation & 31;
    // A shift by 32 would be a shift by 0 in JavaScript.
    if (k === 0) {
      this.high = high >>> 0;
      this.low = low >>> 0;
    } else {
      this.high = ((high >>> k) | (low << (32 - k))) >>> 0;
      this.low = ((low >>> k) | (high << (32 - k))) >>> 0;
    }
  }

  /** Draws 32 bits: the lower half of a 64-bit draw, then its upper half. */
  next32(): number {
    if (this.#hasUint32) {
      this.#hasUint32 = false;
      return this.#uinteger;
    }
    this.next64();
    this.#hasUint32 = true;
    this.#uinteger = this.high;
    return this.low;
  }

  /** Draws a float64 in [0, 1), a multiple of `2^-53`; a waiting 32-bit half goes on waiting. */
  nextDouble(): number {
    this.next64();
    return (this.high * 2097152 + (this.low >>> 11)) * (1 / 9007199254740992);
  }

  /** Another stream at the same position, with the same children to come. */
  clone(): PCG64 {
    const copy = new PCG64(this.seedSequence.clone());
    copy.setState(this.getState());
    return copy;
  }

  /** The exact position in the stream. */
  getState(): GeneratorState {
    const state = join32(this.#s3, this.#s2, this.#s1, this.#s0);
    const inc = [this.#i7, this.#i6, this.#i5, this.#i4, this.#i3, this.#i2, this.#i1, this.#i0]
      .map((limb) => limb.toString(16).padStart(4, '0'))
      .join('');
    return { bitGenerator: 'PCG64', state, inc, hasUint32: this.#hasUint32, uinteger: this.#uinteger };
  }

  /** Goes to a position that `getState` gave; throws FormatError, and moves nothing, when it is not one. */
  setState(state: GeneratorState): void {
    checkState(state);
    this.#load(BigInt(`0x${state.state}`), BigInt(`0x${state.inc}`));
    this.#hasUint32 = state.hasUint32;
    this.#uinteger = state.uinteger;
  }

  #load(state: bigint, inc: bigint): void {
    [this.#s0, this.#s1, this.#s2, this.#s3] = [limb32(state, 0), limb32(state, 1), limb32(state, 2), limb32(state, 3)];
    [this.#i0, this.#i1, this.#i2, this.#i3] = [limb16(inc, 0), limb16(inc, 1), limb16(inc, 2), limb16(inc, 3)];
    [this.#i4, this.#i5, this.#i6, this.#i7] = [limb16(inc, 4), limb16(inc, 5), limb16(inc, 6), limb16(inc, 7)];
  }

  /** `state = state * multiplier + inc (mod 2^128)`, by 16-bit columns with one carry `q`. */
  #step(): void {
    const a = this.#s0;
    const b = this.#s1;
    const c = this.#s2;
    const d = this.#s3;
    let t = a * m0 + this.#i0;
    let q = Math.floor(t * inverse);
    const r0 = t - q * 65536;
    t = a * m1 + this.#i1 + q;
    q = Math.floor(t * inverse);
    const r1 = t - q * 65536;
    t = a * m2 + b * m0 + this.#i2 + q;
    q = Math.floor(t * inverse);
    const r2 = t - q * 65536;
    t = a * m3 + b * m1 + this.#i3 + q;
    q = Math.floor(t * inverse);
    const r3 = t - q * 65536;
    t = a * m4 + b * m2 + c * m0 + this.#i4 + q;
    q = Math.floor(t * inverse);
    const r4 = t - q * 65536;
    t = a * m5 + b * m3 + c * m1 + this.#i5 + q;
    q = Math.floor(t * inverse);
    const r5 = t - q * 65536;
    t = a * m6 + b * m4 + c * m2 + d * m0 + this.#i6 + q;
    q = Math.floor(t * inverse);
    const r6 = t - q * 65536;
    t = a * m7 + b * m5 + c * m3 + d * m1 + this.#i7 + q;
    const r7 = t - Math.floor(t * inverse) * 65536;
    this.#s0 = r1 * 65536 + r0;
    this.#s1 = r3 * 65536 + r2;
    this.#s2 = r5 * 65536 + r4;
    this.#s3 = r7 * 65536 + r6;
  }
}

function join32(...limbs: number[]): string {
  return limbs.map((limb) => limb.toString(16).padStart(8, '0')).join('');
}

const digits = /^[0-9a-f]{32}$/;

/** Throws FormatError unless `state` is what `getState` gives; it may come from a file. */
export function checkState(state: GeneratorState): void {
  const fail = (expected: string): never => {
    throw new FormatError(`generator state: expected ${expected}, got ${shorten(state)}. Use what getState() gave.`);
  };
  if (state === null || typeof state !== 'object' || Array.isArray(state)) fail('an object');
  const keys = ['bitGenerator', 'state', 'inc', 'hasUint32', 'uinteger'];
  if (Object.keys(state).toSorted().join() !== keys.toSorted().join()) fail(`the fields ${keys.join(', ')}`);
  if (state.bitGenerator !== 'PCG64') fail("bitGenerator 'PCG64'");
  if (typeof state.state !== 'string' || !digits.test(state.state)) fail('state as 32 hexadecimal digits');
  if (typeof state.inc !== 'string' || !digits.test(state.inc)) fail('inc as 32 hexadecimal digits');
  if ((Number.parseInt(state.inc.slice(-1), 16) & 1) === 0) fail('inc to be odd');
  if (typeof state.hasUint32 !== 'boolean') fail('hasUint32 to be true or false');
  const { uinteger } = state;
  if (!Number.isInteger(uinteger) || uinteger < 0 || uinteger > 0xffff_ffff)
    fail('uinteger to be a whole number of 32 bits');
}

function shorten(value: unknown): string {
  let text: string;
  try {
    text = JSON.stringify(value) ?? String(value);
  } catch {
    text = 'an object that is no JSON';
  }
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}
