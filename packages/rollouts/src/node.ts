// The part of @tessera/rollouts that needs Node: environments in worker threads.

export { rolloutSource } from './rollout-source.ts';
export type { WorkerRolloutOptions } from './rollout-source.ts';
