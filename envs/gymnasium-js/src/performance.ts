// How fast an environment is (gymnasium/utils/performance.py).
import { ConfigError } from '@tessera/core';
import type { Env } from './env.ts';
import type { Seed } from './types.ts';

export interface BenchmarkOptions {
  /** Seconds to measure for; 5 by default. */
  readonly targetDuration?: number;
  readonly seed?: Seed;
}

/** Steps per second with random actions, resets and the drawing of actions included. */
export function benchmarkStep(env: Env<unknown, unknown>, options: BenchmarkOptions = {}): number {
  env.reset({ seed: options.seed });
  return perSecond(options, () => {
    const { terminated, truncated } = env.step(env.actionSpace.sample());
    if (terminated || truncated) env.reset();
  });
}

/** Environments built, reset and closed per second. */
export function benchmarkInit(build: () => Env<unknown, unknown>, options: BenchmarkOptions = {}): number {
  return perSecond(options, () => {
    const env = build();
    env.reset({ seed: options.seed });
    env.close();
  });
}

/** Pictures per second of an environment that has been reset. */
export function benchmarkRender(env: Env<unknown, unknown>, options: BenchmarkOptions = {}): number {
  return perSecond(options, () => {
    env.render();
  });
}

function perSecond({ targetDuration = 5 }: BenchmarkOptions, act: () => void): number {
  if (!(targetDuration > 0 && targetDuration < Infinity)) {
    throw new ConfigError(`benchmark: expected seconds > 0 as targetDuration, got ${String(targetDuration)}.`);
  }
  const start = performance.now();
  let count = 0;
  let elapsed = 0;
  do {
    act();
    count += 1;
    elapsed = performance.now() - start;
  } while (elapsed < targetDuration * 1000);
  return count / (elapsed / 1000);
}
