// The thread of a rollout worker: builds its environments, then collects a chunk whenever it is asked to. Started by `RolloutWorker`.

import { parentPort, workerData } from 'node:worker_threads';
import { InternalError } from '@tessera/core';
import { carryError } from './carried-error.ts';
import type { Chunk } from './chunk.ts';
import { EnvironmentActor } from './environment-actor.ts';
import { importEnvironments } from './in-process-rollouts.ts';
import { newProgress, phases } from './progress.ts';
import type { RolloutWorkerData, WorkerReply, WorkerRequest } from './worker-messages.ts';

if (parentPort === null) throw new InternalError('rollout-worker: this module is the entry of a worker thread.');
const port = parentPort;
const { settings, workerIndex, envIndices, progress: buffer } = workerData as RolloutWorkerData;
const progress = newProgress(buffer);
const actors = new Map<number, EnvironmentActor>();

function reply(message: WorkerReply, chunk?: Chunk): void {
  const tensors = chunk && [
    chunk.frames,
    chunk.actions,
    chunk.executedActions,
    chunk.rewards,
    chunk.terminated,
    chunk.truncated,
  ];
  port.postMessage(message, tensors?.map(({ data }) => data.buffer as ArrayBuffer) ?? []);
}

function collect(envIndex: number): void {
  const actor = actors.get(envIndex);
  if (actor === undefined) throw new InternalError(`rollout-worker: environment ${envIndex} lives elsewhere.`);
  const chunk = actor.collect();
  progress[1] = phases.idle;
  reply({ kind: 'chunk', envIndex, chunk }, chunk);
}

try {
  await importEnvironments(settings.env);
  for (const envIndex of envIndices) {
    actors.set(envIndex, new EnvironmentActor({ settings, envIndex, workerIndex, progress }));
  }
  progress[1] = phases.idle;
  reply({ kind: 'ready' });
} catch (error) {
  reply({ kind: 'failure', error: carryError(error) });
}

// Requests may be here already; they wait in the port until somebody listens.
port.on('message', (request: WorkerRequest) => {
  if (request.kind === 'close') {
    for (const actor of actors.values()) actor.close();
    port.close();
    return;
  }
  try {
    collect(request.envIndex);
  } catch (error) {
    reply({ kind: 'failure', error: carryError(error) });
  }
});
