// All children of one vector environment: one call at a time, and what happens when one of them is lost. Without restarts any error ends them all; with them a
// lost child is replaced by a new one, and the caller says what the new one has to do.
import { ConfigError, WorkerError } from '@tessera/core';
import { AlreadyPendingCallError, ClosedEnvironmentError, warn } from 'gymnasium-js';
import type { BridgeOptions } from './options.ts';
import type { Frame } from './protocol.ts';
import { LostChild, PythonChild } from './python-child.ts';
import type { Description, Hello } from './python-child.ts';

// A child that is lost again and again in one call will not come to anything.
const attemptsInOneCall = 3;

/** A child that stands ready. */
export interface Ready {
  readonly hello: Hello;
  readonly description: Description;
}

/** What a call asks of one child. `restarts` counts how often the child has been replaced during this call. */
export type Send = (child: PythonChild, restarts: number) => Promise<Frame>;

/** The children of one vector environment. */
export class Crew {
  readonly #options: BridgeOptions;
  readonly #children: PythonChild[];
  #description: Description | undefined;
  #restartsLeft: number;
  #pending: string | undefined;
  #failure: Error | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: BridgeOptions) {
    this.#options = options;
    this.#restartsLeft = options.restarts;
    const { numEnvs, numWorkers } = options;
    const begin = (index: number): number => Math.floor((index * numEnvs) / numWorkers);
    this.#children = Array.from({ length: numWorkers }, (_, index) =>
      this.#spawn(index, begin(index), begin(index + 1) - begin(index)),
    );
  }

  #spawn(index: number, first: number, count: number): PythonChild {
    const { id, python, setup, showOutput } = this.#options;
    return new PythonChild({ id, python, setup, showOutput, index, first, count });
  }

  /** The children at this moment. */
  get children(): readonly PythonChild[] {
    return this.#children;
  }

  /** Waits until all children have built their environments; throws what the first one that cannot says. */
  async start(): Promise<Ready> {
    try {
      const ready = await Promise.all(this.#children.map((child) => child.start(this.#options.startTimeLimitMs)));
      const [first] = ready as [Ready];
      for (const [i, { description }] of ready.entries())
        this.#checkSame(this.#children[i]!, description, first.description);
      this.#description = first.description;
      return first;
    } catch (error) {
      await this.fail(error as Error);
      throw error;
    }
  }

  #checkSame(child: PythonChild, description: Description, first: Description): void {
    for (const what of ['observationSpace', 'actionSpace'] as const) {
      const [got, expected] = [JSON.stringify(description[what]), JSON.stringify(first[what])];
      if (got === expected) continue;
      throw new ConfigError(
        `VectorEnv: expected one ${what} for all environments, but environment 0 has ${expected}, ${child.place} has ${got}.`,
      );
    }
  }

  /** One call to every child. */
  async call(name: string, send: Send): Promise<Frame[]> {
    this.checkFree(name);
    this.#pending = name;
    try {
      return await Promise.all(this.#children.map((_, index) => this.#callOne(index, send)));
    } catch (error) {
      await this.fail(error as Error);
      throw this.#failure;
    } finally {
      this.#pending = undefined;
    }
  }

  async #callOne(index: number, send: Send): Promise<Frame> {
    for (let restarts = 0; ; restarts++) {
      try {
        return await send(this.#children[index]!, restarts);
      } catch (error) {
        if (!(error instanceof LostChild) || this.#failure !== undefined || this.#options.restarts === 0) throw error;
        if (this.#restartsLeft <= 0 || restarts === attemptsInOneCall) {
          const why =
            this.#restartsLeft <= 0
              ? `restart allows ${this.#options.restarts} in all`
              : `it was lost ${restarts + 1} times in one call`;
          throw new WorkerError(`${error.message} It is not started again: ${why}.`, { cause: error });
        }
        this.#restartsLeft--;
        await this.#replace(index, error);
      }
    }
  }

  async #replace(index: number, lost: LostChild): Promise<void> {
    const old = this.#children[index]!;
    await old.abort(lost);
    const child = this.#spawn(index, old.first, old.count);
    this.#children[index] = child;
    const { description } = await child.start(this.#options.startTimeLimitMs);
    this.#checkSame(child, description, this.#description!);
    warn(`${lost.message} It was started again; its episodes are truncated.`);
  }

  /** Throws what ended the children, or AlreadyPendingCallError while a call is under way. */
  checkFree(name: string): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#pending === undefined) return;
    const pending = `while waiting for a pending call to \`${this.#pending}\` to complete`;
    throw new AlreadyPendingCallError(`Calling \`${name}\` ${pending}. Await each call before the next one.`);
  }

  /** Ends all children; the first error is the one that all calls, under way and later, reject with. */
  async fail(error: Error): Promise<void> {
    this.#failure ??= error;
    const failure = this.#failure;
    await Promise.all(this.#children.map((child) => child.abort(failure)));
  }

  /** Lets the environments close themselves if their children still listen, then ends the children. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const closed = new ClosedEnvironmentError(
      `Trying to operate on PythonVectorEnv(python:${this.#options.id}), after a call to close().`,
    );
    try {
      if (this.#failure !== undefined || this.#pending !== undefined) return;
      this.#pending = 'close';
      await Promise.all(this.#children.map((child) => child.bye()));
    } finally {
      await this.fail(closed);
    }
  }
}
