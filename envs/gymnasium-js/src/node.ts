// What needs Node: environments in worker threads, films in files. Importing this also gives `makeVec` its mode `worker`.
import { setWorkerVectorizer } from './make-vec.ts';
import { RecordVideo } from './video/record-video.ts';
import { WorkerVectorEnv } from './vector/worker-vector-env.ts';
import { registerWrapper } from './wrappers/wrapper-spec.ts';

setWorkerVectorizer((request) => WorkerVectorEnv.create(request));
registerWrapper(RecordVideo, 'RecordVideo');

export { RecordVideo, WorkerVectorEnv };
export type { RecordVideoOptions } from './video/record-video.ts';
export { saveVideo } from './video/save-video.ts';
export type { SaveVideoOptions } from './video/save-video.ts';
export type { VideoFormat } from './video/video-file.ts';
export type { WorkerVectorEnvOptions } from './vector/worker-vector-env.ts';
export type { WaitWith } from './vector/worker-link.ts';
