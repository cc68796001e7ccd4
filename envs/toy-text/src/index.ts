// The front door of @tessera/env-toy-text. Importing it registers Gymnasium's toy text environments under their own ids.
import { register } from 'gymnasium-js';
import { BlackjackEnv } from './blackjack.ts';
import type { BlackjackOptions } from './blackjack.ts';
import { CliffWalkingEnv } from './cliff-walking.ts';
import type { CliffWalkingOptions } from './cliff-walking.ts';
import { FrozenLakeEnv } from './frozen-lake.ts';
import type { FrozenLakeOptions } from './frozen-lake.ts';
import { TaxiEnv } from './taxi.ts';
import type { TaxiOptions } from './taxi.ts';

register({
  id: 'Blackjack-v1',
  entryPoint: (kwargs) => new BlackjackEnv(kwargs as BlackjackOptions),
  kwargs: { sab: true, natural: false },
});
register({
  id: 'FrozenLake-v1',
  entryPoint: (kwargs) => new FrozenLakeEnv(kwargs as FrozenLakeOptions),
  kwargs: { mapName: '4x4' },
  maxEpisodeSteps: 100,
  rewardThreshold: 0.7, // of 0.74
});
register({
  id: 'FrozenLake8x8-v1',
  entryPoint: (kwargs) => new FrozenLakeEnv(kwargs as FrozenLakeOptions),
  kwargs: { mapName: '8x8' },
  maxEpisodeSteps: 200,
  rewardThreshold: 0.85, // of 0.91
});
register({ id: 'CliffWalking-v1', entryPoint: (kwargs) => new CliffWalkingEnv(kwargs as CliffWalkingOptions) });
register({
  id: 'CliffWalkingSlippery-v1',
  entryPoint: (kwargs) => new CliffWalkingEnv(kwargs as CliffWalkingOptions),
  kwargs: { isSlippery: true },
});
register({
  id: 'Taxi-v4',
  entryPoint: (kwargs) => new TaxiEnv(kwargs as TaxiOptions),
  maxEpisodeSteps: 200,
  rewardThreshold: 8, // of 8.46
});

export { BlackjackEnv } from './blackjack.ts';
export type { BlackjackObservation, BlackjackOptions } from './blackjack.ts';
export { CliffWalkingEnv } from './cliff-walking.ts';
export type { CliffWalkingOptions } from './cliff-walking.ts';
export { FrozenLakeEnv } from './frozen-lake.ts';
export type { FrozenLakeOptions } from './frozen-lake.ts';
export { frozenLakeMaps, generateRandomMap } from './frozen-lake-maps.ts';
export type { RandomMapOptions } from './frozen-lake-maps.ts';
export { TabularEnv } from './tabular-env.ts';
export type { TabularOptions, Transition, TransitionTable } from './tabular-env.ts';
export { TaxiEnv } from './taxi.ts';
export type { TaxiOptions } from './taxi.ts';
