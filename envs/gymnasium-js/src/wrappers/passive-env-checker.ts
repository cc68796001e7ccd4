// Checks every reset and step of an environment as it is used (gymnasium.wrappers.PassiveEnvChecker), and gives errors a place.
// Unlike Gymnasium's it throws where that one only warns.
import { ConfigError, EnvironmentError } from '@tessera/core';
import type { Env } from '../env.ts';
import { InvalidAction } from '../errors.ts';
import { describe, explainMismatch } from '../spaces/explain.ts';
import type { EnvSpec } from '../spec.ts';
import type { EnvState, ResetOptions, ResetResult, StepResult, TypedArray } from '../types.ts';
import { Wrapper } from './wrapper.ts';

/**
 * Throws EnvironmentError with the environment's id and the step of the episode when it throws, or when it returns an observation
 * outside its space, a reward that is no finite number, a flag that is no boolean or an info that is no object; InvalidAction for an
 * action outside the action space. A ConfigError of the environment goes through as it is: it is the caller's mistake.
 */
export class PassiveEnvChecker<Obs = TypedArray, Act = number> extends Wrapper<Obs, Act> {
  #steps = 0;
  readonly #id: string;

  constructor(env: Env<Obs, Act>) {
    super(env);
    this.#id = env.spec?.id ?? env.unwrapped.constructor.name;
  }

  override get spec(): EnvSpec | undefined {
    return this.env.spec?.with({ disableEnvChecker: false });
  }

  override reset(options?: ResetOptions): ResetResult<Obs> {
    this.#steps = 0;
    const result = this.#run('reset()', () => this.env.reset(options));
    this.#check('reset()', 'an object { observation, info }', isObject(result), result);
    this.#checkObservation('reset()', result.observation);
    this.#check('reset()', 'an object as info', isObject(result.info), result.info);
    return result;
  }

  override step(action: Act): StepResult<Obs> {
    if (!this.env.actionSpace.contains(action)) {
      const got = explainMismatch(this.env.actionSpace, action) ?? describe(action);
      throw new InvalidAction(`${this.#id}: step(action): ${got}. Pass an action of the action space.`);
    }
    this.#steps += 1;
    const where = `step ${this.#steps} of the episode`;
    const result = this.#run(where, () => this.env.step(action));
    this.#check(where, 'an object { observation, reward, terminated, truncated, info }', isObject(result), result);
    this.#checkObservation(where, result.observation);
    this.#check(where, 'a finite reward', Number.isFinite(result.reward), result.reward);
    this.#check(where, 'true or false as terminated', typeof result.terminated === 'boolean', result.terminated);
    this.#check(where, 'true or false as truncated', typeof result.truncated === 'boolean', result.truncated);
    this.#check(where, 'an object as info', isObject(result.info), result.info);
    return result;
  }

  #run<T>(where: string, call: () => T): T {
    try {
      return call();
    } catch (cause) {
      if (cause instanceof ConfigError) throw cause;
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new EnvironmentError(`${this.#id}: ${where}: expected a result, but it threw: ${message}`, { cause });
    }
  }

  #checkObservation(where: string, observation: unknown): void {
    const mismatch = explainMismatch(this.env.observationSpace, observation);
    if (mismatch !== undefined) {
      throw new EnvironmentError(
        `${this.#id}: ${where}: the observation is outside the observation space: ${mismatch}.`,
      );
    }
  }

  #check(where: string, expected: string, isRight: boolean, got: unknown): void {
    if (!isRight) throw new EnvironmentError(`${this.#id}: ${where}: expected ${expected}, got ${describe(got)}.`);
  }

  protected override saveState(): EnvState {
    return { steps: this.#steps };
  }

  protected override restoreState(data: EnvState): void {
    this.#steps = data['steps'] as number;
  }
}

const isObject = (x: unknown): boolean => typeof x === 'object' && x !== null && !Array.isArray(x);
