// An autoregressive prior: a small causal transformer that predicts each element of a sequence from those before it. Its head says what an element is, a latent vector of
// a VAE (`mixtureHead`) or anything else that a head can be written for, so that priors of several kinds of latents differ in nothing but that.
import { Generators, ndarray } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';
import { add, checkFinite, concat, f32, mean, reshape, slice, zeros as zerosOf } from '@tessera/engine';
import type { Engine, Program, Spec, State, Tensor, Traced } from '@tessera/engine';
import { adamStep, block, dense, initAdam, initBlock, initDense, initNorm, norm, normal } from '@tessera/nn';
import type { AdamState, Block, Linear, Norm } from '@tessera/nn';

/** What the elements of a sequence are. `P` are parameters of its own, for embedding. */
export interface SequenceHead<P extends object> {
  /** Of one element inside a batch of sequences: [N, T, ...element]. */
  readonly element: Spec;
  /** Numbers that it needs for each element. */
  readonly outputs: number;
  init(generator: Generator, width: number): P;
  /** [N, T, ...element] to [N, T, width]. */
  embed(parameters: Traced<P>, elements: Tensor): Tensor;
  /** `-ln p(element)` in nats, [N, T], under the predictions [N, T, outputs]. */
  nll(predictions: Tensor, elements: Tensor): Tensor;
  /** Draws an element from one prediction of `outputs` numbers into `target`. */
  draw(prediction: Float32Array, target: { [index: number]: number }, generator: Generator): void;
}

/** Sizes of a prior. */
export interface SequencePriorOptions {
  /** Elements of a sequence. */
  readonly length: number;
  /** Default 48. */
  readonly width?: number;
  /** Default 2. */
  readonly blocks?: number;
  /** Default 4. */
  readonly heads?: number;
  /** Default 0. */
  readonly seed?: number;
}

interface Parameters<P> {
  readonly head: P;
  /** [T, width]. */
  readonly positions: NdArray<'float32'>;
  readonly blocks: readonly Block[];
  readonly norm: Norm;
  readonly output: Linear;
}

type TrainInputs = { readonly x: Spec; readonly learningRate: Spec };

/** A prior over sequences: training, likelihood and samples. */
export class SequencePrior<P extends object> {
  readonly #head: SequenceHead<P>;
  readonly #length: number;
  readonly #heads: number;
  readonly #width: number;
  readonly #state: State<{ parameters: Parameters<P>; adam: AdamState }>;
  readonly #trainers = new Map<number, Program<TrainInputs, { loss: Tensor }>>();
  readonly #scorers = new Map<number, Program<{ x: Spec }, { nll: Tensor }>>();
  readonly #predictors = new Map<string, Program<{ x: Spec }, { y: Tensor }>>();

  constructor(engine: Engine, head: SequenceHead<P>, options: SequencePriorOptions) {
    const { length, width = 48, blocks = 2, heads = 4, seed = 0 } = options;
    this.#head = head;
    this.#length = length;
    this.#heads = heads;
    this.#width = width;
    const generator = new Generators(seed).get('init');
    const parameters: Parameters<P> = {
      head: head.init(generator, width),
      positions: normal(generator, [length, width], 0.02),
      blocks: Array.from({ length: blocks }, () => initBlock(generator, { width, expansion: 2 })),
      norm: initNorm(width),
      output: initDense(generator, { inputs: width, outputs: head.outputs, gain: 0.1 }),
    };
    this.#state = engine.state({ parameters, adam: initAdam(parameters) });
  }

  /** One step of Adam on sequences [N, T, ...element]; returns their mean `-ln p` in nats a sequence, before the step. */
  trainStep(x: NdArray, { learningRate = 2e-3 }: { readonly learningRate?: number } = {}): number {
    const rows = x.shape[0]!;
    let program = this.#trainers.get(rows);
    if (program === undefined) {
      const inputs = { x: this.#spec(rows, this.#length), learningRate: f32() };
      program = this.#state.program('train prior', inputs, ({ x: sequence, learningRate: rate }, state) => {
        const parameters = state.parameters as Traced<Parameters<P>>;
        const perElement = mean(this.#head.nll(this.#predict(parameters, sequence), sequence));
        const loss = checkFinite(perElement, 'the loss of the prior');
        adamStep(loss, parameters, state.adam as Traced<AdamState>, { learningRate: rate, clipNorm: 1 });
        return { loss };
      });
      this.#trainers.set(rows, program);
    }
    return Number(program.run({ x, learningRate }).loss.data[0]) * this.#length;
  }

  /** `-ln p` of each sequence in nats. */
  nll(x: NdArray): Float64Array {
    const rows = x.shape[0]!;
    let program = this.#scorers.get(rows);
    if (program === undefined) {
      program = this.#state.program('score', { x: this.#spec(rows, this.#length) }, ({ x: sequence }, state) => ({
        nll: this.#head.nll(this.#predict(state.parameters as Traced<Parameters<P>>, sequence), sequence),
      }));
      this.#scorers.set(rows, program);
    }
    const { data } = program.run({ x }).nll;
    return Float64Array.from({ length: rows }, (_, n) => {
      let total = 0;
      for (let t = 0; t < this.#length; t++) total += Number(data[n * this.#length + t]);
      return total;
    });
  }

  /** Sequences drawn from the prior, [count, T, ...element], element after element. */
  sample(count: number, generator: Generator, { batch = 500 }: { readonly batch?: number } = {}): NdArray {
    const { dtype, shape } = this.#head.element;
    const size = shape.reduce((product, n) => product * n, 1);
    const out = ndarray(dtype, [count, this.#length, ...shape]);
    const { outputs } = this.#head;
    for (let start = 0; start < count; start += batch) {
      const rows = Math.min(batch, count - start);
      const all = out.data.subarray(start * this.#length * size, (start + rows) * this.#length * size);
      for (let t = 0; t < this.#length; t++) {
        // Programs have fixed lengths: a few of them, each for the prefixes that it holds.
        const length = Math.min(this.#length, 4 * Math.ceil((t + 1) / 4));
        const prefix = ndarray(dtype, [rows, length, ...shape]);
        for (let n = 0; n < rows; n++) {
          const from = n * this.#length * size;
          prefix.data.set(all.subarray(from, from + t * size) as never, n * length * size);
        }
        const y = this.#predictor(rows, length).run({ x: prefix }).y.data as Float32Array;
        for (let n = 0; n < rows; n++) {
          const at = (n * length + t) * outputs;
          const target = (n * this.#length + t) * size;
          this.#head.draw(y.subarray(at, at + outputs), all.subarray(target, target + size) as never, generator);
        }
      }
    }
    return out;
  }

  dispose(): void {
    for (const programs of [this.#trainers, this.#scorers, this.#predictors]) {
      for (const program of programs.values()) program.dispose();
    }
    this.#state.dispose();
  }

  #spec(rows: number, length: number): Spec {
    return { dtype: this.#head.element.dtype, shape: [rows, length, ...this.#head.element.shape] };
  }

  #predictor(rows: number, length: number): Program<{ x: Spec }, { y: Tensor }> {
    const key = `${rows} ${length}`;
    let program = this.#predictors.get(key);
    if (program === undefined) {
      program = this.#state.program(`predict ${key}`, { x: this.#spec(rows, length) }, ({ x }, state) => ({
        y: this.#predict(state.parameters as Traced<Parameters<P>>, x),
      }));
      this.#predictors.set(key, program);
    }
    return program;
  }

  // [N, T, ...element] to the predictions of each from those before it, [N, T, outputs].
  #predict(parameters: Traced<Parameters<P>>, x: Tensor): Tensor {
    const [rows, length] = x.shape as [number, number];
    const embedded = this.#head.embed(parameters.head as Traced<P>, x); // [N, T, width]
    const before = slice(embedded, [0, 0, 0], [rows, length - 1, this.#width]);
    const shifted = concat([zerosOf({ shape: [rows, 1, this.#width] }), before], { axis: 1 });
    let h = add(shifted, slice(parameters.positions, [0, 0], [length, this.#width]));
    for (const layer of parameters.blocks)
      h = block(layer, h, { heads: this.#heads, causal: true, activation: 'relu' });
    return reshape(dense(parameters.output, norm(parameters.norm, h)), [rows, length, this.#head.outputs]);
  }
}
