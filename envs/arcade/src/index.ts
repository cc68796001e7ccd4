// The front door of @tessera/env-arcade. Importing it registers `Catch-v0` and `Breakout-v0`.
import { register } from 'gymnasium-js';
import type { Env } from 'gymnasium-js';
import { Breakout } from './breakout.ts';
import type { BreakoutOptions } from './breakout.ts';
import { Catch } from './catch.ts';
import type { CatchOptions } from './catch.ts';

register({ id: 'Catch-v0', entryPoint: (kwargs) => new Catch(kwargs as CatchOptions), rewardThreshold: 1 });
register({
  id: 'Breakout-v0',
  entryPoint: (kwargs) => new Breakout(kwargs as BreakoutOptions),
  maxEpisodeSteps: 10_000,
});

export { baselinePolicies } from './baseline-policies.ts';
export type { BaselinePolicies, FramePolicy, TrivialPolicy } from './baseline-policies.ts';
export { Breakout, breakoutBoard } from './breakout.ts';
export type { BreakoutOptions } from './breakout.ts';
export { breakoutActions } from './breakout-rules.ts';
export { Catch, catchBoard } from './catch.ts';
export type { CatchOptions } from './catch.ts';
export { findBall } from './find-ball.ts';
export type { Board, Cell, FindBallOptions } from './find-ball.ts';

declare module 'gymnasium-js' {
  interface EnvRegistry {
    'Catch-v0': Env<Uint8Array, number>;
    'Breakout-v0': Env<Uint8Array, number>;
  }
}
