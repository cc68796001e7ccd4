// The gradients of every op beside those of TensorFlow.js's own tape on its cpu backend: two independent derivations.
import '@tensorflow/tfjs-backend-cpu';
// Registers the gradients of TensorFlow.js's kernels.
import '@tensorflow/tfjs-layers';
import * as tf from '@tensorflow/tfjs-core';
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { beforeAll, describe } from 'vitest';
import { test } from '@fast-check/vitest';
import { cpu } from '../support/cpu.ts';
import { differentiable, expectClose, recordedGradients, recordedValue, weights } from '../support/evaluate.ts';
import { title } from '../support/op-case.ts';
import type { OpCase, Sample } from '../support/op-case.ts';
import { sizeOf } from '../support/float64.ts';
import { cases } from './cases.ts';

beforeAll(async () => void (await tf.setBackend('cpu')));

function taped(op: OpCase, { inputs, attrs }: Sample<unknown>, positions: readonly number[]): NdArray[] {
  let arrays: NdArray[] = [];
  tf.tidy(() => {
    const tensors = inputs.map(({ data, shape }) => tf.tensor(data as Float32Array, [...shape], 'float32'));
    const slopes = tf.grads((...moving: tf.Tensor[]) => {
      const all = tensors.map((tensor, i) => (positions.includes(i) ? moving[positions.indexOf(i)]! : tensor));
      const y = op.tape!(all, attrs);
      return tf.sum(tf.mul(y, tf.tensor(weights(y.shape).data, y.shape)));
    })(positions.map((i) => tensors[i]!));
    arrays = slopes.map((slope) => ndarray('float32', slope.shape, slope.dataSync() as Float32Array));
  });
  return arrays;
}

describe('TensorFlow.js has the same values and gradients', () => {
  for (const op of cases.filter(({ tape, gradients }) => tape !== undefined && gradients !== undefined)) {
    test.prop([op.samples('smooth')], { numRuns: 8 })(title(op), (sample) => {
      // Its own rules for empty tensors differ from op to op.
      if (sample.inputs.some(({ shape }) => sizeOf(shape) === 0)) return;
      let y = ndarray('float32', [0]);
      tf.tidy(() => {
        const tensors = sample.inputs.map(({ data, shape }) => tf.tensor(data as Float32Array, [...shape], 'float32'));
        const value = op.tape!(tensors, sample.attrs);
        y = ndarray('float32', value.shape, value.dataSync() as Float32Array);
      });
      expectClose(recordedValue(cpu, op, sample), y, { tolerance: op.tolerance, what: title(op) });
      const positions = differentiable(op, sample);
      const want = taped(op, sample, positions);
      for (const [i, slope] of recordedGradients(cpu, op, sample).entries()) {
        expectClose(slope, want[i]!, { tolerance: 4e-5, what: `${title(op)}, input ${i}` });
      }
    });
  }
});
