// Values of any space on their way through shared memory.
import { test } from '@fast-check/vitest';
import { batchSpace, concatenate, createEmptyArray } from 'gymnasium-js';
import type { TypedArray } from 'gymnasium-js';
import { expect } from 'vitest';
import { allocateRows, copyBatch, readValues, viewRows, writeValues } from '../../src/vector/shared-rows.ts';
import { hasRowLayout } from '../../src/vector/batch-layout.ts';
import { anySpace, seed } from '../spaces/arbitrary-space.ts';

const numEnvs = 3;

test.prop([anySpace, seed])(
  'a batch out of columns is the batch that concatenate makes, and its rows are the values',
  (space, s) => {
    space.seed(s);
    const values = Array.from({ length: numEnvs }, () => space.sample());
    const { observation: columns } = viewRows(allocateRows(numEnvs, space, space), 0, numEnvs);
    const loose = writeValues(space, columns, values);
    const batch = concatenate(space, values, createEmptyArray(space, numEnvs)) as unknown;
    // A Discrete alone is int32 whatever its dtype.
    const got = copyBatch(space, columns, loose);
    const plain = (x: unknown): unknown => (hasRowLayout(space) ? Array.from(x as TypedArray, Number) : x);
    expect(plain(got)).toEqual(plain(batch));
    if (!hasRowLayout(space)) expect(batchSpace(space, numEnvs).contains(got)).toBe(true);
    expect(readValues(space, columns, loose, numEnvs)).toEqual(values);
  },
);

test.prop([anySpace, seed])('parts of the rows are written and read without the others', (space, s) => {
  space.seed(s);
  const rows = allocateRows(numEnvs, space, space);
  const values = Array.from({ length: numEnvs }, () => space.sample());
  const parts = [
    [0, 1],
    [1, 2],
  ].map(([first, count]) => {
    const { actions } = viewRows(rows, first!, count!);
    const part = values.slice(first, first! + count!);
    return { actions, count: count!, loose: writeValues(space, actions, part) };
  });
  const read = parts.flatMap(({ actions, count, loose }) => readValues(space, actions, loose, count));
  expect(read).toEqual(values);
});
