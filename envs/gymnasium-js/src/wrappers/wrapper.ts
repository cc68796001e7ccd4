// The base of wrappers (gymnasium.Wrapper): an environment around an environment that passes everything on.
import type { Generator } from '@tessera/core';
import { ConfigError } from '@tessera/core';
import { hasAttribute, readAttribute, writeAttribute } from '../attributes.ts';
import type { SetAttrOptions } from '../attributes.ts';
import { Env } from '../env.ts';
import type { Space } from '../spaces/space.ts';
import type { EnvSpec, Kwargs } from '../spec.ts';
import type {
  EnvMetadata,
  EnvState,
  RenderResult,
  ResetOptions,
  ResetResult,
  Seed,
  StepResult,
  TypedArray,
} from '../types.ts';
import type { WrapperSpec } from './wrapper-spec.ts';

type AnyEnv = Env<unknown, unknown>;

/**
 * Changes one environment by overriding what differs; a wrapper with memory of its own overrides `saveState` and `restoreState` too.
 *
 * `InnerObs` and `InnerAct` are the wrapped environment's types; a wrapper that changes them overrides `reset` and `step` and sets the
 * spaces in its constructor.
 */
export class Wrapper<Obs = TypedArray, Act = number, InnerObs = Obs, InnerAct = Act> extends Env<Obs, Act> {
  readonly env: Env<InnerObs, InnerAct>;
  readonly #recorded: Kwargs | undefined;
  #metadata: EnvMetadata | undefined;
  #observationSpace: Space<Obs> | undefined;
  #actionSpace: Space<Act> | undefined;
  #spec: { readonly inner: EnvSpec; readonly own: EnvSpec } | undefined;

  /** `recorded` are the arguments after `env`, kept in the spec; without them `make(env.spec)` cannot build this wrapper again. */
  constructor(env: Env<InnerObs, InnerAct>, recorded?: Kwargs) {
    super();
    if (!(env instanceof Env)) {
      throw new ConfigError(`Expected env to be an Env but got ${env === null ? 'null' : typeof env}.`);
    }
    this.env = env;
    this.#recorded = recorded;
  }

  get metadata(): EnvMetadata {
    return this.#metadata ?? this.env.metadata;
  }

  set metadata(metadata: EnvMetadata) {
    this.#metadata = metadata;
  }

  get observationSpace(): Space<Obs> {
    return this.#observationSpace ?? (this.env.observationSpace as unknown as Space<Obs>);
  }

  set observationSpace(space: Space<Obs>) {
    this.#observationSpace = space;
  }

  get actionSpace(): Space<Act> {
    return this.#actionSpace ?? (this.env.actionSpace as unknown as Space<Act>);
  }

  set actionSpace(space: Space<Act>) {
    this.#actionSpace = space;
  }

  override get renderMode(): string | undefined {
    return this.env.renderMode;
  }

  /** The spec of the environment inside, with this wrapper added. */
  override get spec(): EnvSpec | undefined {
    const inner = this.env.spec;
    if (inner === undefined) return undefined;
    // Immutable, so it is made anew only when the one inside is another.
    if (this.#spec?.inner !== inner) this.#spec = { inner, own: this.specAround(inner) };
    return this.#spec.own;
  }

  /** What `spec` is, given the one inside; for wrappers that are options of `make` rather than wrappers of their own. */
  protected specAround(inner: EnvSpec): EnvSpec {
    const own = (this.constructor as typeof Wrapper).wrapperSpec(this.#recorded);
    return inner.with({ additionalWrappers: [...inner.additionalWrappers, { ...own, kwargs: this.#recorded }] });
  }

  /** How to put this wrapper around an environment with these arguments: for `additionalWrappers` of `register`. */
  static wrapperSpec(kwargs: Kwargs = {}): WrapperSpec {
    const Class = this as unknown as new (env: AnyEnv, kwargs: Kwargs) => AnyEnv;
    return { name: this.name, entryPoint: (env, given) => new Class(env, given), kwargs };
  }

  override get unwrapped(): Env<unknown, unknown> {
    return this.env.unwrapped;
  }

  override get npRandom(): Generator {
    return this.env.npRandom;
  }

  override set npRandom(generator: Generator) {
    this.env.npRandom = generator;
  }

  override get npRandomSeed(): Seed {
    return this.env.npRandomSeed;
  }

  reset(options?: ResetOptions): ResetResult<Obs> {
    return this.env.reset(options) as unknown as ResetResult<Obs>;
  }

  step(action: Act): StepResult<Obs> {
    return this.env.step(action as unknown as InnerAct) as unknown as StepResult<Obs>;
  }

  override render(): RenderResult {
    return this.env.render();
  }

  override close(): void {
    this.env.close();
  }

  override hasWrapperAttr(name: string): boolean {
    return hasAttribute(this, name) || this.env.hasWrapperAttr(name);
  }

  override getWrapperAttr(name: string): unknown {
    if (hasAttribute(this, name)) return readAttribute(this, name);
    if (this.env.hasWrapperAttr(name)) return this.env.getWrapperAttr(name);
    throw new ConfigError(`wrapper ${this.constructor.name} has no attribute ${JSON.stringify(name)}.`);
  }

  override setWrapperAttr(name: string, value: unknown, options: SetAttrOptions = {}): boolean {
    const { force = true } = options;
    const isOwn = hasAttribute(this, name);
    if (!isOwn && this.env.setWrapperAttr(name, value, { force: false })) return true;
    if (!isOwn && !force) return false;
    writeAttribute(this, name, value);
    return true;
  }

  override get canSaveState(): boolean {
    return this.env.canSaveState;
  }

  override getState(): EnvState {
    return { wrapper: this.constructor.name, data: this.saveState(), inner: this.env.getState() };
  }

  override setState(state: EnvState): void {
    const name = this.constructor.name;
    if (state['wrapper'] !== name) {
      const got = JSON.stringify(state['wrapper'] ?? state['env']);
      throw new ConfigError(`setState: expected a state of the wrapper "${name}", got one of ${got}. Wrap both alike.`);
    }
    this.env.setState(state['inner'] as EnvState);
    this.restoreState(state['data'] as EnvState);
  }

  /** The wrapper's own memory; none by default. */
  protected override saveState(): EnvState {
    return {};
  }

  protected override restoreState(_data: EnvState): void {}

  override toString(): string {
    return `<${this.constructor.name}${this.env.toString()}>`;
  }
}
