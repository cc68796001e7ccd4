// Long short-term memory (Hochreiter and Schmidhuber 1997; with the forget gate of Gers et al. 2000), one step at a time.
import type { Generator, NdArray } from '@tessera/core';
import { add, biasAdd, matMul, mul, sigmoid, split, tanh } from '@tessera/engine';
import type { Tensor, Traced } from '@tessera/engine';
import { uniform, zeros } from './initialisers.ts';

/** Parameters of an LSTM; the columns of all three are those of the input gate, the forget gate, the candidate and the output gate. */
export interface Lstm {
  /** [inputs, 4 width] */
  readonly input: NdArray<'float32'>;
  /** [width, 4 width] */
  readonly recurrent: NdArray<'float32'>;
  /** [4 width] */
  readonly bias: NdArray<'float32'>;
}

/** What is remembered from step to step, [batch, width] each; zeros at the beginning. */
export interface LstmState {
  readonly hidden: Tensor;
  readonly cell: Tensor;
}

/** Starting values: kernels uniform of limit `1 / sqrt(width)`, biases 0 but 1 for the forget gate, which then forgets little (Jozefowicz et al. 2015). */
export function initLstm(
  generator: Generator,
  { inputs, width }: { readonly inputs: number; readonly width: number },
): Lstm {
  const limit = 1 / Math.sqrt(width);
  const bias = zeros([4 * width]);
  bias.data.fill(1, width, 2 * width);
  return {
    input: uniform(generator, [inputs, 4 * width], limit),
    recurrent: uniform(generator, [width, 4 * width], limit),
    bias,
  };
}

/** `c' = sigmoid(f) c + sigmoid(i) tanh(g)` and `h' = sigmoid(o) tanh(c')` with `i, f, g, o = x W + h U + b`: x [batch, inputs]. */
export function lstmStep({ input, recurrent, bias }: Traced<Lstm>, x: Tensor, { hidden, cell }: LstmState): LstmState {
  const gates = biasAdd(add(matMul(x, input), matMul(hidden, recurrent)), bias); // [batch, 4 width]
  const [enter, keep, candidate, leave] = split(gates, { count: 4 }) as [Tensor, Tensor, Tensor, Tensor];
  const next = add(mul(sigmoid(keep), cell), mul(sigmoid(enter), tanh(candidate)));
  return { hidden: mul(sigmoid(leave), tanh(next)), cell: next };
}
