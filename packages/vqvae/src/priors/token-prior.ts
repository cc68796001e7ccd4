// A prior of any network that gives the logits of each token from those before it: training, likelihood and sampling on one engine.
import { ConfigError, DTypeError, Generators, ShapeError, ndarray } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';
import {
  BatchedProgram,
  categorical,
  checkFinite,
  f32,
  flatten,
  gather,
  i32,
  mean,
  mul,
  reshape,
  softmaxCrossEntropy,
  sum,
  transpose,
} from '@tessera/engine';
import type { Engine, NamedArrays, Program, Spec, State, Tensor, Traced } from '@tessera/engine';
import { adamStep, initAdam } from '@tessera/nn';
import type { AdamState } from '@tessera/nn';
import { checkTokens } from '../frames.ts';
import type { TrainStepOptions } from '../tokenizer.ts';
import type { PriorConfig } from './config.ts';
import type {
  Conditions,
  Likelihood,
  LikelihoodOptions,
  Prior,
  PriorMetrics,
  PriorSpec,
  SampleOptions,
} from './prior.ts';

/** What a network has to draw tokens with. */
export interface DrawOptions {
  /** int32 [B], from the network's `firstLabel` on. */
  readonly labels: NdArray<'int32'>;
  readonly generator: Generator;
  readonly temperature: number;
}

/** A network of a prior, as plain functions. */
export interface PriorNetwork<P extends object> {
  /** The number of class 0 in `labels`: those of the transformer are tokens beyond the codes. */
  readonly firstLabel: number;
  init(generator: Generator): P;
  /** Logits [B, tokens, vocabulary] of each of `tokens`, int32 [B, tokens], given those before it; `labels` int32 [B] begin at `firstLabel`, which they all are without classes. */
  logits(parameters: Traced<P>, tokens: Tensor, labels: Tensor): Tensor;
  /** A faster way to draw than a whole pass for each token, where there is one. */
  sampler?(engine: Engine, parameters: P): Sampler;
}

/** Draws tokens of parameters as they were when it was made. */
export interface Sampler {
  /** int32 [B, tokens]; asks the generator for a number for each, all rows of a token before the next. */
  draw(options: DrawOptions): NdArray<'int32'>;
  dispose(): void;
}

interface PriorState<P extends object> {
  readonly parameters: P;
  readonly adam: AdamState;
}

type Rows = { readonly tokens: Spec; readonly labels: Spec };
type TrainProgram = Program<Rows & { learningRate: Spec }, { loss: Tensor; gradientNorm: Tensor }>;
type DrawProgram = Program<Rows & { place: Spec; chances: Spec; sharpness: Spec }, { drawn: Tensor }>;

const updatesName = 'counters.updates';

// Rows that are drawn side by side: more would need caches as large.
const rowsAtOnce = 64;

/** A prior over tokens. */
export class TokenPrior<P extends object> implements Prior {
  readonly config: PriorConfig;
  readonly spec: PriorSpec;
  readonly #engine: Engine;
  readonly #network: PriorNetwork<P>;
  readonly #count: number;
  readonly #state: State<PriorState<P>>;
  readonly #trainers = new Map<number, TrainProgram>();
  readonly #drawers = new Map<number, DrawProgram>();
  readonly #likelihoods: BatchedProgram<'tokens' | 'labels', { nats: Tensor }>;
  #updates = 0;

  /** `seed` is that of the starting values. */
  constructor(
    engine: Engine,
    network: PriorNetwork<P>,
    { config, spec, seed }: { readonly config: PriorConfig; readonly spec: PriorSpec; readonly seed: number },
  ) {
    this.config = config;
    this.spec = { tokenShape: [...spec.tokenShape], vocabulary: spec.vocabulary };
    this.#engine = engine;
    this.#network = network;
    this.#count = spec.tokenShape.reduce((product, n) => product * n, 1);
    const parameters = network.init(new Generators(seed).get('init'));
    this.#state = engine.state({ parameters, adam: initAdam(parameters) });
    this.#likelihoods = new BatchedProgram((batch) =>
      this.#state.program(`likelihood ${batch}`, this.#rows(batch), (x, { parameters: p }) => ({
        nats: sum(this.#losses(p as Traced<P>, x), { axes: [1] }),
      })),
    );
  }

  /** Updates made so far. */
  get updates(): number {
    return this.#updates;
  }

  /** Trainable numbers. */
  get parameterCount(): number {
    return [...flatten<NdArray>(this.#state.readTree().parameters)].reduce(
      (total, [, { data }]) => total + data.length,
      0,
    );
  }

  trainStep(
    tokens: NdArray,
    { labels, learningRate = this.config.learningRate }: Conditions & TrainStepOptions = {},
  ): PriorMetrics {
    const rows = this.#checked('trainStep', tokens, labels);
    if (!(learningRate >= 0 && Number.isFinite(learningRate))) {
      throw new ConfigError(`trainStep: expected a learning rate >= 0, got ${learningRate}.`);
    }
    const { loss, gradientNorm } = this.#trainer(rows.tokens.shape[0]!).run({ ...rows, learningRate });
    this.#updates++;
    return { loss: loss.data[0] as number, gradientNorm: gradientNorm.data[0] as number };
  }

  nll(tokens: NdArray, { labels, dimensions = this.#count }: LikelihoodOptions = {}): Likelihood {
    const checked = this.#checked('nll', tokens, labels);
    if (!(dimensions > 0 && Number.isFinite(dimensions))) {
      throw new ConfigError(`nll: expected a number of dimensions above 0, got ${dimensions}.`);
    }
    const rows = Float64Array.from(this.#likelihoods.run(checked).nats.data as Float32Array);
    const average = rows.reduce((total, nats) => total + nats, 0) / rows.length;
    return { rows, natsPerToken: average / this.#count, bitsPerDimension: average / (dimensions * Math.LN2) };
  }

  sample(count: number, generator: Generator, { temperature = 1, labels }: SampleOptions = {}): NdArray<'int32'> {
    if (!Number.isInteger(count) || count < 1)
      throw new ConfigError(`sample: expected a whole count > 0, got ${count}.`);
    if (!(temperature > 0)) throw new ConfigError(`sample: expected a temperature > 0, got ${temperature}.`);
    const classes = this.#numbered('sample', labels, count);
    const out = ndarray('int32', [count, ...this.spec.tokenShape]);
    const sampler = this.#network.sampler?.(this.#engine, this.#state.readTree().parameters);
    try {
      for (let start = 0; start < count; start += rowsAtOnce) {
        const rows = Math.min(rowsAtOnce, count - start);
        const some = ndarray('int32', [rows], classes.data.slice(start, start + rows));
        const options = { labels: some, generator, temperature };
        const drawn = sampler?.draw(options) ?? this.#drawByWholePasses(options);
        out.data.set(drawn.data, start * this.#count);
      }
    } finally {
      sampler?.dispose();
    }
    return out;
  }

  state(): NamedArrays {
    return { ...this.#state.read(), [updatesName]: ndarray('int32', [], Int32Array.of(this.#updates)) };
  }

  loadState(state: NamedArrays): void {
    const missing = [...this.#state.names, updatesName].find((name) => state[name] === undefined);
    if (missing !== undefined) throw new ConfigError(`loadState: '${missing}' is missing.`);
    const { [updatesName]: updates, ...arrays } = state;
    const { dtype, data, shape } = updates!;
    if (dtype !== 'int32' || data.length !== 1 || data[0]! < 0) {
      throw new ConfigError(
        `loadState: expected ${updatesName} as a count, int32 [], got ${dtype} [${shape.join(', ')}].`,
      );
    }
    this.#state.write(arrays);
    this.#updates = Number(data[0]);
  }

  dispose(): void {
    for (const program of [...this.#trainers.values(), ...this.#drawers.values()]) program.dispose();
    this.#likelihoods.dispose();
    this.#state.dispose();
  }

  #rows(batch: number): Rows {
    return { tokens: i32(batch, this.#count), labels: i32(batch) };
  }

  /** Nats of each token, [B, tokens]. */
  #losses(parameters: Traced<P>, { tokens, labels }: { readonly tokens: Tensor; readonly labels: Tensor }): Tensor {
    return softmaxCrossEntropy(this.#network.logits(parameters, tokens, labels), tokens);
  }

  #trainer(batch: number): TrainProgram {
    let program = this.#trainers.get(batch);
    if (program === undefined) {
      const inputs = { ...this.#rows(batch), learningRate: f32() };
      program = this.#state.program('train', inputs, ({ learningRate, ...rows }, { parameters, adam }) => {
        const loss = checkFinite(mean(this.#losses(parameters as Traced<P>, rows)), 'the loss');
        const { clipNorm } = this.config;
        const { gradientNorm } = adamStep(loss, parameters, adam as Traced<AdamState>, { learningRate, clipNorm });
        return { loss, gradientNorm: checkFinite(gradientNorm, 'the norm of the gradients') };
      });
      this.#trainers.set(batch, program);
    }
    return program;
  }

  /** Token by token, each from a pass over all of them. */
  #drawByWholePasses({ labels, generator, temperature }: DrawOptions): NdArray<'int32'> {
    const batch = labels.shape[0]!;
    const program = this.#drawer(batch);
    const tokens = ndarray('int32', [batch, this.#count]);
    for (let place = 0; place < this.#count; place++) {
      // Below 1 also as float32.
      const chances = Float32Array.from({ length: batch }, () => Math.min(generator.random(), 1 - 2 ** -24));
      const { drawn } = program.run({
        tokens,
        labels,
        place: ndarray('int32', [1], Int32Array.of(place)),
        chances: ndarray('float32', [batch], chances),
        sharpness: 1 / temperature,
      });
      for (let row = 0; row < batch; row++) tokens.data[row * this.#count + place] = drawn.data[row] as number;
    }
    return tokens;
  }

  #drawer(batch: number): DrawProgram {
    let program = this.#drawers.get(batch);
    if (program === undefined) {
      const inputs = { ...this.#rows(batch), place: i32(1), chances: f32(batch), sharpness: f32() };
      const width = batch * this.spec.vocabulary;
      program = this.#state.program(`draw ${batch}`, inputs, (x, { parameters }) => {
        const logits = this.#network.logits(parameters as Traced<P>, x.tokens, x.labels); // [B, tokens, K]
        const byPlace = reshape(transpose(logits, [1, 0, 2]), [this.#count, width]);
        const here = reshape(gather(byPlace, x.place), [batch, this.spec.vocabulary]);
        return { drawn: categorical(mul(here, x.sharpness), x.chances) };
      });
      this.#drawers.set(batch, program);
    }
    return program;
  }

  #checked(where: string, tokens: NdArray, labels: NdArray | undefined): { tokens: NdArray; labels: NdArray } {
    checkTokens(where, tokens, this.spec);
    const batch = tokens.shape[0]!;
    return { tokens: { ...tokens, shape: [batch, this.#count] }, labels: this.#numbered(where, labels, batch) };
  }

  /** Labels as the network takes them. */
  #numbered(where: string, labels: NdArray | undefined, rows: number): NdArray<'int32'> {
    const { data } = this.#checkedLabels(where, labels, rows);
    return ndarray(
      'int32',
      [rows],
      data.map((label) => label + this.#network.firstLabel),
    );
  }

  #checkedLabels(where: string, labels: NdArray | undefined, rows: number): NdArray<'int32'> {
    const { classes } = this.config;
    if (classes === 0 && labels === undefined) return ndarray('int32', [rows]);
    if (classes === 0) throw new ConfigError(`${where}: expected no labels, the prior was built without classes.`);
    if (labels === undefined)
      throw new ConfigError(`${where}: expected labels in [0, ${classes}), int32 [${rows}], got none.`);
    if (labels.shape.length !== 1 || labels.shape[0] !== rows) {
      throw new ShapeError(`${where}: expected labels of shape [${rows}], got [${labels.shape.join(', ')}].`);
    }
    if (labels.dtype !== 'int32') throw new DTypeError(`${where}: expected int32 labels, got ${labels.dtype}.`);
    const bad = labels.data.find((label) => label < 0 || label >= classes);
    if (bad !== undefined) throw new ConfigError(`${where}: expected labels in [0, ${classes}), got ${bad}.`);
    return labels as NdArray<'int32'>;
  }
}
