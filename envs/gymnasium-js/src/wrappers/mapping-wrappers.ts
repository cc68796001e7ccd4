// The three kinds of wrappers that change one thing (gymnasium.ObservationWrapper, ActionWrapper and RewardWrapper).
import type { ResetOptions, ResetResult, StepResult, TypedArray } from '../types.ts';
import { Wrapper } from './wrapper.ts';

/** A wrapper that changes observations, those of `reset` included. A subclass that changes their space sets `observationSpace`. */
export abstract class ObservationWrapper<Obs = TypedArray, Act = number, InnerObs = Obs> extends Wrapper<
  Obs,
  Act,
  InnerObs,
  Act
> {
  /** The new observation; fresh, and `observation` itself is left as it was. */
  abstract observation(observation: InnerObs): Obs;

  override reset(options?: ResetOptions): ResetResult<Obs> {
    const { observation, info } = this.env.reset(options);
    return { observation: this.observation(observation), info };
  }

  override step(action: Act): StepResult<Obs> {
    const { observation, reward, terminated, truncated, info } = this.env.step(action);
    return { observation: this.observation(observation), reward, terminated, truncated, info };
  }
}

/** A wrapper that changes actions on their way in. A subclass that changes their space sets `actionSpace`. */
export abstract class ActionWrapper<Obs = TypedArray, Act = number, InnerAct = Act> extends Wrapper<
  Obs,
  Act,
  Obs,
  InnerAct
> {
  /** The action for the environment inside. */
  abstract action(action: Act): InnerAct;

  override step(action: Act): StepResult<Obs> {
    return this.env.step(this.action(action));
  }
}

/** A wrapper that changes rewards. */
export abstract class RewardWrapper<Obs = TypedArray, Act = number> extends Wrapper<Obs, Act> {
  /** The new reward. */
  abstract reward(reward: number): number;

  override step(action: Act): StepResult<Obs> {
    const result = this.env.step(action);
    return { ...result, reward: this.reward(result.reward) };
  }
}
