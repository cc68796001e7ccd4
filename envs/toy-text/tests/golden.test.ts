// Traces of Gymnasium 1.3.0 (golden/make.py): 20 seeds x 500 steps of each environment, and random maps. Everything is equal to the bit: observations,
// rewards, flags, probabilities, action masks and texts.
import { readFileSync } from 'node:fs';
import { test } from '@fast-check/vitest';
import { generateRandomMap } from '@tessera/env-toy-text';
import { expect } from 'vitest';
import { play } from './traces.ts';
import type { Trace } from './traces.ts';

const read = (file: string): unknown =>
  JSON.parse(readFileSync(new URL(`golden/${file}`, import.meta.url), 'utf8')) as unknown;
const traces = read('traces.json') as Trace[];

test.each(traces.map((trace) => [`${trace.id} ${trace.policy} ${JSON.stringify(trace.kwargs ?? {})}`, trace] as const))(
  '%s',
  (_name, trace) => {
    for (const seed of trace.seeds) expect([seed, play(trace, BigInt(seed))]).toEqual([seed, trace.runs[seed]]);
  },
);

test('random maps', () => {
  const maps = read('maps.json') as { size: number; p: number; seed: number; map: string[] }[];
  expect(maps.length).toBe(36);
  for (const { size, p, seed, map } of maps) expect(generateRandomMap({ size, p, seed })).toEqual(map);
});

test('the data covers all environments', () => {
  const plain = traces.filter(({ seeds }) => seeds.length === 20);
  expect(new Set(plain.map(({ id }) => id))).toEqual(
    new Set([
      'FrozenLake-v1',
      'FrozenLake8x8-v1',
      'CliffWalking-v1',
      'CliffWalkingSlippery-v1',
      'Taxi-v4',
      'Blackjack-v1',
    ]),
  );
});
