// What the registry knows about an environment (gymnasium.envs.registration.EnvSpec).
import { ConfigError, didYouMean } from '@tessera/core';
import type { Env } from './env.ts';
import { parseEnvId } from './registry/env-id.ts';

/** Named arguments of an environment's constructor. */
export type Kwargs = Readonly<Record<string, unknown>>;

/** Builds an environment from its arguments. */
export type EntryPoint = (kwargs: Kwargs) => Env<unknown, unknown>;

export interface EnvSpecOptions {
  /** `[namespace/]name[-vN]`; its meaning never changes without a new version. */
  readonly id: string;
  readonly entryPoint: EntryPoint;
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
];

/** An environment's id, how it is built, and what `make` puts around it. Immutable. */
export class EnvSpec {
  readonly id: string;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly version: number | undefined;
  readonly entryPoint: EntryPoint;
  readonly rewardThreshold: number | undefined;
  readonly nondeterministic: boolean;
  readonly maxEpisodeSteps: number | undefined;
  readonly orderEnforce: boolean;
  readonly disableEnvChecker: boolean;
  readonly kwargs: Kwargs;

  /** Throws ConfigError for a malformed id, an unknown option, an entry point that is no function and a bad `maxEpisodeSteps`. */
  constructor(options: EnvSpecOptions) {
    checkKwargs('register', { ...options }, optionNames);
    const { namespace, name, version } = parseEnvId(options.id);
    if (typeof options.entryPoint !== 'function') {
      const got = `got ${typeof options.entryPoint}`;
      throw new ConfigError(`register: ${options.id}: expected a function (kwargs) => Env as entryPoint, ${got}.`);
    }
    const { maxEpisodeSteps } = options;
    if (maxEpisodeSteps !== undefined && !(Number.isSafeInteger(maxEpisodeSteps) && maxEpisodeSteps > 0)) {
      const got = String(maxEpisodeSteps);
      throw new ConfigError(`register: ${options.id}: expected a whole number > 0 as maxEpisodeSteps, got ${got}.`);
    }
    this.id = options.id;
    this.namespace = namespace;
    this.name = name;
    this.version = version;
    this.entryPoint = options.entryPoint;
    this.rewardThreshold = options.rewardThreshold;
    this.nondeterministic = options.nondeterministic ?? false;
    this.maxEpisodeSteps = maxEpisodeSteps;
    this.orderEnforce = options.orderEnforce ?? true;
    this.disableEnvChecker = options.disableEnvChecker ?? false;
    this.kwargs = { ...options.kwargs };
  }

  /** A copy in which `changes` are made. */
  with(changes: Partial<EnvSpecOptions>): EnvSpec {
    return new EnvSpec({ ...this.toJSON(), entryPoint: this.entryPoint, ...changes });
  }

  /** The data of the spec without its entry point, for configs and logs. */
  toJSON(): Omit<EnvSpecOptions, 'entryPoint'> {
    return {
      id: this.id,
      rewardThreshold: this.rewardThreshold,
      nondeterministic: this.nondeterministic,
      maxEpisodeSteps: this.maxEpisodeSteps,
      orderEnforce: this.orderEnforce,
      disableEnvChecker: this.disableEnvChecker,
      kwargs: this.kwargs,
    };
  }
}

/** Throws ConfigError with a suggestion when `kwargs` has a key that is not one of `known`. For constructors of environments. */
export function checkKwargs(owner: string, kwargs: Kwargs, known: readonly string[]): void {
  for (const key of Object.keys(kwargs)) {
    if (known.includes(key)) continue;
    const options = known.length === 0 ? 'It has no options.' : `Its options are ${known.join(', ')}.`;
    throw new ConfigError(`${owner}: unknown option '${key}'.${didYouMean(key, known)} ${options}`);
  }
}
