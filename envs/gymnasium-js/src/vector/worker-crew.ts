// The workers of one WorkerVectorEnv as a whole: one call at a time, a time limit on each, and one error that ends them all.
import { WorkerError } from '@tessera/core';
import { AlreadyPendingCallError, ClosedEnvironmentError } from '../errors.ts';
import type { MakeOptions } from '../make.ts';
import type { EnvSpecJSON } from '../spec.ts';
import type { AutoresetMode } from './vector-env.ts';
import { SentWorkerError, WorkerLink } from './worker-link.ts';
import type { WaitWith } from './worker-link.ts';
import type { WorkerGreeting, WorkerReply, WorkerRequest } from './worker-protocol.ts';

export interface WorkerCrewOptions {
  readonly id: string | EnvSpecJSON;
  readonly numEnvs: number;
  readonly numWorkers: number;
  readonly autoresetMode: AutoresetMode;
  readonly makeOptions: MakeOptions;
  readonly imports: readonly string[];
  readonly timeLimitMs: number;
  readonly startTimeLimitMs: number;
  readonly waitWith: WaitWith;
}

/** A worker that has built its environments. */
export type Ready = WorkerGreeting & { kind: 'ready' };

type Replies = (WorkerReply | undefined)[];

// How long close() lets environments close themselves.
const closeGraceMs = 1000;
// The event loop takes a tenth of a millisecond to notice that a worker is done, as long as many a step takes. So this thread sleeps for as
// long as the shortest steps take, and lets the loop turn every now and then in between.
const dozeMs = 1;
const turnMs = 10;

/** The workers of one vector environment. */
export class WorkerCrew {
  readonly links: readonly WorkerLink[];
  readonly #options: WorkerCrewOptions;
  #pending: string | undefined;
  #failure: Error | undefined;
  #closing: Promise<void> | undefined;
  #steps = 0;
  #lastTurn = performance.now();

  constructor(options: WorkerCrewOptions) {
    this.#options = options;
    const { id, imports, makeOptions, autoresetMode, numEnvs, numWorkers, waitWith } = options;
    const begin = (index: number): number => Math.floor((index * numEnvs) / numWorkers);
    this.links = Array.from({ length: numWorkers }, (_, index) => {
      const [first, count] = [begin(index), begin(index + 1) - begin(index)];
      const setup = { id, imports, makeOptions, autoresetMode, first, count };
      return new WorkerLink({ index, setup, waitWith, onDeath: (...death) => this.#onDeath(...death) });
    });
  }

  /** Waits until all workers have built their environments. */
  start(): Promise<Ready[]> {
    const { startTimeLimitMs } = this.#options;
    return this.#whole('start', 'startTimeLimitMs', startTimeLimitMs, async (link) => {
      const greeting = await link.greeting;
      if (greeting.kind === 'ready') return greeting;
      throw new SentWorkerError(greeting.error);
    });
  }

  /** One call to every worker. Any error, or the time limit, is the end of all of them. */
  async call(name: string, command: (link: WorkerLink) => 'step' | WorkerRequest): Promise<Replies> {
    if (name === 'step') this.#steps += 1;
    let isDozing: Promise<void> | undefined;
    const replies = await this.#whole(name, 'timeLimitMs', this.#options.timeLimitMs, async (link) => {
      link.send(command(link));
      isDozing ??= this.#doze();
      await isDozing;
      return link.answer();
    });
    if (performance.now() - this.#lastTurn > turnMs) {
      await new Promise((resolve) => setImmediate(resolve));
      this.#lastTurn = performance.now();
    }
    return replies;
  }

  async #doze(): Promise<void> {
    // All workers have their commands by then, those of other vector environments too.
    await Promise.resolve();
    const end = performance.now() + dozeMs;
    // The last one first: the others have begun before it, and are mostly done when it is.
    for (const link of this.links.toReversed()) link.doze(end);
  }

  async #whole<T>(
    name: string,
    limitName: string,
    limitMs: number,
    ask: (link: WorkerLink) => Promise<T>,
  ): Promise<T[]> {
    this.checkFree(name);
    this.#pending = name;
    const timer = setTimeout(() => {
      const places = this.links.filter((link) => link.isBusy).map((link) => link.place);
      const what = `${places.join(', ')} did not finish ${this.#callText(name)} within ${limitMs} ms`;
      const wayOut = `If the environment is just slow, raise ${limitName}`;
      void this.fail(new WorkerError(`WorkerVectorEnv: ${what}. All workers are terminated. ${wayOut}.`));
    }, limitMs);
    try {
      return await Promise.all(this.links.map((link) => this.#explained(name, link, ask(link))));
    } catch (error) {
      await this.fail(error as Error);
      throw this.#failure;
    } finally {
      clearTimeout(timer);
      this.#pending = undefined;
    }
  }

  async #explained<T>(name: string, link: WorkerLink, result: Promise<T>): Promise<T> {
    try {
      return await result;
    } catch (cause) {
      if (!(cause instanceof SentWorkerError)) throw cause;
      const isUnknown = name === 'start' && /NotFound|Unregistered/.test(cause.name);
      const hint = isUnknown ? ' Name the modules that register it in imports: workers import them anew.' : '';
      const message = `WorkerVectorEnv: ${this.#callText(name)}, worker ${link.index}: ${cause.message}${hint}`;
      throw new WorkerError(message, { cause });
    }
  }

  #callText(name: string): string {
    return name === 'step' ? `vector step ${this.#steps}` : name;
  }

  #onDeath(link: WorkerLink, why: string, cause: unknown): void {
    if (this.#failure !== undefined) return;
    const when = this.#pending === undefined ? 'between two calls' : `during ${this.#callText(this.#pending)}`;
    void this.fail(new WorkerError(`WorkerVectorEnv: ${link.place} died ${when}: ${why}.`, { cause }));
  }

  /** Throws what ended the workers. */
  checkFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Throws what ended the workers, or AlreadyPendingCallError while a call is under way. */
  checkFree(name: string): void {
    this.checkFailure();
    if (this.#pending !== undefined) {
      const pending = `while waiting for a pending call to \`${this.#pending}\` to complete`;
      const message = `Calling \`${name}\` ${pending}. Await each call before the next one.`;
      throw new AlreadyPendingCallError(message, this.#pending);
    }
  }

  /** Ends all workers; the first error is the one that all calls, under way and later, reject with. */
  async fail(error: Error): Promise<void> {
    this.#failure ??= error;
    const failure = this.#failure;
    await Promise.all(this.links.map((link) => link.abort(failure)));
  }

  /** Closes the environments if the workers still listen, then ends the workers. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    try {
      if (this.#failure !== undefined || this.#pending !== undefined) return;
      for (const link of this.links) link.send({ kind: 'close' });
      const closed = this.links.map((link) => this.#explained('close', link, link.answer()));
      const grace = new Promise<void>((resolve) => (timer = setTimeout(resolve, closeGraceMs)));
      this.#pending = 'close';
      await Promise.race([Promise.all(closed), grace]);
    } finally {
      clearTimeout(timer);
      await this.fail(new ClosedEnvironmentError('Trying to operate on WorkerVectorEnv, after a call to close().'));
    }
  }
}
