// Attention of new tokens over a cache of earlier ones and over themselves, with one softmax (Pope et al. 2022, arXiv 2211.05102, section 2.1): what a step of
// generation costs. No gradient: what learns looks at whole sequences.
import { ShapeError } from '@tessera/core';
import { defineOp } from '../record/op.ts';
import type { Op } from '../record/op.ts';
import { applyOne } from '../record/recorder.ts';
import type { Spec, Tensor } from '../record/tensor.ts';
import { attr } from '../tensorflow/attributes.ts';
import { checkedPlace } from '../tensorflow/graph-context.ts';
import type { GraphContext } from '../tensorflow/graph-context.ts';
import { checkPlace } from './gather.ts';
import { expectFloat, expectInt, expectRank, sameShape, shapeText } from './shapes.ts';

/** groups, queries, new keys, rows of the cache, channels. */
function sizesOf([query, keys, , added]: readonly { readonly shape: readonly number[] }[]) {
  const [groups, queries, depth] = query!.shape as [number, number, number];
  return { groups, queries, depth, length: keys!.shape[1]!, added: added!.shape[1]! };
}

const decodeAttentionOp: Op<object> = defineOp<object>({
  name: 'decodeAttention',
  infer: (inputs) => {
    const [query, keys, values, newKeys, newValues, position] = inputs as [Spec, Spec, Spec, Spec, Spec, Spec];
    const tensors = [query, keys, values, newKeys, newValues];
    expectFloat('decodeAttention', ...tensors);
    for (const tensor of tensors) expectRank('decodeAttention', '[groups, tokens, channels]', tensor, 3);
    expectInt('decodeAttention', 'the position', position);
    const { groups, queries, depth, length, added } = sizesOf(inputs);
    const fits =
      sameShape(keys.shape, [groups, length, depth]) &&
      sameShape(values.shape, keys.shape) &&
      sameShape(newKeys.shape, [groups, added, depth]) &&
      sameShape(newValues.shape, newKeys.shape) &&
      queries <= added &&
      position.shape.length === 0;
    if (!fits) {
      throw new ShapeError(
        `decodeAttention: queries ${shapeText(query.shape)} do not fit a cache ${shapeText(keys.shape)}, ${shapeText(values.shape)} and new tokens ${shapeText(newKeys.shape)}, ${shapeText(newValues.shape)} at ${shapeText(position.shape)}.`,
      );
    }
    return [query];
  },
  kernel: (k, inputs) => {
    const { groups, queries, depth, length, added } = sizesOf(inputs);
    const [query, keys, values, newKeys, newValues, position] = inputs.map((input) => k.read(input!));
    const filled = position![0]!;
    checkPlace('decodeAttention', filled, length + 1);
    const mixed = new Float32Array(groups * queries * depth);
    for (let group = 0; group < groups; group++) {
      for (let i = 0; i < queries; i++) {
        const seen = filled + added - queries + i + 1;
        const rowOf = (old: typeof keys, fresh: typeof keys, row: number) =>
          row < filled
            ? old!.subarray((group * length + row) * depth, (group * length + row + 1) * depth)
            : fresh!.subarray((group * added + row - filled) * depth, (group * added + row - filled + 1) * depth);
        const from = (group * queries + i) * depth;
        const scores = Array.from({ length: seen }, (_, row) => {
          const key = rowOf(keys, newKeys, row);
          let score = 0;
          for (let d = 0; d < depth; d++) score += query![from + d]! * key[d]!;
          return score;
        });
        const top = Math.max(...scores);
        const weights = scores.map((score) => Math.exp(score - top));
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        for (const [row, weight] of weights.entries()) {
          const value = rowOf(values, newValues, row);
          for (let d = 0; d < depth; d++) mixed[from + d]! += (weight / total) * value[d]!;
        }
      }
    }
    return [k.write(mixed, [groups, queries, depth], 'float32')];
  },
  wasm: (k, inputs) => {
    const { groups, queries, depth, length, added } = sizesOf(inputs);
    const [query, keys, values, newKeys, newValues, position] = inputs;
    const filled = k.read(position!)[0]!;
    checkPlace('decodeAttention', filled, length + 1);
    const mixed = k.output([groups, queries, depth]);
    k.heap.withScratch(4 * (filled + added), (scratch) => {
      k.kernels.decodeAttention({
        query: k.pointer(query!),
        keys: k.pointer(keys!),
        values: k.pointer(values!),
        newKeys: k.pointer(newKeys!),
        newValues: k.pointer(newValues!),
        out: k.pointer(mixed),
        groups,
        queries,
        added,
        filled,
        length,
        depth,
        scratch,
      });
    });
    return [mixed];
  },
  graph: (g, inputs) => [
    g.ownKernels ? g.node('TesseraDecodeAttention', checked(g, inputs)) : maskedAttention(g, checked(g, inputs)),
  ],
  flops: (inputs) => {
    const { groups, queries, depth, length, added } = sizesOf(inputs);
    return 4 * groups * queries * depth * (length + added);
  },
});

/** The inputs with a position that has been looked at. */
function checked(g: GraphContext, inputs: readonly string[]): readonly string[] {
  return [...inputs.slice(0, 5), checkedPlace(g, inputs[5]!, sizesOf(g.inputs).length + 1)];
}

/** On TensorFlow without our kernels: the whole cache is looked at, and what is not there yet hidden. */
function maskedAttention(g: GraphContext, inputs: readonly string[]): string {
  const [query, keys, values, newKeys, newValues, position] = inputs as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const { queries, length, added, groups } = sizesOf(g.inputs);
  const int = attr.type('int32');
  const float = attr.type('float32');
  const product = (a: string, b: string, transposed: boolean) =>
    g.node('BatchMatMulV2', [a, b], { T: float, adj_x: attr.bool(false), adj_y: attr.bool(transposed) });
  const range = (from: number, to: number) => g.node('Range', [g.int(from), g.int(to), g.int(1)], { Tidx: int });
  const hide = (condition: string) => g.float('Mul', g.mask(condition), g.scalar(-1e9));
  const unfilled = g.node('GreaterEqual', [range(0, length), position], { T: int });
  const later = g.node(
    'Greater',
    [g.reshape(range(0, added), [1, added], 'int32'), g.reshape(range(added - queries, added), [queries, 1], 'int32')],
    { T: int },
  );
  const old = g.float('AddV2', product(query, keys, true), hide(unfilled));
  const own = g.float('AddV2', product(query, newKeys, true), hide(later));
  const joined = g.node('ConcatV2', [old, own, g.int(2)], { T: float, Tidx: int, N: attr.int(2) });
  const weights = g.float('Softmax', joined);
  const part = (start: number, count: number) =>
    g.node('Slice', [weights, g.ints([0, 0, start]), g.ints([groups, queries, count])], { T: float, Index: int });
  return g.float('AddV2', product(part(0, length), values, false), product(part(length, added), newValues, false));
}

/**
 * `softmax(q [K, K']^T) [V, V']` in each of G groups: queries [G, t, d] (already scaled) over the first `position` rows of a cache, keys and values [G, L, d], and over
 * new ones [G, n, d], n >= t, of which the last query sees all, the one before it all but the last, and so on. `position` is an int32 scalar in [0, L].
 *
 * No gradient. The run throws ConfigError for a position outside of the cache.
 */
export function decodeAttention(
  query: Tensor,
  cache: { readonly keys: Tensor; readonly values: Tensor; readonly position: Tensor },
  added: { readonly keys: Tensor; readonly values: Tensor },
): Tensor {
  const { keys, values, position } = cache;
  return applyOne(decodeAttentionOp, [query, keys, values, added.keys, added.values, position], {});
}
