// Cases of the ops that work on rows: softmax and its losses, layer normalisation, lookups in tables.
import * as fc from 'fast-check';
import * as tf from '@tensorflow/tfjs-core';
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import * as ops from '../../src/index.ts';
import { arrays, floats, integers, lengths, seeds, shapes, sizes } from '../support/arbitraries.ts';
import type { Values } from '../support/arbitraries.ts';
import { at, dot, map, rows, tabulate, total } from '../support/float64.ts';
import type { Float64 } from '../support/float64.ts';
import { opCase } from '../support/op-case.ts';
import type { OpCase } from '../support/op-case.ts';

function logSoftmax(x: Float64): Float64 {
  return rows(x, (row) => {
    const top = Math.max(...row);
    const norm = top + Math.log(total(row.map((value) => Math.exp(value - top))));
    return row.map((value) => value - norm);
  });
}

function normalised(x: Float64, epsilon: number): Float64 {
  return rows(x, (row) => {
    const mean = total(row) / row.length;
    const variance = total(row.map((value) => (value - mean) ** 2)) / row.length;
    return row.map((value) => (value - mean) / Math.sqrt(variance + epsilon));
  });
}

const vectors = (values: Values) => arrays(shapes({ minRank: 1 }), values).map((x) => ({ inputs: [x], attrs: null }));

// Distances are squares of differences of numbers around 1, in up to 8 dimensions.
function squaredDistance(z: Float64, row: number, codebook: Float64, code: number): number {
  let sum = 0;
  for (let d = 0; d < z.shape[1]!; d++) sum += (at(z, [row, d]) - at(codebook, [code, d])) ** 2;
  return sum;
}

function nearest(z: Float64, codebook: Float64): Float64 {
  return tabulate([z.shape[0]!], ([row]) => {
    let best = 0;
    for (let code = 1; code < codebook.shape[0]!; code++) {
      if (squaredDistance(z, row!, codebook, code) < squaredDistance(z, row!, codebook, best)) best = code;
    }
    return best;
  });
}

// Codes on the whole numbers 0, 3, 6, ..., each twice, and vectors less than 1 away from one of them: far from any doubt about rounding.
function clusters(values: Values): fc.Arbitrary<{ inputs: NdArray[]; attrs: null }> {
  return fc.record({ rows: lengths, codes: sizes, width: lengths, seed: seeds }).map(({ rows, codes, width, seed }) => {
    const codebook = Float32Array.from({ length: 2 * codes * width }, (_, i) => 3 * (Math.floor(i / width) % codes));
    const targets = integers([rows], { seed, count: codes }).data;
    const noise = floats([rows, width], { seed, values }).data;
    const z = Float32Array.from(noise, (value, i) => 3 * targets[Math.floor(i / width)]! + Math.tanh(value));
    return {
      inputs: [ndarray('float32', [rows, width], z), ndarray('float32', [2 * codes, width], codebook)],
      attrs: null,
    };
  });
}

/** Attention with `bias(head, from, to)` added to the scores. */
function attended(qkv: Float64, heads: number, bias: (head: number, from: number, to: number) => number): Float64 {
  const [batch, tokens, total3] = qkv.shape as [number, number, number];
  const [width, depth] = [total3 / 3, total3 / 3 / heads];
  const part = (b: number, token: number, which: number, head: number) =>
    Array.from({ length: depth }, (_, d) => at(qkv, [b, token, which * width + head * depth + d]));
  return tabulate([batch, tokens, width], ([b, token, channel]) => {
    const [head, d] = [Math.floor(channel! / depth), channel! % depth];
    const scores = Array.from({ length: tokens }, (_, other) =>
      dot(part(b!, token!, 0, head), part(b!, other, 1, head)),
    );
    const weights = scores.map((score, other) => Math.exp(score / Math.sqrt(depth) + bias(head, token!, other)));
    return total(weights.map((weight, other) => weight * part(b!, other, 2, head)[d]!)) / total(weights);
  });
}

const hideLater = (_: number, from: number, to: number): number => (to > from ? -Infinity : 0);

/** Ops on rows. */
export const rowCases: readonly OpCase[] = [
  opCase<null>({
    op: 'softmax',
    samples: vectors,
    call: ([x]) => ops.softmax(x!),
    meaning: ([x]) => map(logSoftmax(x!), Math.exp),
    gradients: [0],
    twice: true,
    tape: ([x]) => tf.softmax(x!),
  }),
  opCase<null>({
    op: 'logSoftmax',
    samples: vectors,
    call: ([x]) => ops.logSoftmax(x!),
    meaning: ([x]) => logSoftmax(x!),
    gradients: [0],
    twice: true,
    tape: ([x]) => tf.logSoftmax(x!),
  }),
  opCase<null>({
    op: 'softmaxCrossEntropy',
    samples: (values) =>
      fc.tuple(shapes({ minRank: 1 }), seeds).map(([shape, seed]) => ({
        inputs: [floats(shape, { seed, values }), integers(shape.slice(0, -1), { seed, count: shape.at(-1)! })],
        attrs: null,
      })),
    call: ([logits, labels]) => ops.softmaxCrossEntropy(logits!, labels!),
    meaning: ([logits, labels]) => {
      const logProbabilities = logSoftmax(logits!);
      return tabulate(labels!.shape, (index) => -at(logProbabilities, [...index, at(labels!, index)]));
    },
    gradients: [0],
    tape: ([logits, labels]) => {
      const hits = tf.equal(tf.expandDims(labels!, -1), tf.range(0, logits!.shape.at(-1)!));
      return tf.neg(tf.sum(tf.mul(tf.logSoftmax(logits!), tf.cast(hits, 'float32')), -1));
    },
  }),
  opCase<{ epsilon: number }>({
    op: 'layerNorm',
    // Equal numbers in a row divide by sqrt(epsilon), which multiplies roundings; so the rows are not too short for 1e-5.
    samples: (values) =>
      fc
        .record({ shape: shapes({ minRank: 1 }), seed: seeds, epsilon: fc.constantFrom(0.5, 0.01) })
        .map(({ shape, seed, epsilon }) => ({
          inputs: [
            floats(shape, { seed, values }),
            floats(shape.slice(-1), { seed: seed + 1, values }),
            floats(shape.slice(-1), { seed: seed + 2, values }),
          ],
          attrs: { epsilon },
        })),
    call: ([x, scale, bias], options) => ops.layerNorm(x!, scale!, bias!, options),
    meaning: ([x, scale, bias], { epsilon }) => {
      const y = normalised(x!, epsilon);
      return tabulate(y.shape, (index) => at(y, index) * at(scale!, index) + at(bias!, index));
    },
    gradients: [0, 1, 2],
    tolerance: 3e-5,
    tape: ([x, scale, bias], { epsilon }) => {
      const { mean, variance } = tf.moments(x!, -1, true);
      return tf.add(tf.mul(tf.mul(tf.sub(x!, mean), tf.rsqrt(tf.add(variance, epsilon))), scale!), bias!);
    },
  }),
  opCase<null>({
    op: 'gather',
    samples: (values) =>
      fc
        .record({ rows: sizes, width: lengths, shape: shapes({ maxRank: 3, empty: true }), seed: seeds })
        .map(({ rows, width, shape, seed }) => ({
          inputs: [floats([rows, width], { seed, values }), integers(shape, { seed, count: rows })],
          attrs: null,
        })),
    call: ([table, indices]) => ops.gather(table!, indices!),
    meaning: ([table, indices]) =>
      tabulate([...indices!.shape, table!.shape[1]!], (index) =>
        at(table!, [at(indices!, index.slice(0, -1)), index.at(-1)!]),
      ),
    gradients: [0],
    twice: true,
    tape: ([table, indices]) => tf.gather(table!, tf.cast(indices!, 'int32')),
  }),
  opCase<{ count: number }>({
    op: 'segmentSum',
    samples: (values) =>
      fc
        .record({ rows: fc.oneof(lengths, fc.constant(0)), width: sizes, count: sizes, unused: fc.nat(2), seed: seeds })
        .map(({ rows, width, count, unused, seed }) => ({
          inputs: [floats([rows, width], { seed, values }), integers([rows], { seed, count })],
          attrs: { count: count + unused },
        })),
    call: ([x, ids], { count }) => ops.segmentSum(x!, ids!, count),
    meaning: ([x, ids], { count }) =>
      tabulate([count, x!.shape[1]!], ([segment, d]) => {
        let sum = 0;
        for (const [row, id] of ids!.data.entries()) if (id === segment) sum += at(x!, [row, d!]);
        return sum;
      }),
    gradients: [0],
    twice: true,
    tape: ([x, ids], { count }) => tf.unsortedSegmentSum(x!, tf.cast(ids!, 'int32') as tf.Tensor1D, count),
  }),
  opCase<null>({
    op: 'nearestCode',
    about: 'the lowest of equal codes',
    samples: clusters,
    call: ([z, codebook]) => ops.nearestCode(z!, codebook!),
    meaning: ([z, codebook]) => nearest(z!, codebook!),
    tolerance: 0,
  }),
  opCase<null>({
    op: 'nearestCode',
    about: 'no code is nearer',
    samples: (values) =>
      fc.record({ rows: lengths, codes: lengths, width: sizes, seed: seeds }).map(({ rows, codes, width, seed }) => ({
        inputs: [floats([rows, width], { seed, values }), floats([codes, width], { seed: seed + 1, values })],
        attrs: null,
      })),
    call: ([z, codebook]) =>
      ops.sum(ops.square(ops.sub(z!, ops.gather(codebook!, ops.nearestCode(z!, codebook!)))), { axes: [1] }),
    meaning: ([z, codebook]) => {
      const codes = nearest(z!, codebook!);
      return tabulate(codes.shape, ([row]) => squaredDistance(z!, row!, codebook!, codes.data[row!]!));
    },
  }),
  opCase<{ heads: number; inference: boolean }>({
    op: 'attention',
    samples: (values) =>
      fc
        .record({
          batch: fc.constantFrom(1, 2),
          tokens: fc.oneof({ weight: 4, arbitrary: sizes }, { weight: 1, arbitrary: fc.constantFrom(64, 70) }),
          heads: fc.constantFrom(1, 2, 3),
          depth: fc.constantFrom(1, 2, 5),
          inference: fc.boolean(),
          seed: seeds,
        })
        .map(({ batch, tokens, heads, depth, inference, seed }) => ({
          inputs: [
            floats([tokens > 9 ? 1 : batch, tokens, 3 * heads * depth], { seed, values }),
            floats([heads, tokens, tokens], { seed: seed + 1, values }),
          ],
          attrs: { heads, inference },
        })),
    call: ([qkv, bias], options) => ops.attention(qkv!, { ...options, bias: bias! }),
    meaning: ([qkv, bias], { heads }) => attended(qkv!, heads, (head, from, to) => at(bias!, [head, from, to])),
  }),
  opCase<{ heads: number }>({
    op: 'attention',
    about: 'with gradients',
    samples: (values) =>
      fc
        .record({ tokens: sizes, heads: fc.constantFrom(1, 2), depth: fc.constantFrom(1, 3), seed: seeds })
        .map(({ tokens, heads, depth, seed }) => ({
          inputs: [
            floats([2, tokens, 3 * heads * depth], { seed, values }),
            floats([heads, tokens, tokens], { seed: seed + 1, values }),
          ],
          attrs: { heads },
        })),
    call: ([qkv, bias], { heads }) => ops.attention(qkv!, { heads, bias: bias! }),
    meaning: ([qkv, bias], { heads }) => attended(qkv!, heads, (head, from, to) => at(bias!, [head, from, to])),
    gradients: [0, 1],
    twice: true,
  }),
  opCase<{ heads: number }>({
    op: 'causalAttention',
    // Also more tokens than our kernel looks at together.
    samples: (values) =>
      fc
        .record({
          batch: fc.constantFrom(1, 2),
          tokens: fc.oneof({ weight: 4, arbitrary: sizes }, { weight: 1, arbitrary: fc.constantFrom(64, 70, 130) }),
          heads: fc.constantFrom(1, 2, 3),
          depth: fc.constantFrom(1, 2, 5),
          seed: seeds,
        })
        .map(({ batch, tokens, heads, depth, seed }) => ({
          inputs: [floats([tokens > 9 ? 1 : batch, tokens, 3 * heads * depth], { seed, values })],
          attrs: { heads },
        })),
    call: ([qkv], options) => ops.causalAttention(qkv!, options),
    meaning: ([qkv], { heads }) => attended(qkv!, heads, hideLater),
    gradients: [0],
  }),
];
