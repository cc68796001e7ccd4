// The part of @tessera/agent that needs Node: agents in files, and rounds played by a worker thread.
export { loadAgent, saveAgent } from './files.ts';
export type { LoadOptions } from './files.ts';
export { WorkerCollector } from './training/worker-collector.ts';
export type { PlayerModule, WorkerCollectorOptions, WorkerPlayer } from './training/worker-collector.ts';
