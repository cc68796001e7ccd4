// Element-wise functions where float32 ends: infinities, NaN, zeros of both signs, the largest and the smallest numbers; and rows that overflow naive softmaxes.
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { describe, expect, test } from 'vitest';
import * as ops from '../../src/index.ts';
import type { Tensor } from '../../src/index.ts';
import { backends, engineOf } from '../support/backends.ts';
import { expectClose, runOnce, vector } from '../support/evaluate.ts';
import { normalCdf } from '../wasm/special-functions.ts';

const numbers = [NaN, Infinity, -Infinity, 0, -0, 1, -1, 1e-30, -1e-30, 80, -80, 1e4, -1e4, 3e38, -3e38, 0.5, -20];

const functions: Record<string, { f: (x: number) => number; op: (x: Tensor) => Tensor }> = {
  neg: { f: (x) => -x, op: ops.neg },
  square: { f: (x) => x * x, op: ops.square },
  exp: { f: Math.exp, op: ops.exp },
  log: { f: Math.log, op: ops.log },
  sqrt: { f: Math.sqrt, op: ops.sqrt },
  rsqrt: { f: (x) => 1 / Math.sqrt(x), op: ops.rsqrt },
  abs: { f: Math.abs, op: ops.abs },
  tanh: { f: Math.tanh, op: ops.tanh },
  sigmoid: { f: (x) => 1 / (1 + Math.exp(-x)), op: ops.sigmoid },
  softplus: { f: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), op: ops.softplus },
  relu: { f: (x) => Math.max(x, 0), op: ops.relu },
  elu: { f: (x) => (x > 0 ? x : Math.expm1(x)), op: ops.elu },
  // At -Infinity the product is NaN and the limit 0: both are at hand.
  gelu: { f: (x) => Math.max(x, -1e30) * normalCdf(Math.max(x, -1e30)), op: (x) => ops.gelu(ops.maximum(x, -1e30)) },
  maximum: { f: (x) => Math.max(x, 1), op: (x) => ops.maximum(x, 1) },
  minimum: { f: (x) => Math.min(x, 1), op: (x) => ops.minimum(x, 1) },
  greater: { f: (x) => Number(x > 0), op: (x) => ops.greater(x, 0) },
  equal: { f: (x) => Number(x === 0), op: (x) => ops.equal(x, 0) },
  div: { f: (x) => 1 / x, op: (x) => ops.div(1, x) },
};

const truth = (f: (x: number) => number): NdArray =>
  ndarray('float32', [numbers.length], Float32Array.from(numbers, f));

for (const backend of backends) {
  describe.skipIf(backend.engine === undefined)(`where float32 ends, on ${backend.name}${backend.skipped}`, () => {
    test.each(Object.entries(functions))('%s', (name, { f, op }) => {
      const { y } = runOnce(engineOf(backend), [vector(...numbers)], ([x]) => ({ y: op(x!) }));
      expect(y.dtype).toBe('float32');
      expectClose(y, truth(f), { tolerance: 1e-5, what: name });
    });

    test('where takes every number as it is, and nothing of the other side', () => {
      const hostile = vector(...numbers);
      const bits = vector(...numbers.map((_, i) => i % 2));
      const { y, slope } = runOnce(engineOf(backend), [bits, hostile, vector(...numbers.map(() => 7))], ([m, a, b]) => {
        const chosen = ops.where(m!, a!, b!);
        return { y: chosen, slope: ops.gradients(ops.sum(ops.mul(chosen, chosen)), [b!])[0]! };
      });
      numbers.forEach((x, i) => expect(y.data[i]).toBe(i % 2 === 1 ? Math.fround(x) : 7));
      numbers.forEach((_, i) => expect(slope.data[i]).toBe(i % 2 === 1 ? 0 : 14));
    });

    test('softmax and cross-entropy of logits of 1e4 and -Infinity are finite where the truth is', () => {
      const logits = ndarray('float32', [3, 3], Float32Array.of(1e4, 0, -1e4, -1e4, -1e4, -1e4, 0, -Infinity, 0));
      const labels = ndarray('int32', [3], Int32Array.of(1, 2, 0));
      const { p, logP, loss, slope } = runOnce(engineOf(backend), [logits, labels], ([x, i]) => {
        const losses = ops.softmaxCrossEntropy(x!, i!);
        return {
          p: ops.softmax(x!),
          logP: ops.logSoftmax(x!),
          loss: losses,
          slope: ops.gradients(ops.sum(losses), [x!])[0]!,
        };
      });
      expect(loss.shape).toEqual([3]);
      const third = 1 / 3;
      const ln = Math.log;
      const expected = (shape: number[], ...values: number[]) => ndarray('float32', shape, Float32Array.from(values));
      expectClose(p, expected([3, 3], 1, 0, 0, third, third, third, 0.5, 0, 0.5), { what: 'softmax' });
      expectClose(logP, expected([3, 3], 0, -1e4, -2e4, ln(third), ln(third), ln(third), ln(0.5), -Infinity, ln(0.5)), {
        what: 'logSoftmax',
      });
      expectClose(loss, expected([3], 1e4, ln(3), ln(2)), { what: 'loss' });
      expectClose(slope, expected([3, 3], 1, -1, 0, third, third, third - 1, -0.5, 0, 0.5), { what: 'slope' });
    });

    test('NaN shows in its row and in no other', () => {
      const x = ndarray('float32', [2, 2], Float32Array.of(NaN, 1, 2, 3));
      const { y } = runOnce(engineOf(backend), [x], ([t]) => ({ y: ops.softmax(t!) }));
      const bad = Array.from(y.data as Float32Array, Number.isNaN);
      // TensorFlow shows it at the element alone.
      expect(bad[0]).toBe(true);
      expect(bad.slice(2)).toEqual([false, false]);
    });

    test('nothing joined to nothing is nothing, for other ops too', () => {
      const none = ndarray('int32', [0, 1]);
      const { part } = runOnce(engineOf(backend), [none, none], ([a, b]) => ({
        part: ops.toFloat(ops.slice(ops.concat([a!, b!]), [0, 1], [0, 1])),
      }));
      expect(part).toEqual(ndarray('float32', [0, 1]));
    });

    test('the mean of nothing is NaN, its sum 0', () => {
      const { total, mean } = runOnce(engineOf(backend), [ndarray('float32', [0, 2])], ([x]) => ({
        total: ops.sum(x!, { axes: [0] }),
        mean: ops.mean(x!, { axes: [0] }),
      }));
      expect(total).toEqual(vector(0, 0));
      expect(mean).toEqual(vector(NaN, NaN));
    });
  });
}
