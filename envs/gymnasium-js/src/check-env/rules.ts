// The contract of an environment as a list of rules (gymnasium/utils/env_checker.py and passive_env_checker.py, plus saved states).
// A rule returns what is wrong, or undefined.
import { isEqual } from '../data-equivalence.ts';
import type { Env } from '../env.ts';
import { describe, explainMismatch } from '../spaces/explain.ts';
import { Space } from '../spaces/space.ts';
import type { EnvState, Seed, StepResult } from '../types.ts';
import { registry } from '../registry/registry.ts';
import { explainRender } from './explain-render.ts';
import { firstDifference, play, sharesMemory, snapshot } from './trace.ts';
import type { Outcome } from './trace.ts';

/** What the rules are tried on. */
export interface RuleContext {
  readonly env: Env<unknown, unknown>;
  readonly seed: Seed;
  readonly actions: readonly unknown[];
  /** Builds another environment of the same kind, if known. */
  readonly fresh: (() => Env<unknown, unknown>) | undefined;
  /** Keys of info that may differ between equal runs. */
  readonly ignoreInfo: readonly string[];
  readonly skipRenderCheck: boolean;
}

/** One clause of the contract. */
export interface EnvRule {
  readonly name: string;
  check(context: RuleContext): string | undefined;
}

const isObject = (x: unknown): boolean => typeof x === 'object' && x !== null && !Array.isArray(x);
const isRandom = ({ env }: RuleContext): boolean => env.spec?.nondeterministic ?? false;

function outcomes(context: RuleContext, env: Env<unknown, unknown> = context.env): Outcome[] {
  const first = env.reset({ seed: context.seed });
  return [first, ...play(env, context.actions)].map((outcome) => outcome);
}

function snapshots(context: RuleContext, run: Iterable<Outcome>): Outcome[] {
  return Array.from(run, (outcome) => snapshot(outcome, context.ignoreInfo));
}

function compare(
  what: string,
  run: Iterable<Outcome>,
  expected: readonly Outcome[],
  context: RuleContext,
): string | undefined {
  for (const [i, outcome] of snapshots(context, run).entries()) {
    const difference = firstDifference(outcome, expected[i]!);
    if (difference !== undefined) return `${what}: ${difference} differs in result ${i}`;
  }
  return undefined;
}

const spaces: EnvRule = {
  name: 'spaces',
  check({ env }) {
    if (!(env.observationSpace instanceof Space))
      return `expected a Space as observationSpace, got ${describe(env.observationSpace)}`;
    if (!(env.actionSpace instanceof Space)) return `expected a Space as actionSpace, got ${describe(env.actionSpace)}`;
    const { renderModes } = env.metadata ?? {};
    return Array.isArray(renderModes)
      ? undefined
      : `expected metadata.renderModes to be an array, got ${describe(renderModes)}`;
  },
};

const resetResult: EnvRule = {
  name: 'reset result',
  check({ env, seed }) {
    const result = env.reset({ seed });
    if (!isObject(result)) return `expected reset to return { observation, info }, got ${describe(result)}`;
    return isObject(result.info) ? undefined : `expected an object as info, got ${describe(result.info)}`;
  },
};

const observationInSpace: EnvRule = {
  name: 'observation in space',
  check(context) {
    for (const [i, { observation }] of outcomes(context).entries()) {
      const mismatch = explainMismatch(context.env.observationSpace, observation);
      if (mismatch !== undefined) return `result ${i}: ${mismatch}`;
    }
    return undefined;
  },
};

const stepResult: EnvRule = {
  name: 'step result',
  check(context) {
    context.env.reset({ seed: context.seed });
    for (const outcome of play(context.env, context.actions)) {
      const { reward, terminated, truncated, info } = outcome as StepResult<unknown>;
      if (!('reward' in outcome)) continue;
      if (!Number.isFinite(reward)) return `expected a finite number as reward, got ${describe(reward)}`;
      if (typeof terminated !== 'boolean') return `expected true or false as terminated, got ${describe(terminated)}`;
      if (typeof truncated !== 'boolean') return `expected true or false as truncated, got ${describe(truncated)}`;
      if (!isObject(info)) return `expected an object as info, got ${describe(info)}`;
    }
    return undefined;
  },
};

const resetSeed: EnvRule = {
  name: 'reset seed',
  check(context) {
    const { env, seed } = context;
    const twice = (): { results: Outcome[]; random: unknown } => {
      const first = snapshot(env.reset({ seed }), context.ignoreInfo);
      const random = env.npRandom.getState();
      return { results: [first, snapshot(env.reset(), context.ignoreInfo)], random };
    };
    const [a, b] = [twice(), twice()];
    const wayOut = 'Most likely reset does not call this.seedRandom(options) first';
    if (!isEqual(a.random, b.random)) return `equal seeds leave unequal random streams. ${wayOut}`;
    env.reset({ seed: BigInt(seed) + 333n });
    if (isEqual(a.random, env.npRandom.getState())) return `unequal seeds leave equal random streams. ${wayOut}`;
    if (isRandom(context)) return undefined;
    return compare('reset({ seed }) and the reset() after it, done twice', b.results, a.results, context);
  },
};

const resetOptions: EnvRule = {
  name: 'reset options',
  check({ env }) {
    env.reset({ options: {} });
    return undefined;
  },
};

const determinism: EnvRule = {
  name: 'determinism',
  check(context) {
    if (isRandom(context)) return undefined;
    const expected = snapshots(context, outcomes(context));
    const again = compare('the same seed and actions twice', outcomes(context), expected, context);
    if (again !== undefined || context.fresh === undefined) return again;
    return compare(
      'the same seed and actions in a new environment',
      outcomes(context, context.fresh()),
      expected,
      context,
    );
  },
};

const freshResults: EnvRule = {
  name: 'fresh results',
  check(context) {
    const { env, seed, actions } = context;
    const kept: { result: Outcome; copy: Outcome }[] = [];
    const keep = (result: Outcome): number => kept.push({ result, copy: snapshot(result, []) });
    keep(env.reset({ seed }));
    for (const result of play(env, actions)) keep(result);
    for (const [i, { result, copy }] of kept.entries()) {
      const changed = firstDifference(snapshot(result, []), copy);
      if (changed !== undefined) return `${changed} of result ${i} was changed by a later call. Return a copy`;
      const next = kept[i + 1]?.result;
      if (next === undefined) continue;
      if (sharesMemory(result.observation, next.observation) || result.info === next.info) {
        return `results ${i} and ${i + 1} share memory. Return new data from every call`;
      }
    }
    return undefined;
  },
};

const savedState: EnvRule = {
  name: 'saved state',
  check(context) {
    const { env, actions, seed, fresh } = context;
    if (!env.canSaveState || isRandom(context)) return undefined;
    const half = Math.floor(actions.length / 2);
    const undisturbed = snapshots(context, outcomes(context));
    env.reset({ seed });
    const before = snapshots(context, play(env, actions.slice(0, half)));
    const state: EnvState = env.getState();
    const kept = structuredClone(state);
    const rest = undisturbed.slice(before.length + 1);
    const goOn = (which: Env<unknown, unknown>): Iterable<Outcome> => play(which, actions.slice(half));
    const disturbed = compare('getState changes what follows', goOn(env), rest, context);
    if (disturbed !== undefined) return disturbed;
    if (!isEqual(state, kept)) return 'later steps change a state that was saved before. Copy arrays in saveState';
    env.setState(kept);
    const continued = compare('going on from a restored state', goOn(env), rest, context);
    if (continued !== undefined) return continued;
    if (!isEqual(state, kept)) return 'steps after setState change the state. Copy arrays in restoreState';
    if (fresh === undefined) return undefined;
    const other = fresh();
    other.setState(structuredClone(kept));
    return compare('going on from a state restored in a new environment', goOn(other), rest, context);
  },
};

const order: EnvRule = {
  name: 'step after reset only',
  check({ fresh, actions }) {
    const env = fresh?.();
    if (env?.spec?.orderEnforce !== true || actions.length === 0) return undefined;
    try {
      env.step(actions[0]);
    } catch {
      return undefined;
    }
    return 'expected an error for a step before the first reset';
  },
};

const render: EnvRule = {
  name: 'render',
  check({ env, seed, skipRenderCheck }) {
    if (skipRenderCheck) return undefined;
    const { renderMode, metadata, spec } = env;
    const modes = metadata.renderModes;
    if (renderMode !== undefined) {
      if (!modes.includes(renderMode)) return `expected a renderMode out of ${modes.join(', ')}, got ${renderMode}`;
      env.reset({ seed });
      const mismatch = explainRender(renderMode, env.render());
      if (mismatch !== undefined) return mismatch;
    }
    if (modes.length > 0) {
      const { renderFps } = metadata;
      const isRate = renderFps === undefined || (typeof renderFps === 'number' && renderFps > 0);
      if (!isRate) return `expected metadata.renderFps to be a number > 0, got ${describe(renderFps)}`;
    }
    if (spec === undefined || (spec.entryPoint === undefined && !registry.has(spec.id))) return undefined;
    for (const mode of modes) {
      const other = spec.make<unknown, unknown>({ renderMode: mode });
      other.reset({ seed });
      const mismatch = explainRender(mode, other.render());
      other.close();
      if (mismatch !== undefined) return `with the renderMode ${mode}: ${mismatch}`;
    }
    return undefined;
  },
};

/** All rules, in the order they are tried. */
export const envRules: readonly EnvRule[] = [
  spaces,
  resetResult,
  observationInSpace,
  stepResult,
  resetSeed,
  resetOptions,
  determinism,
  freshResults,
  savedState,
  order,
  render,
];
