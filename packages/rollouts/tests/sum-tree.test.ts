import { describe, expect } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import { SumTree } from '../src/sum-tree.ts';

/** Where a running total of `values` passes `position`. */
function naive(values: readonly number[], position: number): number {
  let sum = 0;
  return values.findIndex((value) => (sum += value) > position);
}

const changes = (value: fc.Arbitrary<number>) =>
  fc.record({
    values: fc.array(value, { minLength: 1, maxLength: 40 }),
    sets: fc.array(fc.tuple(fc.nat(39), value), { maxLength: 40 }),
  });

function changed(
  values: readonly number[],
  sets: readonly (readonly [number, number])[],
): { tree: SumTree; now: number[] } {
  const tree = new SumTree(values);
  const now = [...values];
  for (const [place, value] of sets) {
    tree.set(place % now.length, value);
    now[place % now.length] = value;
  }
  return { tree, now };
}

describe('SumTree', () => {
  // Whole numbers add up without rounding.
  test.prop([changes(fc.oneof(fc.constant(0), fc.nat(5)))])('finds what running totals find', ({ values, sets }) => {
    const { tree, now } = changed(values, sets);
    expect(now.map((_, i) => tree.at(i))).toEqual(now);
    expect(tree.total).toBe(now.reduce((a, b) => a + b, 0));
    for (let position = 0; position < tree.total; position += 0.5)
      expect(tree.find(position)).toBe(naive(now, position));
  });

  const rough = fc.oneof(fc.constant(0), fc.double({ min: 1e-12, max: 1e12, noNaN: true }));
  test.prop([changes(rough), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })])(
    'is a function of its numbers, and never finds a 0',
    ({ values, sets }, share) => {
      const { tree, now } = changed(values, sets);
      const fresh = new SumTree(now);
      expect(tree.total).toBe(fresh.total);
      if (tree.total === 0) return;
      for (const position of [0, share * tree.total, tree.total * (1 - 2 ** -53), tree.total]) {
        const found = tree.find(position);
        expect(found).toBe(fresh.find(position));
        expect(now[found]).toBeGreaterThan(0);
      }
    },
  );

  test('takes finite numbers >= 0 alone', () => {
    expect(() => new SumTree([1, -1])).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: SumTree: expected finite numbers >= 0, got -1.]`,
    );
    const tree = new SumTree([1, 2]);
    expect(() => tree.set(0, NaN)).toThrow('got NaN');
    expect([tree.at(0), tree.total]).toEqual([1, 3]);
  });
});
