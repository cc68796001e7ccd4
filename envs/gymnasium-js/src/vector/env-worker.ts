// The worker thread of WorkerVectorEnv: builds its environments, then sleeps on shared memory and does what it is told.
// Its event loop stands still from then on, which is why every message is fetched by hand.
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { ConfigError, EnvironmentError } from '@tessera/core';
import type { Env } from '../env.ts';
import { make } from '../make.ts';
import { importModule } from '../registry/loaders.ts';
import { EnvSpec } from '../spec.ts';
import { registerKnownWrappers } from '../wrappers/known-wrappers.ts';
import { hasRowLayout } from './batch-layout.ts';
import { EnvBatch } from './env-batch.ts';
import { readValues, viewRows, writeValues } from './shared-rows.ts';
import type { RowViews } from './shared-rows.ts';
import { checkSameSpace } from './sync-vector-env.ts';
import type { EnvReport } from './vector-info.ts';
import { control, reply } from './worker-protocol.ts';
import type {
  LooseValues,
  SentError,
  SharedRows,
  WorkerGreeting,
  WorkerInput,
  WorkerReply,
  WorkerRequest,
} from './worker-protocol.ts';

const input = workerData as WorkerInput;
const { setup, repliesByMessage } = input;
const port = input.port as MessagePort;
const cells = new Int32Array(input.controlBuffer);

let batch: EnvBatch | undefined;
let views: RowViews | undefined;
// The last observations where they are no rows of one array.
let observations: unknown[] = [];

registerKnownWrappers();

async function start(): Promise<readonly Env<unknown, unknown>[] | undefined> {
  try {
    for (const specifier of setup.imports) await importModule(specifier);
    const spec = typeof setup.id === 'string' ? setup.id : EnvSpec.fromJSON(setup.id);
    const envs = Array.from({ length: setup.count }, () => make<unknown, unknown>(spec, setup.makeOptions));
    const [first] = envs as [Env<unknown, unknown>];
    for (const [i, env] of envs.entries()) {
      checkSameSpace('observation', i, env.observationSpace, first.observationSpace);
      checkSameSpace('action', i, env.actionSpace, first.actionSpace);
    }
    greet({
      kind: 'ready',
      observationSpace: first.observationSpace.toJSON(),
      actionSpace: first.actionSpace.toJSON(),
      metadata: first.metadata,
      canSaveState: envs.every((env) => env.canSaveState),
      renderMode: first.renderMode,
    });
    return envs;
  } catch (error) {
    greet({ kind: 'failed', error: toSent(error, undefined) });
    return undefined;
  }
}

function greet(greeting: WorkerGreeting): void {
  parentPort!.postMessage(greeting);
}

function toSent(error: unknown, envIndex: number | undefined): SentError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), stack: undefined, envIndex };
  return { name: error.name, message: error.message, stack: error.stack, envIndex };
}

// Returns the message of the reply; undefined when shared memory says it all.
function obey(envs: readonly Env<unknown, unknown>[]): WorkerReply | undefined {
  if (cells[control.isStep] === 1) return step([]);
  const request = receiveMessageOnPort(port)!.message as WorkerRequest;
  switch (request.kind) {
    case 'rows':
      begin(envs, request.rows);
      return undefined;
    case 'reset':
      return reportsOf(batch!.reset(request.plan));
    case 'step':
      return step(request.loose);
    case 'getState':
      return { kind: 'states', states: batch!.getState(), observations };
    case 'setState':
      batch!.setState(request.states);
      observations.splice(0, Infinity, ...request.observations);
      return undefined;
    case 'call':
      return refusing(() => ({ kind: 'values', values: batch!.call(request.name, request.args) }));
    case 'setAttr':
      return refusing(() => {
        batch!.setAttr(request.name, request.values);
        return undefined;
      });
    case 'close':
      for (const env of envs) env.close();
      return undefined;
  }
}

function begin(envs: readonly Env<unknown, unknown>[], rows: SharedRows): void {
  views = viewRows(rows, setup.first, setup.count);
  const isFlat = hasRowLayout(envs[0]!.observationSpace);
  observations = isFlat ? [] : Array.from({ length: setup.count }, () => undefined);
  const observation = isFlat ? views.observation[0]! : observations;
  batch = new EnvBatch(envs, {
    autoresetMode: setup.autoresetMode,
    rows: { ...views, observation },
    first: setup.first,
  });
}

function step(loose: LooseValues): WorkerReply | undefined {
  const { actions } = views!;
  const space = batch!.envs[0]!.actionSpace;
  if (hasRowLayout(space)) return reportsOf(batch!.step(actions[0] as ArrayLike<number>));
  return reportsOf(batch!.step({ list: readValues(space, actions, loose, setup.count) }));
}

function refusing(act: () => WorkerReply | undefined): WorkerReply | undefined {
  try {
    return act();
  } catch (cause) {
    if (cause instanceof ConfigError) return { kind: 'refused', message: cause.message };
    throw cause;
  }
}

// A message costs more than a step of a small game: none is sent when there is nothing in it.
function reportsOf(reports: readonly (EnvReport | undefined)[]): WorkerReply | undefined {
  const isEmpty = (report: EnvReport | undefined): boolean =>
    report !== undefined && report.final === undefined && Object.keys(report.info).length === 0;
  const loose = writeValues(batch!.envs[0]!.observationSpace, views!.observation, observations);
  return loose.length === 0 && reports.every(isEmpty) ? undefined : { kind: 'reports', reports, loose };
}

function send(message: WorkerReply): void {
  try {
    port.postMessage(message);
  } catch (cause) {
    const why = `${(cause as Error).message} Keep functions and class instances out of info and saved states`;
    throw new EnvironmentError(
      `a result of ${typeof setup.id === 'string' ? setup.id : setup.id.id} cannot cross between threads: ${why}.`,
      { cause },
    );
  }
}

function serve(envs: readonly Env<unknown, unknown>[]): void {
  for (let command = 0; ;) {
    // The notification of a command may come when that is done already: what counts is the number.
    while (Atomics.load(cells, control.command) === command) Atomics.wait(cells, control.command, command);
    command = Atomics.load(cells, control.command);
    let message: WorkerReply | undefined;
    let kind: number = reply.plain;
    try {
      message = obey(envs);
      kind = message === undefined ? reply.plain : reply.message;
      if (message !== undefined) send(message);
    } catch (error) {
      kind = reply.error;
      port.postMessage({ kind: 'error', error: toSent(error, batch?.current) } satisfies WorkerReply);
    }
    if (repliesByMessage && kind === reply.plain) port.postMessage({ kind: 'done' } satisfies WorkerReply);
    cells[control.reply] = kind;
    Atomics.store(cells, control.done, command);
    Atomics.notify(cells, control.done);
  }
}

const envs = await start();
if (envs !== undefined) serve(envs);
