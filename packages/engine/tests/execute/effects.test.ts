// What a program does to the state: every read sees the values from before the run, and all changes happen, or none.
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { describe, expect } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import {
  adamUpdate,
  add,
  assign,
  assignSlice,
  constant,
  f32,
  fill,
  gather,
  i32,
  mul,
  nearestCode,
  reshape,
  slice,
  square,
  stopGradient,
} from '../../src/index.ts';
import { backends, engineOf, runsOn } from '../support/backends.ts';
import { expectClose, numbers, vector } from '../support/evaluate.ts';
import { plainStep } from '../support/plain-step.ts';
import { adamReference } from '../support/adam-reference.ts';

for (const backend of backends) {
  describe.skipIf(backend.engine === undefined)(`state on ${backend.name}${backend.skipped}`, () => {
    test('two state tensors change places', () => {
      const state = engineOf(backend).state({ a: vector(1, 2), b: vector(3, 4) });
      const swap = state.program('swap', {}, (_, { a, b }) => {
        assign(a, b);
        assign(b, a);
        return { a, b };
      });
      expect(swap.run({})).toEqual({ a: vector(1, 2), b: vector(3, 4) });
      expect(state.read()).toEqual({ a: vector(3, 4), b: vector(1, 2) });
      swap.run({});
      expect(state.read()).toEqual({ a: vector(1, 2), b: vector(3, 4) });
      swap.dispose();
      state.dispose();
    });

    test('a slice is overwritten where it is, and reads see the old one', () => {
      const table = ndarray(
        'float32',
        [2, 3, 2],
        Float32Array.from({ length: 12 }, (_, i) => i),
      );
      const state = engineOf(backend).state({ table, counts: ndarray('int32', [4], Int32Array.of(1, 2, 3, 4)) });
      const program = state.program(
        'write',
        { at: i32(), part: f32(2, 2, 2) },
        ({ at, part }, { table: old, counts }) => {
          assignSlice(old, part, { at, axis: 1 });
          assignSlice(counts, constant(ndarray('int32', [2], Int32Array.of(8, 9))), { at, axis: 0 });
          return { old, first: slice(old, [0, 1, 0], [2, 1, 2]) };
        },
      );
      const part = ndarray(
        'float32',
        [2, 2, 2],
        Float32Array.from({ length: 8 }, (_, i) => -1 - i),
      );
      for (let run = 0; run < 2; run++) {
        state.write({ table, counts: ndarray('int32', [4], Int32Array.of(1, 2, 3, 4)) });
        const before = program.run({ at: 1, part });
        expect([...before.old.data]).toEqual([...table.data]);
        expect([...before.first.data]).toEqual([2, 3, 8, 9]);
        expect([...state.readOne('table').data]).toEqual([0, 1, -1, -2, -3, -4, 6, 7, -5, -6, -7, -8]);
        expect([...state.readOne('counts').data]).toEqual([1, 8, 9, 4]);
      }
      program.dispose();
      state.dispose();
    });

    test.prop([fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }), fc.nat(), fc.nat()], {
      numRuns: runsOn(backend, 20),
    })('a slice along any axis is what copying number by number writes', (shape, pick, draw) => {
      const axis = pick % shape.length;
      const length = 1 + (draw % shape[axis]!);
      const at = draw % (shape[axis]! - length + 1);
      const partShape = shape.map((size, i) => (i === axis ? length : size));
      const count = (sizes: readonly number[]) => sizes.reduce((product, size) => product * size, 1);
      const x = ndarray(
        'float32',
        shape,
        Float32Array.from({ length: count(shape) }, (_, i) => i),
      );
      const part = ndarray(
        'float32',
        partShape,
        Float32Array.from({ length: count(partShape) }, (_, i) => -1 - i),
      );
      const expected = x.data.slice();
      const inner = count(shape.slice(axis + 1));
      for (const [i, value] of part.data.entries()) {
        const [outer, place, rest] = [Math.floor(i / (length * inner)), Math.floor(i / inner) % length, i % inner];
        expected[(outer * shape[axis]! + at + place) * inner + rest] = value;
      }
      const state = engineOf(backend).state({ x });
      const program = state.program('write', { at: i32(), part: f32(...partShape) }, (inputs, tensors) => {
        assignSlice(tensors.x, inputs.part, { at: inputs.at, axis });
        return {};
      });
      program.run({ at, part });
      expect([...state.readOne('x').data]).toEqual([...expected]);
      program.dispose();
      state.dispose();
    });

    test('a slice that comes from the tensor itself is from before the run', () => {
      const state = engineOf(backend).state({ table: ndarray('float32', [3, 1], Float32Array.of(1, 2, 3)) });
      const program = state.program('turn', { from: i32(3) }, ({ from }, { table }) => {
        assignSlice(table, gather(table, from), { at: constant(ndarray('int32', [])), axis: 0 });
        return {};
      });
      program.run({ from: ndarray('int32', [3], Int32Array.of(2, 0, 1)) });
      expect([...state.readOne('table').data]).toEqual([3, 1, 2]);
      program.dispose();
      state.dispose();
    });

    test('a place from which a slice does not fit is an error, and nothing has changed', () => {
      const state = engineOf(backend).state({ a: vector(1), table: ndarray('float32', [3, 1]) });
      const program = state.program('write', { at: i32() }, ({ at }, { a, table }) => {
        assign(a, add(a, 1));
        assignSlice(table, fill([2, 1], 5), { at, axis: 0 });
        return {};
      });
      for (const bad of [2, -1]) {
        expect(() => program.run({ at: bad })).toThrow(
          `assignSlice: expected indices in [0, 2), got ${bad} at position 0.`,
        );
        expect([...state.readOne('a').data, ...state.readOne('table').data]).toEqual([1, 0, 0, 0]);
      }
      program.dispose();
      state.dispose();
    });

    test('what is read after an assignment is the old value', () => {
      const state = engineOf(backend).state({ a: vector(1, 2) });
      const program = state.program('count', {}, (_, { a }) => {
        assign(a, add(a, 1));
        return { before: a, doubled: mul(a, 2) };
      });
      expect(program.run({})).toEqual({ before: vector(1, 2), doubled: vector(2, 4) });
      expect(program.run({})).toEqual({ before: vector(2, 3), doubled: vector(4, 6) });
      program.dispose();
      state.dispose();
    });

    test('an alias that is assigned keeps the old value while Adam changes its source in place', () => {
      const state = engineOf(backend).state({
        old: vector(0, 0),
        x: vector(1, 2),
        first: vector(0, 0),
        second: vector(1, 1),
      });
      const program = state.program('step', { g: f32(2) }, ({ g }, { old, x, first, second }) => {
        assign(old, stopGradient(reshape(reshape(x, [2, 1]), [2])));
        adamUpdate(x, plainStep(first, second, g));
        return { x };
      });
      expect(program.run({ g: vector(10, 20) }).x).toEqual(vector(1, 2));
      expect(state.readOne('old')).toEqual(vector(1, 2));
      expect(state.readOne('x')).toEqual(vector(-9, -18));
      program.run({ g: vector(1, 1) });
      expect(state.readOne('old')).toEqual(vector(-9, -18));
      expect(state.readOne('x')).toEqual(vector(-10, -19));
      program.dispose();
      state.dispose();
    });

    test('an assigned state tensor itself, not a copy of it, is the old value too', () => {
      const state = engineOf(backend).state({ old: vector(0), x: vector(5), first: vector(0), second: vector(1) });
      const program = state.program('step', {}, (_, { old, x, first, second }) => {
        assign(old, x);
        adamUpdate(x, plainStep(first, second, fill([1], 1)));
        return {};
      });
      program.run({});
      program.run({});
      expect(numbers(state.readOne('old'))).toEqual([4]);
      expect(numbers(state.readOne('x'))).toEqual([3]);
      program.dispose();
      state.dispose();
    });

    test('two Adam steps that take each other as the gradient see the values from before', () => {
      const state = engineOf(backend).state({
        x: vector(1),
        y: vector(10),
        m: [vector(0), vector(0)] as const,
        v: [vector(1), vector(1)] as const,
      });
      const program = state.program('cross', {}, (_, { x, y, m, v }) => {
        adamUpdate(x, plainStep(m[0], v[0], y));
        adamUpdate(y, plainStep(m[1], v[1], x));
        return {};
      });
      program.run({});
      expect([...numbers(state.readOne('x')), ...numbers(state.readOne('y'))]).toEqual([-9, 9]);
      program.dispose();
      state.dispose();
    });

    test('a rate that is state and changes in the same program is the old one', () => {
      const state = engineOf(backend).state({
        x: vector(0),
        m: vector(0),
        v: vector(1),
        rate: ndarray('float32', [], Float32Array.of(1)),
      });
      const program = state.program('schedule', {}, (_, { x, m, v, rate }) => {
        assign(rate, mul(rate, 0.5));
        adamUpdate(x, { ...plainStep(m, v, fill([1], 1)), rate });
        return {};
      });
      for (let i = 0; i < 3; i++) program.run({});
      expect(numbers(state.readOne('x'))).toEqual([-1.75]);
      program.dispose();
      state.dispose();
    });

    test('an input and a constant can be assigned, and stay what they were', () => {
      const state = engineOf(backend).state({ a: vector(0, 0), b: vector(0, 0) });
      const program = state.program('set', { x: f32(2) }, ({ x }, { a, b }) => {
        assign(a, x);
        assign(b, fill([2], 7));
        return { sum: add(a, b) };
      });
      const x = vector(1, 2);
      program.run({ x });
      x.data.fill(9);
      expect(program.run({ x: vector(3, 4) }).sum).toEqual(vector(8, 9));
      expect(state.read()).toEqual({ a: vector(3, 4), b: vector(7, 7) });
      program.dispose();
      expect(state.read()).toEqual({ a: vector(3, 4), b: vector(7, 7) });
      state.dispose();
    });

    test('a run that throws in the middle changes nothing', () => {
      const state = engineOf(backend).state({ a: vector(1, 2), x: vector(1, 1), m: vector(0, 0), v: vector(1, 1) });
      const program = state.program('fail', { z: f32(1, 2), i: i32(1) }, ({ z, i }, { a, x, m, v }) => {
        assign(a, add(a, 1));
        const table = square(reshape(x, [2, 1]));
        const row = reshape(gather(table, i), [1]);
        const code = nearestCode(z, reshape(a, [1, 2]));
        adamUpdate(x, plainStep(m, v, a));
        return { row, code };
      });
      const before = state.read();
      const i = ndarray('int32', [1], Int32Array.of(0));
      expect(() => program.run({ z: ndarray('float32', [1, 2], Float32Array.of(NaN, 0)), i })).toThrow(/nearestCode/);
      expect(state.read()).toEqual(before);
      const outside = ndarray('int32', [1], Int32Array.of(2));
      expect(() => program.run({ z: ndarray('float32', [1, 2]), i: outside })).toThrow(/gather/);
      expect(state.read()).toEqual(before);
      program.run({ z: ndarray('float32', [1, 2]), i });
      expect(state.readOne('a')).toEqual(vector(2, 3));
      program.dispose();
      state.dispose();
    });

    for (const { decay, scale } of [
      { decay: 0, scale: 1 },
      { decay: 0.01, scale: 0.3 },
    ]) {
      test(`50 steps of Adam with decay ${decay} and gradient scale ${scale} are those of float64`, () => {
        const n = 37;
        const start = Float32Array.from({ length: n }, (_, i) => Math.sin(i));
        const zeros = () => ndarray('float32', [n]);
        const state = engineOf(backend).state({ x: ndarray('float32', [n], start), m: zeros(), v: zeros() });
        const settings = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8 };
        const program = state.program(
          'adam',
          { rate: f32(), correction: f32(), g: f32(n) },
          ({ rate, correction, g }, { x, m, v }) => {
            adamUpdate(x, {
              firstMoment: m,
              secondMoment: v,
              gradient: add(g, mul(x, 0.1)),
              rate,
              correction,
              ...settings,
              decay: fill([], decay),
              scale: fill([], scale),
            });
            return {};
          },
        );
        const reference = adamReference(start, { ...settings, learningRate: 0.05, decay, scale });
        for (let t = 1; t <= 50; t++) {
          const g = Float32Array.from({ length: n }, (_, i) => Math.cos(i * t));
          program.run({
            rate: 0.05 / (1 - settings.beta1 ** t),
            correction: 1 - settings.beta2 ** t,
            g: ndarray('float32', [n], g),
          });
          reference.step((x, i) => g[i]! + 0.1 * x);
        }
        const want = (data: Float64Array): Pick<NdArray, 'shape' | 'data'> => ({ shape: [n], data });
        expect(state.readOne('x').dtype).toBe('float32');
        expectClose(state.readOne('x'), want(reference.x), { tolerance: 1e-5, what: 'x' });
        expectClose(state.readOne('m'), want(reference.m), { tolerance: 1e-6, what: 'first moment' });
        expectClose(state.readOne('v'), want(reference.v), { tolerance: 1e-6, what: 'second moment' });
        program.dispose();
        state.dispose();
      });
    }
  });
}
