// The front door of @tessera/env-arcade. Importing it registers `Catch-v0`, `Breakout-v0`, `SpaceInvaders-v0`, `Asterix-v0`, `Freeway-v0` and `Seaquest-v0`.
import { register } from 'gymnasium-js';
import type { Env } from 'gymnasium-js';
import { Asterix } from './asterix.ts';
import type { BoardGameOptions, RampingGameOptions } from './board-game.ts';
import { Breakout } from './breakout.ts';
import type { BreakoutOptions } from './breakout.ts';
import { Catch } from './catch.ts';
import type { CatchOptions } from './catch.ts';
import { Freeway } from './freeway.ts';
import { Seaquest } from './seaquest.ts';
import { SpaceInvaders } from './space-invaders.ts';

register({ id: 'Catch-v0', entryPoint: (kwargs) => new Catch(kwargs as CatchOptions), rewardThreshold: 1 });
register({
  id: 'Breakout-v0',
  entryPoint: (kwargs) => new Breakout(kwargs as BreakoutOptions),
  maxEpisodeSteps: 10_000,
});
register({
  id: 'SpaceInvaders-v0',
  entryPoint: (kwargs) => new SpaceInvaders(kwargs as RampingGameOptions),
  maxEpisodeSteps: 10_000,
});
register({
  id: 'Asterix-v0',
  entryPoint: (kwargs) => new Asterix(kwargs as RampingGameOptions),
  maxEpisodeSteps: 10_000,
});
register({ id: 'Freeway-v0', entryPoint: (kwargs) => new Freeway(kwargs as BoardGameOptions) });
register({
  id: 'Seaquest-v0',
  entryPoint: (kwargs) => new Seaquest(kwargs as RampingGameOptions),
  maxEpisodeSteps: 10_000,
});

// Games
export { Asterix } from './asterix.ts';
export { Breakout, breakoutBoard } from './breakout.ts';
export type { BreakoutOptions } from './breakout.ts';
export { breakoutActions } from './breakout-rules.ts';
export { Catch, catchBoard } from './catch.ts';
export type { CatchOptions } from './catch.ts';
export { Freeway } from './freeway.ts';
export { Seaquest } from './seaquest.ts';
export { SpaceInvaders } from './space-invaders.ts';
export { arcadeActions } from './game-rules.ts';
export type { BoardGameOptions, RampingGameOptions } from './board-game.ts';

// Baselines and what frames show
export { baselinePolicies } from './baseline-policies.ts';
export type { BaselinePolicies, FramePolicy, TrivialPolicy } from './baseline-policies.ts';
export { objectCounter } from './count-objects.ts';
export type { ObjectCounter } from './count-objects.ts';
export { findBall } from './find-ball.ts';
export type { Board, Cell, FindBallOptions } from './find-ball.ts';

declare module 'gymnasium-js' {
  interface EnvRegistry {
    'Catch-v0': Env<Uint8Array, number>;
    'Breakout-v0': Env<Uint8Array, number>;
    'SpaceInvaders-v0': Env<Uint8Array, number>;
    'Asterix-v0': Env<Uint8Array, number>;
    'Freeway-v0': Env<Uint8Array, number>;
    'Seaquest-v0': Env<Uint8Array, number>;
  }
}
