// The state machine of gymnasium.vector.AsyncVectorEnv: a call is begun, then waited for, and only one at a time.
import { AlreadyPendingCallError, NoAsyncCallError } from '../errors.ts';

/** Which call has been begun and not yet waited for. */
export class AsyncCalls {
  #begun: { readonly name: string; readonly result: Promise<unknown> } | undefined;

  /** Throws AlreadyPendingCallError while a call is begun. */
  checkFree(name: string): void {
    if (this.#begun === undefined) return;
    const pending = `while waiting for a pending call to \`${this.#begun.name}\` to complete`;
    throw new AlreadyPendingCallError(
      `Calling \`${name}\` ${pending}. Await each call before the next one.`,
      this.#begun.name,
    );
  }

  /** Begins a call; what it rejects with comes out of `wait`. */
  begin(name: string, start: () => Promise<unknown>): void {
    this.checkFree(name);
    const result = start();
    result.catch(() => {});
    this.#begun = { name, result };
  }

  /** The result of the call that was begun. Rejects with NoAsyncCallError when there is none of this name. */
  async wait<T>(name: string): Promise<T> {
    const begun = this.#begun;
    if (begun?.name !== name) {
      const message = `Calling \`${name}Wait\` without any prior call to \`${name}Async\`.`;
      throw new NoAsyncCallError(message, name);
    }
    try {
      return (await begun.result) as T;
    } finally {
      if (this.#begun === begun) this.#begun = undefined;
    }
  }
}
