// Which products of a program are followed by a bias, and by ReLU after it, that nothing else sees: one node of ours can make all of it while the numbers are in the
// first cache.
import type { Plan } from '../execute/plan.ts';
import type { RecordedNode } from '../record/recorder.ts';
import type { Tensor } from '../record/tensor.ts';

/** A product and what follows it. */
export interface BiasedProduct {
  readonly product: RecordedNode;
  readonly bias: Tensor;
  readonly relu: boolean;
  /** What is made besides the product: at most a reshape, the bias, at most a ReLU. */
  readonly followers: readonly RecordedNode[];
}

/** By their products. `results` are values that somebody outside the plan's steps wants. */
export function biasedProducts({ steps }: Plan, results: ReadonlySet<number>): Map<RecordedNode, BiasedProduct> {
  const users = new Map<number, RecordedNode[]>();
  for (const { node } of steps) {
    for (const { index } of node.inputs) users.set(index, [...(users.get(index) ?? []), node]);
  }
  const onlyUser = ({ index }: Tensor): RecordedNode | undefined => {
    const those = users.get(index) ?? [];
    return results.has(index) || those.length !== 1 ? undefined : those[0];
  };
  const found = new Map<RecordedNode, BiasedProduct>();
  for (const { node: product } of steps) {
    if (product.op.graphBiased === undefined) continue;
    const y = product.outputs[0]!;
    const followers: RecordedNode[] = [];
    let next = onlyUser(y);
    if (next?.op.name === 'reshape' && next.outputs[0]!.shape.at(-1) === y.shape.at(-1)) {
      followers.push(next);
      next = onlyUser(next.outputs[0]!);
    }
    if (next?.op.name !== 'biasAdd') continue;
    const [x, bias] = next.inputs as readonly [Tensor, Tensor];
    if (x.index !== (followers[0] ?? product).outputs[0]!.index) continue;
    followers.push(next);
    next = onlyUser(next.outputs[0]!);
    const relu = next?.op.name === 'relu';
    if (relu) followers.push(next!);
    found.set(product, { product, bias, relu, followers });
  }
  return found;
}
