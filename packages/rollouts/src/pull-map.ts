// The one stream operator with demand. RxJS pushes: `from(asyncGenerator)` asks for the next value as soon as it has handed over the last, so a slow
// learner behind a fast environment fills the memory. `pullMap` is `mergeMap` turned round: it asks its source, and only when there is room.

import { CancelledError, ConfigError } from '@tessera/core';
import { from, Observable, type ObservableInput } from 'rxjs';

/** What `pullMap` can pull from: an iterable, an async iterable, or a function that opens one and gets the signal that ends it. */
export type PullSource<T> = PullIterable<T> | ((signal: AbortSignal) => PullIterable<T>);
export type PullIterable<T> = AsyncIterable<T> | Iterable<T>;

/** What `project` is told about an item: its number, from 0, and the signal that says its result is no longer wanted. */
export interface PullContext {
  readonly index: number;
  readonly signal: AbortSignal;
}

export interface PullMapOptions {
  /** Most items in flight at once; default 1, at least 1. */
  readonly concurrency?: number;
  /** Emit results in source order (default `true`), or as they come (`false`). */
  readonly ordered?: boolean;
  /** Ends the stream with a `CancelledError`. */
  readonly signal?: AbortSignal | undefined;
}

/** One item in flight: what its inner observable has emitted and nobody has seen yet. */
interface Slot<R> {
  readonly pending: R[];
  complete: boolean;
}

/**
 * Maps each item of `source` to an observable and flattens the results, asking for an item only while fewer than `concurrency` are in flight.
 *
 * _Like `mergeMap` over an async iterable, but it pulls: a source behind a slow consumer waits instead of piling up._
 *
 * 1. An item is in flight from the moment it is asked for until its inner observable has completed and, when `ordered`, all its results have been
 *    emitted. At most `concurrency` items are in flight, hence at most that many are alive in the stream. One request is open at a time.
 * 2. `ordered` (the default) emits everything of item k before anything of item k + 1, whatever finishes first; the results that wait belong to items
 *    in flight, so their number is bounded too. `ordered: false` emits as results come.
 * 3. Synchronous sources and inner observables that complete synchronously are run in a loop: no recursion, and no promise in between.
 * 4. An error of the source, of `project` or of an inner observable is passed on at once and tears everything down.
 * 5. Teardown (error, unsubscribing, `take(n)`, `signal`) aborts the signal handed to a factory and to `project`, unsubscribes the inner observables and
 *    calls the iterator's `return()` exactly once. A source that ended or failed by itself gets no `return()`, as in `for await`. What `return()`
 *    throws is ignored: nobody is left to hear it.
 * 6. Each subscription opens the source anew. If `signal` is already aborted the source is never opened.
 *
 * Throws `ConfigError` for a `concurrency` that is not a positive integer; emits `CancelledError` (its cause is the signal's reason) on abort.
 */
export function pullMap<T, R>(
  source: PullSource<T>,
  project: (item: T, context: PullContext) => ObservableInput<R>,
  options: PullMapOptions = {},
): Observable<R> {
  const { concurrency = 1, ordered = true, signal } = options;
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    throw new ConfigError(
      `pullMap: expected a concurrency of 1 or more items in flight, got ${concurrency}. Use a positive integer.`,
    );
  }

  return new Observable<R>((subscriber) => {
    if (signal?.aborted) {
      subscriber.error(cancelled(signal));
      return;
    }

    const controller = new AbortController();
    const slots: Slot<R>[] = [];
    let iterator: AsyncIterator<T> | Iterator<T> | undefined;
    let index = 0;
    let asking = false;
    let ended = false;
    let pumping = false;

    const onAbort = (): void => subscriber.error(cancelled(signal));
    signal?.addEventListener('abort', onAbort, { once: true });

    const fail = (error: unknown): void => subscriber.error(error);

    // The source itself failed: it is finished, so teardown must not call return().
    const failSource = (error: unknown): void => {
      ended = true;
      fail(error);
    };

    // Runs inside itself when a consumer, called from here, makes another result arrive: nothing is kept across the call.
    const drain = (): void => {
      while (slots.length > 0 && !subscriber.closed) {
        const head = slots[0]!;
        if (head.pending.length > 0) subscriber.next(head.pending.shift()!);
        else if (head.complete) slots.shift();
        else return;
      }
    };

    const start = (item: T): void => {
      const slot: Slot<R> = { pending: [], complete: false };
      slots.push(slot);
      let inner: Observable<R>;
      try {
        inner = from(project(item, { index: index++, signal: controller.signal }));
      } catch (error) {
        fail(error);
        return;
      }
      const emit = (value: R): void => {
        slot.pending.push(value);
        drain();
      };
      const complete = (): void => {
        slot.complete = true;
        if (ordered) drain();
        // Without an order only their number counts.
        else slots.pop();
        pump();
      };
      subscriber.add(
        inner.subscribe({ next: ordered ? emit : (value) => subscriber.next(value), error: fail, complete }),
      );
    };

    const receive = (result: IteratorResult<T>): void => {
      asking = false;
      if (result.done) ended = true;
      else if (!subscriber.closed) start(result.value);
    };

    const pump = (): void => {
      if (pumping) return;
      pumping = true;
      while (!ended && !asking && slots.length < concurrency && !subscriber.closed) {
        asking = true;
        try {
          const result = iterator!.next();
          if (isPromiseLike(result)) result.then(receive).then(pump, failSource);
          else receive(result);
        } catch (error) {
          failSource(error);
        }
      }
      pumping = false;
      if (ended && slots.length === 0) subscriber.complete();
    };

    try {
      iterator = open(source, controller.signal);
      pump();
    } catch (error) {
      fail(error);
    }

    return () => {
      signal?.removeEventListener('abort', onAbort);
      controller.abort(signal?.aborted ? signal.reason : undefined);
      if (!ended && iterator !== undefined) close(iterator);
    };
  });
}

function open<T>(source: PullSource<T>, signal: AbortSignal): AsyncIterator<T> | Iterator<T> {
  const iterable = typeof source === 'function' ? source(signal) : source;
  if (iterable !== null && typeof iterable === 'object') {
    if (Symbol.asyncIterator in iterable) return iterable[Symbol.asyncIterator]();
    if (Symbol.iterator in iterable) return iterable[Symbol.iterator]();
  }
  throw new ConfigError(
    'pullMap: expected an iterable, an async iterable, or a function that returns one. An Observable pushes and cannot be asked: make it an async iterable first.',
  );
}

function close(iterator: AsyncIterator<unknown> | Iterator<unknown>): void {
  try {
    const closing = iterator.return?.();
    if (isPromiseLike(closing)) closing.then(undefined, () => {});
  } catch {
    // Behaviour 5: nobody is left to hear it.
  }
}

function isPromiseLike<T>(value: unknown): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && 'then' in value;
}

function cancelled(signal: AbortSignal | undefined): CancelledError {
  return new CancelledError('pullMap: cancelled by its signal.', { cause: signal?.reason });
}
