// Time is tested by marbles over synchronous sources and injected observables (promises are invisible to virtual time); the promise edge and the
// invariants are tested with real async iterators whose every delay is drawn by fast-check.

import { expect, describe, vi } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import {
  EMPTY,
  firstValueFrom,
  from,
  lastValueFrom,
  NEVER,
  Observable,
  of,
  Subject,
  take,
  throwError,
  toArray,
} from 'rxjs';
import { type RunHelpers, TestScheduler } from 'rxjs/testing';
import { CancelledError, ConfigError } from '@tessera/core';
import { pullMap } from '../src/pull-map.ts';

const marbles = (run: (helpers: RunHelpers) => void): void =>
  new TestScheduler((actual, expected) => expect(actual).toEqual(expected)).run(run);

/** Lets `count` rounds of microtasks pass, so that a drawn number is a delay. */
const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await Promise.resolve();
};

interface Observed {
  asked: number;
  opened: number;
  returned: number;
}

/** An async source of 0, 1, ..., `count` - 1 that counts how it is treated; a rejection stands in for the item `failAt`. */
function observed(
  count: number,
  { delay = () => 0, failAt = -1 }: { delay?: (index: number) => number; failAt?: number } = {},
): AsyncIterable<number> & Observed {
  const source = {
    asked: 0,
    opened: 0,
    returned: 0,
    [Symbol.asyncIterator](): AsyncIterator<number> {
      source.opened++;
      let index = 0;
      return {
        async next(): Promise<IteratorResult<number>> {
          source.asked++;
          const item = index++;
          await turns(delay(item));
          if (item === failAt) throw new Error(`item ${item} is broken`);
          return item < count ? { done: false, value: item } : { done: true, value: undefined };
        },
        async return(): Promise<IteratorResult<number>> {
          source.returned++;
          return { done: true, value: undefined };
        },
      };
    },
  };
  return source;
}

describe('in virtual time', () => {
  test('concurrency 1 runs one inner observable after another', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const inner = ['--a--|', '--b--|', '--c--|'].map((diagram) => cold(diagram));
      expectObservable(pullMap(inner, (observable) => observable)).toBe('--a----b----c--|');
      expectSubscriptions(inner[0]!.subscriptions).toBe('              ^----!          ');
      expectSubscriptions(inner[1]!.subscriptions).toBe('              -----^----!     ');
      expectSubscriptions(inner[2]!.subscriptions).toBe('              ----------^----!');
    });
  });

  test('ordered: what finishes early waits for its turn and keeps its slot', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const inner = ['-----a|', '-b|', '-c|'].map((diagram) => cold(diagram));
      expectObservable(pullMap(inner, (observable) => observable, { concurrency: 2 })).toBe('-----abc|');
      expectSubscriptions(inner[1]!.subscriptions).toBe('                                ^-!      ');
      expectSubscriptions(inner[2]!.subscriptions).toBe('                                ------^-!');
    });
  });

  test('unordered: results come as they finish and a slot is free at once', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const inner = ['-----a|', '-b|', '-c|'].map((diagram) => cold(diagram));
      const stream = pullMap(inner, (observable) => observable, { concurrency: 2, ordered: false });
      expectObservable(stream).toBe('                   -b-c-a|');
      expectSubscriptions(inner[2]!.subscriptions).toBe('--^-!');
    });
  });

  test('an inner error comes out at its own time, even ahead of results that wait, and ends the others', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const inner = ['-----a|', '-b#'].map((diagram) => cold(diagram));
      expectObservable(pullMap(inner, (observable) => observable, { concurrency: 2 })).toBe('--#');
      expectSubscriptions(inner[0]!.subscriptions).toBe('                                ^-!');
    });
  });

  test('unsubscribing ends the inner observables', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const inner = ['-a-b-c|', '-d-e-f|'].map((diagram) => cold(diagram));
      const stream = pullMap(inner, (observable) => observable, { concurrency: 2, ordered: false });
      expectObservable(stream, '           ---!').toBe('-(ad)');
      expectSubscriptions(inner[0]!.subscriptions).toBe('^--!');
      expectSubscriptions(inner[1]!.subscriptions).toBe('^--!');
    });
  });

  test('completes with an empty source, and with inner observables that emit nothing', () => {
    marbles(({ expectObservable }) => {
      expectObservable(pullMap([], () => of(1))).toBe('|');
      expectObservable(pullMap([1, 2, 3], () => EMPTY)).toBe('|');
    });
  });
});

describe('demand', () => {
  const delays = fc.array(fc.nat({ max: 6 }), { minLength: 1, maxLength: 8 });
  const at =
    (pattern: readonly number[]) =>
    (index: number): number =>
      pattern[index % pattern.length]!;

  test.prop([fc.nat({ max: 40 }), fc.integer({ min: 1, max: 5 }), fc.boolean(), delays, delays])(
    'never more than `concurrency` in flight, nothing lost, nothing doubled, each item asked for once',
    async (count, concurrency, ordered, sourceDelays, workDelays) => {
      const source = observed(count, { delay: at(sourceDelays) });
      let emitted = 0;
      let most = 0;
      const stream = pullMap(
        source,
        async (item) => {
          most = Math.max(most, source.asked - emitted);
          await turns(at(workDelays)(item));
          return item;
        },
        { concurrency, ordered },
      );
      const out: number[] = [];
      await new Promise<void>((resolve, reject) => {
        stream.subscribe({
          next: (item) => {
            out.push(item);
            emitted++;
          },
          error: reject,
          complete: resolve,
        });
      });
      const expected = Array.from({ length: count }, (_, index) => index);
      expect(ordered ? out : out.toSorted((a, b) => a - b)).toEqual(expected);
      expect(most).toBeLessThanOrEqual(concurrency);
      expect(source.asked).toBe(count + 1);
      expect(source.returned).toBe(0);
    },
  );

  test.prop([fc.nat({ max: 40 }), fc.integer({ min: 1, max: 5 }), fc.boolean(), delays, delays])(
    'wherever the work breaks, an endless source is closed exactly once and asked no further',
    async (breakAt, concurrency, ordered, sourceDelays, workDelays) => {
      const source = observed(Infinity, { delay: at(sourceDelays) });
      const stream = pullMap(
        source,
        async (item) => {
          await turns(at(workDelays)(item));
          if (item === breakAt) throw new Error('work is broken');
          return item;
        },
        { concurrency, ordered },
      );
      await expect(lastValueFrom(stream)).rejects.toThrow('work is broken');
      const { asked } = source;
      await turns(20);
      expect(source.returned).toBe(1);
      expect(source.asked).toBe(asked);
    },
  );

  test('a consumer that stops reading stops the source', async () => {
    const source = observed(1000);
    const gate = new Subject<number>();
    const subscription = pullMap(source, () => gate, { concurrency: 3 }).subscribe();
    await turns(50);
    expect(source.asked).toBe(3);
    subscription.unsubscribe();
  });

  test('a consumer that completes an inner observable from within `next` does not stall the stream', () => {
    const gates = [new Subject<string>(), new Subject<string>()];
    const seen: string[] = [];
    let completed = false;
    pullMap([0, 1], (index) => gates[index]!).subscribe({
      next: (value) => {
        seen.push(value);
        if (value === 'a') gates[0]!.complete();
      },
      complete: () => (completed = true),
    });
    gates[0]!.next('a');
    gates[1]!.next('b');
    gates[1]!.complete();
    expect(seen).toEqual(['a', 'b']);
    expect(completed).toBe(true);
  });

  test('a consumer that makes results arrive from within `next` gets them in order, and each once', () => {
    const gates = [new Subject<string>(), new Subject<string>(), new Subject<string>()];
    const seen: string[] = [];
    let completed = false;
    pullMap([0, 1, 2], (index) => gates[index]!, { concurrency: 2 }).subscribe({
      next: (value) => {
        seen.push(value);
        if (value === 'b1') gates[1]!.next('b3');
        if (value === 'b2') gates[1]!.complete();
        if (value === 'c1') gates[2]!.complete();
      },
      complete: () => (completed = true),
    });
    gates[1]!.next('b1');
    gates[1]!.next('b2');
    gates[0]!.complete();
    gates[2]!.next('c1');
    expect(seen).toEqual(['b1', 'b2', 'b3', 'c1']);
    expect(completed).toBe(true);
  });

  test('a hundred thousand synchronous items neither recurse nor leave the call', () => {
    let sum = 0;
    let completed = false;
    const items = Array.from({ length: 100_000 }, () => 1);
    pullMap(items, (item) => of(item)).subscribe({ next: (item) => (sum += item), complete: () => (completed = true) });
    expect(sum).toBe(100_000);
    expect(completed).toBe(true);
  });

  test('take(n) of an endless source ends it', async () => {
    let closed = 0;
    async function* endless(): AsyncGenerator<number> {
      try {
        for (let item = 0; ; item++) yield item;
      } finally {
        closed++;
      }
    }
    expect(await lastValueFrom(pullMap(endless, (item) => of(item)).pipe(take(3), toArray()))).toEqual([0, 1, 2]);
    await turns(5);
    expect(closed).toBe(1);
  });
});

describe('errors', () => {
  test('a source that fails is not closed again', async () => {
    const source = observed(10, { failAt: 2 });
    const seen: number[] = [];
    const stream = pullMap(source, (item) => of(item));
    await expect(
      new Promise((resolve, reject) =>
        stream.subscribe({ next: (item) => seen.push(item), error: reject, complete: () => resolve(undefined) }),
      ),
    ).rejects.toThrow('item 2 is broken');
    expect(seen).toEqual([0, 1]);
    expect(source.returned).toBe(0);
  });

  test('a `project` that throws closes the source once', async () => {
    const source = observed(10);
    const stream = pullMap(source, () => {
      throw new Error('no projection');
    });
    await expect(lastValueFrom(stream)).rejects.toThrow('no projection');
    expect(source.returned).toBe(1);
  });

  test('one inner error is reported, the others are ended', async () => {
    const source = observed(10);
    const ended = vi.fn<() => void>();
    const waiting = new Observable<number>(() => ended);
    const stream = pullMap(source, (item) => (item === 2 ? throwError(() => new Error('third')) : waiting), {
      concurrency: 3,
    });
    await expect(lastValueFrom(stream)).rejects.toThrow('third');
    expect(ended).toHaveBeenCalledTimes(2);
    expect(source.returned).toBe(1);
  });

  test('a factory that throws, and an iterator that throws synchronously', async () => {
    const factory = (): Iterable<number> => {
      throw new Error('cannot open');
    };
    await expect(lastValueFrom(pullMap(factory, (item) => of(item)))).rejects.toThrow('cannot open');
    const broken = {
      [Symbol.iterator]: () => ({
        next(): IteratorResult<number> {
          throw new Error('cannot read');
        },
      }),
    };
    await expect(lastValueFrom(pullMap(broken, (item) => of(item)))).rejects.toThrow('cannot read');
  });

  test('an iterator that breaks its protocol is an error, not a silence', async () => {
    const broken = {
      [Symbol.asyncIterator]: () => ({ next: async () => undefined as unknown as IteratorResult<number> }),
    };
    await expect(lastValueFrom(pullMap(broken, (item) => of(item)))).rejects.toThrow(TypeError);
  });

  test('what `return()` throws or rejects is ignored', async () => {
    for (const close of [
      () => Promise.reject(new Error('late')),
      () => {
        throw new Error('late');
      },
    ]) {
      const source = {
        [Symbol.asyncIterator]: (): AsyncIterator<number> => ({
          next: async () => ({ done: false, value: 1 }),
          return: close,
        }),
      };
      expect(await firstValueFrom(pullMap(source, (item) => of(item)))).toBe(1);
    }
  });

  test('an observable cannot be a source', async () => {
    const wrong = of(1) as unknown as Iterable<number>;
    await expect(lastValueFrom(pullMap(wrong, (item) => of(item)))).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: pullMap: expected an iterable, an async iterable, or a function that returns one. An Observable pushes and cannot be asked: make it an async iterable first.]`,
    );
  });

  test.each([0, -1, 1.5, Number.NaN])('a concurrency of %d', (concurrency) => {
    expect(() => pullMap([], () => EMPTY, { concurrency })).toThrow(ConfigError);
    expect(() => pullMap([], () => EMPTY, { concurrency: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: pullMap: expected a concurrency of 1 or more items in flight, got 0. Use a positive integer.]`,
    );
  });
});

describe('signals', () => {
  test('unsubscribing aborts the signal of the factory and of `project`', async () => {
    let factorySignal: AbortSignal | undefined;
    let projectSignal: AbortSignal | undefined;
    const source = observed(10);
    const subscription = pullMap(
      (signal) => {
        factorySignal = signal;
        return source;
      },
      (_item, { signal }) => {
        projectSignal = signal;
        return NEVER;
      },
    ).subscribe();
    await turns(5);
    expect(factorySignal!.aborted).toBe(false);
    subscription.unsubscribe();
    expect(factorySignal!.aborted).toBe(true);
    expect(projectSignal!.aborted).toBe(true);
    expect(source.returned).toBe(1);
  });

  test('completing and failing abort the signal too', async () => {
    const signals: AbortSignal[] = [];
    const factory = (signal: AbortSignal): number[] => {
      signals.push(signal);
      return [1];
    };
    await lastValueFrom(pullMap(factory, (item) => of(item)));
    await expect(lastValueFrom(pullMap(factory, () => throwError(() => new Error('no'))))).rejects.toThrow('no');
    expect(signals.map((signal) => signal.aborted)).toEqual([true, true]);
  });

  test("the caller's signal ends the stream with a CancelledError that carries its reason", async () => {
    const source = observed(10);
    const controller = new AbortController();
    const result = lastValueFrom(pullMap(source, () => NEVER, { signal: controller.signal }));
    await turns(5);
    const reason = new Error('Ctrl-C');
    controller.abort(reason);
    const error = await result.catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(CancelledError);
    expect((error as CancelledError).cause).toBe(reason);
    expect((error as CancelledError).message).toMatchInlineSnapshot(`"pullMap: cancelled by its signal."`);
    expect(source.returned).toBe(1);
  });

  test('an aborted signal never opens the source', async () => {
    const source = observed(10);
    const stream = pullMap(source, (item) => of(item), { signal: AbortSignal.abort() });
    await expect(lastValueFrom(stream)).rejects.toBeInstanceOf(CancelledError);
    expect(source.opened).toBe(0);
  });

  test('a signal that outlives the stream keeps no listener', async () => {
    const controller = new AbortController();
    const remove = vi.spyOn(controller.signal, 'removeEventListener');
    await lastValueFrom(pullMap([1], (item) => of(item), { signal: controller.signal }));
    expect(remove).toHaveBeenCalledTimes(1);
  });

  test('each subscription opens the source anew and gives `project` the index', async () => {
    const source = observed(3);
    const stream = pullMap(source, (item, { index }) => from([item * 10 + index]));
    expect(await lastValueFrom(stream.pipe(toArray()))).toEqual([0, 11, 22]);
    expect(await lastValueFrom(stream.pipe(toArray()))).toEqual([0, 11, 22]);
    expect(source.opened).toBe(2);
  });
});
