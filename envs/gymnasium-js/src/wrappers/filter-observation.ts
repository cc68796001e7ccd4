// Some parts of a Dict or Tuple (gymnasium.wrappers.FilterObservation).
import { ConfigError } from '@tessera/core';
import type { Env } from '../env.ts';
import { describe } from '../spaces/explain.ts';
import { Dict } from '../spaces/dict.ts';
import type { Space } from '../spaces/space.ts';
import { Tuple } from '../spaces/tuple.ts';
import { ObservationWrapper } from './mapping-wrappers.ts';

type Parts = Record<string | number, unknown>;

/** Observations with only the parts that `filterKeys` names: keys of a Dict, places in a Tuple, in that order. */
export class FilterObservation<Obs = unknown, Act = number, InnerObs = unknown> extends ObservationWrapper<
  Obs,
  Act,
  InnerObs
> {
  readonly filterKeys: readonly (string | number)[];
  readonly #isTuple: boolean;

  /** Throws ConfigError for another space, for keys that are not there or twice, and for none at all. */
  constructor(env: Env<InnerObs, Act>, options: { readonly filterKeys: readonly (string | number)[] }) {
    super(env, { ...options });
    const keys: unknown = options?.filterKeys;
    if (!Array.isArray(keys)) {
      throw new ConfigError(`FilterObservation: Expects \`filterKeys\` to be an array, got ${describe(keys)}.`);
    }
    this.filterKeys = [...(keys as (string | number)[])];
    const space: Space<unknown> = env.observationSpace;
    this.#isTuple = space instanceof Tuple;
    this.observationSpace = filterSpace(space, this.filterKeys) as Space<Obs>;
  }

  override observation(observation: InnerObs): Obs {
    const parts = observation as Parts;
    if (this.#isTuple) return this.filterKeys.map((key) => parts[key]) as Obs;
    return Object.fromEntries(this.filterKeys.map((key) => [key, parts[key]])) as Obs;
  }
}

function filterSpace(space: Space<unknown>, keys: readonly (string | number)[]): Space<unknown> {
  if (!(space instanceof Dict) && !(space instanceof Tuple)) {
    const only = 'FilterObservation wrapper is only usable with `Dict` and `Tuple` observations';
    throw new ConfigError(`${only}, got ${(space as Space<unknown>).toString()}.`);
  }
  const known: readonly (string | number)[] = space instanceof Dict ? space.keys : [...space.spaces.keys()];
  const missing = keys.filter((key) => !known.includes(key));
  if (missing.length > 0) {
    const lists = `Filter keys: [${keys.join(', ')}], observation keys: [${known.join(', ')}]`;
    const what = 'All the `filterKeys` must be included in the observation space';
    throw new ConfigError(`FilterObservation: ${what}. ${lists}, missing keys: [${missing.join(', ')}].`);
  }
  if (new Set(keys).size < keys.length) {
    throw new ConfigError(`FilterObservation: Duplicate keys exist, filterKeys: [${keys.join(', ')}].`);
  }
  if (keys.length === 0) {
    throw new ConfigError('FilterObservation: The observation space is empty due to filtering all of the keys.');
  }
  if (space instanceof Tuple) return new Tuple(keys.map((key) => space.spaces[key as number] as Space<unknown>));
  return new Dict(Object.fromEntries(keys.map((key) => [key, space.spaces[key]!])));
}
