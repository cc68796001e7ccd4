// Policy and value function with their optimiser on one engine: they act on what they see of states and learn from stretches of experience, real or imagined alike.
import { ConfigError, Generators, ShapeError, ndarray } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';
import { add, assign, BatchedProgram, f32, flatten, i32, mul } from '@tessera/engine';
import type { Engine, InputSpecs, NamedArrays, Program, State, Tensor, Traced } from '@tessera/engine';
import { initAdam, learningRateAt } from '@tessera/nn';
import type { AdamState } from '@tessera/nn';
import { checkSettings } from '@tessera/vqvae';
import type { Tokenizer, TokenizerSpec } from '@tessera/vqvae';
import type { RowGenerators } from '../row-generators.ts';
import { loadCounted, savedCount } from '../saved-count.ts';
import { chooseActions } from './choose-actions.ts';
import type { Choices } from './choose-actions.ts';
import { behaviourSchema } from './config.ts';
import type { BehaviourConfig, BehaviourOptions } from './config.ts';
import { appraise, initBehaviour, judge } from './networks.ts';
import type { BehaviourParameters, BehaviourSpec, CriticParameters, Judgement, Looked } from './networks.ts';
import { entropyAt, policyEpochs, policyTable, policyUpdate } from './policy-epochs.ts';
import type { BehaviourMetrics, PolicySteps } from './policy-epochs.ts';
import type { PolicyLossConfig, PolicyRows } from './policy-loss.ts';
import { nextReturnRange, returnScale } from './return-scale.ts';
import { sightOf, sightRows, sightSpecs, wholeSight } from './sight.ts';
import type { Seeing, Sight, States } from './sight.ts';

interface BehaviourState {
  readonly parameters: BehaviourParameters;
  readonly adam: AdamState;
  readonly codes: NdArray<'float32'>;
  /** The slow critic, where there is one. */
  readonly slow?: CriticParameters;
  /** How far returns spread, float32 []; where that is what advantages are divided by. */
  readonly returnRange?: NdArray<'float32'>;
}

/** Consecutive steps of one episode, or of one row of imagination, as the policy learns them. */
export interface Experience extends PolicySteps {
  /** int32 [T * tokens]: what the policy saw before each step. */
  readonly tokens: Int32Array;
  /** float32 [T * hiddenSize]: what the world model had in mind before each step; with the input `state`, and with no other. */
  readonly hiddenState?: Float32Array;
}

/** How a batch is learned. */
export interface LearnOptions {
  /** Shuffles the rows. */
  readonly generator: Generator;
  /** Rows of a minibatch. */
  readonly minibatch: number;
  /** Share of the run that is done, for the learning rate and the weight of the entropy. */
  readonly progress?: number;
}

/** How a behaviour is made. */
export interface BehaviourCreateOptions {
  readonly tokenizer: TokenizerSpec;
  readonly actionCount: number;
  /** From codes to frames; the input `frames` needs it. */
  readonly decode?: Tokenizer['decode'];
  /** Numbers of the world model's hidden state, `WorldModel.hiddenSize`; the input `state` needs it. */
  readonly hiddenSize?: number;
  /** Seed of the starting values; default 0. */
  readonly seed?: number;
}

/** Whose actions, and how they are chosen. */
export interface ActOptions {
  readonly generator: RowGenerators;
  /** The most likely actions instead of drawn ones; default false. */
  readonly greedy?: boolean;
  /** float32 [batch, hiddenSize], with the input `state`. */
  readonly hiddenState?: NdArray<'float32'> | undefined;
}

type Row = keyof PolicyRows | 'learningRate' | 'entropy';
type TrainOutputs = Record<'loss' | keyof BehaviourMetrics, Tensor>;

const blockSizes = [256, 64, 32, 8, 1];

/** Policy and value function. */
export class Behaviour {
  readonly config: BehaviourConfig;
  readonly spec: BehaviourSpec;
  readonly #state: State<BehaviourState>;
  readonly #parameters: BehaviourParameters;
  readonly #seeing: Seeing;
  readonly #judges: BatchedProgram<string, Record<keyof Judgement, Tensor>>;
  readonly #trainers = new Map<number, Program<InputSpecs, TrainOutputs>>();
  #batches = 0;
  #returnRange = 0;

  /** Throws ConfigError for settings that make no networks, and for an input that lacks what it is made of. */
  constructor(engine: Engine, options: BehaviourOptions, made: BehaviourCreateOptions) {
    const { tokenizer, actionCount, decode, hiddenSize = 0, seed = 0 } = made;
    this.config = checkSettings('Behaviour settings', behaviourSchema, options);
    const { input, slowCritic, returnNormalisation } = this.config;
    if (!Number.isInteger(actionCount) || actionCount < 1) {
      throw new ConfigError(`Behaviour: expected a number of actions, 1 or more, got ${actionCount}.`);
    }
    if ((input === 'frames' && decode === undefined) || (input === 'state' && hiddenSize < 1)) {
      const missing = input === 'frames' ? 'decode, from codes to frames' : 'hiddenSize, that of the world model';
      throw new ConfigError(`Behaviour: the input '${input}' needs ${missing}. An Agent gives it.`);
    }
    const { tokenShape, vocabulary, codeDim, frameShape } = tokenizer;
    const tokens = tokenShape.reduce((product, size) => product * size, 1);
    const seenSize = input === 'state' ? hiddenSize : 0;
    const columns = tokenShape.at(-1) ?? 1;
    const grid = [tokens / columns, columns] as const;
    this.spec = { tokens, grid, vocabulary, codeDim, actionCount, frameShape, hiddenSize: seenSize };
    this.#seeing = { input, spec: this.spec, decode, tokenShape };
    this.#parameters = initBehaviour(new Generators(seed).get('behaviour/init'), this.config, this.spec);
    const { policy: _policy, ...critic } = this.#parameters;
    this.#state = engine.state<BehaviourState>({
      parameters: this.#parameters,
      adam: initAdam(this.#parameters),
      codes: ndarray('float32', [vocabulary, codeDim]),
      ...(slowCritic.weight > 0 && { slow: critic }),
      ...(returnNormalisation === 'percentile' && { returnRange: ndarray('float32', []) }),
    });
    this.#judges = new BatchedProgram(
      (batch) =>
        this.#state.program(
          `behaviour: judge ${batch}`,
          sightSpecs(this.#seeing, batch),
          (x: Omit<Looked, 'codes'>, { parameters, codes }) => ({
            ...judge(parameters, { ...x, codes }, this),
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

  /** Logits [batch, actionCount] and values [batch] for `tokens` int32 [batch, tokens]; with the input `state` also what the world model had in mind before. */
  judge(
    tokens: NdArray<'int32'>,
    { hiddenState }: Pick<States, 'hiddenState'> = {},
  ): { readonly logits: NdArray; readonly values: Float32Array } {
    const sight = sightOf('Behaviour.judge', { tokens, hiddenState }, this.#seeing);
    const { logits, values } = this.#judges.run(wholeSight(sight));
    return { logits, values: values.data as Float32Array };
  }

  /** Actions for `tokens` int32 [batch, tokens], drawn from the policy or, with `greedy`, the most likely ones, and the values of these states. */
  act(tokens: NdArray<'int32'>, options: ActOptions): Choices & { readonly values: Float32Array } {
    const { logits, values } = this.judge(tokens, options);
    return { ...chooseActions(logits, options), values };
  }

  /**
   * Learns from a batch of experience: lambda-returns and advantages once, then `epochs` passes in shuffled minibatches, with advantages normalised as
   * `returnNormalisation` says.
   *
   * Throws ConfigError for an empty batch, ShapeError for experience whose parts do not fit, NonFiniteError for a loss that is no number; minibatches before it have then been learned.
   */
  learn(experience: readonly Experience[], { generator, minibatch, progress = 0 }: LearnOptions): BehaviourMetrics {
    const { gamma, lambda, epochs, learningRate: peak, endLearningRate: end, returnNormalisation } = this.config;
    const states = this.#joinStates(experience);
    const table = policyTable(experience, { gamma, lambda });
    const learningRate = learningRateAt({ peak, decay: 'linear', end }, { step: this.#batches, progress });
    const entropy = entropyAt(this.config, progress);
    const range =
      returnNormalisation === 'percentile' ? nextReturnRange(this.#returnRange, table.returns) : this.#returnRange;
    const scale = { batch: undefined, percentile: returnScale(range), none: 1 }[returnNormalisation];
    let sight: Sight | undefined;
    const metrics = policyEpochs(
      table,
      { epochs, minibatch, generator, ...(scale !== undefined && { scale }) },
      (chosen, columns) => {
        sight ??= sightOf('learn', states, this.#seeing);
        const rows = sightRows(sight, chosen, minibatch);
        return this.#trainer(minibatch).run({ ...columns, ...rows, learningRate, entropy });
      },
    );
    this.#keepReturnRange(range);
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
    this.#returnRange = Number(state['returnRange']?.data[0] ?? 0);
  }

  dispose(): void {
    this.#judges.dispose();
    for (const program of this.#trainers.values()) program.dispose();
    this.#state.dispose();
  }

  #joinStates(experience: readonly Experience[]): States {
    const rows = experience.reduce((total, { actions }) => total + actions.length, 0);
    const { tokens: width, hiddenSize: size } = this.spec;
    const tokens = ndarray('int32', [rows, width]);
    const hiddenState = size > 0 ? ndarray('float32', [rows, size]) : undefined;
    let at = 0;
    for (const own of experience) {
      const count = own.actions.length;
      if (own.tokens.length !== count * width) {
        throw new ShapeError(`learn: ${count} actions need ${count * width} tokens, got ${own.tokens.length}.`);
      }
      if ((own.hiddenState?.length ?? 0) !== count * size) {
        throw new ShapeError(
          `learn: ${count} actions need ${count * size} numbers of the hidden state, got ${own.hiddenState?.length ?? 0}.`,
        );
      }
      tokens.data.set(own.tokens, at * width);
      if (own.hiddenState !== undefined) hiddenState?.data.set(own.hiddenState, at * size);
      at += count;
    }
    return { tokens, hiddenState };
  }

  #keepReturnRange(range: number): void {
    this.#returnRange = range;
    if (this.config.returnNormalisation !== 'percentile') return;
    this.#state.write({ returnRange: ndarray('float32', [], Float32Array.of(range)) });
  }

  #trainer(size: number): Program<InputSpecs, TrainOutputs> {
    let program = this.#trainers.get(size);
    if (program === undefined) {
      const row = f32(size);
      const inputs: InputSpecs = {
        ...sightSpecs(this.#seeing, size),
        actions: i32(size),
        logProbabilities: row,
        values: row,
        returns: row,
        advantages: row,
        weights: row,
        learningRate: f32(),
        entropy: f32(),
      };
      program = this.#state.program(`behaviour: learn ${size}`, inputs, (x, { parameters, adam, codes, slow }) => {
        const { learningRate, entropy, ...rows } = x as Record<Row, Tensor>;
        const looked: Looked = { ...x, codes };
        const update = policyUpdate(judge(parameters, looked, this), rows, {
          parameters,
          adam,
          learningRate,
          entropy,
          config: this.config,
          ...(slow !== undefined && { slow: this.#slowCritic(slow, looked) }),
        });
        if (slow !== undefined) this.#followSlowly(slow, parameters);
        return { ...update };
      });
      this.#trainers.set(size, program);
    }
    return program;
  }

  #slowCritic(slow: Traced<CriticParameters>, looked: Looked): NonNullable<PolicyLossConfig['slow']> {
    return { values: appraise(slow, looked, this), weight: this.config.slowCritic.weight };
  }

  /** Moves the slow critic towards the network as it was before this minibatch; what that becomes is known at its end alone. */
  #followSlowly(slow: Traced<CriticParameters>, parameters: Traced<BehaviourParameters>): void {
    const { decay } = this.config.slowCritic;
    const now = new Map(flatten<Tensor>(parameters));
    for (const [name, old] of flatten<Tensor>(slow)) {
      assign(old, add(mul(old, decay), mul(now.get(name)!, 1 - decay)));
    }
  }
}
