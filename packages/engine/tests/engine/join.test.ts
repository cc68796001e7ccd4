// States of several models under one program: it reads and changes each where it is, and no copy of anything stays behind.
import { ndarray } from '@tessera/core';
import { describe, expect, test } from 'vitest';
import { add, assign, assignSlice, adamUpdate, f32, fill, constant, mul, read } from '../../src/index.ts';
import type { Engine } from '../../src/index.ts';
import { backends, engineOf } from '../support/backends.ts';
import { cpu } from '../support/cpu.ts';
import { numbers, vector } from '../support/evaluate.ts';

function parts(engine: Engine) {
  const left = engine.state({ x: vector(1, 2), m: { first: vector(0, 0), second: vector(0, 0) } });
  const right = engine.state({ x: vector(10, 20), last: vector(0, 0, 0) });
  return { left, right, both: engine.join({ left, right }) };
}

for (const backend of backends) {
  describe.skipIf(backend.engine === undefined)(`joined states on ${backend.name}${backend.skipped}`, () => {
    test('have the variables of their parts, under the names of these', () => {
      const { left, right, both } = parts(engineOf(backend));
      expect(both.names).toEqual(['left.x', 'left.m.first', 'left.m.second', 'right.x', 'right.last']);
      expect(both.read()).toMatchObject({ 'left.x': vector(1, 2), 'right.x': vector(10, 20) });
      both.write({ 'right.x': vector(3, 4), 'left.x': vector(5, 6) });
      expect([left.readOne('x'), right.readOne('x')]).toEqual([vector(5, 6), vector(3, 4)]);
      expect(both.readTree()).toMatchObject({ left: { x: vector(5, 6) }, right: { x: vector(3, 4) } });
      for (const state of [left, right]) state.dispose();
    });

    test('are changed in one run by every kind of effect, as programs of the parts see it, and see theirs', () => {
      const { left, right, both } = parts(engineOf(backend));
      const own = left.program('own', { y: f32(2) }, ({ y }, { x }) => {
        assign(x, add(x, y));
        return { x };
      });
      const joint = both.program('joint', { y: f32(2) }, ({ y }, { left: a, right: b }) => {
        const product = mul(a.x, b.x);
        assign(b.x, add(product, y));
        assignSlice(b.last, y, { at: constant(ndarray('int32', [], Int32Array.of(1))), axis: 0 });
        // With betas of 0 a step of 1 / (1 + 0) along the sign of the gradient.
        adamUpdate(a.x, {
          firstMoment: a.m.first,
          secondMoment: a.m.second,
          gradient: fill([2], 3),
          rate: fill([], 1),
          correction: fill([], 1),
          beta1: 0,
          beta2: 0,
          epsilon: 0,
        });
        return { product };
      });
      expect(numbers(joint.run({ y: vector(1, 1) }).product)).toEqual([10, 40]);
      expect(left.read()).toEqual({ x: vector(0, 1), 'm.first': vector(3, 3), 'm.second': vector(9, 9) });
      expect(right.read()).toEqual({ x: vector(11, 41), last: vector(0, 1, 1) });
      expect(numbers(own.run({ y: vector(2, 2) }).x)).toEqual([0, 1]);
      expect(numbers(joint.run({ y: vector(0, 0) }).product)).toEqual([22, 123]);
      expect(both.eager(({ left: a, right: b }) => [...numbers(read(a.x)), ...numbers(read(b.x))])).toEqual([
        1, 2, 22, 123,
      ]);
      for (const one of [own, joint, left, right]) one.dispose();
    });

    test('leave no tensor behind, and are gone with a part', () => {
      const engine = engineOf(backend);
      const before = engine.tensorCount();
      const { left, right, both } = parts(engine);
      const joint = both.program('joint', {}, (_, { left: a, right: b }) => {
        assign(a.x, b.x);
        return { sum: add(a.x, b.x) };
      });
      joint.run({});
      const early = engine.tensorCount();
      for (let i = 0; i < 5; i++) joint.run({});
      expect(engine.tensorCount()).toBe(early);
      both.dispose();
      expect(numbers(joint.run({}).sum)).toEqual([20, 40]);
      right.dispose();
      expect(() => joint.run({})).toThrow(/used after dispose/);
      for (const one of [joint, left]) one.dispose();
      expect(engine.tensorCount()).toBe(before);
    });
  });
}

test('a state of another engine is refused by name', () => {
  const other = backends.find(({ name }) => name === 'wasm')!;
  const [here, there] = [cpu.state({ x: vector(1) }), engineOf(other).state({ x: vector(1) })];
  expect(() => cpu.join({ here, there })).toThrow(
    "engine.join: 'there' is no state of this engine. Make both models on one engine.",
  );
  for (const state of [here, there]) state.dispose();
});
