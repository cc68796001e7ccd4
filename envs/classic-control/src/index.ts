// The front door of @tessera/env-classic-control. Importing it registers Gymnasium's classic control environments under their own ids.
import { register } from 'gymnasium-js';
import { AcrobotEnv } from './acrobot.ts';
import type { AcrobotOptions } from './acrobot.ts';
import { CartPoleVectorEnv } from './cart-pole-vector.ts';
import type { CartPoleVectorOptions } from './cart-pole-vector.ts';
import { CartPoleEnv } from './cart-pole.ts';
import type { CartPoleOptions } from './cart-pole.ts';
import { ContinuousMountainCarEnv } from './continuous-mountain-car.ts';
import type { ContinuousMountainCarOptions } from './continuous-mountain-car.ts';
import { MountainCarEnv } from './mountain-car.ts';
import type { MountainCarOptions } from './mountain-car.ts';
import { PendulumEnv } from './pendulum.ts';
import type { PendulumOptions } from './pendulum.ts';

register({
  id: 'CartPole-v0',
  entryPoint: (kwargs) => new CartPoleEnv(kwargs as CartPoleOptions),
  vectorEntryPoint: (kwargs, spec) => new CartPoleVectorEnv({ ...(kwargs as CartPoleVectorOptions), spec }),
  maxEpisodeSteps: 200,
  rewardThreshold: 195,
});
register({
  id: 'CartPole-v1',
  entryPoint: (kwargs) => new CartPoleEnv(kwargs as CartPoleOptions),
  vectorEntryPoint: (kwargs, spec) => new CartPoleVectorEnv({ ...(kwargs as CartPoleVectorOptions), spec }),
  maxEpisodeSteps: 500,
  rewardThreshold: 475,
});
register({
  id: 'MountainCar-v0',
  entryPoint: (kwargs) => new MountainCarEnv(kwargs as MountainCarOptions),
  maxEpisodeSteps: 200,
  rewardThreshold: -110,
});
register({
  id: 'MountainCarContinuous-v0',
  entryPoint: (kwargs) => new ContinuousMountainCarEnv(kwargs as ContinuousMountainCarOptions),
  maxEpisodeSteps: 999,
  rewardThreshold: 90,
});
register({
  id: 'Pendulum-v1',
  entryPoint: (kwargs) => new PendulumEnv(kwargs as PendulumOptions),
  maxEpisodeSteps: 200,
});
register({
  id: 'Acrobot-v1',
  entryPoint: (kwargs) => new AcrobotEnv(kwargs as AcrobotOptions),
  maxEpisodeSteps: 500,
  rewardThreshold: -100,
});

export { AcrobotEnv } from './acrobot.ts';
export type { AcrobotOptions } from './acrobot.ts';
export { CartPoleVectorEnv } from './cart-pole-vector.ts';
export type { CartPoleVectorOptions } from './cart-pole-vector.ts';
export { CartPoleEnv } from './cart-pole.ts';
export type { CartPoleOptions } from './cart-pole.ts';
export { ContinuousMountainCarEnv } from './continuous-mountain-car.ts';
export type { ContinuousMountainCarOptions } from './continuous-mountain-car.ts';
export { MountainCarEnv } from './mountain-car.ts';
export type { MountainCarOptions } from './mountain-car.ts';
export { PendulumEnv } from './pendulum.ts';
export type { PendulumOptions } from './pendulum.ts';
export { findPoleTip } from './find-pole-tip.ts';
export type { FindPoleTipOptions, Point } from './find-pole-tip.ts';
