// The loss of transformer.ts as one writes it in TensorFlow.js.
import {
  add,
  cast,
  erf,
  gather,
  logSoftmax,
  matMul,
  mean,
  moments,
  mul,
  neg,
  oneHot,
  reshape,
  rsqrt,
  softmax,
  squeeze,
  split,
  sub,
  sum,
  tensor,
  transpose,
} from '@tensorflow/tfjs-core';
import type { Scalar, Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import { causalMask } from './causal-mask.ts';

/** Parameters by flat name; tokens and targets int32 [B, T]. */
export function transformerTapeLoss(
  parameters: Readonly<Record<string, Tensor>>,
  tokens: Tensor,
  targets: Tensor,
  heads: number,
): Scalar {
  const dense = (name: string, x: Tensor) => {
    const kernel = parameters[`${name}.kernel`]!;
    const flat = matMul(reshape(x, [-1, kernel.shape[0]!]), kernel);
    return reshape(add(flat, parameters[`${name}.bias`]!), [...x.shape.slice(0, -1), kernel.shape[1]!]);
  };
  const norm = (name: string, x: Tensor) => {
    const { mean: center, variance } = moments(x, -1, true);
    const normalised = mul(sub(x, center), rsqrt(add(variance, 1e-5)));
    return add(mul(normalised, parameters[`${name}.scale`]!), parameters[`${name}.bias`]!);
  };
  const attention = (name: string, x: Tensor) => {
    const [batch, length, width] = x.shape as [number, number, number];
    const size = width / heads;
    const parts = transpose(reshape(dense(`${name}.qkv`, x), [batch, length, 3, heads, size]), [2, 0, 3, 1, 4]);
    const [q, k, v] = split(parts, 3).map((part) => squeeze(part, [0])) as [Tensor, Tensor, Tensor];
    const scores = mul(matMul(q, k, false, true), 1 / Math.sqrt(size));
    const weights = softmax(add(scores, tensor(causalMask(length).data, [length, length])));
    const together = transpose(matMul(weights, v), [0, 2, 1, 3]);
    return dense(`${name}.out`, reshape(together, [batch, length, width]));
  };
  const gelu = (x: Tensor) => mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1));

  let x: Tensor = add(gather(parameters['embedding.tokens']!, tokens as Tensor1D), parameters['embedding.positions']!);
  for (let i = 0; `blocks.${i}.norm1.scale` in parameters; i++) {
    const block = `blocks.${i}`;
    x = add(x, attention(`${block}.attention`, norm(`${block}.norm1`, x)));
    x = add(x, dense(`${block}.mlp.down`, gelu(dense(`${block}.mlp.up`, norm(`${block}.norm2`, x)))));
  }
  const logits = dense('head', norm('norm', x));
  const labels = cast(oneHot(targets, logits.shape.at(-1)!), 'float32');
  return mean(neg(sum(mul(labels, logSoftmax(logits)), -1)));
}
