// A token world model with its optimiser on one engine: it learns transitions and predicts the next frame's tokens, the reward's sign and the end.
import { ConfigError, Generators, NonFiniteError, ShapeError, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import {
  add,
  argMax,
  BatchedProgram,
  checkFinite,
  f32,
  flatten,
  i32,
  mean,
  mul,
  softmaxCrossEntropy,
} from '@tessera/engine';
import type { Engine, NamedArrays, Program, State, Tensor } from '@tessera/engine';
import { adamStep, initAdam, learningRateAt } from '@tessera/nn';
import type { AdamState } from '@tessera/nn';
import { checkSettings } from '@tessera/vqvae';
import type { TokenizerSpec } from '@tessera/vqvae';
import { loadCounted, savedCount } from '../saved-count.ts';
import { worldModelSchema } from './config.ts';
import type { WorldModelConfig, WorldModelOptions } from './config.ts';
import { initWorldModel, predictNext } from './model.ts';
import type { Prediction, WorldModelParameters, WorldModelSpec } from './model.ts';

interface WorldModelState {
  readonly parameters: WorldModelParameters;
  readonly adam: AdamState;
  /** [vocabulary, codeDim]: the tokenizer's codes, given and not learned. */
  readonly codes: NdArray<'float32'>;
}

/** Transitions as the world model learns them. */
export interface Transitions {
  /** int32 [batch, context, tokens], oldest frame first. */
  readonly tokens: NdArray<'int32'>;
  /** int32 [batch, context]: the action taken at each of these frames; `actionCount` where the episode had not begun. */
  readonly actions: NdArray<'int32'>;
  /** int32 [batch, tokens]. */
  readonly nextTokens: NdArray<'int32'>;
  /** float32 [batch]. */
  readonly rewards: NdArray<'float32'>;
  /** uint8 [batch], 0 or 1: the next frame is a terminal state. */
  readonly terminated: NdArray<'uint8'>;
}

/** What one update reports. */
export interface WorldModelMetrics {
  readonly loss: number;
  /** Mean cross-entropy of a token, in nats. */
  readonly tokenLoss: number;
  readonly rewardLoss: number;
  readonly endLoss: number;
  /** Global norm of the gradients before clipping. */
  readonly gradientNorm: number;
}

/** The most likely next frame. */
export interface Imagined {
  /** int32 [batch, tokens]. */
  readonly tokens: NdArray<'int32'>;
  /** -1, 0 or 1 for each row. */
  readonly rewards: Float32Array;
  /** 1 where the episode ends. */
  readonly ends: Uint8Array;
}

/** How a world model is made. */
export interface WorldModelCreateOptions {
  readonly tokenizer: TokenizerSpec;
  readonly actionCount: number;
  /** Seed of the starting values; default 0. */
  readonly seed?: number;
}

const blockSizes = [256, 64, 8, 1];

type TrainOutputs = Record<'loss' | 'tokenLoss' | 'rewardLoss' | 'endLoss' | 'gradientNorm', Tensor>;
type StepInputs = 'tokens' | 'actions' | 'nextTokens' | 'rewards' | 'ends' | 'learningRate';
type TrainProgram = Program<Record<StepInputs, ReturnType<typeof f32>>, TrainOutputs>;

/** A block-parallel token world model. */
export class WorldModel {
  readonly config: WorldModelConfig;
  readonly spec: WorldModelSpec;
  readonly #state: State<WorldModelState>;
  readonly #parameters: WorldModelParameters;
  readonly #trainers = new Map<number, TrainProgram>();
  readonly #predictors: BatchedProgram<'tokens' | 'actions', { tokens: Tensor; rewards: Tensor; ends: Tensor }>;
  #updates = 0;

  /** Throws ConfigError for settings that make no model. */
  constructor(
    engine: Engine,
    options: WorldModelOptions,
    { tokenizer, actionCount, seed = 0 }: WorldModelCreateOptions,
  ) {
    const config = checkSettings('WorldModel settings', worldModelSchema, options);
    if (config.width % config.heads !== 0) {
      throw new ConfigError(
        `WorldModel: a width of ${config.width} does not divide into ${config.heads} heads. Choose heads that divide worldModel.width.`,
      );
    }
    if (!Number.isInteger(actionCount) || actionCount < 1) {
      throw new ConfigError(`WorldModel: expected a number of actions, 1 or more, got ${actionCount}.`);
    }
    this.config = config;
    this.spec = {
      grid: gridOf(tokenizer.tokenShape),
      vocabulary: tokenizer.vocabulary,
      codeDim: tokenizer.codeDim,
      actionCount,
    };
    this.#parameters = initWorldModel(new Generators(seed).get('world-model/init'), config, this.spec);
    this.#state = engine.state({
      parameters: this.#parameters,
      adam: initAdam(this.#parameters),
      codes: ndarray('float32', [tokenizer.vocabulary, tokenizer.codeDim]),
    });
    this.#predictors = new BatchedProgram((batch) => this.#predictor(batch), { sizes: blockSizes });
  }

  /** Updates made so far. */
  get updates(): number {
    return this.#updates;
  }

  /** Trainable numbers. */
  get parameterCount(): number {
    return [...flatten<NdArray>(this.#parameters)].reduce((total, [, { data }]) => total + data.length, 0);
  }

  /** Floating-point operations of one update. */
  get trainFlops(): number {
    return this.#trainer(this.config.batchSize).flops;
  }

  /** Tells the model what the codes look like, float32 [vocabulary, codeDim]; call it whenever the tokenizer has changed. */
  setCodes(codes: NdArray<'float32'>): void {
    this.#state.write({ codes });
  }

  /**
   * One update on a batch. `progress` in [0, 1] places it in the run, for the learning rate.
   *
   * `loss = tokenWeight * mean CE(tokens) + mean CE(sign of reward) + mean CE(end)`. Throws ShapeError for arrays that do not fit, ConfigError for tokens and
   * actions out of range, NonFiniteError for a reward or a loss that is no number; the state is then as before.
   */
  trainStep(batch: Transitions, { progress = 0 }: { readonly progress?: number } = {}): WorldModelMetrics {
    const { learningRate: peak, warmupUpdates: warmup, endLearningRate: end } = this.config;
    const rows = this.#checkContext('trainStep', batch);
    this.#check('trainStep', 'nextTokens', batch.nextTokens, [rows, this.#tokens]);
    this.#check('trainStep', 'rewards', batch.rewards, [rows]);
    this.#check('trainStep', 'terminated', batch.terminated, [rows]);
    const bad = batch.rewards.data.findIndex(Number.isNaN);
    if (bad !== -1) throw new NonFiniteError(`WorldModel.trainStep: expected rewards, got NaN in row ${bad}.`);
    const int = (data: Int32Array) => ({ dtype: 'int32', shape: [rows], data }) as const;
    const out = this.#trainer(rows).run({
      tokens: batch.tokens,
      actions: batch.actions,
      nextTokens: batch.nextTokens,
      rewards: int(Int32Array.from(batch.rewards.data, (reward) => Math.sign(reward) + 1)),
      ends: int(Int32Array.from(batch.terminated.data)),
      learningRate: learningRateAt({ peak, warmup, decay: 'linear', end }, { step: this.#updates, progress }),
    });
    this.#updates++;
    const value = ({ data }: NdArray) => data[0] as number;
    return {
      loss: value(out.loss),
      tokenLoss: value(out.tokenLoss),
      rewardLoss: value(out.rewardLoss),
      endLoss: value(out.endLoss),
      gradientNorm: value(out.gradientNorm),
    };
  }

  /** The most likely next frame after `tokens` int32 [batch, context, tokens] and `actions` int32 [batch, context], for any batch. */
  predict({ tokens, actions }: Pick<Transitions, 'tokens' | 'actions'>): Imagined {
    this.#checkContext('predict', { tokens, actions });
    const out = this.#predictors.run({ tokens, actions });
    return {
      tokens: out.tokens as NdArray<'int32'>,
      rewards: Float32Array.from(out.rewards.data as Int32Array, (index) => index - 1),
      ends: Uint8Array.from(out.ends.data as Int32Array),
    };
  }

  /** Copies of everything that training needs to go on. */
  state(): NamedArrays {
    return { ...this.#state.read(), 'counters.updates': savedCount(this.#updates) };
  }

  /** Takes over a state; throws before anything has changed when an array is missing, unknown or of another shape. */
  loadState(state: NamedArrays): void {
    this.#updates = loadCounted('WorldModel.loadState', this.#state, { saved: state, counter: 'counters.updates' });
  }

  dispose(): void {
    this.#predictors.dispose();
    for (const program of this.#trainers.values()) program.dispose();
    this.#state.dispose();
  }

  get #tokens(): number {
    return this.spec.grid[0] * this.spec.grid[1];
  }

  #trainer(batch: number): TrainProgram {
    let program = this.#trainers.get(batch);
    if (program === undefined) {
      const { context, tokenWeight, weightDecay, clipNorm } = this.config;
      const inputs = {
        tokens: i32(batch, context, this.#tokens),
        actions: i32(batch, context),
        nextTokens: i32(batch, this.#tokens),
        rewards: i32(batch),
        ends: i32(batch),
        learningRate: f32(),
      };
      program = this.#state.program(`world model: train ${batch}`, inputs, (x, { parameters, adam, codes }) => {
        const next = predictNext(parameters, this, { tokens: x.tokens, actions: x.actions, codes });
        const tokenLoss = mean(softmaxCrossEntropy(next.tokens, x.nextTokens));
        const rewardLoss = mean(softmaxCrossEntropy(next.rewards, x.rewards));
        const endLoss = mean(softmaxCrossEntropy(next.ends, x.ends));
        const loss = checkFinite(
          add(mul(tokenLoss, tokenWeight), add(rewardLoss, endLoss)),
          'the loss of the world model',
        );
        const { gradientNorm } = adamStep(loss, parameters, adam, {
          learningRate: x.learningRate,
          beta2: 0.98,
          weightDecay,
          clipNorm,
        });
        return { loss, tokenLoss, rewardLoss, endLoss, gradientNorm };
      });
      this.#trainers.set(batch, program);
    }
    return program;
  }

  #predictor(
    batch: number,
  ): Program<Record<'tokens' | 'actions', ReturnType<typeof i32>>, Record<keyof Prediction, Tensor>> {
    const inputs = { tokens: i32(batch, this.config.context, this.#tokens), actions: i32(batch, this.config.context) };
    return this.#state.program(`world model: predict ${batch}`, inputs, (x, { parameters, codes }) => {
      const { config, spec } = this;
      const next = predictNext(parameters, { config, spec, inference: true }, { ...x, codes });
      return { tokens: argMax(next.tokens), rewards: argMax(next.rewards), ends: argMax(next.ends) };
    });
  }

  #checkContext(where: string, { tokens, actions }: Pick<Transitions, 'tokens' | 'actions'>): number {
    const rows = tokens.shape[0] ?? 0;
    if (rows === 0) throw new ConfigError(`WorldModel.${where}: expected a batch of at least one row, got none.`);
    this.#check(where, 'tokens', tokens, [rows, this.config.context, this.#tokens]);
    this.#check(where, 'actions', actions, [rows, this.config.context]);
    return rows;
  }

  #check(where: string, name: string, array: NdArray, shape: readonly number[]): void {
    if (String(array.shape) === String(shape)) return;
    throw new ShapeError(
      `WorldModel.${where}: expected ${name} of shape [${shape.join(', ')}], got [${array.shape.join(', ')}].`,
    );
  }
}

/** Token shapes of any rank as rows and columns. */
function gridOf(tokenShape: readonly number[]): readonly [number, number] {
  const columns = tokenShape.at(-1) ?? 1;
  return [tokenShape.slice(0, -1).reduce((product, size) => product * size, 1), columns];
}
