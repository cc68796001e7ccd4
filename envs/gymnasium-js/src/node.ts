// What needs Node: environments in worker threads. Importing this also gives `makeVec` its mode `worker`.
import { setWorkerVectorizer } from './make-vec.ts';
import { WorkerVectorEnv } from './vector/worker-vector-env.ts';

setWorkerVectorizer((request) => WorkerVectorEnv.create(request));

export { WorkerVectorEnv };
export type { WorkerVectorEnvOptions } from './vector/worker-vector-env.ts';
export type { WaitWith } from './vector/worker-link.ts';
