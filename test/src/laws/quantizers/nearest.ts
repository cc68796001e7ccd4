import { expect } from 'vitest';
import { constant, nearestCode, read } from '@tessera/engine';
import type { Engine } from '@tessera/engine';
import { distancesOf } from './samples.ts';
import type { Sample } from './samples.ts';

/** The nearest code of each vector. */
export function nearest(engine: Engine, { z, codebook }: Sample): number[] {
  return engine.eager(() => {
    const indices = read(nearestCode(constant(z), constant(codebook)));
    expect(indices.dtype).toBe('int32');
    return [...(indices.data as Int32Array)];
  });
}

/** Rows whose nearest code is no matter of rounding: all others are farther by more than the row's bound. */
export function clearRows(sample: Sample, bounds: readonly number[]): number[] {
  return bounds.flatMap((bound, i) => {
    const [least, ...others] = distancesOf(sample, i).sort((a, b) => a - b);
    return others.every((other) => other > least! + bound) ? [i] : [];
  });
}
