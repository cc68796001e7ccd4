// What @tessera/engine has for Node alone: TensorFlow.
export { createEngine } from './create-node-engine.ts';

// Workers that train one model together, on wasm
export { DataParallel } from './parallel/data-parallel.ts';
export type { DataParallelOptions, ParallelStep } from './parallel/data-parallel.ts';

// The native addon of TensorFlow
export { installEngine, removeEngine } from './native/install.ts';
export type { InstallOptions, InstallResult, RemoveResult } from './native/install.ts';
export { engineStatus } from './native/status.ts';
export type { BackendStatus, EngineStatus } from './native/status.ts';
export type { BuildRecord, StrategyName } from './native/cache.ts';
export type { Verification } from './native/verify.ts';
export type { System } from './native/system.ts';
