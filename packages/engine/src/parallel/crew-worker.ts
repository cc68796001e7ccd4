// A worker of `DataParallel`: an engine, a replica of the model, and its part of every batch.
import { parentPort, workerData } from 'node:worker_threads';
import { ConfigError, InternalError, ndarray } from '@tessera/core';
import { createEngine } from '../create-engine.ts';
import type { Engine } from '../engine.ts';
import { size } from '../ops/shapes.ts';
import type { NamedArrays } from '../record/tree.ts';
import type { ParallelStep } from './data-parallel.ts';
import { arrived, failed } from './messages.ts';
import type { CrewReply, CrewRequest, CrewWorkerData } from './messages.ts';

if (parentPort === null) throw new InternalError('crew-worker: this module is the entry of a worker thread.');
const port = parentPort;
const { module, options, index, workers } = workerData as CrewWorkerData;
/** Longest wait for the gradients of the others; one that has died ends this thread before. */
const patienceMs = 600_000;

const reply = (message: CrewReply): void => port.postMessage(message);
const failure = (error: unknown, mine = true): void =>
  reply({ kind: 'failure', message: error instanceof Error ? `${error.name}: ${error.message}` : String(error), mine });

let replica: ParallelStep | undefined;
let names: readonly string[] = [];
let rows: readonly Float32Array[] = [];
let control: Int32Array<ArrayBufferLike> = new Int32Array(2);

async function begin(): Promise<void> {
  const made = (await import(module)) as {
    createStep?: (engine: Engine, options: unknown) => ParallelStep | Promise<ParallelStep>;
  };
  if (typeof made.createStep !== 'function') {
    throw new ConfigError(`${module}: expected a module that exports createStep(engine, options).`);
  }
  replica = await made.createStep(await createEngine({ backend: 'wasm' }), options);
  names = Object.keys(replica.gradientShapes);
  const numbers = names.reduce((sum, name) => sum + size(replica!.gradientShapes[name]!), 0);
  reply({ kind: 'ready', numbers });
}

/** Waits until every worker has come as far; false when one of them has failed. */
function meet(): boolean {
  Atomics.add(control, arrived, 1);
  Atomics.notify(control, arrived);
  for (let seen = Atomics.load(control, arrived); seen < workers; seen = Atomics.load(control, arrived)) {
    if (Atomics.wait(control, arrived, seen, patienceMs) === 'timed-out') return false;
  }
  return Atomics.load(control, failed) === 0;
}

function step(part: NamedArrays, weights: readonly number[]): void {
  if (replica === undefined) throw new InternalError('crew-worker: a step before the replica was made');
  let metrics: Readonly<Record<string, number>> = {};
  let problem: unknown;
  try {
    const found = replica.gradients(part);
    metrics = found.metrics ?? {};
    let at = 0;
    for (const name of names) {
      const { data } = found.gradients[name] ?? { data: undefined };
      if (data === undefined) throw new ConfigError(`gradients: expected one by the name '${name}', got none.`);
      rows[index]!.set(data as Float32Array, at);
      at += data.length;
    }
  } catch (error) {
    problem = error;
    Atomics.store(control, failed, 1);
  }
  if (!meet()) {
    failure(problem ?? new Error('another worker failed.'), problem !== undefined);
    return;
  }
  replica.apply(mean(replica.gradientShapes, weights));
  reply({ kind: 'done', metrics });
}

// Every worker sums in the same order, so all get the same numbers.
function mean(shapes: ParallelStep['gradientShapes'], weights: readonly number[]): NamedArrays {
  const sum = new Float32Array(rows[0]!.length);
  for (const [worker, row] of rows.entries()) {
    const weight = weights[worker]!;
    for (let i = 0; i < sum.length; i++) sum[i]! += weight * row[i]!;
  }
  let at = 0;
  return Object.fromEntries(
    names.map((name) => {
      const count = size(shapes[name]!);
      const array = ndarray('float32', shapes[name]!, sum.slice(at, at + count));
      at += count;
      return [name, array];
    }),
  );
}

port.on('message', (request: CrewRequest) => {
  try {
    switch (request.kind) {
      case 'memory': {
        const numbers = request.gradients.byteLength / 4 / workers;
        rows = Array.from({ length: workers }, (_, i) => new Float32Array(request.gradients, 4 * i * numbers, numbers));
        control = new Int32Array(request.control);
        return;
      }
      case 'step':
        step(request.part, request.weights);
        return;
      case 'state':
        reply({ kind: 'state', state: replica!.state() });
    }
  } catch (error) {
    failure(error);
  }
});

await begin().catch((error: unknown) => failure(error));
