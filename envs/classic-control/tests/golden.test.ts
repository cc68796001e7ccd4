// Traces of Gymnasium 1.3.0 (golden/make.py): 20 seeds x 500 steps of each environment, sampled actions and simple policies.
import { readFileSync } from 'node:fs';
import { test } from '@fast-check/vitest';
import { setWarningHandler } from 'gymnasium-js';
import { afterAll, beforeAll, expect } from 'vitest';
import { compare } from './traces.ts';
import type { Trace } from './traces.ts';

const traces = JSON.parse(readFileSync(new URL('golden/traces.json', import.meta.url), 'utf8')) as Trace[];
const nameOf = ({ id, policy, kwargs = {}, options = {} }: Trace): string =>
  `${id} ${policy} ${JSON.stringify({ ...kwargs, ...options })}`;

// CartPole-v0 is out of date.
beforeAll(() => void setWarningHandler(() => {}));
afterAll(() => void setWarningHandler());

const exact = traces.filter(({ id }) => /^(CartPole|MountainCar)/.test(id));
test.each(exact.map((trace) => [nameOf(trace), trace] as const))('%s: every bit', (_name, trace) => {
  expect(compare(trace)).toMatchObject({ observations: 0, rewards: 0, observationError: 0, rewardError: 0 });
});

// Where C's sine, cosine and x ** 2 are not correctly rounded, ours and NumPy's last bits differ; the numbers below are those of this golden data.
const near = traces.filter(({ id }) => id.startsWith('Pendulum'));
test.each(near.map((trace) => [nameOf(trace), trace] as const))(
  '%s: every bit of the observations, rewards to 1e-12',
  (_name, trace) => {
    const { observations, observationError, rewardError, sameEnds } = compare(trace);
    expect({ observations, observationError, sameEnds }).toEqual({
      observations: 0,
      observationError: 0,
      sameEnds: true,
    });
    expect(rewardError).toBeLessThan(1e-12);
  },
);

const chaotic = traces.filter(({ id }) => id.startsWith('Acrobot'));
test.each(chaotic.map((trace) => [nameOf(trace), trace] as const))(
  '%s: flags and rewards, observations to 1e-6, nine in ten episodes to the bit',
  (_name, trace) => {
    const { episodes, observations, observationError, rewards, sameEnds } = compare(trace);
    expect({ rewards, sameEnds }).toEqual({ rewards: 0, sameEnds: true });
    expect(observationError).toBeLessThan(1e-6);
    // Wide bounds of reset show NumPy's float32 cosine, which is off by one place now and then.
    expect(observations / episodes).toBeLessThan(trace.options === undefined ? 0.1 : 0.5);
  },
);

test('the data covers all environments', () => {
  expect(new Set(traces.map(({ id }) => id)).size).toBe(6);
  for (const { seeds, steps, options } of traces) expect(seeds.length * steps).toBe(options ? 2500 : 10_000);
});
