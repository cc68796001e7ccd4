// A token world model of any kind with its optimiser on one engine: it learns transitions and predicts the next frame's tokens, the reward and the end.
import { ConfigError, Generators, NonFiniteError, ShapeError, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { add, BatchedProgram, checkFinite, f32, flatten, i32, mean, mul, softmaxCrossEntropy } from '@tessera/engine';
import type { Engine, InputSpecs, NamedArrays, Program, Spec, State, Tensor } from '@tessera/engine';
import { adamStep, initAdam, learningRateAt } from '@tessera/nn';
import type { AdamState } from '@tessera/nn';
import { checkSettings } from '@tessera/vqvae';
import type { Tokenizer, TokenizerSpec } from '@tessera/vqvae';
import { loadCounts, savedCount } from '../saved-count.ts';
import { generatorOf, isOneEach } from '../row-generators.ts';
import type { RowGenerators } from '../row-generators.ts';
import { causal } from './causal.ts';
import { worldModelSchema } from './config.ts';
import type { WorldModelConfig, WorldModelKind, WorldModelOptions } from './config.ts';
import { drawnBy, likeliest, tokensIn } from './dynamics.ts';
import type { Choice, Dynamics } from './dynamics.ts';
import { EndToEnd } from './end-to-end.ts';
import type { EndToEndConfig } from './end-to-end.ts';
import { maskgit } from './maskgit.ts';
import type { Seen, WorldModelSpec } from './model.ts';
import { parallel } from './parallel.ts';
import { rewardHeads } from './rewards.ts';
import { StickyActions } from './sticky-actions.ts';

interface WorldModelState {
  readonly parameters: object;
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

/** The next frame and what comes with it. */
export interface Imagined {
  /** int32 [batch, tokens]. */
  readonly tokens: NdArray<'int32'>;
  /** For each row -1, 0 or 1, or with `reward: 'two-hot'` the reward that is expected. */
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

/** Whose numbers drawn tokens, signs of rewards and ends come from. */
export interface PredictOptions {
  /** One for all rows, or one for each. */
  readonly generator?: RowGenerators;
}

/** Opens the name of the mark by which a state says its kind; one without a mark is `parallel`. */
const kindPrefix = 'kind.';
const blockSizes = [256, 64, 8, 1];

const kinds: Readonly<Record<WorldModelKind, Dynamics<object>>> = { parallel, maskgit, causal };

/** `rows`, the losses row by row, comes out where rows are weighted. */
type TrainOutputs = Record<keyof WorldModelMetrics, Tensor> & { readonly rows?: Tensor };
type TrainInput = 'tokens' | 'actions' | 'nextTokens' | 'rewards' | 'ends' | 'learningRate';
type TrainProgram = Program<InputSpecs, TrainOutputs>;
type Predictors<I extends string> = BatchedProgram<I, Record<'tokens' | 'rewards' | 'ends', Tensor>>;

/** A token world model of the kind that `config.kind` says. */
export class WorldModel {
  readonly config: WorldModelConfig;
  readonly spec: WorldModelSpec;
  readonly #state: State<WorldModelState>;
  readonly #dynamics: Dynamics<object>;
  readonly #parameters: object;
  readonly #trainers = new Map<string, TrainProgram>();
  readonly #predictors: Predictors<'tokens' | 'actions'>;
  readonly #drawingPredictors: Predictors<'tokens' | 'actions' | 'chances'>;
  /** How often imagination repeats an action; it belongs to the model and is saved with it. */
  readonly sticky: StickyActions;
  readonly #minds: BatchedProgram<'tokens' | 'actions', Record<'hidden', Tensor>>;
  readonly #jointTrainers: EndToEnd[] = [];
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
    this.sticky = new StickyActions(actionCount);
    this.#dynamics = kinds[config.kind];
    this.#parameters = this.#dynamics.init(new Generators(seed).get('world-model/init'), this);
    this.#state = engine.state({
      parameters: this.#parameters,
      adam: initAdam(this.#parameters),
      codes: ndarray('float32', [tokenizer.vocabulary, tokenizer.codeDim]),
    });
    this.#predictors = new BatchedProgram((batch) => this.#predictor(batch), { sizes: blockSizes });
    this.#drawingPredictors = new BatchedProgram((batch) => this.#drawingPredictor(batch), { sizes: blockSizes });
    this.#minds = new BatchedProgram(
      (batch) =>
        this.#state.program(`world model: hidden ${batch}`, this.#seen(batch), (x, { parameters, codes }) => ({
          hidden: this.#dynamics.hidden(parameters, this, { ...x, codes }),
        })),
      { sizes: blockSizes },
    );
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
    return this.#trainer(this.config.batchSize, { weighted: false }).flops;
  }

  /** Tells the model what the codes look like, float32 [vocabulary, codeDim]; call it whenever the tokenizer has changed. */
  setCodes(codes: NdArray<'float32'>): void {
    this.#state.write({ codes });
  }

  /**
   * One update on a batch. `progress` in [0, 1] places it in the run, for the learning rate.
   *
   * `loss = tokenWeight * mean CE(tokens) + mean CE(reward) + mean CE(end)`. Throws ShapeError for arrays that do not fit, ConfigError for tokens and
   * actions out of range, NonFiniteError for a reward or a loss that is no number; the state is then as before.
   */
  trainStep(batch: Transitions, { progress = 0 }: { readonly progress?: number } = {}): WorldModelMetrics {
    return this.#train(batch, { progress }).metrics;
  }

  /**
   * The same update with a weight for each row, float32 [batch]: `loss = mean(weights * row losses)`, where a row's loss is what `trainStep` takes the mean of. Also
   * returns these losses, [batch], from before the update. The other metrics are not weighted. Throws NonFiniteError for a weight that is no number too.
   */
  trainWeighted(
    batch: Transitions,
    weights: NdArray<'float32'>,
    { progress = 0 }: { readonly progress?: number } = {},
  ): { readonly metrics: WorldModelMetrics; readonly losses: Float32Array } {
    this.#check('trainWeighted', 'weights', weights, [batch.tokens.shape[0]!]);
    const { metrics, losses } = this.#train(batch, { progress, weights });
    return { metrics, losses: losses! };
  }

  #train(
    batch: Transitions,
    { progress, weights }: { readonly progress: number; readonly weights?: NdArray<'float32'> },
  ): { readonly metrics: WorldModelMetrics; readonly losses: Float32Array | undefined } {
    const rows = this.#checkContext('trainStep', batch);
    this.#check('trainStep', 'nextTokens', batch.nextTokens, [rows, this.#tokens]);
    const out = this.#trainer(rows, { weighted: weights !== undefined }).run({
      tokens: batch.tokens,
      nextTokens: batch.nextTokens,
      ...this.#outcomes('trainStep', batch, progress),
      ...this.#dynamics.arrays(this, batch, this.#updates),
      ...(weights !== undefined && { rowWeights: weights }),
    });
    this.#updates++;
    const value = ({ data }: NdArray) => data[0] as number;
    return {
      metrics: {
        loss: value(out.loss),
        tokenLoss: value(out.tokenLoss),
        rewardLoss: value(out.rewardLoss),
        endLoss: value(out.endLoss),
        gradientNorm: value(out.gradientNorm),
      },
      losses: out.rows?.data as Float32Array | undefined,
    };
  }

  /** Updates of this model and the tokenizer of its tokens on one loss. Throws ConfigError for a kind or a tokenizer that no gradient gets through. */
  endToEnd(tokenizer: Tokenizer, settings: EndToEndConfig): EndToEnd {
    const trainer = new EndToEnd({
      tokenizer,
      settings,
      model: this,
      dynamics: this.#dynamics,
      state: this.#state,
      inputs: (batch, progress) => this.#outcomes('endToEnd', batch, progress),
      updated: () => this.#updates++,
    });
    this.#jointTrainers.push(trainer);
    return trainer;
  }

  /**
   * The next frame after `tokens` int32 [batch, context, tokens] and `actions` int32 [batch, context], for any batch: drawn with a `generator` and a
   * `temperature` above 0, else the most likely one. Throws ConfigError for generators that are not one for each row.
   */
  predict({ tokens, actions }: Pick<Transitions, 'tokens' | 'actions'>, { generator }: PredictOptions = {}): Imagined {
    const rows = this.#checkContext('predict', { tokens, actions });
    const out =
      generator === undefined || this.config.temperature === 0
        ? this.#predictors.run({ tokens, actions })
        : this.#drawingPredictors.run({ tokens, actions, chances: this.#chances(rows, generator) });
    return {
      tokens: out.tokens as NdArray<'int32'>,
      rewards: rewardHeads[this.config.reward].read(out.rewards),
      ends: Uint8Array.from(out.ends.data as Int32Array),
    };
  }

  /** Numbers of the hidden state. */
  get hiddenSize(): number {
    return this.#dynamics.hiddenSize(this);
  }

  /**
   * What the model has in mind when it has seen `tokens` int32 [batch, context, tokens] and the `actions` int32 [batch, context] taken at them: the hidden state after its
   * last norm, float32 [batch, hiddenSize]. Of the kinds `parallel` and `maskgit` it is the state at the action and the mean over the tokens; of `causal`, that at the
   * last action. No gradient passes through it.
   */
  hidden({ tokens, actions }: Pick<Transitions, 'tokens' | 'actions'>): NdArray<'float32'> {
    this.#checkContext('hidden', { tokens, actions });
    return this.#minds.run({ tokens, actions }).hidden as NdArray<'float32'>;
  }

  /** Copies of everything that training needs to go on. */
  state(): NamedArrays {
    const { kind } = this.config;
    return {
      ...this.#state.read(),
      'counters.updates': savedCount(this.#updates),
      'sticky.repeated': savedCount(this.sticky.counts.repeated),
      'sticky.possible': savedCount(this.sticky.counts.possible),
      ...(kind !== 'parallel' && { [`${kindPrefix}${kind}`]: savedCount(1) }),
    };
  }

  /** Takes over a state; throws ConfigError, before anything has changed, when it is one of another kind or an array is missing, unknown or of another shape. */
  loadState(state: NamedArrays): void {
    const { kind } = this.config;
    const marks = Object.keys(state).filter((name) => name.startsWith(kindPrefix));
    const was = marks[0]?.slice(kindPrefix.length) ?? 'parallel';
    if (was !== kind) {
      throw new ConfigError(
        `WorldModel.loadState: expected the state of a world model of kind '${kind}', got one of kind '${was}'. Build it with worldModel.kind '${was}'.`,
      );
    }
    const { [`${kindPrefix}${kind}`]: _mark, ...saved } = state;
    const counters = ['counters.updates', 'sticky.repeated', 'sticky.possible'];
    const counts = loadCounts('WorldModel.loadState', this.#state, { saved, counters });
    const [updates, repeated, possible] = counts as [number, number, number];
    this.#updates = updates;
    this.sticky.counts = { repeated, possible };
  }

  dispose(): void {
    this.#predictors.dispose();
    this.#drawingPredictors.dispose();
    this.#minds.dispose();
    for (const trainer of [...this.#trainers.values(), ...this.#jointTrainers]) trainer.dispose();
    this.#state.dispose();
  }

  get #tokens(): number {
    return tokensIn(this.spec);
  }

  /** What an update takes besides frames, checked. */
  #outcomes(
    where: string,
    { actions, rewards, terminated }: Pick<Transitions, 'actions' | 'rewards' | 'terminated'>,
    progress: number,
  ): Record<'actions' | 'rewards' | 'ends' | 'learningRate', NdArray | number> {
    const { learningRate: peak, warmupUpdates: warmup, endLearningRate: end } = this.config;
    const rows = actions.shape[0]!;
    this.#check(where, 'actions', actions, [rows, this.config.context]);
    this.#check(where, 'rewards', rewards, [rows]);
    this.#check(where, 'terminated', terminated, [rows]);
    const bad = rewards.data.findIndex(Number.isNaN);
    if (bad !== -1) throw new NonFiniteError(`WorldModel.${where}: expected rewards, got NaN in row ${bad}.`);
    return {
      actions,
      rewards: rewardHeads[this.config.reward].targets(rewards.data),
      ends: ndarray('int32', [rows], Int32Array.from(terminated.data)),
      learningRate: learningRateAt({ peak, warmup, decay: 'linear', end }, { step: this.#updates, progress }),
    };
  }

  #trainer(batch: number, { weighted }: { readonly weighted: boolean }): TrainProgram {
    const key = weighted ? `weighted ${batch}` : `${batch}`;
    let program = this.#trainers.get(key);
    if (program === undefined) {
      const { context, tokenWeight, weightDecay, clipNorm, reward } = this.config;
      const inputs: InputSpecs = {
        tokens: i32(batch, context, this.#tokens),
        actions: i32(batch, context),
        nextTokens: i32(batch, this.#tokens),
        rewards: rewardHeads[reward].spec(batch),
        ends: i32(batch),
        learningRate: f32(),
        ...this.#dynamics.inputs(this, batch),
        ...(weighted && { rowWeights: f32(batch) }),
      };
      program = this.#state.program(`world model: train ${key}`, inputs, (x, { parameters, adam, codes }) => {
        const { rewards, ends, learningRate, rowWeights, ...lesson } = x as Record<TrainInput | 'rowWeights', Tensor>;
        const next = this.#dynamics.learn(parameters, this, { ...lesson, codes });
        const { tokenLoss } = next;
        const rewardLosses = rewardHeads[reward].losses(next.rewards, rewards);
        const rewardLoss = mean(rewardLosses);
        const endLosses = softmaxCrossEntropy(next.ends, ends);
        const endLoss = mean(endLosses);
        const rows = weighted
          ? add(mul(next.tokenLosses(), tokenWeight), add(rewardLosses, endLosses)) // [batch]
          : undefined;
        const loss = checkFinite(
          rows === undefined ? add(mul(tokenLoss, tokenWeight), add(rewardLoss, endLoss)) : mean(mul(rows, rowWeights)),
          'the loss of the world model',
        );
        const { gradientNorm } = adamStep(loss, parameters, adam, {
          learningRate,
          beta2: 0.98,
          weightDecay,
          clipNorm,
        });
        return { loss, tokenLoss, rewardLoss, endLoss, gradientNorm, ...(rows !== undefined && { rows }) };
      });
      this.#trainers.set(key, program);
    }
    return program;
  }

  #predictor(batch: number): Program<Record<'tokens' | 'actions', Spec>, Record<keyof Imagined, Tensor>> {
    return this.#state.program(`world model: predict ${batch}`, this.#seen(batch), (x, { parameters, codes }) =>
      this.#imagine(parameters, { seen: { ...x, codes }, choice: likeliest }),
    );
  }

  #drawingPredictor(
    batch: number,
  ): Program<Record<'tokens' | 'actions' | 'chances', Spec>, Record<keyof Imagined, Tensor>> {
    const inputs = { ...this.#seen(batch), chances: f32(batch, this.#choices) };
    return this.#state.program(`world model: draw ${batch}`, inputs, ({ chances, ...seen }, { parameters, codes }) =>
      this.#imagine(parameters, { seen: { ...seen, codes }, choice: drawnBy(chances, this.config.temperature) }),
    );
  }

  #seen(batch: number): Record<'tokens' | 'actions', Spec> {
    return { tokens: i32(batch, this.config.context, this.#tokens), actions: i32(batch, this.config.context) };
  }

  #imagine(
    parameters: object,
    options: { readonly seen: Seen; readonly choice: Choice },
  ): Record<keyof Imagined, Tensor> {
    const { choice } = options;
    const next = this.#dynamics.imagine(parameters, this, options);
    return {
      tokens: next.tokens,
      rewards: rewardHeads[this.config.reward].imagine(next.rewards, (logits) => choice.pick(logits)),
      ends: choice.pick(next.ends),
    };
  }

  /** Numbers that a row is drawn with: its tokens, its reward and its end. */
  get #choices(): number {
    return this.#dynamics.choices(this) + 2;
  }

  #chances(rows: number, generators: RowGenerators): NdArray<'float32'> {
    if (isOneEach(generators) && generators.length !== rows) {
      throw new ConfigError(
        `WorldModel.predict: expected one generator, or one for each of ${rows} rows, got ${generators.length}.`,
      );
    }
    const chances = ndarray('float32', [rows, this.#choices]);
    for (let i = 0; i < chances.data.length; i++) {
      const own = generatorOf(generators, Math.floor(i / this.#choices));
      // Below 1 also as float32.
      chances.data[i] = Math.min(own.random(), 1 - 2 ** -24);
    }
    return chances;
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
