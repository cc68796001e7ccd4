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
export { Dict } from './spaces/dict.ts';
export type { DictSampleOptions, DictValue, SpaceRecord } from './spaces/dict.ts';
export { Discrete } from './spaces/discrete.ts';
export type { DiscreteOptions, DiscreteSampleOptions, WholeDType } from './spaces/discrete.ts';
export { flatdim, flatten, flattenSpace, isSpaceDtypeShapeEquiv, unflatten } from './spaces/flatten.ts';
export type { FlatValue } from './spaces/flatten.ts';
export { spaceFromJSON } from './spaces/from-json.ts';
export { Graph } from './spaces/graph.ts';
export type { FeatureSpace, GraphInstance, GraphSampleOptions } from './spaces/graph.ts';
export { MultiBinary } from './spaces/multi-binary.ts';
export type { MultiBinarySampleOptions } from './spaces/multi-binary.ts';
export { MultiDiscrete } from './spaces/multi-discrete.ts';
export type {
  MultiDiscreteOptions,
  MultiDiscreteSampleOptions,
  NestedMasks,
  WholeNumbers,
} from './spaces/multi-discrete.ts';
export { OneOf } from './spaces/one-of.ts';
export type { OneOfValue } from './spaces/one-of.ts';
export { Sequence } from './spaces/sequence.ts';
export type { SequenceLength, SequenceSampleOptions, SequenceValue } from './spaces/sequence.ts';
export { Space } from './spaces/space.ts';
export type { SampleOptions, SpaceJSON, SpaceSeed, SpaceValue } from './spaces/space.ts';
export { Text } from './spaces/text.ts';
export type { TextOptions, TextSampleOptions } from './spaces/text.ts';
export { Tuple } from './spaces/tuple.ts';
export type { SpaceList, TupleSampleOptions, TupleValue } from './spaces/tuple.ts';

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
export { booleanOption, checkAction, numberOption } from './arguments.ts';

// Wrappers
export { OrderEnforcing } from './wrappers/order-enforcing.ts';
export type { OrderEnforcingOptions } from './wrappers/order-enforcing.ts';
export { PassiveEnvChecker } from './wrappers/passive-env-checker.ts';
export { RecordEpisodeStatistics } from './wrappers/record-episode-statistics.ts';
export type { RecordEpisodeStatisticsOptions } from './wrappers/record-episode-statistics.ts';
export { TimeLimit } from './wrappers/time-limit.ts';
export { Wrapper } from './wrappers/wrapper.ts';

// Vector environments
export { batchDifferingSpaces, batchSpace, concatenate, createEmptyArray, iterate } from './vector/batch-space.ts';
export type { Batch } from './vector/batch-space.ts';
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
export { EnvRenderer } from './rendering/env-renderer.ts';
export type { PictureLayout, RenderOptions, RenderSize } from './rendering/env-renderer.ts';
export { Raster } from './rendering/raster.ts';
export type { Colour, RasterOptions } from './rendering/raster.ts';

// Checks, errors, warnings
export { checkEnv, envRules } from './check-env/check-env.ts';
export type { CheckEnvOptions, EnvRule } from './check-env/check-env.ts';
export {
  AlreadyPendingCallError,
  ClosedEnvironmentError,
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
