import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { planTranspose } from '../../src/wasm/transpose.ts';
import { expectClose, kernelsOn, TestMemory } from './test-memory.ts';

const memory = new TestMemory();
const kernels = await kernelsOn(memory);

function check(shape: readonly number[], perm: readonly number[]): void {
  memory.reset();
  const total = shape.reduce((product, size) => product * size, 1);
  const values = Float32Array.from({ length: total }, (_, i) => i);
  const y = memory.allocate(total * 4);
  kernels.transpose(memory.float32(values), y, shape, perm);
  const steps = shape.map((_, i) => shape.slice(i + 1).reduce((product, size) => product * size, 1));
  const outShape = perm.map((axis) => shape[axis] as number);
  const expected = values.map((_, at) => {
    let rest = at;
    let from = 0;
    for (let i = perm.length - 1; i >= 0; i--) {
      const size = outShape[i] as number;
      from += (rest % size) * (steps[perm[i] as number] as number);
      rest = Math.floor(rest / size);
    }
    return from;
  });
  expectClose(memory.readFloat32(y, total), expected, 0);
  memory.expectGuardsIntact();
}

const cases = fc
  .array(fc.integer({ min: 1, max: 6 }), { maxLength: 5 })
  .chain((shape) => fc.tuple(fc.constant(shape), fc.shuffledSubarray([...shape.keys()], { minLength: shape.length })));

describe('transpose', () => {
  test.prop([cases], { numRuns: 500 })('permutes the axes', ([shape, perm]) => check(shape, perm));

  test.each([
    [
      [70, 45],
      [1, 0],
    ],
    [
      [3, 33, 66],
      [0, 2, 1],
    ],
    [
      [2, 9, 4, 16],
      [0, 2, 1, 3],
    ],
    [
      [2, 5, 6, 37],
      [0, 3, 1, 2],
    ],
    [
      [37, 3, 2, 40],
      [3, 1, 2, 0],
    ],
    [
      [2, 3, 4, 5, 6],
      [4, 3, 2, 1, 0],
    ],
    [
      [1, 1, 1, 1, 1, 7, 1, 8],
      [7, 6, 5, 4, 3, 2, 1, 0],
    ],
  ])('of %j by %j', (shape, perm) => check(shape, perm));

  test('of an empty tensor does nothing', () => {
    memory.reset();
    const y = memory.float32([5]);
    kernels.transpose(y, y, [3, 0, 2], [2, 0, 1]);
    expect(memory.readFloat32(y, 1)[0]).toBe(5);
  });

  test('of six axes that do not merge says so', () => {
    expect(() => planTranspose([2, 2, 2, 2, 2, 2], [5, 4, 3, 2, 1, 0])).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: transpose: expected at most 5 axes after merging, got shape [2, 2, 2, 2, 2, 2] by [5, 4, 3, 2, 1, 0]. Reshape first, or transpose in two steps.]`,
    );
  });
});
