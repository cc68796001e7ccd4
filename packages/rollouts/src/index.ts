// The front door of @tessera/rollouts: environments -> chunks -> batches as rxjs streams with back-pressure. Safe in a browser; workers live behind
// `@tessera/rollouts/node`.

// Streams
export { pullMap } from './pull-map.ts';
export type { PullContext, PullIterable, PullMapOptions, PullSource } from './pull-map.ts';
export { trainingStream } from './training-stream.ts';
export type { TrainContext, TrainingEvent, TrainingOptions, TrainingPace } from './training-stream.ts';

// Chunks
export {
  chunkBytes,
  chunkFormatVersion,
  chunkSteps,
  defaultChunkLength,
  endsEpisode,
  truncateChunk,
  validateChunk,
} from './chunk.ts';
export type { Chunk, ChunkMetadata, ChunkTensors } from './chunk.ts';
export { ChunkBuilder } from './chunk-builder.ts';
export type { ChunkBuilderOptions, ChunkBuilderState, ChunkRow } from './chunk-builder.ts';
export { chunkFileVersion, decodeChunks, encodeChunks } from './chunk-file.ts';

// Rollouts
export { importEnvironments, inProcessRollouts } from './in-process-rollouts.ts';
export { isFrameSpace, makeFrames } from './make-frames.ts';
export type { FrameOptions } from './make-frames.ts';
export type { EnvConfig, RolloutOptions } from './settings.ts';
export type { ActionRange, BatchPolicy, StepsBefore, Policy } from './policy.ts';
export { VectorRollouts } from './vector-rollouts.ts';
export type { VectorRolloutsOptions } from './vector-rollouts.ts';
export { vectorRolloutsStateVersion } from './vector-rollouts-state.ts';
export type { VectorRolloutsState } from './vector-rollouts-state.ts';
export type { EnvironmentStepperState } from './environment-stepper.ts';
export type { Json } from './state-json.ts';

// Memory and replay
export { ChunkMemory } from './chunk-memory.ts';
export type { ChunkMemoryOptions } from './chunk-memory.ts';
export { memoryShards } from './shard-store.ts';
export type { ShardStore } from './shard-store.ts';
export { Replay } from './replay.ts';
export type { ReplayOptions } from './replay.ts';
export type { Recency } from './recency.ts';
export { StepPriorities } from './step-priorities.ts';
export type { DrawnSteps, StepPrioritiesOptions } from './step-priorities.ts';
export { SumTree } from './sum-tree.ts';
export { replayStateVersion } from './replay-state.ts';
export type { ReplayState } from './replay-state.ts';
export type { ReplayChunk, StepReference } from './replay-index.ts';
export { hasWindow, stepWindow } from './step-window.ts';
export type { FrameReference, StepWindow } from './step-window.ts';
export { holdOutEvery } from './held-out.ts';
