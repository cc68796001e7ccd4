// What an environment did, kept for comparison: copies of all results, and exact equality of anything a result may hold.
import { isEqual } from '../data-equivalence.ts';
import type { Env } from '../env.ts';
import { dtypeOf } from '../spaces/dtype.ts';
import type { Info, ResetResult, StepResult, TypedArray } from '../types.ts';

/** One result of reset or step. */
export type Outcome = ResetResult<unknown> | StepResult<unknown>;

/** Takes the actions one by one; where an episode ends, a reset without a seed follows before the next one. */
export function* play(env: Env<unknown, unknown>, actions: readonly unknown[]): Generator<Outcome, void, undefined> {
  for (const action of actions) {
    const result = env.step(action);
    yield result;
    if (result.terminated || result.truncated) yield env.reset();
  }
}

/** A copy of a result, without the named infos. */
export function snapshot(outcome: Outcome, ignoreInfo: readonly string[]): Outcome {
  const info: Info = {};
  for (const key of Object.keys(outcome.info)) {
    if (!ignoreInfo.includes(key)) info[key] = outcome.info[key];
  }
  return structuredClone({ ...outcome, info });
}

/** The name of the first part in which two results differ; undefined when they are equal to the bit. */
export function firstDifference(a: Outcome, b: Outcome): string | undefined {
  const keys = ['observation', 'reward', 'terminated', 'truncated', 'info'];
  return keys.find((key) => !isEqual((a as unknown as Info)[key], (b as unknown as Info)[key]));
}

/** Whether two observations lie in the same memory. */
export function sharesMemory(a: unknown, b: unknown): boolean {
  if (dtypeOf(a) === undefined || dtypeOf(b) === undefined) return false;
  return (a as TypedArray).buffer === (b as TypedArray).buffer;
}
