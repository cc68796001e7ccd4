// The search for the nearest code as ONNX nodes, in the numbers of our engines: both sides moved by the mean code, `|e|^2 / 2 - z.e` compared, ties to the
// lowest index.
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { onnxTypes } from './onnx-graph.ts';
import type { OnnxGraph } from './onnx-graph.ts';

/**
 * The nearest of `codes` [K, D] to each vector `z`, float32 [M, D]: int64 [M].
 *
 * In float32 the code that is found is as near as any up to rounding: `|z - e|^2` at most `4 (D + 2) u (|z - mean| + max |e - mean|)^2` beyond the least.
 * float64 is for codes that lie closer together than that, and for runtimes on a CPU.
 */
export function onnxNearestCode(
  graph: OnnxGraph,
  z: string,
  codes: NdArray<'float32'>,
  dtype: 'float32' | 'float64' = 'float32',
): string {
  const [count, width] = codes.shape as [number, number];
  const mean = ndarray('float64', [width]);
  codes.data.forEach((value, i) => (mean.data[i % width]! += value / count));
  // What is taken away from both sides has to be the same number on both.
  const round = dtype === 'float32' ? Math.fround : (x: number) => x;
  mean.data.forEach((value, d) => (mean.data[d] = round(value)));
  const centred = ndarray('float64', [width, count]);
  const half = ndarray('float64', [count]);
  codes.data.forEach((value, i) => {
    const [code, d] = [Math.floor(i / width), i % width];
    const difference = round(value - mean.data[d]!);
    centred.data[d * count + code] = difference;
    half.data[code]! += difference ** 2 / 2;
  });
  const constant = ({ shape, data }: NdArray<'float64'>): string =>
    graph.constant(
      dtype === 'float64' ? ndarray('float64', shape, data) : ndarray('float32', shape, Float32Array.from(data)),
    );
  const vectors = dtype === 'float32' ? z : graph.node('Cast', [z], { to: onnxTypes.float64 });
  const product = graph.node('MatMul', [graph.node('Sub', [vectors, constant(mean)]), constant(centred)]);
  return graph.node('ArgMin', [graph.node('Sub', [constant(half), product])], { axis: 1, keepdims: 0 });
}
