// A function of rows in blocks is the function of the whole batch, bit for bit, whatever the number of rows and however it is cut.
import { afterAll, describe, expect } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import {
  BatchedProgram,
  add,
  argMax,
  checkFinite,
  constant,
  f32,
  gather,
  i32,
  matMul,
  mul,
  reshape,
} from '../../src/index.ts';
import type { Engine, Program, Spec, Tensor } from '../../src/index.ts';
import { floats, integers, seeds } from '../support/arbitraries.ts';
import { backends, engineOf, runsOn } from '../support/backends.ts';
import { cpu } from '../support/cpu.ts';
import { vector } from '../support/evaluate.ts';

// Small whole numbers, so that no order of sums can differ; a constant, so that a program has a buffer of its own.
const weight = floats([3, 4], { seed: 1, values: 'ties' });
const table = floats([5, 6], { seed: 2, values: 'smooth' });

type Rows = Program<{ x: Spec; ids: Spec }, { scores: Tensor; best: Tensor; found: Tensor; ids: Tensor }>;

/** Of each row [3] and two indices: scores [4], the best of them, what the indices find [2, 2, 3], the indices. */
function rowsOn(engine: Engine, batch: number): Rows {
  return engine.program(`rows ${batch}`, { x: f32(batch, 3), ids: i32(batch, 2) }, ({ x, ids }) => {
    const scores = matMul(x, constant(weight)); // [batch, 4]
    const found = gather(constant(table), ids); // [batch, 2, 6]
    return { scores, best: argMax(scores), found: reshape(found, [batch, 2, 2, 3]), ids };
  });
}

const inputs = (rows: number, seed: number) => ({
  x: floats([rows, 3], { seed, values: 'ties' }),
  ids: integers([rows, 2], { seed, count: 5 }),
});

/** Blocks down to 1, in descending order. */
const blocks = fc
  .uniqueArray(fc.integer({ min: 2, max: 9 }), { maxLength: 3 })
  .map((sizes) => [...sizes.toSorted((a, b) => b - a), 1]);

for (const backend of backends) {
  describe.skipIf(backend.engine === undefined)(`rows in blocks on ${backend.name}${backend.skipped}`, () => {
    let shared: BatchedProgram<'x' | 'ids', { scores: Tensor; best: Tensor; found: Tensor; ids: Tensor }> | undefined;
    afterAll(() => shared?.dispose());

    test.prop([fc.integer({ min: 1, max: 200 }), seeds], { numRuns: runsOn(backend, 30) })(
      'are the whole batch: floats and integers, in and out',
      (rows, seed) => {
        const engine = engineOf(backend);
        shared ??= new BatchedProgram((batch) => rowsOn(engine, batch));
        const whole = rowsOn(engine, rows);
        expect(shared.run(inputs(rows, seed))).toEqual(whole.run(inputs(rows, seed)));
        whole.dispose();
      },
    );

    test.prop([blocks, fc.integer({ min: 1, max: 30 }), seeds], { numRuns: runsOn(backend, 12) })(
      'of any sizes, each of which is recorded when it is first needed, and once',
      (sizes, rows, seed) => {
        const engine = engineOf(backend);
        const made: number[] = [];
        const make = (batch: number) => {
          made.push(batch);
          return rowsOn(engine, batch);
        };
        const batched = new BatchedProgram(make, { sizes });
        const whole = rowsOn(engine, rows);
        const expected = whole.run(inputs(rows, seed));
        expect(batched.run(inputs(rows, seed))).toEqual(expected);
        expect(batched.run(inputs(rows, seed))).toEqual(expected);
        expect(made).toEqual(sizesFor(rows, sizes));
        whole.dispose();
        batched.dispose();
      },
    );

    test('see what the state is at each run', () => {
      const state = engineOf(backend).state({ bias: vector(1, 2) });
      const batched = new BatchedProgram(
        (batch) => state.program(`shift ${batch}`, { x: f32(batch, 2) }, ({ x }, { bias }) => ({ y: add(x, bias) })),
        { sizes: [2, 1] },
      );
      const x = ndarray('float32', [3, 2], Float32Array.of(0, 0, 10, 10, 20, 20));
      expect([...batched.run({ x }).y.data]).toEqual([1, 2, 11, 12, 21, 22]);
      state.write({ bias: vector(5, 5) });
      expect([...batched.run({ x }).y.data]).toEqual([5, 5, 15, 15, 25, 25]);
      batched.dispose();
      state.dispose();
    });

    test('leave no tensor behind: not by runs, not by one that fails in a later block, not after dispose', () => {
      const engine = engineOf(backend);
      const batched = new BatchedProgram(
        (batch) =>
          engine.program(`checked ${batch}`, { x: f32(batch, 2) }, ({ x }) => ({
            y: checkFinite(mul(x, constant(vector(2, 3))), 'x'),
          })),
        { sizes: [4, 1] },
      );
      const x = ndarray('float32', [6, 2], new Float32Array(12).fill(1));
      const bad = { ...x, data: x.data.with(11, NaN) };
      // What lowerings share lives as long as the engine; the first cycle makes it.
      const cycle = () => {
        batched.run({ x });
        const running = engine.tensorCount();
        for (let i = 0; i < 3; i++) batched.run({ x });
        expect(() => batched.run({ x: bad })).toThrow(/checkFinite/);
        expect([...batched.run({ x }).y.data]).toEqual([2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3]);
        expect(engine.tensorCount()).toBe(running);
        batched.dispose();
        batched.dispose();
      };
      cycle();
      const before = engine.tensorCount();
      cycle();
      expect(engine.tensorCount()).toBe(before);
    });
  });
}

/** The blocks that so many rows are cut into, without repetitions. */
function sizesFor(rows: number, sizes: readonly number[]): number[] {
  const used: number[] = [];
  let left = rows;
  for (const size of sizes) {
    if (left >= size) used.push(size);
    left %= size;
  }
  return used;
}

describe('a batch in blocks', () => {
  const disposed: number[] = [];
  const copy = (batch: number) => {
    const program = cpu.program(`copy ${batch}`, { x: f32(batch, 1) }, ({ x }) => ({ y: mul(x, 1) }));
    const dispose = program.dispose.bind(program);
    program.dispose = () => {
      disposed.push(batch);
      dispose();
    };
    return program;
  };
  const column = (rows: number): NdArray<'float32'> => ndarray('float32', [rows, 1]);

  test('has blocks of 64, 8 and 1 rows unless told otherwise; dispose frees the program of each', () => {
    const made: number[] = [];
    const batched = new BatchedProgram<'x', { y: Tensor }>((batch) => {
      made.push(batch);
      return copy(batch);
    });
    batched.run({ x: column(64 + 2 * 8 + 3) });
    expect(made).toEqual([64, 8, 1]);
    batched.dispose();
    expect(disposed).toEqual([64, 8, 1]);
  });

  test('of 73 rows, the example of the README', () => {
    const state = cpu.state({ w: ndarray('float32', [4, 1], Float32Array.of(1, 2, 3, 4)) });
    const made: number[] = [];
    const encoders = new BatchedProgram(
      (batch) => {
        made.push(batch);
        return state.program(`encode ${batch}`, { x: f32(batch, 4) }, ({ x }, { w }) => ({ y: matMul(x, w) }));
      },
      { sizes: [32, 4, 1] },
    );
    const rows = ndarray('float32', [73, 4], new Float32Array(73 * 4).fill(1));
    expect(encoders.run({ x: rows }).y).toEqual(ndarray('float32', [73, 1], new Float32Array(73).fill(10)));
    expect(made).toEqual([32, 4, 1]);
    encoders.dispose();
    state.dispose();
  });

  test('is a copy: neither the arrays of the caller nor earlier results change', () => {
    const batched = new BatchedProgram<'x', { y: Tensor }>(copy, { sizes: [2, 1] });
    const whole = Float32Array.of(9, 1, 2, 3, 9);
    const x = ndarray('float32', [3, 1], whole.subarray(1, 4)); // a view into a larger buffer
    const first = batched.run({ x }).y;
    (first.data as Float32Array).fill(0);
    expect([...batched.run({ x }).y.data]).toEqual([1, 2, 3]);
    expect([...whole]).toEqual([9, 1, 2, 3, 9]);
    batched.dispose();
  });

  test('of an output that has no rows', () => {
    const batched = new BatchedProgram((batch) =>
      cpu.program(`total ${batch}`, { x: f32(batch, 3) }, ({ x }) => ({
        total: reshape(matMul(constant(weight), x, { transposeA: true, transposeB: true }), [4 * batch]),
      })),
    );
    expect(() => batched.run({ x: ndarray('float32', [2, 3]) })).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: BatchedProgram: expected the output 'total' with the rows as its first axis, [1, ...], got [4].]`,
    );
  });

  test('of no rows, or of unequal ones', () => {
    const batched = new BatchedProgram((batch) => rowsOn(cpu, batch));
    expect(() =>
      batched.run({ x: ndarray('float32', [0, 3]), ids: ndarray('int32', [0, 2]) }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: BatchedProgram: expected inputs with one and the same number of rows, 1 or more, got x [0, 3], ids [0, 2].]`,
    );
    expect(() =>
      batched.run({ x: ndarray('float32', [2, 3]), ids: ndarray('int32', [3, 2]) }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: BatchedProgram: expected inputs with one and the same number of rows, 1 or more, got x [2, 3], ids [3, 2].]`,
    );
    expect(() => batched.run({ x: ndarray('float32', []), ids: ndarray('int32', []) })).toThrow(
      /got x \[\], ids \[\]\.$/,
    );
  });

  test('of another type than the function takes', () => {
    const batched = new BatchedProgram((batch) => rowsOn(cpu, batch));
    const { x, ids } = inputs(3, 0);
    expect(() => batched.run({ x: ndarray('float32', [3, 4]), ids })).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: program 'rows 1': expected 'x' of shape [1, 3], got [1, 4].]`,
    );
    expect(() => batched.run({ x, ids: ndarray('float32', [3, 2]) })).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: program 'rows 1': expected 'ids' as int32, got float32. Convert it first.]`,
    );
    expect(() => batched.run({ x } as never)).toThrow(/'ids' .* is missing/);
    expect(() => batched.run({ x, ids, idx: ids } as never)).toThrow(/got 'idx'. Did you mean 'ids'\?/);
    batched.dispose();
  });

  test.each([[[]], [[8, 2]], [[1, 8]], [[8, 8, 1]], [[8, 2.5, 1]], [[NaN, 1]], [[Infinity, 1]], [[4, 0, 1]], [[-1]]])(
    'refuses the block sizes %j',
    (sizes) => {
      expect(() => new BatchedProgram<'x', { y: Tensor }>(copy, { sizes })).toThrow(
        `BatchedProgram: expected whole block sizes in descending order down to 1, got [${sizes.join(', ')}].`,
      );
    },
  );
});
