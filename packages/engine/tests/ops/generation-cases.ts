// Cases of the ops that generate: attention over a cache, drawn classes, random numbers.
import * as fc from 'fast-check';
import { ndarray, npRandom } from '@tessera/core';
import * as ops from '../../src/index.ts';
import { floats, integers, lengths, seeds, shapes, sizes } from '../support/arbitraries.ts';
import { at, dot, sizeOf, tabulate, total } from '../support/float64.ts';
import type { Float64 } from '../support/float64.ts';
import { opCase } from '../support/op-case.ts';
import type { OpCase } from '../support/op-case.ts';

function rowOf({ shape, data }: Float64, group: number, row: number): Float64Array {
  const [, length, depth] = shape as [number, number, number];
  return data.subarray((group * length + row) * depth, (group * length + row + 1) * depth);
}

// The cache beyond the position is full of numbers that must not be seen.
function attention([query, keys, values, newKeys, newValues, position]: readonly Float64[]): Float64 {
  const [, queries] = query!.shape as [number, number];
  const [filled, added] = [position!.data[0]!, newKeys!.shape[1]!];
  return tabulate(query!.shape, ([group, i, channel]) => {
    const seen = Array.from({ length: filled + added - queries + i! + 1 }, (_, row) =>
      row < filled
        ? { key: rowOf(keys!, group!, row), value: rowOf(values!, group!, row) }
        : { key: rowOf(newKeys!, group!, row - filled), value: rowOf(newValues!, group!, row - filled) },
    );
    const weights = seen.map(({ key }) => Math.exp(dot(rowOf(query!, group!, i!), key)));
    return total(seen.map(({ value }, row) => weights[row]! * value[channel!]!)) / total(weights);
  });
}

// Philox 4x32-10 in whole numbers of any size, as the paper writes it down.
function philox(counter: readonly bigint[], key: readonly bigint[]): bigint[] {
  const word = (x: bigint) => BigInt.asUintN(32, x);
  let [a, b, c, d] = counter as [bigint, bigint, bigint, bigint];
  for (let round = 0n; round < 10n; round++) {
    const [left, right] = [a * 0xd2511f53n, c * 0xcd9e8d57n];
    const [x, y] = [word(key[0]! + round * 0x9e3779b9n), word(key[1]! + round * 0xbb67ae85n)];
    [a, b, c, d] = [(right >> 32n) ^ b ^ x, word(right), (left >> 32n) ^ d ^ y, word(left)];
  }
  return [a, b, c, d];
}

function uniform(key: Float64, shape: readonly number[]): Float64 {
  const words = [...key.data].map((word) => BigInt.asUintN(32, BigInt(word)));
  const data = Float64Array.from({ length: sizeOf(shape) }, (_, i) => {
    const block = philox([BigInt(Math.floor(i / 4)), 0n, 0n, 0n], words);
    return Number(block[i % 4]! & 0x7fffffn) / 2 ** 23;
  });
  return { shape, data };
}

/** Ops of generation. */
export const generationCases: readonly OpCase[] = [
  opCase<null>({
    op: 'decodeAttention',
    samples: (values) =>
      fc
        .record({
          groups: sizes,
          depth: lengths,
          length: sizes,
          queries: sizes,
          more: fc.nat(2),
          fill: fc.nat(7),
          seed: seeds,
        })
        .map(({ groups, depth, length, queries, more, fill, seed }) => ({
          inputs: [
            floats([groups, queries, depth], { seed, values }),
            floats([groups, length, depth], { seed: seed + 1, values }),
            floats([groups, length, depth], { seed: seed + 2, values }),
            floats([groups, queries + more, depth], { seed: seed + 3, values }),
            floats([groups, queries + more, depth], { seed: seed + 4, values }),
            ndarray('int32', [], Int32Array.of(fill % (length + 1))),
          ],
          attrs: null,
        })),
    call: ([query, keys, values, newKeys, newValues, position]) =>
      ops.decodeAttention(
        query!,
        { keys: keys!, values: values!, position: position! },
        { keys: newKeys!, values: newValues! },
      ),
    meaning: attention,
    // Scores are sums of up to 33 products, and exp makes of their roundings relative ones.
    tolerance: 3e-5,
  }),
  opCase<null>({
    op: 'categorical',
    samples: (values) =>
      fc.record({ rows: lengths, classes: sizes, seed: seeds }).map(({ rows, classes, seed }) => {
        // In the middle of a class, away from where roundings decide.
        const logits = floats([rows, classes], { seed, values });
        const drawn = integers([rows], { seed: seed + 1, count: classes }).data;
        const inside = npRandom(seed);
        const chances = Float32Array.from(drawn, (drawnClass, row) => {
          const weights = [...logits.data.subarray(row * classes, (row + 1) * classes)].map(Math.exp);
          const before = total(weights.slice(0, drawnClass));
          return (before + inside.uniform(0.1, 0.9) * weights[drawnClass]!) / total(weights);
        });
        return { inputs: [logits, ndarray('float32', [rows], chances)], attrs: null };
      }),
    call: ([logits, chances]) => ops.categorical(logits!, chances!),
    meaning: ([logits, chances]) =>
      tabulate(chances!.shape, ([row]) => {
        const classes = logits!.shape[1]!;
        const weights = Array.from({ length: classes }, (_, k) => Math.exp(at(logits!, [row!, k])));
        let sum = 0;
        return weights.findIndex((weight) => (sum += weight) > chances!.data[row!]! * total(weights));
      }),
    tolerance: 0,
  }),
  opCase<{ shape: readonly number[] }>({
    op: 'randomUniform',
    samples: () =>
      fc
        .record({ shape: shapes({ maxRank: 3 }), low: fc.integer(), high: fc.integer() })
        .map(({ shape, low, high }) => ({
          inputs: [ndarray('int32', [2], Int32Array.of(low, high))],
          attrs: { shape },
        })),
    call: ([key], { shape }) => ops.randomUniform(key!, shape),
    meaning: ([key], { shape }) => uniform(key!, shape),
    tolerance: 0,
  }),
];
