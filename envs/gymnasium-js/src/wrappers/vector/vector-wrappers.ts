// Gymnasium's module `gymnasium.wrappers.vector` by its own names, exported as `vectorWrappers`: half of them are names of single wrappers too.
export { DictInfoToList } from './dict-info-to-list.ts';
export type { WithInfoList } from './dict-info-to-list.ts';
export { RecordEpisodeStatistics } from './record-episode-statistics.ts';
export { ClipAction, RescaleAction, TransformAction, VectorizeTransformAction } from './transform-action.ts';
export type { ActionWrapperClass, TransformActionOptions } from './transform-action.ts';
export {
  DtypeObservation,
  FilterObservation,
  FlattenObservation,
  GrayscaleObservation,
  RescaleObservation,
  ReshapeObservation,
  ResizeObservation,
  TransformObservation,
  VectorizeTransformObservation,
} from './transform-observation.ts';
export type { ObservationWrapperClass, TransformObservationOptions } from './transform-observation.ts';
export { ClipReward, TransformReward, VectorizeTransformReward } from './transform-reward.ts';
export type { RewardWrapperClass } from './transform-reward.ts';
