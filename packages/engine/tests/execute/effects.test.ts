// What a program does to the state: every read sees the values from before the run, and all changes happen, or none.
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { describe, expect, test } from 'vitest';
import {
  adamUpdate,
  add,
  assign,
  assignRows,
  constant,
  f32,
  fill,
  gather,
  i32,
  mul,
  nearestCode,
  reshape,
  square,
  stopGradient,
} from '../../src/index.ts';
import { backends, engineOf } from '../support/backends.ts';
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

    test('rows are overwritten where they are, and reads see the old ones', () => {
      const table = ndarray('float32', [3, 2], Float32Array.of(1, 2, 3, 4, 5, 6));
      const state = engineOf(backend).state({ table, counts: ndarray('int32', [4], Int32Array.of(1, 2, 3, 4)) });
      const program = state.program(
        'write',
        { at: i32(2), rows: f32(2, 2) },
        ({ at, rows }, { table: old, counts }) => {
          assignRows(old, at, rows);
          // The first and the last change places: what is written is what was there before.
          const ends = constant(ndarray('int32', [2], Int32Array.of(0, 3)));
          assignRows(counts, ends, constant(ndarray('int32', [2], Int32Array.of(4, 1))));
          return { old, found: gather(old, at) };
        },
      );
      const rows = ndarray('float32', [2, 2], Float32Array.of(7, 8, 9, 10));
      const at = ndarray('int32', [2], Int32Array.of(2, 0));
      const before = program.run({ at, rows });
      expect([...before.old.data]).toEqual([1, 2, 3, 4, 5, 6]);
      expect([...before.found.data]).toEqual([5, 6, 1, 2]);
      expect([...state.readOne('table').data]).toEqual([9, 10, 3, 4, 7, 8]);
      expect([...state.readOne('counts').data]).toEqual([4, 2, 3, 1]);
      program.dispose();
      state.dispose();
    });

    test('rows that come from the tensor itself are those from before the run', () => {
      const state = engineOf(backend).state({ table: ndarray('float32', [3, 1], Float32Array.of(1, 2, 3)) });
      const program = state.program('turn', { from: i32(3), to: i32(3) }, ({ from, to }, { table }) => {
        assignRows(table, to, gather(table, from));
        return {};
      });
      const order = (...places: number[]) => ndarray('int32', [3], Int32Array.from(places));
      program.run({ from: order(0, 1, 2), to: order(1, 2, 0) });
      expect([...state.readOne('table').data]).toEqual([3, 1, 2]);
      program.dispose();
      state.dispose();
    });

    test('a row out of range is an error, and nothing has changed', () => {
      const state = engineOf(backend).state({ a: vector(1), table: ndarray('float32', [3, 1]) });
      const program = state.program('write', { at: i32(2) }, ({ at }, { a, table }) => {
        assign(a, add(a, 1));
        assignRows(table, at, fill([2, 1], 5));
        return {};
      });
      for (const bad of [3, -1]) {
        const at = ndarray('int32', [2], Int32Array.of(0, bad));
        expect(() => program.run({ at })).toThrow(
          'assignRows: expected indices in [0, 3), got another one at position 1.',
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
