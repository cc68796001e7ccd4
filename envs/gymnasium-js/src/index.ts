// The front door of gymnasium-js, safe for browsers. Worker threads are behind `gymnasium-js/node`.

// Environments
export { Env } from './env.ts';
export { npRandom } from './seeding.ts';
export type { SeededGenerator } from './seeding.ts';
export type {
  EnvMetadata,
  EnvState,
  Info,
  RenderFrame,
  ResetOptions,
  ResetResult,
  Seed,
  StateValue,
  StepResult,
  TypedArray,
} from './types.ts';

// Spaces
export { Box } from './spaces/box.ts';
export type { Bound, BoxOptions } from './spaces/box.ts';
export { Discrete } from './spaces/discrete.ts';
export type { DiscreteOptions, DiscreteSampleOptions } from './spaces/discrete.ts';
export { spaceFromJSON } from './spaces/from-json.ts';
export { Space } from './spaces/space.ts';
export type { SpaceJSON } from './spaces/space.ts';

// Registry
export { make } from './make.ts';
export type { MakeOptions } from './make.ts';
export { makeVec } from './make-vec.ts';
export type { MakeVecOptions } from './make-vec.ts';
export { registerLoader } from './registry/loaders.ts';
export type { VectorLoader } from './registry/loaders.ts';
export { register, registry, spec } from './registry/registry.ts';
export { checkKwargs, EnvSpec } from './spec.ts';
export type { EntryPoint, EnvSpecOptions, Kwargs } from './spec.ts';

// Wrappers
export { OrderEnforcing } from './wrappers/order-enforcing.ts';
export type { OrderEnforcingOptions } from './wrappers/order-enforcing.ts';
export { PassiveEnvChecker } from './wrappers/passive-env-checker.ts';
export { RecordEpisodeStatistics } from './wrappers/record-episode-statistics.ts';
export type { RecordEpisodeStatisticsOptions } from './wrappers/record-episode-statistics.ts';
export { TimeLimit } from './wrappers/time-limit.ts';
export { Wrapper } from './wrappers/wrapper.ts';

// Vector environments
export { SyncVectorEnv } from './vector/sync-vector-env.ts';
export type { SyncVectorEnvOptions } from './vector/sync-vector-env.ts';
export type {
  AutoresetMode,
  VectorActions,
  VectorEnv,
  VectorResetOptions,
  VectorResetResult,
  VectorStepResult,
} from './vector/vector-env.ts';
export type { InfoArray, VectorInfo } from './vector/vector-info.ts';

// Pictures
export { resizeArea } from './images/resize-area.ts';
export type { ImageShape } from './images/resize-area.ts';

// What a vector environment of your own is made of
export { checkAutoresetMode, planReset } from './vector/arguments.ts';
export type { ResetPlan } from './vector/arguments.ts';
export { checkActions, rowLayout } from './vector/batch-layout.ts';
export { checkNoneEnded } from './vector/env-batch.ts';
export { mergeReports } from './vector/vector-info.ts';
export type { EnvReport } from './vector/vector-info.ts';
export { splitLoadedId } from './registry/loaders.ts';

// Checks, errors, warnings
export { checkEnv, envRules } from './check-env/check-env.ts';
export type { CheckEnvOptions, EnvRule } from './check-env/check-env.ts';
export {
  AlreadyPendingCallError,
  ClosedEnvironmentError,
  DependencyNotInstalled,
  DeprecatedEnv,
  InvalidAction,
  NameNotFound,
  NamespaceNotFound,
  RegistrationError,
  ResetNeeded,
  UnregisteredEnv,
  VersionNotFound,
} from './errors.ts';
export { setWarningHandler, warn } from './logger.ts';
