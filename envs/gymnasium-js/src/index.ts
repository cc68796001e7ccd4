// The front door of gymnasium-js, safe for browsers. Worker threads and files are behind `gymnasium-js/node`. Importing it makes the
// wrappers of this package known by name.
import { registerKnownWrappers } from './wrappers/known-wrappers.ts';

registerKnownWrappers();

// Environments
export { Env } from './env.ts';
export type { ActionOf, EnvOf, EnvRegistry, KnownEnvId, ObservationOf } from './env-registry.ts';
export type { SetAttrOptions } from './attributes.ts';
export { npRandom } from './seeding.ts';
export type { SeededGenerator } from './seeding.ts';
export type {
  EnvMetadata,
  EnvState,
  Info,
  RenderFrame,
  RenderResult,
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
export { createZero } from './spaces/zero.ts';
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
export type { MakeVecOptions, VectorizationMode, VecWrapper } from './make-vec.ts';
export { registerLoader } from './registry/loaders.ts';
export type { VectorLoader } from './registry/loaders.ts';
export { pprintRegistry } from './registry/pprint-registry.ts';
export type { PprintRegistryOptions } from './registry/pprint-registry.ts';
export { inNamespace, register, registerEnvs, registry, spec } from './registry/registry.ts';
export { checkKwargs, EnvSpec } from './spec.ts';
export type { EntryPoint, EnvSpecJSON, EnvSpecOptions, Kwargs, PprintOptions, VectorEntryPoint } from './spec.ts';
export { booleanOption, checkAction, numberOption } from './arguments.ts';

// Wrappers: the base and the common ones
export { Autoreset } from './wrappers/autoreset.ts';
export { ActionWrapper, ObservationWrapper, RewardWrapper } from './wrappers/mapping-wrappers.ts';
export { OrderEnforcing } from './wrappers/order-enforcing.ts';
export type { OrderEnforcingOptions } from './wrappers/order-enforcing.ts';
export { PassiveEnvChecker } from './wrappers/passive-env-checker.ts';
export { RecordEpisodeStatistics } from './wrappers/record-episode-statistics.ts';
export type { RecordEpisodeStatisticsOptions } from './wrappers/record-episode-statistics.ts';
export { registerWrapper } from './wrappers/wrapper-spec.ts';
export type { WrapperClass, WrapperEntryPoint, WrapperSpec } from './wrappers/wrapper-spec.ts';
export { RenderCollection } from './wrappers/render-collection.ts';
export type { RenderCollectionOptions } from './wrappers/render-collection.ts';
export { TimeLimit } from './wrappers/time-limit.ts';
export { Wrapper } from './wrappers/wrapper.ts';

// Wrappers of observations
export { AddRenderObservation } from './wrappers/add-render-observation.ts';
export type { AddRenderObservationOptions } from './wrappers/add-render-observation.ts';
export { DtypeObservation } from './wrappers/dtype-observation.ts';
export { FilterObservation } from './wrappers/filter-observation.ts';
export { FlattenObservation } from './wrappers/flatten-observation.ts';
export { FrameStackObservation } from './wrappers/frame-stack-observation.ts';
export type { FrameStackObservationOptions } from './wrappers/frame-stack-observation.ts';
export { GrayscaleObservation } from './wrappers/grayscale-observation.ts';
export type { GrayscaleObservationOptions } from './wrappers/grayscale-observation.ts';
export { MaxAndSkipObservation } from './wrappers/max-and-skip-observation.ts';
export { NormalizeObservation } from './wrappers/normalize-observation.ts';
export { RescaleObservation } from './wrappers/rescale-observation.ts';
export type { RescaleObservationOptions } from './wrappers/rescale-observation.ts';
export { ResizeObservation } from './wrappers/resize-observation.ts';
export type { ResizeObservationOptions } from './wrappers/resize-observation.ts';
export { ReshapeObservation } from './wrappers/reshape-observation.ts';
export { TimeAwareObservation } from './wrappers/time-aware-observation.ts';
export type { TimeAwareObservationOptions } from './wrappers/time-aware-observation.ts';
export { TransformObservation } from './wrappers/transform-observation.ts';
export type { TransformObservationOptions } from './wrappers/transform-observation.ts';

// Wrappers of vector environments
export * as vectorWrappers from './wrappers/vector/vector-wrappers.ts';
export {
  VectorActionWrapper,
  VectorObservationWrapper,
  VectorRewardWrapper,
  VectorWrapper,
} from './wrappers/vector/vector-wrapper.ts';

// Wrappers of actions
export { ClipAction } from './wrappers/clip-action.ts';
export { RepeatAction } from './wrappers/repeat-action.ts';
export { RescaleAction } from './wrappers/rescale-action.ts';
export type { RescaleActionOptions } from './wrappers/rescale-action.ts';
export { StickyAction } from './wrappers/sticky-action.ts';
export type { StickyActionOptions } from './wrappers/sticky-action.ts';
export { TransformAction } from './wrappers/transform-action.ts';
export type { TransformActionOptions } from './wrappers/transform-action.ts';

// Wrappers of rewards
export { ClipReward } from './wrappers/clip-reward.ts';
export type { ClipRewardOptions } from './wrappers/clip-reward.ts';
export { NormalizeReward } from './wrappers/normalize-reward.ts';
export type { NormalizeRewardOptions } from './wrappers/normalize-reward.ts';
export { RunningMeanStd } from './wrappers/running-mean-std.ts';
export type { RunningPrecision } from './wrappers/running-mean-std.ts';
export { TransformReward } from './wrappers/transform-reward.ts';

// Vector environments
export { batchDifferingSpaces, batchSpace, concatenate, createEmptyArray, iterate } from './vector/batch-space.ts';
export type { Batch } from './vector/batch-space.ts';
export { SyncVectorEnv } from './vector/sync-vector-env.ts';
export type { ObservationMode, SyncVectorEnvOptions } from './vector/sync-vector-env.ts';
export type {
  AutoresetMode,
  BatchedActions,
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
export { EnvRenderer } from './rendering/env-renderer.ts';
export type { PictureLayout, RenderOptions, RenderSize } from './rendering/env-renderer.ts';
export { Raster } from './rendering/raster.ts';
export type { Colour, RasterOptions } from './rendering/raster.ts';

// What a vector environment of your own is made of
export { checkAutoresetMode, planReset } from './vector/arguments.ts';
export type { ResetPlan } from './vector/arguments.ts';
export { hasRowLayout } from './vector/batch-layout.ts';
export { readActions } from './vector/given-actions.ts';
export type { GivenActions } from './vector/given-actions.ts';
export { joinLeaves, leafSpaces, splitLeaves } from './spaces/leaves.ts';
export { checkNoneEnded } from './vector/env-batch.ts';
export { mergeReports } from './vector/vector-info.ts';
export type { EnvReport } from './vector/vector-info.ts';
export { splitLoadedId } from './registry/loaders.ts';

// Checks and measurements
export { checkEnv, envRules } from './check-env/check-env.ts';
export type { CheckEnvOptions, EnvRule } from './check-env/check-env.ts';
export { dataEquivalence } from './data-equivalence.ts';
export { benchmarkInit, benchmarkRender, benchmarkStep } from './performance.ts';
export type { BenchmarkOptions } from './performance.ts';
export { cappedCubicVideoSchedule } from './video/video-schedule.ts';

// Errors and warnings
export * as error from './error-names.ts';
export {
  AlreadyPendingCallError,
  ClosedEnvironmentError,
  CustomSpaceError,
  DependencyNotInstalled,
  DeprecatedEnv,
  DeprecatedWrapper,
  GymnasiumError,
  InvalidAction,
  InvalidBound,
  InvalidMetadata,
  InvalidProbability,
  MissingArgument,
  NameNotFound,
  NamespaceNotFound,
  NoAsyncCallError,
  RegistrationError,
  ResetNeeded,
  UnregisteredEnv,
  UnsupportedMode,
  VersionNotFound,
} from './errors.ts';
export { logger, setWarningHandler, warn } from './logger.ts';
export type { WarningHandler, WarningKind } from './logger.ts';
