// What the registry knows about an environment (gymnasium.envs.registration.EnvSpec).
import { ConfigError, didYouMean } from '@tessera/core';
import type { Env } from './env.ts';
import { checkJsonable } from './jsonable.ts';
import { make } from './make.ts';
import type { MakeOptions } from './make.ts';
import { parseEnvId } from './registry/env-id.ts';
import { formatValue } from './format-value.ts';
import type { TypedArray } from './types.ts';
import type { VectorEnv } from './vector/vector-env.ts';
import type { WrapperSpec } from './wrappers/wrapper-spec.ts';

/** Named arguments of an environment's constructor. */
export type Kwargs = Readonly<Record<string, unknown>>;

/** Builds an environment from its arguments. */
export type EntryPoint = (kwargs: Kwargs) => Env<unknown, unknown>;

/** Builds a vector environment from the number of environments and their arguments; `spec`, which remembers them, is to be its own. */
export type VectorEntryPoint = (
  kwargs: Kwargs & { readonly numEnvs: number },
  spec: EnvSpec,
) => VectorEnv | Promise<VectorEnv>;

export interface EnvSpecOptions {
  /** `[namespace/]name[-vN]`; its meaning never changes without a new version. */
  readonly id: string;
  /** Left out, `make` takes the registered one of the id: a spec that comes from JSON has none. */
  readonly entryPoint?: EntryPoint | undefined;
  /** The return at which the task counts as solved. */
  readonly rewardThreshold?: number | undefined;
  /** Whether equal seeds and actions may lead to different episodes; false by default. */
  readonly nondeterministic?: boolean;
  /** Steps after which `make` lets TimeLimit truncate an episode; none by default. */
  readonly maxEpisodeSteps?: number | undefined;
  /** Whether `make` adds OrderEnforcing; true by default. */
  readonly orderEnforce?: boolean;
  /** Whether `make` leaves PassiveEnvChecker out; false by default. */
  readonly disableEnvChecker?: boolean;
  /** Arguments that `make` passes on, under those of its caller. */
  readonly kwargs?: Kwargs;
  /** Wrappers that `make` puts around everything else, the first one inmost: `TimeAwareObservation.wrapperSpec({ flatten: false })`. */
  readonly additionalWrappers?: readonly WrapperSpec[];
  /** A vector environment of its own, which `makeVec` then takes. */
  readonly vectorEntryPoint?: VectorEntryPoint | undefined;
}

const optionNames = [
  'id',
  'entryPoint',
  'rewardThreshold',
  'nondeterministic',
  'maxEpisodeSteps',
  'orderEnforce',
  'disableEnvChecker',
  'kwargs',
  'additionalWrappers',
  'vectorEntryPoint',
];

export interface PprintOptions {
  /** Returns the text without printing it. */
  readonly disablePrint?: boolean;
  readonly includeEntryPoints?: boolean;
  /** Also what is as it is by default. */
  readonly printAll?: boolean;
}

/** The JSON of a spec: its options without functions. */
export type EnvSpecJSON = Omit<EnvSpecOptions, 'entryPoint' | 'vectorEntryPoint' | 'additionalWrappers'> & {
  readonly additionalWrappers: readonly { readonly name: string; readonly kwargs: Kwargs | null }[];
};

/** An environment's id, how it is built, and what `make` puts around it. Immutable. */
export class EnvSpec {
  readonly id: string;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly version: number | undefined;
  readonly entryPoint: EntryPoint | undefined;
  readonly rewardThreshold: number | undefined;
  readonly nondeterministic: boolean;
  readonly maxEpisodeSteps: number | undefined;
  readonly orderEnforce: boolean;
  readonly disableEnvChecker: boolean;
  readonly kwargs: Kwargs;
  readonly additionalWrappers: readonly WrapperSpec[];
  readonly vectorEntryPoint: VectorEntryPoint | undefined;

  /** Throws ConfigError for a malformed id, an unknown option, an entry point that is no function and a bad `maxEpisodeSteps`. */
  constructor(options: EnvSpecOptions) {
    checkKwargs('register', { ...options }, optionNames);
    const { namespace, name, version } = parseEnvId(options.id);
    const { maxEpisodeSteps, entryPoint, vectorEntryPoint } = options;
    checkEntryPoint(options.id, '(kwargs) => Env as entryPoint', entryPoint);
    checkEntryPoint(options.id, '(kwargs) => VectorEnv as vectorEntryPoint', vectorEntryPoint);
    if (maxEpisodeSteps !== undefined && !(Number.isSafeInteger(maxEpisodeSteps) && maxEpisodeSteps > 0)) {
      const got = String(maxEpisodeSteps);
      throw new ConfigError(`register: ${options.id}: expected a whole number > 0 as maxEpisodeSteps, got ${got}.`);
    }
    this.id = options.id;
    this.namespace = namespace;
    this.name = name;
    this.version = version;
    this.entryPoint = entryPoint;
    this.rewardThreshold = options.rewardThreshold;
    this.nondeterministic = options.nondeterministic ?? false;
    this.maxEpisodeSteps = maxEpisodeSteps;
    this.orderEnforce = options.orderEnforce ?? true;
    this.disableEnvChecker = options.disableEnvChecker ?? false;
    this.kwargs = { ...options.kwargs };
    this.additionalWrappers = checkWrapperSpecs(options.id, options.additionalWrappers ?? []);
    this.vectorEntryPoint = vectorEntryPoint;
  }

  /** The environment that this spec describes: `make(this, options)`. */
  make<Obs = TypedArray, Act = number>(options: MakeOptions = {}): Env<Obs, Act> {
    return make<Obs, Act>(this, options);
  }

  /** A copy in which `changes` are made. */
  with(changes: Partial<EnvSpecOptions>): EnvSpec {
    const { entryPoint, vectorEntryPoint, kwargs, additionalWrappers } = this;
    return new EnvSpec({ ...this.#plain(), entryPoint, vectorEntryPoint, kwargs, additionalWrappers, ...changes });
  }

  #plain(): Omit<EnvSpecOptions, 'entryPoint' | 'vectorEntryPoint' | 'kwargs' | 'additionalWrappers'> {
    return {
      id: this.id,
      rewardThreshold: this.rewardThreshold,
      nondeterministic: this.nondeterministic,
      maxEpisodeSteps: this.maxEpisodeSteps,
      orderEnforce: this.orderEnforce,
      disableEnvChecker: this.disableEnvChecker,
    };
  }

  /** The data of the spec without its entry points, for configs and logs. Throws ConfigError for arguments that JSON cannot hold. */
  toJSON(): EnvSpecJSON {
    checkJsonable(this.id, 'kwargs', this.kwargs);
    const additionalWrappers = this.additionalWrappers.map(({ name, kwargs }) => {
      checkJsonable(this.id, `additionalWrappers.${name}`, kwargs);
      return { name, kwargs: kwargs ?? null };
    });
    return { ...this.#plain(), kwargs: this.kwargs, additionalWrappers };
  }

  /** The spec that `JSON.stringify` wrote; `make` takes the entry point registered under its id. Throws ConfigError for anything else. */
  static fromJSON(json: string | object): EnvSpec {
    let options: unknown = json;
    try {
      if (typeof json === 'string') options = JSON.parse(json);
      const { additionalWrappers = [], ...others } = options as Partial<EnvSpecJSON> & Pick<EnvSpecJSON, 'id'>;
      const wrappers = additionalWrappers.map(wrapperFromJSON);
      return new EnvSpec({ ...others, additionalWrappers: wrappers });
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new ConfigError(`An issue occurred when trying to make ${formatValue(options)} an EnvSpec: ${why}`, {
        cause,
      });
    }
  }

  /** Prints the spec, one line for each field that is not as it is by default; returns the text with `disablePrint`. */
  pprint(options: PprintOptions = {}): string | undefined {
    const { disablePrint = false, includeEntryPoints = false, printAll = false } = options;
    const lines = [`id=${this.id}`];
    const add = (name: string, value: unknown, isDefault: boolean): void => {
      if (printAll || !isDefault) lines.push(`${name}=${formatValue(value)}`);
    };
    add('entryPoint', this.entryPoint, !includeEntryPoints);
    add('rewardThreshold', this.rewardThreshold, this.rewardThreshold === undefined);
    add('nondeterministic', this.nondeterministic, !this.nondeterministic);
    add('maxEpisodeSteps', this.maxEpisodeSteps, this.maxEpisodeSteps === undefined);
    add('orderEnforce', this.orderEnforce, this.orderEnforce);
    add('disableEnvChecker', this.disableEnvChecker, !this.disableEnvChecker);
    const wrappers = this.additionalWrappers.map(({ name, entryPoint, kwargs }) => {
      const where = includeEntryPoints ? `, entryPoint=${formatValue(entryPoint)}` : '';
      return `\n\tname=${name}${where}, kwargs=${formatValue(kwargs)}`;
    });
    if (wrappers.length > 0) lines.push(`additionalWrappers=[${wrappers.join(',')}\n]`);
    else if (printAll) lines.push('additionalWrappers=[]');
    const text = lines.join('\n');
    if (disablePrint) return text;
    console.log(text);
    return undefined;
  }
}

function checkEntryPoint(id: string, what: string, entryPoint: unknown): void {
  if (entryPoint === undefined || typeof entryPoint === 'function') return;
  throw new ConfigError(`register: ${id}: expected a function ${what}, got ${typeof entryPoint}.`);
}

function checkWrapperSpecs(id: string, specs: readonly WrapperSpec[]): readonly WrapperSpec[] {
  if (Array.isArray(specs) && specs.every((spec) => typeof spec === 'object' && typeof spec?.name === 'string')) {
    return [...specs];
  }
  const wayOut = 'Write TimeLimit.wrapperSpec({ maxEpisodeSteps: 10 }) and the like';
  throw new ConfigError(`register: ${id}: expected an array of wrapper specs as additionalWrappers. ${wayOut}.`);
}

function wrapperFromJSON(json: { readonly name: string; readonly kwargs: Kwargs | null }): WrapperSpec {
  if (typeof json?.name === 'string' && typeof json.kwargs === 'object') {
    return { name: json.name, kwargs: json.kwargs ?? undefined };
  }
  throw new ConfigError(`An issue occurred when trying to make ${formatValue(json)} a WrapperSpec`);
}

/** Throws ConfigError with a suggestion when `kwargs` has a key that is not one of `known`. For constructors of environments. */
export function checkKwargs(owner: string, kwargs: Kwargs, known: readonly string[]): void {
  for (const key of Object.keys(kwargs)) {
    if (known.includes(key)) continue;
    const options = known.length === 0 ? 'It has no options.' : `Its options are ${known.join(', ')}.`;
    throw new ConfigError(`${owner}: unknown option '${key}'.${didYouMean(key, known)} ${options}`);
  }
}
