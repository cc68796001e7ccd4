// The base class of environments (gymnasium/core.py): synchronous, with a NumPy-exact generator, and a state that can be saved and restored exactly.
import { ConfigError, EnvironmentError } from '@tessera/core';
import type { Generator, GeneratorState } from '@tessera/core';
import { hasAttribute, readAttribute, writeAttribute } from './attributes.ts';
import type { SetAttrOptions } from './attributes.ts';
import { npRandom } from './seeding.ts';
import type { Space } from './spaces/space.ts';
import type { EnvSpec } from './spec.ts';
import type {
  EnvMetadata,
  EnvState,
  RenderResult,
  ResetOptions,
  ResetResult,
  Seed,
  StateValue,
  StepResult,
  TypedArray,
} from './types.ts';

/**
 * A Markov decision process behind `reset` and `step`.
 *
 * A subclass calls `this.seedRandom(options)` first in `reset`, draws only from `this.npRandom`, returns fresh observations, and writes
 * everything that decides its future into `saveState` and back in `restoreState`.
 */
export abstract class Env<Obs = TypedArray, Act = number> {
  abstract readonly metadata: EnvMetadata;
  abstract readonly observationSpace: Space<Obs>;
  abstract readonly actionSpace: Space<Act>;

  #generator: Generator | undefined;
  #seed: Seed | undefined;
  #spec: EnvSpec | undefined;

  /** Begins an episode. With a seed the random stream starts anew, so that equal seeds give equal episodes; without one it goes on. */
  abstract reset(options?: ResetOptions): ResetResult<Obs>;

  /** Takes one action. After `terminated` or `truncated`, call `reset` before the next step. */
  abstract step(action: Act): StepResult<Obs>;

  /** A picture of the present state in the mode chosen at construction; undefined when there is none. */
  render(): RenderResult {
    return undefined;
  }

  /** Frees what the environment holds; may be called again and does nothing then. */
  close(): void {}

  [Symbol.dispose](): void {
    this.close();
  }

  /** The mode of `render`, one of `metadata.renderModes`. */
  get renderMode(): string | undefined {
    return undefined;
  }

  /** How `make` built this environment; undefined when it was constructed by hand. */
  get spec(): EnvSpec | undefined {
    return this.#spec;
  }

  set spec(spec: EnvSpec | undefined) {
    this.#spec = spec;
  }

  /** The environment inside all wrappers. */
  get unwrapped(): Env<unknown, unknown> {
    return this;
  }

  /** The random stream of the environment; from the operating system's entropy until `reset({ seed })`. */
  get npRandom(): Generator {
    if (this.#generator === undefined) {
      const seeded = npRandom();
      this.#generator = seeded.generator;
      this.#seed = seeded.seed;
    }
    return this.#generator;
  }

  set npRandom(generator: Generator) {
    this.#generator = generator;
    this.#seed = -1;
  }

  /** The seed the random stream began with; -1 when the stream was set by hand. */
  get npRandomSeed(): Seed {
    // Whoever asks for the seed wants a stream that has one.
    if (this.#generator === undefined) void this.npRandom;
    return this.#seed!;
  }

  /** Starts the random stream anew when `options` have a seed. Throws ConfigError when it is not a whole number >= 0. */
  protected seedRandom(options: ResetOptions | undefined): void {
    if (options?.seed === undefined) return;
    const seeded = npRandom(options.seed);
    this.#generator = seeded.generator;
    this.#seed = seeded.seed;
  }

  /** Whether `getState` and `setState` work. */
  get canSaveState(): boolean {
    return this.saveState !== Env.prototype.saveState;
  }

  /** Everything that decides the future, generator included; plain data that shares no memory with the environment. */
  getState(): EnvState {
    return {
      env: this.#name(),
      seed: this.#seed,
      random: this.#generator?.getState() as StateValue,
      data: this.saveState(),
    };
  }

  /** Goes on from a state of `getState` as if nothing had happened since. Throws ConfigError when the state belongs to another environment. */
  setState(state: EnvState): void {
    if (state['env'] !== this.#name()) {
      const got = JSON.stringify(state['env'] ?? state['wrapper']);
      throw new ConfigError(`setState: expected a state of "${this.#name()}", got one of ${got}.`);
    }
    this.restoreState(state['data'] as EnvState);
    const random = state['random'];
    this.#seed = state['seed'] as Seed | undefined;
    this.#generator = undefined;
    if (random !== undefined) {
      this.#generator = npRandom(0).generator;
      this.#generator.setState(random as unknown as GeneratorState);
    }
  }

  /** The subclass's part of `getState`: fresh plain data. */
  protected saveState(): EnvState {
    const name = this.#name();
    throw new EnvironmentError(
      `getState: ${name} cannot save its state. Implement saveState and restoreState in its class.`,
    );
  }

  /** The subclass's part of `setState`; must copy arrays out of `data`. */
  protected restoreState(_data: EnvState): void {
    const name = this.#name();
    throw new EnvironmentError(
      `setState: ${name} cannot restore a state. Implement saveState and restoreState in its class.`,
    );
  }

  /** Whether this environment or a wrapper around it has an attribute of this name. */
  hasWrapperAttr(name: string): boolean {
    return hasAttribute(this, name);
  }

  /** The attribute of this name, of the outermost wrapper that has one; methods come bound. Throws ConfigError when nobody has it. */
  getWrapperAttr(name: string): unknown {
    if (hasAttribute(this, name)) return readAttribute(this, name);
    throw new ConfigError(`${this.constructor.name} has no attribute ${JSON.stringify(name)}.`);
  }

  /**
   * Sets the attribute of the outermost wrapper that has it; where nobody has it, makes it on this one, or with `force: false` leaves it.
   * Returns whether it was set. Throws ConfigError when it cannot be written.
   */
  setWrapperAttr(name: string, value: unknown, options: SetAttrOptions = {}): boolean {
    const { force = true } = options;
    if (!force && !hasAttribute(this, name)) return false;
    writeAttribute(this, name, value);
    return true;
  }

  /** Gymnasium's text, like `<Breakout<Breakout-v0>>`. */
  toString(): string {
    const id = this.spec?.id;
    return id === undefined ? `<${this.constructor.name} instance>` : `<${this.constructor.name}<${id}>>`;
  }

  #name(): string {
    return this.#spec?.id ?? this.constructor.name;
  }
}
