// Checks every reset and step of an environment as it is used (gymnasium.wrappers.PassiveEnvChecker), and gives errors a place.
// Unlike Gymnasium's it throws where that one only warns.
import { ConfigError, EnvironmentError } from '@tessera/core';
import type { Env } from '../env.ts';
import { InvalidAction } from '../errors.ts';
import { explainRender } from '../check-env/explain-render.ts';
import { describe, explainMismatch } from '../spaces/explain.ts';
import { Space } from '../spaces/space.ts';
import type { EnvSpec } from '../spec.ts';
import type { EnvState, RenderResult, ResetOptions, ResetResult, StepResult, TypedArray } from '../types.ts';
import { Wrapper } from './wrapper.ts';

/**
 * Throws EnvironmentError with the environment's id and the step of the episode when it throws, or when it returns an observation
 * outside its space, a reward that is no finite number, a flag that is no boolean or an info that is no object; InvalidAction for an
 * action outside the action space; EnvironmentError for a picture that its render mode does not promise. A ConfigError of the environment goes through as it is: it is the caller's mistake.
 */
export class PassiveEnvChecker<Obs = TypedArray, Act = number> extends Wrapper<Obs, Act> {
  #steps = 0;
  readonly #id: string;

  constructor(env: Env<Obs, Act>) {
    super(env, {});
    const id = env.spec?.id ?? env.unwrapped.constructor.name;
    for (const [what, space] of [
      ['observation', env.observationSpace],
      ['action', env.actionSpace],
    ] as const) {
      if (space instanceof Space) continue;
      const wayOut = `Set ${what}Space to a Box, a Discrete, ...`;
      throw new EnvironmentError(
        `${id}: The environment must specify an ${what} space, got ${describe(space)}. ${wayOut}`,
      );
    }
    this.#id = id;
  }

  protected override specAround(inner: EnvSpec): EnvSpec {
    return inner.with({ disableEnvChecker: false });
  }

  override reset(options?: ResetOptions): ResetResult<Obs> {
    this.#steps = 0;
    let result: ResetResult<Obs>;
    try {
      result = this.env.reset(options);
    } catch (cause) {
      throw this.#thrown(cause);
    }
    if (!isObject(result)) throw this.#violation('an object { observation, info }', result);
    this.#checkObservation(result.observation);
    if (!isObject(result.info)) throw this.#violation('an object as info', result.info);
    return result;
  }

  override step(action: Act): StepResult<Obs> {
    if (!this.env.actionSpace.contains(action)) {
      const got = explainMismatch(this.env.actionSpace, action) ?? describe(action);
      throw new InvalidAction(`${this.#id}: step(action): ${got}. Pass an action of the action space.`);
    }
    this.#steps += 1;
    let result: StepResult<Obs>;
    try {
      result = this.env.step(action);
    } catch (cause) {
      throw this.#thrown(cause);
    }
    if (!isObject(result)) {
      throw this.#violation('an object { observation, reward, terminated, truncated, info }', result);
    }
    const { reward, terminated, truncated, info } = result;
    this.#checkObservation(result.observation);
    if (!Number.isFinite(reward)) throw this.#violation('a finite reward', reward);
    if (typeof terminated !== 'boolean') throw this.#violation('true or false as terminated', terminated);
    if (typeof truncated !== 'boolean') throw this.#violation('true or false as truncated', truncated);
    if (!isObject(info)) throw this.#violation('an object as info', info);
    return result;
  }

  override render(): RenderResult {
    const result = this.env.render();
    const { renderMode } = this.env;
    const mismatch = renderMode === undefined ? undefined : explainRender(renderMode, result);
    if (mismatch === undefined) return result;
    throw new EnvironmentError(`${this.#id}: render() in the mode ${renderMode}: ${mismatch}.`);
  }

  #checkObservation(observation: unknown): void {
    const mismatch = explainMismatch(this.env.observationSpace, observation);
    if (mismatch === undefined) return;
    const what = 'the observation is outside the observation space';
    throw new EnvironmentError(`${this.#id}: ${this.#place()}: ${what}: ${mismatch}.`);
  }

  #thrown(cause: unknown): unknown {
    if (cause instanceof ConfigError) return cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    const text = `expected a result, but it threw: ${message}`;
    return new EnvironmentError(`${this.#id}: ${this.#place()}: ${text}`, { cause });
  }

  #violation(expected: string, got: unknown): EnvironmentError {
    return new EnvironmentError(`${this.#id}: ${this.#place()}: expected ${expected}, got ${describe(got)}.`);
  }

  #place(): string {
    return this.#steps === 0 ? 'reset()' : `step ${this.#steps} of the episode`;
  }

  protected override saveState(): EnvState {
    return { steps: this.#steps };
  }

  protected override restoreState(data: EnvState): void {
    this.#steps = data['steps'] as number;
  }
}

const isObject = (x: unknown): boolean => typeof x === 'object' && x !== null && !Array.isArray(x);
