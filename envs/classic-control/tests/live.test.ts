// Fresh seeds against the Gymnasium that is installed, where TESSERA_PYTHON names a Python that has it.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setWarningHandler } from 'gymnasium-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compare } from './traces.ts';
import type { Case, Trace } from './traces.ts';

const python = process.env['TESSERA_PYTHON'] || undefined;
const script = fileURLToPath(new URL('golden/make.py', import.meta.url));

function whyNot(): string {
  if (python === undefined) return ' (skipped: TESSERA_PYTHON names no Python with gymnasium in it)';
  try {
    execFileSync(python, ['-c', 'import gymnasium; assert gymnasium.__version__ >= "1.3"'], { stdio: 'ignore' });
    return '';
  } catch {
    return ' (skipped: the Python of TESSERA_PYTHON has no gymnasium of at least 1.3)';
  }
}

const why = whyNot();
const seeds = Array.from(crypto.getRandomValues(new BigUint64Array(3)), String);
const base = { seeds, steps: 500, every: 25 };
const cases: Case[] = [
  { id: 'CartPole-v1', policy: 'random', ...base },
  { id: 'CartPole-v1', policy: 'balance', ...base },
  { id: 'MountainCar-v0', policy: 'pump', ...base },
  { id: 'MountainCarContinuous-v0', policy: 'random', ...base },
  { id: 'Pendulum-v1', policy: 'random', kwargs: { g: 9.7 }, ...base },
  { id: 'Acrobot-v1', policy: 'swing', ...base },
];

beforeAll(() => void setWarningHandler(() => {}));
afterAll(() => void setWarningHandler());

describe.skipIf(why !== '')(`against Python, seeds ${seeds.join(', ')}${why}`, () => {
  let traces: Trace[] = [];
  beforeAll(() => {
    const output = execFileSync(python!, [script, JSON.stringify(cases)], { encoding: 'utf8', maxBuffer: 2 ** 26 });
    traces = JSON.parse(output) as Trace[];
  }, 120_000);

  test.each(cases.map(({ id, policy }, i) => [id, policy, i] as const))('%s %s', (id, _policy, i) => {
    const { observations, rewards, observationError, rewardError, sameEnds } = compare(traces[i]!);
    expect(sameEnds).toBe(true);
    const isExact = /^(CartPole|MountainCar)/.test(id);
    expect(isExact ? [observations, rewards] : [0, 0]).toEqual([0, 0]);
    expect(observationError).toBeLessThan(id === 'Acrobot-v1' ? 1e-5 : 1e-6);
    expect(rewardError).toBeLessThan(1e-9);
  });
});
