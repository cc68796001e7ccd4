// One child process and the frames that go to and fro. Whatever ends it, rejects the call under way: as LostChild when the process died or hangs, as an error
// of the environment when Python raised one.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { InternalError, WorkerError } from '@tessera/core';
import type { SpaceJSON } from 'gymnasium-js';
import type { LeafJSON } from './layout.ts';
import { encodeFrame, FrameReader, protocolVersion } from './protocol.ts';
import type { Frame, FrameKind } from './protocol.ts';
import { noPython, remoteError } from './remote-error.ts';
import type { SentException } from './remote-error.ts';

const server = fileURLToPath(new URL('../python/server.py', import.meta.url));
const outputLimit = 4096;
// How long a process that has ended may keep its pipes open, through children of its own.
const drainMs = 200;
const closeGraceMs = 1000;

/** What the child says of its Python. */
export interface Hello {
  readonly protocol: number;
  readonly pid: number;
  readonly versions: Readonly<Record<string, string>>;
}

/** What the child says of its environments. */
export interface Description {
  readonly observationSpace: SpaceJSON;
  readonly actionSpace: SpaceJSON;
  readonly observation: readonly LeafJSON[];
  readonly action: readonly LeafJSON[];
  readonly metadata: { readonly renderModes: readonly string[]; readonly renderFps: number | null };
  readonly renderMode: string | null;
  readonly spec: Readonly<Record<string, unknown>>;
}

export interface PythonChildOptions {
  readonly id: string;
  readonly python: string | undefined;
  readonly setup: Readonly<Record<string, unknown>>;
  readonly index: number;
  /** Index of its first environment, and how many it has. */
  readonly first: number;
  readonly count: number;
  readonly showOutput: boolean;
}

export interface ChildCall {
  readonly kind: FrameKind;
  readonly name: string;
  readonly data?: unknown;
  readonly raw?: Uint8Array;
  /** Where observations, rewards and flags of the answer belong. */
  readonly targets?: readonly Uint8Array[];
  readonly limitMs: number;
  readonly limitName: string;
}

interface Waiting {
  readonly resolve: (frame: Frame) => void;
  readonly reject: (error: Error) => void;
}

/** The process died or hangs; a new one could go on. */
export class LostChild extends WorkerError {}

/** One Python process with some environments in it. */
export class PythonChild {
  readonly index: number;
  readonly first: number;
  readonly count: number;
  readonly #options: PythonChildOptions;
  readonly #command: string;
  readonly #process: ChildProcess;
  readonly #socket: Socket;
  readonly #reader: FrameReader;
  readonly #ended: Promise<void>;
  #waiting: Waiting | undefined;
  #failure: Error | undefined;
  #output = '';
  #hello: Hello | undefined;

  constructor(options: PythonChildOptions) {
    this.#options = options;
    this.index = options.index;
    this.first = options.first;
    this.count = options.count;
    this.#command = options.python ?? (process.env['TESSERA_PYTHON'] || 'python3');
    // Frames have a descriptor of their own: environments may print as they like.
    this.#process = spawn(this.#command, [server], {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      // Python's sets have another order in each process otherwise, and with them the samples of a Text.
      env: { PYTHONHASHSEED: '0', ...process.env },
    });
    this.#socket = this.#process.stdio[3] as Socket;
    this.#reader = new FrameReader((frame) => this.#receive(frame));
    this.#socket.on('data', (piece: Buffer) => this.#push(piece));
    // Writing to a child that has died; its end is reported by itself.
    this.#socket.on('error', () => {});
    for (const stream of [this.#process.stdout!, this.#process.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => this.#print(text));
      (stream as Socket).unref();
    }
    this.#ended = new Promise((resolve) => {
      const end = (why: string): void => {
        this.#fail(this.#endText(why));
        resolve();
      };
      this.#process.once('error', (cause) => end((cause as NodeJS.ErrnoException).code ?? cause.message));
      this.#process.once('exit', (code, signal) => {
        const why = signal === null ? `exit code ${code}` : `signal ${signal}`;
        const timer = setTimeout(() => end(why), drainMs);
        this.#process.once('close', () => {
          clearTimeout(timer);
          end(why);
        });
      });
    });
    this.#rest();
  }

  /** Its environments, for messages. */
  get place(): string {
    return `child ${this.index} (environments ${this.first} to ${this.first + this.count - 1})`;
  }

  /** Process id, for tests and for whoever looks after processes. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Waits for the greeting and builds the environments. Throws DependencyNotInstalled for a Python that cannot do it, and what building them raises. */
  async start(limitMs: number): Promise<{ hello: Hello; description: Description }> {
    const limit = { limitMs, limitName: 'startTimeLimitMs' };
    const hello = (await this.#wait({ kind: 'H', name: 'start', ...limit })).data as Hello;
    if (hello.protocol !== protocolVersion) {
      const got = `expected protocol ${protocolVersion}, got ${hello.protocol}`;
      throw new InternalError(`python: server.py does not belong to this package: ${got}.`);
    }
    this.#hello = hello;
    const setup = { ...this.#options.setup, count: this.count };
    const { data } = await this.call({ kind: 'M', name: 'start', data: setup, ...limit });
    return { hello, description: data as Description };
  }

  /** Sends a frame and waits for its answer. */
  call(call: ChildCall): Promise<Frame> {
    if (this.#failure === undefined) {
      this.#reader.expect(call.targets ?? []);
      this.#socket.write(encodeFrame(call.kind, call.data, call.raw));
    }
    return this.#wait(call);
  }

  async #wait({ name, limitMs, limitName }: ChildCall): Promise<Frame> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#keepAlive();
    const tooLate = (): void => {
      const what = `${this.place} did not finish ${name} within ${limitMs} ms and was killed`;
      const wayOut = `If the environment is just slow, raise ${limitName}`;
      this.#fail(new LostChild(`python:${this.#options.id}: ${what}. ${wayOut}.${this.#printed()}`));
    };
    let isOver = false;
    // After a long synchronous piece of work in this thread the timer fires before an answer that has been here for ages: let it in first.
    const timer = setTimeout(() => setImmediate(() => setImmediate(() => isOver || tooLate())), limitMs);
    try {
      return await new Promise<Frame>((resolve, reject) => (this.#waiting = { resolve, reject }));
    } finally {
      isOver = true;
      clearTimeout(timer);
      this.#waiting = undefined;
      this.#rest();
    }
  }

  #push(piece: Uint8Array): void {
    try {
      this.#reader.push(piece);
    } catch (cause) {
      const why = (cause as Error).message;
      const what = `${this.place} sent what is no frame, so something writes to its descriptor 3: ${why}`;
      this.#fail(new WorkerError(`python:${this.#options.id}: ${what}`, { cause }));
    }
  }

  #receive(frame: Frame): void {
    if (frame.kind !== 'E') return this.#waiting?.resolve(frame);
    const { id } = this.#options;
    this.#waiting?.reject(remoteError(id, frame.data as SentException, this.first));
  }

  #print(text: string): void {
    this.#output = (this.#output + text).slice(-outputLimit);
    if (this.#options.showOutput) process.stderr.write(text);
  }

  #printed(): string {
    const text = this.#output.trim();
    return text === '' ? '' : ` It printed last:\n${text.replace(/^(?=.)/gm, '    ')}`;
  }

  #endText(why: string): Error {
    if (this.#hello === undefined) {
      const what =
        why === 'ENOENT'
          ? 'was not found'
          : why.startsWith('E')
            ? `could not be run: ${why}`
            : `ended (${why}) before it was ready`;
      return noPython(this.#command, what, this.#output);
    }
    return new LostChild(`python:${this.#options.id}: ${this.place} died: ${why}.${this.#printed()}`);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#process.kill('SIGKILL');
    this.#waiting?.reject(this.#failure);
  }

  // Only a call under way keeps our process alive: whoever forgets close() can still end.
  #keepAlive(): void {
    this.#process.ref();
    this.#socket.ref();
  }

  #rest(): void {
    this.#process.unref();
    this.#socket.unref();
  }

  /** Ends the process at once; everything that comes after rejects with `error`. */
  async abort(error: Error): Promise<void> {
    this.#fail(error);
    this.#keepAlive();
    await this.#ended;
    this.#socket.destroy();
    this.#process.stdout!.destroy();
    this.#process.stderr!.destroy();
  }

  /** Lets the environments close themselves, for a second. Throws what they raise. */
  async bye(): Promise<void> {
    try {
      await this.call({ kind: 'B', name: 'close', limitMs: closeGraceMs, limitName: 'nothing' });
    } catch (error) {
      if (!(error instanceof LostChild)) throw error;
    }
  }
}
