// The networks of policy and value by hand: embeddings, the convolution over the grid of tokens, hidden layers and heads, as plain loops.
import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import type { NdArray } from '@tessera/core';
import { behaviourOn, codesOf, cpu, integers, specOf } from './toy.ts';

type Weights = Readonly<Record<string, NdArray>>;

const relu = (x: number) => Math.max(0, x);
const times = (row: readonly number[], weights: Weights, name: string): number[] => {
  const kernel = weights[`parameters.${name}.kernel`]!;
  const bias = weights[`parameters.${name}.bias`]!;
  const width = bias.data.length;
  return Array.from(
    { length: width },
    (_, j) => Number(bias.data[j]) + row.reduce((sum, x, i) => sum + x * Number(kernel.data[i * width + j]), 0),
  );
};

/** Logits and value of one frame of `rows` x `columns` tokens. */
function judged(
  tokens: readonly number[],
  weights: Weights,
  { rows, columns, layers, codes }: { rows: number; columns: number; layers: number; codes: NdArray },
): { logits: number[]; value: number } {
  const table = weights['parameters.table']!;
  const [, width] = table.shape as [number, number];
  const projection = weights['parameters.codes']!;
  const codeDim = codes.shape[1]!;
  const embedded = tokens.map((token) =>
    Array.from({ length: width }, (_, j) => {
      let sum = Number(table.data[token * width + j]);
      for (let i = 0; i < codeDim; i++)
        sum += Number(codes.data[token * codeDim + i]) * Number(projection.data[i * width + j]);
      return sum;
    }),
  );
  let x = embedded.flat();
  if (weights['parameters.stem.kernel'] !== undefined) {
    x = [];
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        // Its nine neighbours one after the other; those beyond the border are 0.
        const seen = [-1, 0, 1].flatMap((down) =>
          [-1, 0, 1].flatMap((right) => {
            const [r, c] = [row + down, column + right];
            const inside = r >= 0 && r < rows && c >= 0 && c < columns;
            return inside ? embedded[r * columns + c]!.map(relu) : Array.from({ length: width }, () => 0);
          }),
        );
        x.push(...times(seen, weights, 'stem').map(relu));
      }
    }
  }
  for (let layer = 0; layer < layers; layer++) x = times(x, weights, `hidden.${layer}`).map(relu);
  return { logits: times(x, weights, 'policy'), value: times(x, weights, 'value')[0]! };
}

describe('policy and value', () => {
  test.prop(
    [
      fc.record({ rows: fc.integer({ min: 1, max: 3 }), columns: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ stem: fc.constantFrom(0, 0, 3), layers: fc.integer({ min: 1, max: 3 }) }),
      fc.nat({ max: 99 }),
    ],
    { numRuns: 15 },
  )('are what the loops say, with and without a convolution', ({ rows, columns }, { stem, layers }, seed) => {
    const tokenizer = specOf([rows, columns], 5);
    const behaviour = behaviourOn(cpu, { stem, layers, hidden: 6, embedding: 3 }, { tokenizer, seed });
    const tokens = integers([4, rows * columns], 5, seed);
    const { logits, values } = behaviour.judge(tokens);
    const weights = behaviour.state();
    for (let row = 0; row < 4; row++) {
      const own = [...tokens.data.subarray(row * rows * columns, (row + 1) * rows * columns)];
      const expected = judged(own, weights, { rows, columns, layers, codes: codesOf(tokenizer) });
      for (const [i, logit] of expected.logits.entries()) expect(logits.data[row * 3 + i]).toBeCloseTo(logit, 5);
      expect(values[row]).toBeCloseTo(expected.value, 5);
    }
  });
});
