// What @tessera/core has for Node alone: files and worker threads.

// Files
export {
  appendLines,
  appendToFile,
  listDirectory,
  makeDirectory,
  pathInfo,
  readFileBounded,
  readFileRange,
  readTextBounded,
  removePath,
  removeTemporaryFiles,
  renamePath,
  writeFileAtomic,
} from './files/files.ts';
export type { PathInfo } from './files/files.ts';
export { injectFaults } from './files/faults.ts';
export type { Fault, Faults, FileOperation } from './files/faults.ts';

// Workers
export { spawnWorker } from './workers/spawn-worker.ts';
export type { SpawnWorkerOptions } from './workers/spawn-worker.ts';
export { workerError } from './workers/worker-error.ts';
export type { WorkerEnd } from './workers/worker-error.ts';
