// The generators of a run, by name, all from one seed. A name always leads to the same stream, so that a new consumer of randomness shifts nobody else's.
import { ConfigError, FormatError } from '../errors.ts';
import { Generator, npRandom } from './generator.ts';
import { checkState } from './pcg64.ts';
import type { GeneratorState } from './pcg64.ts';
import { SeedSequence } from './seed-sequence.ts';

/**
 * Named generators that are independent of each other and of the order in which they are asked for.
 *
 * The generator `name` starts at `SeedSequence(seed, { spawnKey: [length, ...words] })`: `length` is the number of UTF-8 bytes of the name, `words` are those bytes
 * packed into little-endian 32-bit words, the last one padded with zeros. Python gets the same stream from these words.
 */
export class Generators {
  readonly #seed: SeedSequence;
  readonly #byName = new Map<string, Generator>();

  /** Throws ConfigError for a seed that is no whole number >= 0. */
  constructor(seed: number | bigint | SeedSequence) {
    this.#seed = seed instanceof SeedSequence ? seed : new SeedSequence(seed);
  }

  /** The generator of this name, the same object at each call. Throws ConfigError for an empty name or one that is no Unicode text. */
  get(name: string): Generator {
    let generator = this.#byName.get(name);
    if (generator === undefined) {
      generator = this.#start(name);
      this.#byName.set(name, generator);
    }
    return generator;
  }

  /** The positions of all generators asked for so far, as plain JSON. The seed is not part of it. */
  getState(): Record<string, GeneratorState> {
    return Object.fromEntries([...this.#byName].map(([name, generator]) => [name, generator.getState()]));
  }

  /**
   * Goes back to positions that `getState` gave; a generator that is not among them starts its stream anew.
   * Throws FormatError, and moves nothing, when a position is none.
   */
  setState(states: Record<string, GeneratorState>): void {
    if (states === null || typeof states !== 'object' || Array.isArray(states)) {
      throw new FormatError('Generators.setState: expected an object of states by name. Use what getState() gave.');
    }
    const entries = Object.entries(states);
    for (const [name, state] of entries) {
      keyOf(name);
      checkState(state);
    }
    for (const [name, generator] of this.#byName) {
      if (!Object.hasOwn(states, name)) generator.setState(this.#start(name).getState());
    }
    for (const [name, state] of entries) this.get(name).setState(state);
  }

  #start(name: string): Generator {
    const { entropy, spawnKey } = this.#seed;
    return npRandom(new SeedSequence(entropy, { spawnKey: [...spawnKey, ...keyOf(name)] }));
  }
}

function keyOf(name: string): number[] {
  // An unpaired surrogate has no UTF-8 form: all of them would become one name.
  if (typeof name !== 'string' || name === '' || /\p{Surrogate}/u.test(name)) {
    throw new ConfigError(
      `Generators: expected a name of Unicode text that is not empty, got ${JSON.stringify(name)}.`,
    );
  }
  const bytes = new TextEncoder().encode(name);
  const padded = new DataView(new ArrayBuffer(Math.ceil(bytes.length / 4) * 4));
  bytes.forEach((byte, i) => padded.setUint8(i, byte));
  return [bytes.length, ...Array.from({ length: padded.byteLength / 4 }, (_, i) => padded.getUint32(4 * i, true))];
}
