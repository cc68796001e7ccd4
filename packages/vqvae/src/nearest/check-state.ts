// Checks a saved codebook before it replaces one: what comes from a file may be of other settings, damaged or lying.
import { ConfigError, DTypeError, ShapeError, didYouMean, ndarray } from '@tessera/core';
import type { NamedArrays } from '@tessera/engine';

/** What is in the state of a nearest-patch tokenizer. */
export interface NearestState {
  /** `[vocabulary, codeDim]`. */
  readonly codes: Float32Array;
  readonly count: number;
  readonly overflow: number;
}

/** Throws unless `state` has the arrays of `like`, a state of the tokenizer that is to take it over, and holds a codebook. */
export function checkState(state: NamedArrays, like: NamedArrays): NearestState {
  const known = Object.keys(like);
  for (const name of Object.keys(state)) {
    if (!known.includes(name)) throw new ConfigError(`loadState: there is no '${name}'.${didYouMean(name, known)}`);
  }
  for (const [name, { dtype, shape }] of Object.entries(like)) {
    const given = state[name];
    if (given === undefined) throw new ConfigError(`loadState: '${name}' is missing.`);
    if (given.dtype !== dtype) throw new DTypeError(`loadState: '${name}' is ${dtype}, got ${given.dtype}.`);
    if (String(given.shape) !== String(shape)) {
      throw new ShapeError(
        `loadState: '${name}' is of shape [${shape.join(', ')}], got [${given.shape.join(', ')}]. Build the tokenizer with the settings that it was saved with.`,
      );
    }
    ndarray(given.dtype, given.shape, given.data); // throws when the data is not as long as the shape says
  }
  const codes = state['codes']!.data as Float32Array;
  const [vocabulary, codeDim] = like['codes']!.shape as [number, number];
  const [count, overflow] = [Number(state['count']!.data[0]), Number(state['overflow']!.data[0])];
  if (!(count >= 0 && count <= vocabulary)) {
    throw new ConfigError(`loadState: expected a count from 0 to ${vocabulary}, got ${count}.`);
  }
  if (!(Number.isSafeInteger(overflow) && overflow >= 0)) {
    throw new ConfigError(`loadState: expected an overflow that counts patches, got ${overflow}.`);
  }
  const bad = codes.findIndex((value, i) => (i < count * codeDim ? !(value >= 0 && value <= 1) : value !== 0));
  if (bad !== -1) {
    const code = Math.floor(bad / codeDim);
    const expected = code < count ? 'values in [0, 1]' : `zeros, as only ${count} codes are in use,`;
    throw new ConfigError(`loadState: expected ${expected} in code ${code}, got ${codes[bad]}.`);
  }
  const seen = new Map<string, number>();
  for (let code = 0; code < count; code++) {
    const key = String(codes.subarray(code * codeDim, (code + 1) * codeDim));
    const first = seen.get(key);
    if (first !== undefined) throw new ConfigError(`loadState: code ${code} is the same patch as code ${first}.`);
    seen.set(key, code);
  }
  return { codes, count, overflow };
}
