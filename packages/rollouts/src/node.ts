// The part of @tessera/rollouts that needs Node: environments in worker threads, and a replay in a folder.

export { rolloutSource } from './rollout-source.ts';
export type { WorkerRolloutOptions } from './rollout-source.ts';
export { folderShards } from './folder-shards.ts';
export type { FolderShardsOptions } from './folder-shards.ts';

// Errors that cross a thread
export { carryError, uncarryError } from './carried-error.ts';
export type { CarriedError } from './carried-error.ts';
