// Fresh seeds against the Gymnasium that is installed, where TESSERA_PYTHON names a Python that has it.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { play } from './traces.ts';
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
const base = { seeds, steps: 500, every: 50 };
const cases: Case[] = [
  { id: 'FrozenLake-v1', policy: 'random', kwargs: { successRate: 0.6 }, renderMode: 'ansi', ...base },
  { id: 'FrozenLake8x8-v1', policy: 'random', ...base },
  { id: 'CliffWalking-v1', policy: 'east', renderMode: 'ansi', ...base },
  { id: 'CliffWalkingSlippery-v1', policy: 'east', ...base },
  { id: 'Taxi-v4', policy: 'masked', renderMode: 'ansi', ...base },
  { id: 'Taxi-v4', policy: 'masked', kwargs: { isRainy: true, ficklePassenger: true }, ...base },
  { id: 'Blackjack-v1', policy: 'brave', ...base },
];

describe.skipIf(why !== '')(`against Python, seeds ${seeds.join(', ')}${why}`, () => {
  let traces: Trace[] = [];
  beforeAll(() => {
    const output = execFileSync(python!, [script, JSON.stringify(cases)], { encoding: 'utf8', maxBuffer: 2 ** 26 });
    traces = JSON.parse(output) as Trace[];
  }, 120_000);

  test.each(cases.map(({ id, policy }, i) => [id, policy, i] as const))('%s %s: every bit', (_id, _policy, i) => {
    const trace = traces[i]!;
    for (const seed of seeds) expect([seed, play(trace, BigInt(seed))]).toEqual([seed, trace.runs[seed]]);
  });
});
