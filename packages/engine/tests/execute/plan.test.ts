// The plan of a program: only what is needed runs, constants are made once, and each value leaves after its last use.
import { findBackend } from '@tensorflow/tfjs-core';
import { ndarray } from '@tessera/core';
import { describe, expect } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import { planOf } from '../../src/execute/plan.ts';
import type { ProgramRecord } from '../../src/execute/store.ts';
import {
  add,
  assign,
  constant,
  conv2d,
  exp,
  f32,
  fill,
  gather,
  gradients,
  matMul,
  mean,
  mul,
  nearestCode,
  neg,
  sigmoid,
  square,
  sum,
  tanh,
} from '../../src/index.ts';
import type { Spec, Tensor } from '../../src/index.ts';
import { record } from '../../src/program.ts';
import { cpu } from '../support/cpu.ts';
import { vector } from '../support/evaluate.ts';

const opsOf = (program: ProgramRecord): string[] => planOf(program).steps.map(({ node }) => node.op.name);

describe('only what is needed runs', () => {
  test('ops that no result needs are dropped', () => {
    const program = record('p', { x: f32(3) }, ({ x }) => {
      exp(tanh(x!));
      const y = square(x!);
      neg(y);
      return { y };
    });
    expect(opsOf(program)).toEqual(['square']);
  });

  test('what changes the state is needed', () => {
    const program = record('p', { x: f32(3) }, ({ x }, recorder) => {
      assign(recorder.variable('a', f32(3)), neg(x!));
      return {};
    });
    expect(opsOf(program)).toEqual(['neg']);
  });

  test('a dropped op is not executed: it cannot even fail', () => {
    const program = cpu.program('p', { z: f32(1, 2) }, ({ z }) => {
      nearestCode(z, z);
      return { y: add(z, 1) };
    });
    expect(program.opCount).toBe(1);
    expect(program.run({ z: ndarray('float32', [1, 2], Float32Array.of(NaN, 1)) }).y.data[1]).toBe(2);
    program.dispose();
  });

  test('flops count what runs', () => {
    const program = cpu.program('p', { a: f32(2, 3), b: f32(3, 5) }, ({ a, b }) => {
      matMul(b, a, { transposeA: true, transposeB: true });
      return { y: matMul(a, b) };
    });
    expect(program.flops).toBe(2 * 2 * 3 * 5);
  });
});

describe('gradients that nobody wants are not computed', () => {
  const shapes: Record<string, Spec> = { data: f32(1, 4, 4, 1), filter: f32(3, 3, 1, 2) };
  const slopes = (wrt: string[]): string[] =>
    opsOf(
      record('p', shapes, (inputs) => {
        const y = conv2d(inputs['data']!, inputs['filter']!);
        return Object.fromEntries(
          gradients(
            sum(square(y)),
            wrt.map((name) => inputs[name]!),
          ).map((slope, i) => [`d${i}`, slope]),
        );
      }),
    );

  test('the convolution of data has no input gradient', () => {
    expect(slopes(['filter'])).toContain('conv2dFilterGradient');
    expect(slopes(['filter'])).not.toContain('conv2dInputGradient');
    expect(slopes(['data'])).toContain('conv2dInputGradient');
    expect(slopes(['data'])).not.toContain('conv2dFilterGradient');
    expect(slopes(['data', 'filter'])).toEqual(expect.arrayContaining(['conv2dFilterGradient', 'conv2dInputGradient']));
  });

  test('not even recorded, so that nobody has to drop it', () => {
    const { recorder } = record('p', shapes, ({ data, filter }) => {
      const [slope] = gradients(sum(conv2d(data!, filter!)), [filter!]);
      return { slope: slope! };
    });
    expect(recorder.nodes.map(({ op }) => op.name)).not.toContain('conv2dInputGradient');
  });

  test('a matrix product with data has one product in its gradient', () => {
    const names = opsOf(
      record('p', { data: f32(8, 4), weight: f32(4, 2) }, ({ data, weight }) => {
        const [slope] = gradients(mean(square(matMul(data!, weight!))), [weight!]);
        return { slope: slope! };
      }),
    );
    expect(names.filter((name) => name === 'matMul')).toHaveLength(2);
  });

  test('nothing flows through an op without a gradient', () => {
    const names = opsOf(
      record('p', { z: f32(4, 2), codes: f32(3, 2) }, ({ z, codes }) => {
        const found = gather(codes!, nearestCode(exp(z!), codes!));
        const [slope] = gradients(sum(found), [z!]);
        return { slope: slope! };
      }),
    );
    expect(names).toEqual([]);
  });
});

describe('buffers', () => {
  // Counts the buffers that are alive each time the backend gets a new one.
  function watched() {
    const engine = cpu;
    const cpuBackend = findBackend('cpu');
    let peak = 0;
    let writes = 0;
    const write = cpuBackend.write.bind(cpuBackend);
    cpuBackend.write = (...args: Parameters<typeof write>) => {
      writes += 1;
      const id = write(...args);
      peak = Math.max(peak, engine.tensorCount());
      return id;
    };
    return {
      engine,
      restore: () => void (cpuBackend.write = write),
      measure: (body: () => void) => {
        const before = engine.tensorCount();
        peak = before;
        writes = 0;
        body();
        return { peak: peak - before, writes };
      },
    };
  }

  test('a long chain holds two values at a time, and constants are uploaded once', () => {
    const { engine, measure, restore } = watched();
    try {
      const length = 50;
      const program = engine.program('chain', { x: f32(8) }, ({ x }) => {
        let y: Tensor = mul(x, constant(vector(1, 2, 3, 4, 5, 6, 7, 8)));
        for (let i = 0; i < length; i++) y = sigmoid(y);
        return { y };
      });
      const first = measure(() => program.run({ x: fillArray(8) }));
      const again = measure(() => program.run({ x: fillArray(8) }));
      // The constant, and then only the input and one output of each op.
      expect(first.writes).toBe(again.writes + 1);
      expect(again.writes).toBe(1 + 1 + length);
      expect(again.peak).toBe(2);
      program.dispose();
    } finally {
      restore();
    }
  });

  test('a value with several readers lives until the last of them', () => {
    const { engine, measure, restore } = watched();
    try {
      const program = engine.program('fan', { x: f32(2) }, ({ x }) => {
        const shared = exp(x);
        let y: Tensor = neg(shared);
        for (let i = 0; i < 10; i++) y = add(y, shared);
        return { y };
      });
      const { peak } = measure(() => {
        const { y } = program.run({ x: vector(0, 1) });
        expect(y.data[0]).toBeCloseTo(9, 5);
        expect(y.data[1]).toBeCloseTo(9 * Math.E, 4);
      });
      expect(peak).toBe(3);
      program.dispose();
    } finally {
      restore();
    }
  });

  const fillArray = (n: number) => ndarray('float32', [n], new Float32Array(n).fill(0.5));
});

// Random programs: which earlier values each op reads, and which values are returned.
const wiring = fc.record({
  ops: fc.array(fc.tuple(fc.nat(1000), fc.nat(1000)), { minLength: 1, maxLength: 20 }),
  results: fc.array(fc.nat(1000), { minLength: 1, maxLength: 3 }),
});

test.prop([wiring])(
  'no value leaves before its last use, and every value that is no result leaves once',
  ({ ops, results }) => {
    const program = record('random', { x: f32(2), unused: f32(1) }, ({ x }) => {
      const values = [x!, fill([2], 3)];
      for (const [a, b] of ops) values.push(add(values[a % values.length]!, values[b % values.length]!));
      return Object.fromEntries(results.map((i, k) => [`y${k}`, values[i % values.length]!]));
    });
    const { constants, steps, unusedInputs } = planOf(program);
    const alive = new Set([...program.recorder.inputs.values()].map(({ index }) => index));
    const freed = new Set<number>(unusedInputs);
    for (const { outputs } of constants) alive.add(outputs[0]!.index);
    for (const { node, free } of steps) {
      for (const { index } of node.inputs) expect(alive.has(index) && !freed.has(index)).toBe(true);
      for (const { index } of node.outputs) alive.add(index);
      for (const index of free) {
        expect(freed.has(index)).toBe(false);
        freed.add(index);
      }
    }
    const kept = new Set([...program.outputs.values()].map(({ index }) => index));
    for (const { outputs } of constants) kept.add(outputs[0]!.index);
    expect(new Set([...alive].filter((index) => !freed.has(index)))).toEqual(
      new Set([...alive].filter((index) => kept.has(index))),
    );
  },
);
