// Data parallelism over worker threads, for the wasm backend, which computes on one: each worker has an engine and a replica of the model, takes a part of the rows of
// every batch, and all of them apply the same mean of their gradients, so that the replicas stay equal bit for bit. Gradients pass through shared memory.
import type { Worker } from 'node:worker_threads';
import { availableParallelism } from 'node:os';
import { ConfigError, ShapeError, WorkerError, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { spawnWorker, workerError } from '@tessera/core/node';
import { size } from '../ops/shapes.ts';
import type { NamedArrays } from '../record/tree.ts';
import type { CrewReply, CrewRequest, CrewWorkerData } from './messages.ts';

/** A training step in two halves, which a module's `createStep(engine, options)` makes in each worker, the same one in all of them. */
export interface ParallelStep {
  /** Of the gradients by name. */
  readonly gradientShapes: Readonly<Record<string, readonly number[]>>;
  /** Gradients of the mean loss over the rows of a part of a batch, and numbers to report, of which means over the batch are told. */
  gradients(part: NamedArrays): {
    readonly gradients: NamedArrays;
    readonly metrics?: Readonly<Record<string, number>>;
  };
  /** Changes the parameters by the gradients of the whole batch. */
  apply(gradients: NamedArrays): void;
  /** Everything that makes the replica what it is. */
  state(): NamedArrays;
}

/** How to train in parallel. */
export interface DataParallelOptions {
  /** Address of a module that exports `createStep(engine, options)`: `new URL('./my-step.ts', import.meta.url)`. */
  readonly module: URL;
  /** Handed to `createStep`; it has to survive being copied to a thread. */
  readonly options?: unknown;
  /** Default: as many as the machine has cores. */
  readonly workers?: number;
}

interface Member {
  readonly worker: Worker;
  readonly index: number;
  answer: ((reply: CrewReply) => void) | undefined;
}

/** Workers that train one model together. */
export class DataParallel {
  readonly #members: readonly Member[];
  #control: Int32Array = new Int32Array(2);
  #failure: Error | undefined;
  #fail: ((error: Error) => void) | undefined;
  #closed = false;

  private constructor(data: Omit<CrewWorkerData, 'index'>) {
    this.#members = Array.from({ length: data.workers }, (_, index) => {
      const worker = spawnWorker(import.meta.url, 'crew-worker', { workerData: { ...data, index } });
      const member: Member = { worker, index, answer: undefined };
      worker.on('message', (reply: CrewReply) => member.answer?.(reply));
      worker.on('error', (error) => this.#die(workerError(`data parallel ${index}`, { error })));
      worker.on('exit', (exitCode) => this.#die(workerError(`data parallel ${index}`, { exitCode })));
      return member;
    });
  }

  /** Starts the workers. Throws ConfigError for a number of workers that is none, and WorkerError with what `createStep` threw. */
  static async create({
    module,
    options,
    workers = availableParallelism(),
  }: DataParallelOptions): Promise<DataParallel> {
    if (!Number.isInteger(workers) || workers < 1) {
      throw new ConfigError(`DataParallel: expected a whole number of workers > 0, got ${workers}.`);
    }
    const crew = new DataParallel({ module: module.href, options, workers });
    try {
      const [first] = await crew.#ask<'ready'>();
      const { numbers } = first!;
      const gradients = new SharedArrayBuffer(4 * numbers * workers);
      const control = new SharedArrayBuffer(8);
      for (const { worker } of crew.#members)
        worker.postMessage({ kind: 'memory', gradients, control } satisfies CrewRequest);
      crew.#control = new Int32Array(control);
    } catch (error) {
      await crew.dispose();
      throw error;
    }
    return crew;
  }

  /** How many workers there are. */
  get workers(): number {
    return this.#members.length;
  }

  /**
   * One step on a batch, arrays by name whose first axis are its rows, at least one for each worker; resolves to the means of the metrics. A step that fails in one
   * worker changes none of them, and is a WorkerError; a worker that dies ends all.
   */
  async step(batch: NamedArrays): Promise<Record<string, number>> {
    const rows = rowsOf(batch, this.workers);
    const bounds = this.#members.map((_, i) => Math.floor((i * rows) / this.workers)).concat(rows);
    const weights = this.#members.map((_, i) => (bounds[i + 1]! - bounds[i]!) / rows);
    this.#checkFree();
    this.#control.fill(0);
    const replies = await this.#ask<'done'>((i) => {
      const part = Object.fromEntries(
        Object.entries(batch).map(([name, array]) => [name, rowsFrom(array, bounds[i]!, bounds[i + 1]!)]),
      );
      return { kind: 'step', part, weights };
    });
    const metrics: Record<string, number> = {};
    for (const [i, reply] of replies.entries()) {
      for (const [name, value] of Object.entries(reply.metrics)) {
        metrics[name] = (metrics[name] ?? 0) + weights[i]! * value;
      }
    }
    return metrics;
  }

  /** The state of a replica; all are equal. */
  async state(): Promise<NamedArrays> {
    const [first] = await this.#ask<'state'>((i) => (i === 0 ? { kind: 'state' } : undefined));
    return first!.state;
  }

  /** Ends the workers. */
  async dispose(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#members.map(({ worker }) => worker.terminate()));
  }

  /** Posts a request to each worker for which there is one and waits for all their answers, which are of that kind. Without `request` it only waits. */
  async #ask<K extends CrewReply['kind']>(
    request?: (index: number) => CrewRequest | undefined,
  ): Promise<Extract<CrewReply, { kind: K }>[]> {
    this.#checkFree();
    const died = new Promise<never>((_, reject) => (this.#fail = reject));
    const asked = this.#members.map((member) => ({ member, message: request?.(member.index) }));
    const answers = asked
      .filter(({ message }) => request === undefined || message !== undefined)
      .map(async ({ member, message }) => {
        const reply = await new Promise<CrewReply>((resolve) => {
          member.answer = resolve;
          if (message !== undefined) member.worker.postMessage(message);
        });
        member.answer = undefined;
        return { reply, index: member.index };
      });
    try {
      const replies = await Promise.race([died, Promise.all(answers)]);
      const failures = replies.flatMap(({ reply, index }) => (reply.kind === 'failure' ? [{ reply, index }] : []));
      const culprit = failures.find(({ reply }) => reply.mine) ?? failures[0];
      if (culprit) {
        const said = culprit.reply.message.replace(/\.?$/, '.');
        const rest = request === undefined ? '' : ' No replica has changed.';
        throw new WorkerError(`DataParallel: worker ${culprit.index}: ${said}${rest}`);
      }
      return replies.map(({ reply }) => reply as Extract<CrewReply, { kind: K }>);
    } finally {
      this.#fail = undefined;
    }
  }

  // Counters that workers wait for must not be touched while they do.
  #checkFree(): void {
    if (this.#closed) throw new ConfigError('DataParallel: used after dispose.');
    if (this.#failure) throw this.#failure;
    if (this.#fail) throw new ConfigError('DataParallel: the step before is not done. Wait for it first.');
  }

  #die(error: Error): void {
    if (this.#closed || this.#failure) return;
    this.#failure = error;
    this.#fail?.(error);
    // The others would wait for it.
    for (const { worker } of this.#members) void worker.terminate();
  }
}

function rowsOf(batch: NamedArrays, workers: number): number {
  const counts = Object.entries(batch).map(([name, { shape }]) => ({ name, rows: shape[0] }));
  const [first] = counts;
  if (first?.rows === undefined) throw new ShapeError('DataParallel.step: expected arrays whose first axis are rows.');
  for (const { name, rows } of counts) {
    if (rows !== first.rows) {
      throw new ShapeError(
        `DataParallel.step: expected ${first.rows} rows in every array, as in '${first.name}', got ${rows} in '${name}'.`,
      );
    }
  }
  if (first.rows < workers) {
    throw new ShapeError(
      `DataParallel.step: expected at least a row for each of ${workers} workers, got ${first.rows}. Use larger batches or fewer workers.`,
    );
  }
  return first.rows;
}

function rowsFrom({ dtype, shape, data }: NdArray, from: number, to: number): NdArray {
  const width = size(shape.slice(1));
  return ndarray(dtype, [to - from, ...shape.slice(1)], data.slice(from * width, to * width) as typeof data);
}
