// The value of every op, on every backend, as the plain cpu backend computes it; and the cpu backend as the definitions say.
import { expect, describe } from 'vitest';
import { test } from '@fast-check/vitest';
import * as frontDoor from '../../src/index.ts';
import { engineOf, others, runsOn } from '../support/backends.ts';
import { cpu } from '../support/cpu.ts';
import { eagerValue, expectClose, recordedValue, trueValue } from '../support/evaluate.ts';
import { title } from '../support/op-case.ts';
import { cases } from './cases.ts';

// What the front door exports beside ops.
const notOps = [
  'checkBackendChoice checkPrecision createEngine Engine Program BatchedProgram State read Tensor f32 i32 flatten'.split(
    ' ',
  ),
  ['gradients', 'adamUpdate', 'assign', 'assignSlice'],
].flat();

test('the table has every op that the front door exports', () => {
  const exported = Object.keys(frontDoor).filter((name) => !notOps.includes(name));
  expect(new Set(cases.map(({ op }) => op))).toEqual(new Set(exported));
});

describe('cpu computes what the definition says, recorded and op by op', () => {
  for (const op of cases) {
    for (const values of ['smooth', 'ties'] as const) {
      test.prop([op.samples(values)], { numRuns: 10 })(`${title(op)}, ${values}`, (sample) => {
        const recorded = recordedValue(cpu, op, sample);
        expectClose(recorded, trueValue(op, sample), { tolerance: op.tolerance, what: title(op) });
        expect(eagerValue(cpu, op, sample)).toEqual(recorded);
      });
    }
  }
});

for (const backend of others) {
  describe.skipIf(backend.engine === undefined)(`${backend.name} computes what cpu computes${backend.skipped}`, () => {
    for (const op of cases) {
      for (const values of ['smooth', 'ties'] as const) {
        test.prop([op.samples(values)], { numRuns: runsOn(backend, 8) })(`${title(op)}, ${values}`, (sample) => {
          const engine = engineOf(backend);
          const want = recordedValue(cpu, op, sample);
          const recorded = recordedValue(engine, op, sample);
          expect(recorded.dtype).toBe(want.dtype);
          expectClose(recorded, want, { tolerance: op.tolerance, what: title(op) });
          expectClose(eagerValue(engine, op, sample), want, { tolerance: op.tolerance, what: title(op) });
        });
      }
    }
  });
}
