// Whether gradients are the slopes of the loss, parameter by parameter, and whether every parameter takes part.
import { npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { flatten, gradients } from '@tessera/engine';
import type { Engine, Tensor, Traced } from '@tessera/engine';
import { expect } from 'vitest';

/** Fails unless the gradient of `loss` by each array of `parameters` is neither zero nor another one than its central difference along a direction. */
export function expectSlopes<P extends object>(
  engine: Engine,
  parameters: P,
  loss: (parameters: Traced<P>) => Tensor,
): void {
  const arrays = [...flatten<NdArray>(parameters)] as [string, NdArray<'float32'>][];
  const noise = npRandom(3);
  // Where biases are zeros a place that sees nothing sits in the kink of its ReLUs.
  for (const [, { data }] of arrays) data.forEach((value, k) => (data[k] = value + noise.normal(0, 0.1)));
  const state = engine.state(parameters);
  const program = state.program('loss', {}, (_, traced) => ({ loss: loss(traced) }));
  const differentiated = state.program('slopes', {}, (_, traced) => {
    const leaves = [...flatten<Tensor>(traced)];
    const slopes = gradients(
      loss(traced),
      leaves.map(([, leaf]) => leaf),
    );
    return Object.fromEntries(leaves.map(([name], i) => [name, slopes[i]!]));
  });
  const slopes = differentiated.run({});
  for (const [name, { data, dtype, shape }] of arrays) {
    const along = slopes[name]!.data as Float32Array;
    const length = Math.hypot(...along);
    expect(length, `the gradient by ${name}`).toBeGreaterThan(0);
    // Half along the gradient, where there is most to see, and half anywhere; of length 1 or so.
    const direction = along.map((slope) => slope / length + noise.normal() / Math.sqrt(data.length));
    const expected = direction.reduce((total, d, k) => total + d * along[k]!, 0);
    const step = 1e-3;
    const moved = (sign: number) => {
      state.write({ [name]: { dtype, shape, data: data.map((value, k) => value + sign * step * direction[k]!) } });
      return Number(program.run({}).loss.data[0]);
    };
    const slope = (moved(1) - moved(-1)) / (2 * step);
    state.write({ [name]: { dtype, shape, data } });
    expect(Math.abs(slope - expected), `the slope by ${name}`).toBeLessThan(2e-3 + 0.02 * Math.abs(expected));
  }
  for (const made of [program, differentiated, state]) made.dispose();
}
