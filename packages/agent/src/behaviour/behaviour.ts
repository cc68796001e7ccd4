// Policy and value function with their optimiser on one engine: they act on tokens and learn from stretches of experience, real or imagined alike.
import { ConfigError, Generators, ShapeError, ndarray } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';
import { BatchedProgram, f32, flatten, i32 } from '@tessera/engine';
import type { Engine, NamedArrays, Program, Spec, State, Tensor } from '@tessera/engine';
import { initAdam, learningRateAt } from '@tessera/nn';
import type { AdamState } from '@tessera/nn';
import { checkSettings } from '@tessera/vqvae';
import type { TokenizerSpec } from '@tessera/vqvae';
import { loadCounted, savedCount } from '../saved-count.ts';
import { chooseActions } from './choose-actions.ts';
import type { Choices } from './choose-actions.ts';
import { behaviourSchema } from './config.ts';
import type { BehaviourConfig, BehaviourOptions } from './config.ts';
import { initBehaviour, judge } from './networks.ts';
import type { BehaviourParameters, BehaviourSpec, Judgement } from './networks.ts';
import { entropyWeightAt, policyEpochs, policyTable, policyUpdate } from './policy-epochs.ts';
import type { BehaviourMetrics, PolicySteps } from './policy-epochs.ts';

interface BehaviourState {
  readonly parameters: BehaviourParameters;
  readonly adam: AdamState;
  readonly codes: NdArray<'float32'>;
}

/** Consecutive steps of one episode, or of one row of imagination, as the policy learns them. */
export interface Experience extends PolicySteps {
  /** int32 [T * tokens]: what the policy saw before each step. */
  readonly tokens: Int32Array;
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
  | 'tokens'
  | 'actions'
  | 'logProbabilities'
  | 'values'
  | 'returns'
  | 'advantages'
  | 'weights'
  | 'learningRate'
  | 'entropyWeight',
  Spec
>;
type TrainOutputs = Record<'loss' | keyof BehaviourMetrics, Tensor>;

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
    const columns = tokenShape.at(-1) ?? 1;
    this.spec = { tokens, grid: [tokens / columns, columns], vocabulary, codeDim, actionCount };
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
            ...judge(parameters, { tokens: x.tokens, codes, grid: this.spec.grid }),
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
    const { gamma, lambda, epochs, learningRate: peak, endLearningRate: end } = this.config;
    const tokens = this.#joinTokens(experience);
    const table = policyTable(experience, { gamma, lambda });
    const learningRate = learningRateAt({ peak, decay: 'linear', end }, { step: this.#batches, progress });
    const entropyWeight = entropyWeightAt(this.config, progress);
    const metrics = policyEpochs(table, { epochs, minibatch, generator }, (chosen, columns) =>
      this.#trainer(minibatch).run({
        ...columns,
        tokens: this.#tokensOf(tokens, chosen, minibatch),
        learningRate,
        entropyWeight,
      }),
    );
    this.#batches++;
    return metrics;
  }

  /** Copies of everything that training needs to go on. */
  state(): NamedArrays {
    return { ...this.#state.read(), 'counters.batches': savedCount(this.#batches) };
  }

  /** Takes over a state; throws before anything has changed when an array is missing, unknown or of another shape. */
  loadState(state: NamedArrays): void {
    this.#batches = loadCounted('Behaviour.loadState', this.#state, { saved: state, counter: 'counters.batches' });
  }

  dispose(): void {
    this.#judges.dispose();
    for (const program of this.#trainers.values()) program.dispose();
    this.#state.dispose();
  }

  #joinTokens(experience: readonly Experience[]): Int32Array {
    const width = this.spec.tokens;
    const joined = new Int32Array(experience.reduce((total, { actions }) => total + actions.length * width, 0));
    let at = 0;
    for (const { tokens, actions } of experience) {
      if (tokens.length !== actions.length * width) {
        throw new ShapeError(
          `learn: ${actions.length} actions need ${actions.length * width} tokens, got ${tokens.length}.`,
        );
      }
      joined.set(tokens, at);
      at += tokens.length;
    }
    return joined;
  }

  /** The tokens of the rows `chosen`, padded to `size` rows. */
  #tokensOf(all: Int32Array, chosen: readonly number[], size: number): NdArray<'int32'> {
    const width = this.spec.tokens;
    const tokens = ndarray('int32', [size, width]);
    for (const [i, row] of chosen.entries()) {
      tokens.data.set(all.subarray(row * width, (row + 1) * width), i * width);
    }
    return tokens;
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
        entropyWeight: f32(),
      };
      program = this.#state.program(`behaviour: learn ${size}`, inputs, (x, { parameters, adam, codes }) => ({
        ...policyUpdate(judge(parameters, { tokens: x.tokens, codes, grid: this.spec.grid }), x, {
          parameters,
          adam,
          learningRate: x.learningRate,
          entropyWeight: x.entropyWeight,
          config: this.config,
        }),
      }));
      this.#trainers.set(size, program);
    }
    return program;
  }
}
