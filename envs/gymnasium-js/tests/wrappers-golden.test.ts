// Every wrapper against Gymnasium's, step for step; golden/wrappers.py made wrappers.json. Where Gymnasium has a bug that is mended here, the
// script leaves it out and another test says what should be.
import { readFileSync } from 'node:fs';
import { test } from '@fast-check/vitest';
import * as gymnasium from 'gymnasium-js';
import { TimeLimit } from 'gymnasium-js';
import type { Env, Kwargs } from 'gymnasium-js';
import { describe, expect } from 'vitest';
import { Signal } from './signal.ts';
import type { SignalActions, SignalKind } from './signal.ts';

interface Row {
  action?: number | number[];
  observation: unknown;
  reward?: number;
  terminated?: boolean;
  truncated?: boolean;
  info?: Record<string, unknown>;
  reset?: unknown;
}
interface Trace {
  name: string;
  options: Kwargs;
  kind: SignalKind;
  actions: SignalActions;
  seed: number;
  rows: Row[];
  observationSpace: string;
  actionSpace: string;
}

const traces = JSON.parse(readFileSync(new URL('./golden/wrappers.json', import.meta.url), 'utf8')) as Trace[];

/** Arrays and numbers as lists of numbers, spaces of spaces as they are built. */
function plain(x: unknown): unknown {
  if (Array.isArray(x)) return x.map(plain);
  if (typeof x === 'number') return [x];
  if (ArrayBuffer.isView(x)) return Array.from(x as unknown as ArrayLike<number | bigint>, Number);
  return Object.fromEntries(Object.entries(x as object).map(([key, value]) => [key, plain(value)]));
}

/** The text of a space on one line. One-hots are int32 here, as int64 would be bigints. */
const textOf = (space: unknown): string => String(space).replaceAll(/\n */g, ' ').replace('(7,), int64', '(7,), int32');

const wrapperOf = (name: string): new (env: Env<never, never>, options: Kwargs) => Env<unknown, unknown> =>
  (gymnasium as unknown as Record<string, never>)[name]!;

describe.each(traces.map((trace) => [trace.name, trace.options, trace.kind, trace] as const))(
  '%s %o of %s',
  (name, options, kind, trace) => {
    test("has Gymnasium's spaces and values", () => {
      let inner: Env<unknown, unknown> = new Signal(kind, trace.actions);
      if (name === 'TimeAwareObservation') inner = new TimeLimit(inner, { maxEpisodeSteps: 8 });
      const env = new (wrapperOf(name))(inner as never, options);
      expect(textOf(env.observationSpace)).toBe(textOf(trace.observationSpace));
      expect(String(env.actionSpace)).toBe(trace.actionSpace);
      const [first, ...rows] = trace.rows as [Row, ...Row[]];
      const observation = env.reset({ seed: trace.seed }).observation;
      expect(plain(observation)).toEqual(first.observation);
      expect(env.observationSpace.contains(observation)).toBe(true);
      for (const [t, row] of rows.entries()) {
        const action = Array.isArray(row.action) ? Float32Array.from(row.action) : row.action;
        const result = env.step(action);
        delete (result.info['episode'] as { t?: number } | undefined)?.t;
        const seen: Row = { ...result, observation: plain(result.observation) };
        if (row.observation === null) seen.observation = null;
        const { action: _action, reset, ...expected } = row;
        expect([t, seen]).toEqual([t, expected]);
        expect([t, reset === undefined ? undefined : plain(env.reset().observation)]).toEqual([t, reset]);
      }
    });
  },
);
