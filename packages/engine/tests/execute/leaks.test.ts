// No tensor is left behind: not by runs, not by errors, not by disposed programs and states, not by eager functions.
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { describe, expect, test } from 'vitest';
import {
  adamUpdate,
  add,
  assign,
  checkFinite,
  constant,
  f32,
  fill,
  gather,
  gradients,
  i32,
  mean,
  nearestCode,
  read,
  segmentSum,
  softmaxCrossEntropy,
  square,
  sum,
} from '../../src/index.ts';
import type { Tensor } from '../../src/index.ts';
import { backends, engineOf } from '../support/backends.ts';
import { vector } from '../support/evaluate.ts';
import { everyInput, everyInputSpec, everyOp } from '../support/every-op.ts';

const matrix = (rows: number, ...values: number[]): NdArray<'float32'> =>
  ndarray('float32', [rows, values.length / rows], Float32Array.from(values));
const indices = (...values: number[]): NdArray<'int32'> => ndarray('int32', [values.length], Int32Array.from(values));

// Each is fine with the first inputs and fails in the middle of its run with the second.
const failing: {
  readonly name: string;
  readonly message: RegExp;
  readonly bad: { z?: NdArray; i?: NdArray };
  readonly body: (z: Tensor, i: Tensor) => Tensor;
}[] = [
  {
    name: 'nearestCode of NaN',
    message: /nearestCode/,
    bad: { z: matrix(2, 0, NaN, 0, 0) },
    body: (z) => nearestCode(z, z),
  },
  {
    name: 'checkFinite',
    message: /checkFinite/,
    bad: { z: matrix(2, 0, Infinity, 0, 0) },
    body: (z) => checkFinite(z, 'z'),
  },
  { name: 'a row outside of the table', message: /gather/, bad: { i: indices(0, 2) }, body: (z, i) => gather(z, i) },
  {
    name: 'a label that is no class',
    message: /softmaxCrossEntropy/,
    bad: { i: indices(-1, 0) },
    body: (z, i) => softmaxCrossEntropy(z, i),
  },
];

for (const backend of backends) {
  describe.skipIf(backend.engine === undefined)(`tensors left on ${backend.name}${backend.skipped}`, () => {
    test('none by 200 runs of a program with every op and its gradients, none after it', () => {
      const engine = engineOf(backend);
      const record = () => engine.program('every op', everyInputSpec, everyOp);
      // Scalars that lowerings share, like the 0.5 of GELU, live as long as their engine; the first round makes them.
      const first = record();
      first.run(everyInput);
      first.dispose();
      const before = engine.tensorCount();
      const program = record();
      program.run(everyInput);
      const running = engine.tensorCount();
      for (let i = 0; i < 200; i++) program.run(everyInput);
      expect(engine.tensorCount()).toBe(running);
      program.dispose();
      program.dispose();
      expect(engine.tensorCount()).toBe(before);
    });

    test('none by eager functions, also when they throw', () => {
      const engine = engineOf(backend);
      const state = engine.state({ a: vector(1, 2) });
      const body = (stop: boolean) =>
        state.eager(({ a }) => {
          const inputs = Object.fromEntries(Object.entries(everyInput).map(([key, array]) => [key, constant(array)]));
          everyOp(inputs);
          const [slope] = gradients(sum(square(a)), [a]);
          assign(a, add(a, slope!));
          if (stop) throw new Error('stop');
          return read(a);
        });
      body(false);
      const before = engine.tensorCount();
      for (let i = 0; i < 3; i++) body(false);
      for (let i = 0; i < 3; i++) expect(() => body(true)).toThrow('stop');
      expect(engine.tensorCount()).toBe(before);
      state.dispose();
    });

    test.each(failing)('none by a run that fails: $name', ({ bad, message, body }) => {
      const engine = engineOf(backend);
      const state = engine.state({ a: vector(1, 2) });
      const program = state.program('failing', { z: f32(2, 2), i: i32(2) }, ({ z, i }, { a }) => {
        const moved = add(z, a);
        assign(a, mean(square(moved), { axes: [0] }));
        return { y: body(moved, i), sums: segmentSum(z, fillIds(), 3) };
      });
      const good = { z: matrix(2, 0, 1, 2, 3), i: indices(0, 1) };
      program.run(good);
      const before = engine.tensorCount();
      const a = state.readOne('a');
      for (let k = 0; k < 20; k++) expect(() => program.run({ ...good, ...bad })).toThrow(message);
      expect(engine.tensorCount()).toBe(before);
      expect(state.readOne('a')).toEqual(a);
      program.run(good);
      expect(engine.tensorCount()).toBe(before);
      program.dispose();
      state.dispose();
    });

    test('none by states and their programs, whatever changed and however it aliases', () => {
      const engine = engineOf(backend);
      const cycle = () => {
        const state = engine.state({ x: vector(1, 2), y: vector(3, 4), m: vector(0, 0), v: vector(0, 0) });
        const program = state.program('step', { g: f32(2) }, ({ g }, { x, y, m, v }) => {
          assign(y, x);
          const one = fill([], 1);
          adamUpdate(x, {
            firstMoment: m,
            secondMoment: v,
            gradient: g,
            rate: one,
            correction: one,
            beta1: 0.9,
            beta2: 0.9,
            epsilon: 1e-8,
          });
          return { x, g, y };
        });
        for (let i = 0; i < 5; i++) program.run({ g: vector(i, 1) });
        state.write({ x: vector(5, 6), m: vector(0, 0) });
        state.read();
        program.run({ g: vector(1, 1) });
        program.dispose();
        state.dispose();
        state.dispose();
      };
      cycle();
      const before = engine.tensorCount();
      for (let i = 0; i < 10; i++) cycle();
      expect(engine.tensorCount()).toBe(before);
    });
  });
}

const fillIds = (): Tensor => constant(indices(2, 0));
