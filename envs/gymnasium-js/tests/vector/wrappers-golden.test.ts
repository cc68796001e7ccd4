// Vector environments of all kinds of spaces, and vector wrappers, against Gymnasium's; golden/vector_wrappers.py made vector-wrappers.json.
import { readFileSync } from 'node:fs';
import { test } from '@fast-check/vitest';
import { SyncVectorEnv, vectorWrappers } from 'gymnasium-js';
import type { AutoresetMode, Kwargs, Space, VectorActions, VectorEnv } from 'gymnasium-js';
import { describe, expect } from 'vitest';
import { Signal } from '../signal.ts';
import type { SignalActions, SignalKind } from '../signal.ts';

interface Row {
  action?: number[];
  observation: unknown;
  reward: number[];
  terminated: boolean[];
  truncated: boolean[];
  info: Record<string, unknown>;
}
interface Trace {
  name: string;
  options: Kwargs;
  kind: SignalKind;
  actions: SignalActions;
  mode: AutoresetMode;
  seed: number;
  rows: Row[];
  observationSpace: string;
  actionSpace: string;
}

const url = new URL('../golden/vector-wrappers.json', import.meta.url);
const traces = JSON.parse(readFileSync(url, 'utf8')) as Trace[];

function plain(x: unknown): unknown {
  if (Array.isArray(x)) return x.map(plain);
  if (typeof x === 'number') return [x];
  if (ArrayBuffer.isView(x)) return Array.from(x as unknown as ArrayLike<number | bigint>, Number);
  return Object.fromEntries(Object.entries(x as object).map(([key, value]) => [key, plain(value)]));
}

// Gymnasium's names and types; without the actions, of which NumPy makes arrays of its own kind.
function listed(info: object): Record<string, unknown> {
  const shown = Object.entries(info).filter(([key]) => !['action', '_action', 't'].includes(key));
  return Object.fromEntries(
    shown.map(([key, value]) => {
      const name = key.replace('finalObs', 'final_obs').replace('finalInfo', 'final_info');
      if (name === 'final_obs') return [name, (value as unknown[]).map((x) => (x === undefined ? null : plain(x)))];
      if (name.startsWith('_')) return [name, Array.from(value as Uint8Array, (flag) => flag === 1)];
      return [name, ArrayBuffer.isView(value) ? Array.from(value as Float64Array) : listed(value as object)];
    }),
  );
}

const textOf = (space: unknown): string => String(space).replaceAll(/\n */g, ' ');
const flags = (values: Uint8Array): boolean[] => Array.from(values, (x) => x === 1);

describe.each(traces.map((trace) => [trace.name || 'no wrapper', trace.kind, trace.mode, trace] as const))(
  '%s around %s in the mode %s',
  (_name, kind, mode, trace) => {
    test("has Gymnasium's spaces and values", async () => {
      let envs: VectorEnv<unknown> = new SyncVectorEnv(
        Array.from({ length: 3 }, () => () => new Signal(kind, trace.actions)),
        { autoresetMode: mode },
      );
      const Wrapper = (vectorWrappers as unknown as Record<string, new (env: unknown, options: Kwargs) => VectorEnv>)[
        trace.name
      ];
      if (Wrapper !== undefined) envs = new Wrapper(envs, trace.options);
      expect(textOf(envs.observationSpace)).toBe(textOf(trace.observationSpace));
      expect(textOf(envs.actionSpace)).toBe(textOf(trace.actionSpace));
      const [first, ...rows] = trace.rows as [Row, ...Row[]];
      expect(plain((await envs.reset({ seed: trace.seed })).observation)).toEqual(first.observation);
      for (const [t, row] of rows.entries()) {
        const result = await envs.step(row.action as VectorActions);
        expect((envs.observationSpace as Space<unknown>).contains(result.observation)).toBe(true);
        expect([t, plain(result.observation)]).toEqual([t, row.observation]);
        expect([t, Array.from(result.reward)]).toEqual([t, row.reward]);
        expect([t, flags(result.terminated), flags(result.truncated)]).toEqual([t, row.terminated, row.truncated]);
        expect([t, listed(result.info)]).toEqual([t, row.info]);
      }
    });
  },
);
