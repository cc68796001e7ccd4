// Tries an environment against its contract (gymnasium.utils.env_checker.check_env).
import { ConfigError, EnvironmentError } from '@tessera/core';
import { Env } from '../env.ts';
import { describe } from '../spaces/explain.ts';
import { Space } from '../spaces/space.ts';
import type { Seed } from '../types.ts';
import { remarksOn } from './remarks.ts';
import { envRules } from './rules.ts';
import type { EnvRule, RuleContext } from './rules.ts';

export { envRules };
export type { EnvRule };

export interface CheckEnvOptions {
  /** 123 by default. */
  readonly seed?: Seed;
  /** The actions to take; by default `numSteps` samples of the action space seeded with `seed`. */
  readonly actions?: readonly unknown[];
  /** 30 by default. */
  readonly numSteps?: number;
  /** Builds another environment of the same kind; without it the rules that need one are left out. */
  readonly fresh?: () => Env<unknown, unknown>;
  /** Keys of info that may differ between equal runs, such as times. */
  readonly ignoreInfo?: readonly string[];
  /** Leaves the environment open; by default it is closed, twice. */
  readonly keepOpen?: boolean;
  /** Draws no pictures; by default one in each render mode that the environment has, in copies built from its spec. */
  readonly skipRenderCheck?: boolean;
}

const close: EnvRule = {
  name: 'close',
  check({ env }) {
    env.close();
    env.close();
    return undefined;
  },
};

/**
 * Throws EnvironmentError that names the first rule that `env` breaks.
 *
 * Returns what is allowed but odd, one sentence each (Gymnasium prints them): infinite bounds, action spaces that are not normalised, a
 * wrapped environment.
 */
export function checkEnv(env: Env<unknown, unknown>, options: CheckEnvOptions = {}): string[] {
  const { seed = 123, numSteps = 30, fresh, ignoreInfo = [], keepOpen = false, skipRenderCheck = false } = options;
  if (!(env instanceof Env)) {
    throw new ConfigError(`checkEnv: The environment must inherit from the Env class, actual: ${describe(env)}.`);
  }
  const actions = options.actions ?? sampleActions(env, seed, numSteps);
  const context: RuleContext = { env, seed, actions, fresh, ignoreInfo, skipRenderCheck };
  const id = env.spec?.id ?? env.unwrapped.constructor.name;
  for (const rule of keepOpen ? envRules : [...envRules, close]) {
    const violation = tryRule(rule, context, id);
    if (violation !== undefined) {
      throw new EnvironmentError(`checkEnv: ${id} breaks the rule "${rule.name}": ${violation}.`);
    }
  }
  return remarksOn(env);
}

function tryRule(rule: EnvRule, context: RuleContext, id: string): string | undefined {
  try {
    return rule.check(context);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new EnvironmentError(`checkEnv: ${id} breaks the rule "${rule.name}": it threw: ${why}`, { cause });
  }
}

function sampleActions(env: Env<unknown, unknown>, seed: Seed, numSteps: number): unknown[] {
  // A broken space is the business of the first rule.
  if (!(env.actionSpace instanceof Space)) return [];
  env.actionSpace.seed(seed);
  return Array.from({ length: numSteps }, () => env.actionSpace.sample());
}
