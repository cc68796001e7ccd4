// The units of work of a study one after the other: what is finished is read, what is missing is measured and kept at once, so that a stopped study goes on where it was.
import { CancelledError } from '@tessera/core';
import { formatSeconds } from '../format.ts';
import type { Reporter } from '../reporter.ts';
import { UnitStore } from './units.ts';
import type { FinishedUnit, OnStep } from './units.ts';

/** A unit that a study has to do. */
export interface Work<Unit> {
  /** Names its file. */
  readonly id: string;
  readonly label: string;
  readonly steps: number;
  readonly run: (onStep: OnStep) => Promise<Unit> | Unit;
}

/** Where and how a study works. */
export interface WorkContext {
  /** Of the run. */
  readonly directory: string;
  readonly signal: AbortSignal;
  readonly reporter: Reporter;
  readonly nowMs: () => number;
}

// Between two looks at what else is to be done, such as Ctrl-C.
const turnMs = 100;

/** All units with their times, in the order of `work`; undefined when the signal was aborted. */
export async function runUnits<Unit extends { readonly part: string }>(
  work: readonly Work<Unit>[],
  { directory, signal, reporter, nowMs }: WorkContext,
): Promise<FinishedUnit<Unit>[] | undefined> {
  const store = new UnitStore<Unit>(directory);
  const total = work.reduce((sum, { steps }) => sum + steps, 0);
  const progress = reporter.progress({ label: 'study', total, unit: 'steps' });
  const finished: FinishedUnit<Unit>[] = [];
  let done = 0;
  try {
    for (const { id, label, steps, run } of work) {
      const known = await store.read(id);
      if (known !== undefined) finished.push(known);
      else {
        const began = nowMs();
        let turnAt = began;
        let step = 0;
        const unit = await run(async () => {
          step++;
          if (nowMs() - turnAt < turnMs) return;
          await new Promise(setImmediate);
          turnAt = nowMs();
          progress.update(done + Math.min(step, steps));
          if (signal.aborted) throw new CancelledError('study: stopped.');
        });
        if (signal.aborted) throw new CancelledError('study: stopped.');
        const entry = { seconds: (nowMs() - began) / 1000, unit };
        await store.write(id, entry);
        finished.push(entry);
        reporter.line(`${label}: ${formatSeconds(entry.seconds)}`);
      }
      done += steps;
      progress.update(done);
    }
    return finished;
  } catch (error) {
    if (error instanceof CancelledError) return undefined;
    throw error;
  } finally {
    progress.stop();
  }
}

/** A name as files have it. */
export const slug = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9.]+/g, '-');
