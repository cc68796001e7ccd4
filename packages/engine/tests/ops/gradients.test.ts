// The gradient of every op: on every backend as on cpu, and on cpu as the slope of the float64 definition along random directions.
import { expect, describe } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import type { NdArray } from '@tessera/core';
import { add, constant, gradients, mul, sum } from '../../src/index.ts';
import { engineOf, others, runsOn } from '../support/backends.ts';
import { cpu } from '../support/cpu.ts';
import {
  differentiable,
  directionsOf,
  expectClose,
  inner,
  lossOf,
  recordedGradients,
  runOnce,
  trueLoss,
} from '../support/evaluate.ts';
import { defaultTolerance, title } from '../support/op-case.ts';
import type { OpCase, Sample } from '../support/op-case.ts';
import { sizeOf } from '../support/float64.ts';
import { cases } from './cases.ts';

const smooth = cases.filter(({ gradients }) => gradients !== undefined);

// A gradient sums over what its forward pass spread, up to a few hundred numbers.
const tolerance = ({ tolerance: forward = defaultTolerance }: OpCase) => 4 * Math.max(forward, defaultTolerance);

// A slope along a direction sums products of all elements: the roundings of independent terms grow with the root of their number.
function slopeTolerance(op: OpCase, sample: Sample<unknown>): number {
  const elements = sample.inputs.reduce((total, { shape }) => total + sizeOf(shape), 0);
  return tolerance(op) * Math.sqrt(1 + elements);
}

describe('cpu: the gradient is the slope of the definition', () => {
  for (const op of smooth) {
    test.prop([op.samples('smooth')], { numRuns: 10 })(title(op), (sample) => {
      const directions = directionsOf(op, sample, 1);
      // Central differences in float64: the error of the step is its square, that of rounding 1e-16 / step.
      const step = 1e-5;
      const slope =
        (trueLoss(op, sample, [{ step, directions }]) - trueLoss(op, sample, [{ step: -step, directions }])) /
        (2 * step);
      const found = inner(recordedGradients(cpu, op, sample), directions);
      expect(Math.abs(found - slope)).toBeLessThanOrEqual(slopeTolerance(op, sample) * (1 + Math.abs(slope)));
    });
  }
});

describe('cpu: the gradient of the gradient is the curvature of the definition', () => {
  // Ops with kinks have a curvature that central differences over a kink get wrong; that of all of them is 0. ELU's curvature jumps at 0, so its numbers keep away.
  const kinked = ['abs', 'sign', 'relu', 'maximum', 'minimum'];
  for (const op of smooth.filter(({ op: name, twice = false }) => twice && !kinked.includes(name))) {
    test.prop([op.samples('smooth')], { numRuns: 8 })(title(op), (sample) => {
      if (op.op === 'elu') fc.pre(sample.inputs[0]!.data.every((x) => Math.abs(Number(x)) > 0.02));
      const [first, second] = [directionsOf(op, sample, 1), directionsOf(op, sample, 2)];
      const curvatureBy = (step: number) => {
        const at = (a: number, b: number) =>
          trueLoss(op, sample, [
            { step: a * step, directions: first },
            { step: b * step, directions: second },
          ]);
        return (at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1)) / (4 * step * step);
      };
      // The error of a step is its square, which two steps take away (Richardson): what is left is the fourth power. Rounding costs 1e-16 / step^2.
      const curvature = (4 * curvatureBy(1e-3) - curvatureBy(2e-3)) / 3;
      const found = inner(curvatures(op, sample, first), second);
      expect(Math.abs(found - curvature)).toBeLessThanOrEqual(slopeTolerance(op, sample) * (1 + Math.abs(curvature)));
    });
  }
});

// The gradient of the slope along `directions`: the Hessian times them.
function curvatures(op: OpCase, sample: Sample<unknown>, directions: readonly NdArray[]): NdArray[] {
  const positions = differentiable(op, sample);
  const results = runOnce(cpu, sample.inputs, (tensors) => {
    const wrt = positions.map((i) => tensors[i]!);
    const slopes = gradients(lossOf(op.call(tensors, sample.attrs)), wrt);
    const terms = slopes.map((slope, i) => sum(mul(slope, constant(directions[i]!))));
    const along = terms.slice(1).reduce((total, term) => add(total, term), terms[0]!);
    return Object.fromEntries(gradients(along, wrt).map((x, i) => [`d${i}`, x]));
  });
  return positions.map((_, i) => results[`d${i}`]!);
}

for (const backend of others) {
  describe.skipIf(backend.engine === undefined)(
    `${backend.name}: the gradient is that of cpu${backend.skipped}`,
    () => {
      for (const op of smooth) {
        for (const values of ['smooth', 'ties'] as const) {
          test.prop([op.samples(values)], { numRuns: runsOn(backend, 6) })(`${title(op)}, ${values}`, (sample) => {
            const want = recordedGradients(cpu, op, sample);
            const got = recordedGradients(engineOf(backend), op, sample);
            for (const [i, slope] of got.entries()) {
              expectClose(slope, want[i]!, { tolerance: tolerance(op), what: `${title(op)}, input ${i}` });
            }
          });
        }
      }
    },
  );
}
