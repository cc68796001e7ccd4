// Tries an environment against its contract (gymnasium.utils.env_checker.check_env).
import { EnvironmentError } from '@tessera/core';
import type { Env } from '../env.ts';
import type { Seed } from '../types.ts';
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
}

const close: EnvRule = {
  name: 'close',
  check({ env }) {
    env.close();
    env.close();
    return undefined;
  },
};

/** Throws EnvironmentError that names the first rule that `env` breaks. */
export function checkEnv(env: Env<unknown, unknown>, options: CheckEnvOptions = {}): void {
  const { seed = 123, numSteps = 30, fresh, ignoreInfo = [], keepOpen = false } = options;
  const actions = options.actions ?? sampleActions(env, seed, numSteps);
  const context: RuleContext = { env, seed, actions, fresh, ignoreInfo };
  const id = env.spec?.id ?? env.unwrapped.constructor.name;
  for (const rule of keepOpen ? envRules : [...envRules, close]) {
    const violation = tryRule(rule, context, id);
    if (violation !== undefined) {
      throw new EnvironmentError(`checkEnv: ${id} breaks the rule "${rule.name}": ${violation}.`);
    }
  }
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
  env.actionSpace.seed(seed);
  return Array.from({ length: numSteps }, () => env.actionSpace.sample());
}
