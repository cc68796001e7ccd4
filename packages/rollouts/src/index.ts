// The front door of @tessera/rollouts: environments -> chunks -> batches as rxjs streams with back-pressure. Safe in a browser; workers live behind
// `@tessera/rollouts/node`.

// Streams
export { pullMap } from './pull-map.ts';
export type { PullContext, PullIterable, PullMapOptions, PullSource } from './pull-map.ts';
