// SyncVectorEnv against Gymnasium's, step for step in all three autoreset modes; golden/make.py made vector.json.
import { readFileSync } from 'node:fs';
import { test } from '@fast-check/vitest';
import { SyncVectorEnv } from 'gymnasium-js';
import type { AutoresetMode, InfoArray, VectorInfo, VectorResetResult, VectorStepResult } from 'gymnasium-js';
import { expect } from 'vitest';
import { Counter } from '../counter.ts';

interface GoldenStep {
  actions?: number[];
  reset?: boolean[];
  observation: number[];
  reward: number[];
  terminated: boolean[];
  truncated: boolean[];
  info: Record<string, unknown>;
}

const url = new URL('../golden/vector.json', import.meta.url);
const golden = JSON.parse(readFileSync(url, 'utf8')) as { mode: AutoresetMode; seed: number; steps: GoldenStep[] }[];

// Gymnasium's names and types: snake case, and None where there is nothing.
function listed(info: VectorInfo): Record<string, unknown> {
  const entries = Object.entries(info).map(([key, value]) => {
    const name = key.replace('finalObs', 'final_obs').replace('finalInfo', 'final_info');
    return [name, isArray(value) ? listOf(value, name.startsWith('_')) : listed(value)];
  });
  return Object.fromEntries(entries) as Record<string, unknown>;
}
const isArray = (value: InfoArray | VectorInfo): value is InfoArray =>
  Array.isArray(value) || ArrayBuffer.isView(value);
const listOf = (values: InfoArray, isMask: boolean): unknown[] =>
  Array.from(values as ArrayLike<unknown>, (x) =>
    isMask ? x === 1 : x instanceof Float32Array ? [...x] : (x ?? null),
  );

const flags = (values: Uint8Array): boolean[] => Array.from(values, (x) => x === 1);

for (const { mode, seed, steps } of golden) {
  test(`autoreset ${mode}, seed ${seed}`, () => {
    const envs = new SyncVectorEnv(
      Array.from({ length: 4 }, () => () => new Counter()),
      { autoresetMode: mode },
    );
    for (const [t, expected] of steps.entries()) {
      const options = expected.reset === undefined ? { seed } : { options: { resetMask: expected.reset } };
      const result: VectorResetResult & Partial<VectorStepResult> =
        expected.actions === undefined ? envs.resetSync(options) : envs.stepSync(expected.actions);
      const where = `${t}`;
      expect([where, Array.from(result.observation as Float32Array)]).toEqual([where, expected.observation]);
      expect([where, listed(result.info)]).toEqual([where, expected.info]);
      if (expected.actions === undefined) continue;
      expect([where, Array.from(result.reward!)]).toEqual([where, expected.reward]);
      expect([where, flags(result.terminated!)]).toEqual([where, expected.terminated]);
      expect([where, flags(result.truncated!)]).toEqual([where, expected.truncated]);
    }
  });
}
