// Policy and value function with their optimiser on one engine: they act on tokens and learn from stretches of experience, real or imagined alike.
import { ConfigError, Generators, ShapeError, ndarray } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';
import { BatchedProgram, checkFinite, f32, flatten, i32 } from '@tessera/engine';
import type { Engine, NamedArrays, Program, Spec, State, Tensor } from '@tessera/engine';
import { adamStep, initAdam, learningRateAt } from '@tessera/nn';
import type { AdamState } from '@tessera/nn';
import { checkSettings } from '@tessera/vqvae';
import type { TokenizerSpec } from '@tessera/vqvae';
import { loadCount, savedCount } from '../saved-count.ts';
import { chooseActions } from './choose-actions.ts';
import type { Choices } from './choose-actions.ts';
import { behaviourSchema } from './config.ts';
import type { BehaviourConfig, BehaviourOptions } from './config.ts';
import { lambdaReturns } from './lambda-returns.ts';
import { initBehaviour, judge } from './networks.ts';
import type { BehaviourParameters, BehaviourSpec, Judgement } from './networks.ts';
import { policyLoss } from './policy-loss.ts';

interface BehaviourState {
  readonly parameters: BehaviourParameters;
  readonly adam: AdamState;
  readonly codes: NdArray<'float32'>;
}

/** Consecutive steps of one episode, or of one row of imagination, as the policy learns them. */
export interface Experience {
  /** int32 [T * tokens]: what the policy saw before each step. */
  readonly tokens: Int32Array;
  /** [T], as indices from 0. */
  readonly actions: Int32Array;
  /** [T]: logarithm of the probability that the policy gave each action when it was taken. */
  readonly logProbabilities: Float32Array;
  /** [T], as signs. */
  readonly rewards: ArrayLike<number>;
  /** [T + 1]: the value before each step and after the last. */
  readonly values: Float32Array;
  /** [T]: 1 where the step led to a terminal state; a truncated step counts as 0. */
  readonly terminated: ArrayLike<number>;
}

/** What learning from a batch reports, means over its minibatches. */
export interface BehaviourMetrics {
  readonly policyLoss: number;
  readonly valueLoss: number;
  readonly entropy: number;
  readonly clipped: number;
  readonly gradientNorm: number;
}

/** How a batch is learned. */
export interface LearnOptions {
  /** Shuffles the rows. */
  readonly generator: Generator;
  /** Rows of a minibatch. */
  readonly minibatch: number;
  /** Share of the run that is done, for the learning rate. */
  readonly progress?: number;
}

/** How a behaviour is made. */
export interface BehaviourCreateOptions {
  readonly tokenizer: TokenizerSpec;
  readonly actionCount: number;
  /** Seed of the starting values; default 0. */
  readonly seed?: number;
}

type TrainInputs = Record<
  'tokens' | 'actions' | 'logProbabilities' | 'values' | 'returns' | 'advantages' | 'weights' | 'learningRate',
  Spec
>;
type TrainOutputs = Record<'loss' | 'policyLoss' | 'valueLoss' | 'entropy' | 'clipped' | 'gradientNorm', Tensor>;

const blockSizes = [256, 64, 32, 8, 1];

/** Policy and value function over tokens. */
export class Behaviour {
  readonly config: BehaviourConfig;
  readonly spec: BehaviourSpec;
  readonly #state: State<BehaviourState>;
  readonly #parameters: BehaviourParameters;
  readonly #judges: BatchedProgram<'tokens', Record<keyof Judgement, Tensor>>;
  readonly #trainers = new Map<number, Program<TrainInputs, TrainOutputs>>();
  #batches = 0;

  /** Throws ConfigError for settings that make no networks. */
  constructor(engine: Engine, options: BehaviourOptions, { tokenizer, actionCount, seed = 0 }: BehaviourCreateOptions) {
    this.config = checkSettings('Behaviour settings', behaviourSchema, options);
    if (!Number.isInteger(actionCount) || actionCount < 1) {
      throw new ConfigError(`Behaviour: expected a number of actions, 1 or more, got ${actionCount}.`);
    }
    const { tokenShape, vocabulary, codeDim } = tokenizer;
    const tokens = tokenShape.reduce((product, size) => product * size, 1);
    this.spec = { tokens, vocabulary, codeDim, actionCount };
    this.#parameters = initBehaviour(new Generators(seed).get('behaviour/init'), this.config, this.spec);
    this.#state = engine.state({
      parameters: this.#parameters,
      adam: initAdam(this.#parameters),
      codes: ndarray('float32', [vocabulary, codeDim]),
    });
    this.#judges = new BatchedProgram(
      (batch) =>
        this.#state.program(
          `behaviour: judge ${batch}`,
          { tokens: i32(batch, tokens) },
          (x, { parameters, codes }) => ({
            ...judge(parameters, { tokens: x.tokens, codes }),
          }),
        ),
      { sizes: blockSizes },
    );
  }

  /** Batches learned from so far: the version of the policy. */
  get version(): number {
    return this.#batches;
  }

  /** Trainable numbers. */
  get parameterCount(): number {
    return [...flatten<NdArray>(this.#parameters)].reduce((total, [, { data }]) => total + data.length, 0);
  }

  /** Tells the networks what the codes look like, float32 [vocabulary, codeDim]; call it whenever the tokenizer has changed. */
  setCodes(codes: NdArray<'float32'>): void {
    this.#state.write({ codes });
  }

  /** Logits [batch, actionCount] and values [batch] for `tokens` int32 [batch, tokens]. */
  judge(tokens: NdArray<'int32'>): { readonly logits: NdArray; readonly values: Float32Array } {
    if (tokens.shape.length !== 2 || tokens.shape[1] !== this.spec.tokens) {
      throw new ShapeError(
        `Behaviour.judge: expected tokens of shape [batch, ${this.spec.tokens}], got [${tokens.shape.join(', ')}].`,
      );
    }
    const { logits, values } = this.#judges.run({ tokens });
    return { logits, values: values.data as Float32Array };
  }

  /** Actions for `tokens` int32 [batch, tokens], drawn from the policy or, with `greedy`, the most likely ones, and the values of these states. */
  act(
    tokens: NdArray<'int32'>,
    options: { readonly generator: Generator; readonly greedy?: boolean },
  ): Choices & { readonly values: Float32Array } {
    const { logits, values } = this.judge(tokens);
    return { ...chooseActions(logits, options), values };
  }

  /**
   * Learns from a batch of experience: lambda-returns and advantages once, then `epochs` passes in shuffled minibatches, with advantages normalised in each.
   *
   * Throws ConfigError for an empty batch, ShapeError for experience whose parts do not fit, NonFiniteError for a loss that is no number; minibatches before it have then been learned.
   */
  learn(experience: readonly Experience[], { generator, minibatch, progress = 0 }: LearnOptions): BehaviourMetrics {
    if (!Number.isInteger(minibatch) || minibatch < 1) {
      throw new ConfigError(`Behaviour.learn: expected a minibatch of 1 or more rows, got ${minibatch}.`);
    }
    const rows = this.#rows(experience);
    const { epochs, learningRate: peak, endLearningRate: end } = this.config;
    const count = rows.actions.length;
    if (count === 0) throw new ConfigError('Behaviour.learn: expected at least one step of experience, got none.');
    const learningRate = learningRateAt({ peak, decay: 'linear', end }, { step: this.#batches, progress });
    const sums = { policyLoss: 0, valueLoss: 0, entropy: 0, clipped: 0, gradientNorm: 0 };
    let minibatches = 0;
    for (let epoch = 0; epoch < epochs; epoch++) {
      const order = generator.permutation(count);
      for (let start = 0; start < count; start += minibatch) {
        const out = this.#trainer(minibatch).run({
          ...this.#minibatch(rows, order.slice(start, start + minibatch), minibatch),
          learningRate,
        });
        for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += out[name].data[0] as number;
        minibatches++;
      }
    }
    this.#batches++;
    return Object.fromEntries(
      Object.entries(sums).map(([name, sum]) => [name, sum / minibatches]),
    ) as unknown as BehaviourMetrics;
  }

  /** Copies of everything that training needs to go on. */
  state(): NamedArrays {
    return { ...this.#state.read(), 'counters.batches': savedCount(this.#batches) };
  }

  /** Takes over a state; throws before anything has changed when an array is missing, unknown or of another shape. */
  loadState(state: NamedArrays): void {
    const { 'counters.batches': batches, ...arrays } = state;
    const missing = [...this.#state.names, 'counters.batches'].find((name) => state[name] === undefined);
    if (missing !== undefined) throw new ConfigError(`Behaviour.loadState: '${missing}' is missing.`);
    const count = loadCount('Behaviour.loadState', 'counters.batches', batches);
    this.#state.write(arrays);
    this.#batches = count;
  }

  dispose(): void {
    this.#judges.dispose();
    for (const program of this.#trainers.values()) program.dispose();
    this.#state.dispose();
  }

  #rows(experience: readonly Experience[]): Rows {
    const { gamma, lambda } = this.config;
    const count = experience.reduce((total, { actions }) => total + actions.length, 0);
    const rows: Rows = {
      tokens: new Int32Array(count * this.spec.tokens),
      actions: new Int32Array(count),
      logProbabilities: new Float32Array(count),
      values: new Float32Array(count),
      returns: new Float32Array(count),
    };
    let at = 0;
    for (const stretch of experience) {
      this.#checkLengths(stretch);
      rows.tokens.set(stretch.tokens, at * this.spec.tokens);
      rows.actions.set(stretch.actions, at);
      rows.logProbabilities.set(stretch.logProbabilities, at);
      rows.values.set(stretch.values.subarray(0, stretch.actions.length), at);
      rows.returns.set(lambdaReturns(stretch, { gamma, lambda }), at);
      at += stretch.actions.length;
    }
    return rows;
  }

  #checkLengths({ tokens, actions, logProbabilities, rewards }: Experience): void {
    const steps = actions.length;
    const got = [tokens.length, logProbabilities.length, rewards.length];
    if (String(got) === String([steps * this.spec.tokens, steps, steps])) return;
    throw new ShapeError(
      `Behaviour.learn: ${steps} actions need ${steps * this.spec.tokens} tokens, ${steps} probabilities and ${steps} rewards, got ${got.join(', ')}.`,
    );
  }

  /** The rows `chosen`, padded to `size` with rows of weight 0. */
  #minibatch(
    rows: Rows,
    chosen: readonly number[],
    size: number,
  ): Record<keyof Omit<TrainInputs, 'learningRate'>, NdArray> {
    const width = this.spec.tokens;
    const tokens = ndarray('int32', [size, width]);
    const actions = ndarray('int32', [size]);
    const column = () => ndarray('float32', [size]);
    const [logProbabilities, values, returns, advantages, weights] = [column(), column(), column(), column(), column()];
    let [sum, squares] = [0, 0];
    for (const [i, row] of chosen.entries()) {
      tokens.data.set(rows.tokens.subarray(row * width, (row + 1) * width), i * width);
      actions.data[i] = rows.actions[row]!;
      logProbabilities.data[i] = rows.logProbabilities[row]!;
      values.data[i] = rows.values[row]!;
      returns.data[i] = rows.returns[row]!;
      weights.data[i] = 1;
      const advantage = rows.returns[row]! - rows.values[row]!;
      advantages.data[i] = advantage;
      sum += advantage;
      squares += advantage * advantage;
    }
    const mean = sum / chosen.length;
    const deviation = Math.sqrt(Math.max(0, squares / chosen.length - mean * mean));
    for (let i = 0; i < chosen.length; i++) advantages.data[i] = (advantages.data[i]! - mean) / (deviation + 1e-6);
    return { tokens, actions, logProbabilities, values, returns, advantages, weights };
  }

  #trainer(size: number): Program<TrainInputs, TrainOutputs> {
    let program = this.#trainers.get(size);
    if (program === undefined) {
      const row = f32(size);
      const inputs = {
        tokens: i32(size, this.spec.tokens),
        actions: i32(size),
        logProbabilities: row,
        values: row,
        returns: row,
        advantages: row,
        weights: row,
        learningRate: f32(),
      };
      program = this.#state.program(`behaviour: learn ${size}`, inputs, (x, { parameters, adam, codes }) => {
        const losses = policyLoss(judge(parameters, { tokens: x.tokens, codes }), x, this.config);
        const loss = checkFinite(losses.total, 'the loss of the policy');
        const { gradientNorm } = adamStep(loss, parameters, adam, {
          learningRate: x.learningRate,
          epsilon: 1e-5,
          clipNorm: this.config.clipNorm,
        });
        const { policy, value, entropy, clipped } = losses;
        // What no output needs is not computed, the check included: gradients need the loss's record alone.
        return { loss, policyLoss: policy, valueLoss: value, entropy, clipped, gradientNorm };
      });
      this.#trainers.set(size, program);
    }
    return program;
  }
}

interface Rows {
  readonly tokens: Int32Array;
  readonly actions: Int32Array;
  readonly logProbabilities: Float32Array;
  readonly values: Float32Array;
  readonly returns: Float32Array;
}
