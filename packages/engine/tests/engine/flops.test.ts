// What an engine says it has computed: the operations of each program, once for each run that succeeded.
import { ndarray } from '@tessera/core';
import { describe, expect } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import {
  BatchedProgram,
  add,
  assign,
  checkFinite,
  conv2d,
  f32,
  gradients,
  matMul,
  nearestCode,
  read,
  square,
  sum,
} from '../../src/index.ts';
import type { Engine } from '../../src/index.ts';
import { backends, engineOf, runsOn } from '../support/backends.ts';
import { cpu } from '../support/cpu.ts';

const array = (...shape: number[]) => ndarray('float32', shape);

/** The operations that an engine counts while `body` runs. */
function counted(engine: Engine, body: () => void): number {
  const before = engine.flops;
  body();
  return engine.flops - before;
}

for (const backend of backends) {
  describe.skipIf(backend.engine === undefined)(`operations counted on ${backend.name}${backend.skipped}`, () => {
    const size = fc.integer({ min: 1, max: 6 });
    const run = fc.record({ m: size, k: size, n: size, times: fc.nat(4) });

    test.prop([fc.array(run, { minLength: 1, maxLength: 3 })], { numRuns: runsOn(backend, 12) })(
      'are 2 m k n for each run of a product, whichever programs ran',
      (runs) => {
        const engine = engineOf(backend);
        const programs = runs.map(({ m, k, n }) =>
          engine.program('product', { a: f32(m, k), b: f32(k, n) }, ({ a, b }) => ({ y: matMul(a, b) })),
        );
        const flops = counted(engine, () => {
          for (let round = 0; round < 4; round++) {
            for (const [i, { m, k, n, times }] of runs.entries()) {
              if (round < times) programs[i]!.run({ a: array(m, k), b: array(k, n) });
            }
          }
        });
        expect(flops).toBe(runs.reduce((total, { m, k, n, times }) => total + 2 * m * k * n * times, 0));
        for (const program of programs) program.dispose();
      },
    );

    test('are the programs of states too, with their gradients; sums and differences are free', () => {
      const engine = engineOf(backend);
      const state = engine.state({ w: array(3, 2) });
      const program = state.program('step', { x: f32(5, 3) }, ({ x }, { w }) => {
        const [slope] = gradients(sum(square(matMul(x, w))), [w]);
        assign(w, add(w, slope!));
        return {};
      });
      // x w, and x^T times what comes back; nobody wants the gradient of x.
      expect(program.flops).toBe(2 * (2 * 5 * 3 * 2));
      const flops = counted(engine, () => {
        for (let i = 0; i < 3; i++) program.run({ x: array(5, 3) });
      });
      expect(flops).toBe(3 * program.flops);
      program.dispose();
      state.dispose();
    });

    test('are convolutions and distances to codes', () => {
      const engine = engineOf(backend);
      const program = engine.program(
        'p',
        { x: f32(2, 5, 5, 3), filter: f32(3, 3, 3, 4), z: f32(7, 2), codes: f32(6, 2) },
        ({ x, filter, z, codes }) => ({ y: conv2d(x, filter, { padding: 'valid' }), i: nearestCode(z, codes) }),
      );
      const flops = counted(engine, () =>
        program.run({ x: array(2, 5, 5, 3), filter: array(3, 3, 3, 4), z: array(7, 2), codes: array(6, 2) }),
      );
      // 3 x 3 outputs of 27 products each for 2 pictures and 4 channels; 7 x 6 inner products of 2 numbers.
      expect(flops).toBe(2 * (2 * 9 * 4 * 27) + 2 * (7 * 6 * 2));
      program.dispose();
    });

    test('are none for what is recorded, runs eagerly, is refused or fails', () => {
      const engine = engineOf(backend);
      const program = engine.program('p', { a: f32(2, 2) }, ({ a }) => ({ y: checkFinite(matMul(a, a), 'a') }));
      const state = engine.state({ a: array(2, 2) });
      const bad = ndarray('float32', [2, 2], Float32Array.of(NaN, 0, 0, 0));
      const flops = counted(engine, () => {
        state.eager(({ a }) => read(matMul(a, a)));
        expect(() => program.run({ a: array(3, 2) })).toThrow(/of shape \[2, 2\]/);
        expect(() => program.run({ a: bad })).toThrow(/checkFinite/);
        program.run({ a: array(2, 2) });
        expect(() => program.run({ a: bad })).toThrow(/checkFinite/);
        program.dispose();
        expect(() => program.run({ a: array(2, 2) })).toThrow('run after dispose');
        state.dispose();
      });
      expect(flops).toBe(2 * 2 * 2 * 2);
    });
  });
}

test('a batch in blocks counts as the whole batch', () => {
  const batched = new BatchedProgram((batch) =>
    cpu.program(`product ${batch}`, { x: f32(batch, 3), w: f32(batch, 3, 2) }, ({ w }) => ({
      y: matMul(w, w, { transposeA: true }),
    })),
  );
  const rows = 64 + 8 + 5;
  expect(counted(cpu, () => batched.run({ x: array(rows, 3), w: array(rows, 3, 2) }))).toBe(rows * 2 * 2 * 3 * 2);
  batched.dispose();
});

test('an engine counts its own programs alone', () => {
  const [one, ...rest] = backends.flatMap(({ engine }) => engine ?? []);
  const program = one!.program('p', { a: f32(2, 2) }, ({ a }) => ({ y: matMul(a, a) }));
  const before = rest.map(({ flops }) => flops);
  expect(counted(one!, () => program.run({ a: array(2, 2) }))).toBe(16);
  expect(rest.map(({ flops }) => flops)).toEqual(before);
  program.dispose();
});
