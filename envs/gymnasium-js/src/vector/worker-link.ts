// The main thread's end of one worker: sends a command, waits for the answer, and turns whatever goes wrong into one error.
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import type { MessagePort, Worker } from 'node:worker_threads';
import { spawnWorker } from '@tessera/core/node';
import { control, reply } from './worker-protocol.ts';
import type {
  SentError,
  WorkerGreeting,
  WorkerInput,
  WorkerReply,
  WorkerRequest,
  WorkerSetup,
} from './worker-protocol.ts';

/** How the main thread waits: on shared memory, or for a message where `Atomics.waitAsync` is missing. */
export type WaitWith = 'atomics' | 'messages';

type WaitAsync = (cells: Int32Array, index: number, value: number) => { async: boolean; value: unknown };
const waitAsync = (Atomics as unknown as { waitAsync?: WaitAsync }).waitAsync;

/** What this engine can do. */
export const defaultWaitWith: WaitWith = waitAsync === undefined ? 'messages' : 'atomics';

export interface WorkerLinkOptions {
  readonly index: number;
  readonly setup: WorkerSetup;
  readonly waitWith: WaitWith;
  /** Called when the worker ends, by itself or not. */
  readonly onDeath: (link: WorkerLink, why: string, cause?: unknown) => void;
}

/** One worker and the way to it. */
export class WorkerLink {
  readonly index: number;
  readonly setup: WorkerSetup;
  /** The worker's first word. */
  readonly greeting: Promise<WorkerGreeting>;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #cells: Int32Array;
  readonly #waitWith: WaitWith;
  #command = 0;
  #isBusy = true;
  #failure: Error | undefined;
  #rejectGreeting: (error: Error) => void = () => {};
  #arrived: WorkerReply[] = [];
  #wake: () => void = () => {};

  constructor(options: WorkerLinkOptions) {
    this.index = options.index;
    this.setup = options.setup;
    this.#waitWith = options.waitWith;
    const controlBuffer = new SharedArrayBuffer(4 * Int32Array.BYTES_PER_ELEMENT);
    this.#cells = new Int32Array(controlBuffer);
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const repliesByMessage = this.#waitWith === 'messages';
    const workerData: WorkerInput = { setup: options.setup, controlBuffer, port: port2, repliesByMessage };
    this.#worker = spawnWorker(import.meta.url, 'env-worker', { workerData, transferList: [port2] });
    this.greeting = new Promise((resolve, reject) => {
      this.#rejectGreeting = reject;
      this.#worker.once('message', (greeting: WorkerGreeting) => {
        this.#isBusy = false;
        // Whoever forgets close() can still end: only a call under way keeps the program alive.
        this.#worker.unref();
        resolve(greeting);
      });
    });
    this.greeting.catch(() => {});
    this.#worker.once('error', (cause) => options.onDeath(this, cause.message, cause));
    this.#worker.once('exit', (code) => options.onDeath(this, `exit code ${code}`));
    if (repliesByMessage) {
      this.#port.on('message', (message: WorkerReply) => {
        this.#arrived.push(message);
        this.#wake();
      });
      this.#port.unref();
    }
  }

  /** Its environments, for messages. */
  get place(): string {
    const { first, count } = this.setup;
    return `worker ${this.index} (environments ${first} to ${first + count - 1})`;
  }

  /** Whether the worker is starting or has a command to do. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  /** Sends a command: a step whose actions are in shared memory, or a request. */
  send(command: 'step' | WorkerRequest): void {
    if (this.#failure !== undefined) return;
    if (command !== 'step') this.#port.postMessage(command);
    this.#isBusy = true;
    this.#command = (this.#command + 1) | 0;
    this.#cells[control.isStep] = Number(command === 'step');
    Atomics.store(this.#cells, control.command, this.#command);
    Atomics.notify(this.#cells, control.command);
  }

  /** Blocks this thread until the command is done, at most until `performance.now()` is `end`. */
  doze(end: number): void {
    if (this.#waitWith === 'messages') return;
    while (this.#failure === undefined) {
      const done = Atomics.load(this.#cells, control.done);
      const left = end - performance.now();
      if (done === this.#command || left <= 0) return;
      Atomics.wait(this.#cells, control.done, done, left);
    }
  }

  /** Waits for the answer to the command without blocking. */
  async answer(): Promise<WorkerReply | undefined> {
    if (this.#failure !== undefined) throw this.#failure;
    const message = this.#waitWith === 'atomics' ? await this.#waitOnMemory() : await this.#waitForMessage();
    this.#isBusy = false;
    if (message?.kind === 'error') throw new SentWorkerError(message.error);
    return message;
  }

  async #waitOnMemory(): Promise<WorkerReply | undefined> {
    for (;;) {
      const done = Atomics.load(this.#cells, control.done);
      if (this.#failure !== undefined) throw this.#failure;
      if (done === this.#command) break;
      const waiting = waitAsync!(this.#cells, control.done, done);
      if (waiting.async) await waiting.value;
    }
    if (this.#cells[control.reply] === reply.plain) return undefined;
    return receiveMessageOnPort(this.#port)!.message as WorkerReply;
  }

  async #waitForMessage(): Promise<WorkerReply | undefined> {
    while (this.#arrived.length === 0) {
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const message = this.#arrived.shift()!;
    return message.kind === 'done' ? undefined : message;
  }

  /** Rejects what is under way with `error` and everything after it, and ends the worker. */
  async abort(error: Error): Promise<void> {
    this.#failure ??= error;
    this.#rejectGreeting(this.#failure);
    this.#wake();
    Atomics.notify(this.#cells, control.done);
    this.#port.close();
    await this.#worker.terminate();
  }
}

/** What a worker threw, before WorkerVectorEnv says where. */
export class SentWorkerError extends Error {
  readonly sent: SentError;

  constructor(sent: SentError) {
    super(sent.message);
    this.name = sent.name;
    this.sent = sent;
    if (sent.stack !== undefined) this.stack = sent.stack;
  }
}
