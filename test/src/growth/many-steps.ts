// Training steps of a small model with convolution, attention, normalisation and a codebook, in a process of its own: `many-steps BACKEND STEPS [ROWS]`. Prints the last loss,
// a gradient's sum, and tensors alive and memory on the way.
import { ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { createEngine } from '@tessera/engine/node';
import {
  add,
  adamUpdate,
  causalAttention,
  conv2d,
  f32,
  flatten,
  gather,
  gelu,
  gradients,
  layerNorm,
  matMul,
  mean,
  nearestCode,
  reshape,
  softmaxCrossEntropy,
  square,
  stopGradient,
  straightThrough,
  sub,
} from '@tessera/engine';
import type { BackendChoice, Tensor } from '@tessera/engine';
import { privateMemory } from './private-memory.ts';

const [backend, steps, rows = '4'] = process.argv.slice(2) as [BackendChoice, string, string?];
const [batch, tokens, width] = [Number(rows), 9, 12];
const generator = npRandom(3);
const normal = (...shape: number[]): NdArray<'float32'> => {
  const array = ndarray('float32', shape);
  for (let i = 0; i < array.data.length; i++) array.data[i] = 0.3 * generator.normal();
  return array;
};
const parameters = () => ({
  filter: normal(3, 3, 2, width),
  scale: normal(width),
  bias: normal(width),
  qkv: normal(width, 3 * width),
  codebook: normal(16, width),
  head: normal(width, 16),
});
const start = parameters();
const zeros = () =>
  Object.fromEntries(Object.entries(start).map(([name, { shape }]) => [name, ndarray('float32', shape)]));
const engine = await createEngine({ backend });
const state = engine.state({ parameters: start, first: zeros(), second: zeros() });
const inputs = { x: f32(batch, 3, 3, 2), rate: f32(), correction: f32() };
const program = state.program('many steps', inputs, ({ x, rate, correction }, traced) => {
  const p = traced.parameters;
  const z = reshape(conv2d(x, p.filter), [batch, tokens, width]);
  const seen = causalAttention(matMul(gelu(layerNorm(z, p.scale, p.bias)), p.qkv), { heads: 3 });
  const flat = reshape(seen, [batch * tokens, width]);
  const codes = nearestCode(flat, p.codebook);
  const quantized = gather(p.codebook, codes);
  const logits = matMul(straightThrough(flat, quantized), p.head);
  const distance = mean(square(sub(quantized, stopGradient(flat))));
  const loss = add(add(mean(softmaxCrossEntropy(logits, codes)), distance), mean(square(z)));
  const leaves = flatten<Tensor>(p);
  const [first, second] = [flatten<Tensor>(traced.first), flatten<Tensor>(traced.second)];
  const slopes = gradients(loss, [...leaves.values()]);
  for (const [i, [name, leaf]] of [...leaves].entries()) {
    const moments = { firstMoment: first.get(name)!, secondMoment: second.get(name)! };
    adamUpdate(leaf, { ...moments, gradient: slopes[i]!, rate, correction, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 });
  }
  return { loss, slope: mean(square(slopes[0]!)) };
});
const x = normal(batch, 3, 3, 2);
const trace: number[] = [];
const [tensors, memory]: Record<string, number>[] = [{}, {}];
for (let t = 1; t <= Number(steps); t++) {
  const { loss, slope } = program.run({ x, rate: 1e-3 / (1 - 0.9 ** t), correction: 1 - 0.999 ** t });
  if (t <= 5) trace.push(loss.data[0] as number, slope.data[0] as number);
  if (![100, 2000, 10_000].includes(t)) continue;
  tensors![t] = engine.tensorCount();
  memory![t] = await privateMemory();
}
process.stdout.write(JSON.stringify({ trace, tensors, memory }));
