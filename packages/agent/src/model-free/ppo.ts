// Proximal policy optimisation on frames (Schulman et al. 2017, arXiv 1707.06347): what an agent with a world model is to be compared with. It learns as the
// behaviour learns from real steps, by the same loss and the same returns; the network is another one, and nothing is imagined.
import { ConfigError, Generators } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';
import { BatchedProgram, f32, flatten, i32, reshape } from '@tessera/engine';
import type { Engine, NamedArrays, Program, Spec, State, Tensor, Traced } from '@tessera/engine';
import { dense, initAdam, learningRateAt } from '@tessera/nn';
import type { AdamState, Linear } from '@tessera/nn';
import type { ActionRange, Chunk } from '@tessera/rollouts';
import { checkSettings, toUnit } from '@tessera/vqvae';
import { z } from 'zod';
import { chooseActions } from '../behaviour/choose-actions.ts';
import type { RowGenerators } from '../row-generators.ts';
import { behaviourSchema } from '../behaviour/config.ts';
import type { BehaviourConfig } from '../behaviour/config.ts';
import type { Judgement } from '../behaviour/networks.ts';
import { entropyAt, policyEpochs, policyTable, policyUpdate } from '../behaviour/policy-epochs.ts';
import type { BehaviourMetrics } from '../behaviour/policy-epochs.ts';
import { checkFrameBytes } from '../preprocess.ts';
import { loadCounted, savedCount } from '../saved-count.ts';
import { judgedSteps } from '../training/real-experience.ts';
import { joinFrames } from '../training/token-memory.ts';
import { frameFeatures, frameRows, initFrameNetwork, initHead } from './frame-network.ts';
import type { FrameNetworkConfig, FrameNetworkParameters } from './frame-network.ts';

/** Settings of PPO on frames, defaults filled in. */
export interface PpoConfig extends Omit<
  BehaviourConfig,
  'embedding' | 'hidden' | 'realBatch' | 'imaginedBatch' | 'input' | 'objective' | 'returnNormalisation' | 'slowCritic'
> {
  /** Rows of a minibatch. */
  readonly minibatch: number;
}

/** Settings of PPO on frames; what is left out takes its default. */
export type PpoOptions = Partial<Omit<PpoConfig, 'network'>> & { readonly network?: Partial<FrameNetworkConfig> };

/** The schema of `PpoConfig`: the behaviour's where it learns by this objective on frames. */
export const ppoSchema: z.ZodType<PpoConfig, PpoOptions> & z.ZodObject = behaviourSchema
  .omit({
    embedding: true,
    stem: true,
    hidden: true,
    layers: true,
    realBatch: true,
    imaginedBatch: true,
    input: true,
    objective: true,
    returnNormalisation: true,
    slowCritic: true,
  })
  .extend({
    // There are real steps alone to learn from: each is worth more passes.
    epochs: (behaviourSchema.shape['epochs'] as z.ZodDefault).default(8),
    entropy: (behaviourSchema.shape['entropy'] as z.ZodDefault).default(0.025),
    endEntropy: (behaviourSchema.shape['endEntropy'] as z.ZodDefault).default(null),
    minibatch: z.int().min(1).default(256).describe('rows of a minibatch').meta({ unit: 'steps' }),
  }) as never;

/** What a model-free agent is made for. */
export interface ModelFreeOptions {
  /** [height, width, channels]. */
  readonly frameShape: readonly number[];
  readonly actions: ActionRange;
  /** Seed of the starting values; default 0. */
  readonly seed?: number;
}

interface PpoParameters {
  readonly network: FrameNetworkParameters;
  readonly policy: Linear;
  readonly value: Linear;
}

interface PpoState {
  readonly parameters: PpoParameters;
  readonly adam: AdamState;
}

type TrainInputs = Record<
  | 'frames'
  | 'actions'
  | 'logProbabilities'
  | 'values'
  | 'returns'
  | 'advantages'
  | 'weights'
  | 'learningRate'
  | 'entropy',
  Spec
>;

/** Blocks in which batches of frames are judged. */
export const frameBlocks: readonly number[] = [256, 64, 32, 8, 1];

/** Policy and value function on frames. */
export class Ppo {
  readonly config: PpoConfig;
  readonly frameShape: readonly number[];
  readonly actions: ActionRange;
  readonly #state: State<PpoState>;
  readonly #parameters: PpoParameters;
  readonly #judges: BatchedProgram<'frames', Record<keyof Judgement, Tensor>>;
  #trainer: Program<TrainInputs, Readonly<Record<'loss' | keyof BehaviourMetrics, Tensor>>> | undefined;
  #batches = 0;

  /** Throws ConfigError for settings that make no network. */
  constructor(engine: Engine, options: PpoOptions, { frameShape, actions, seed = 0 }: ModelFreeOptions) {
    this.config = checkSettings('Ppo settings', ppoSchema, options);
    this.frameShape = frameShape;
    this.actions = actions;
    const { network } = this.config;
    const generator = new Generators(seed).get('ppo/init');
    this.#parameters = {
      network: initFrameNetwork(generator, network, frameShape),
      policy: initHead(generator, network.hidden, actions.count, 0.01),
      value: initHead(generator, network.hidden, 1, 1),
    };
    this.#state = engine.state({ parameters: this.#parameters, adam: initAdam(this.#parameters) });
    this.#judges = new BatchedProgram(
      (batch) =>
        this.#state.program(
          `ppo: judge ${batch}`,
          { frames: f32(batch, ...frameShape) },
          ({ frames }, { parameters }) => ({
            ...this.#judge(parameters, frames),
          }),
        ),
      { sizes: frameBlocks },
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

  /** Logits [batch, actions] and values [batch] for frames as environments give them, uint8 [batch, height, width, channels]. */
  judge(frames: NdArray<'uint8'>): { readonly logits: NdArray; readonly values: Float32Array } {
    checkFrameBytes('Ppo.judge', frames, this.frameShape);
    const { logits, values } = this.#judges.run({ frames: toUnit(frames) });
    return { logits, values: values.data as Float32Array };
  }

  /** Actions as the environment takes them: drawn from the policy, or with `greedy` the most likely. */
  act(frames: NdArray<'uint8'>, options: { readonly generator: RowGenerators; readonly greedy?: boolean }): Int32Array {
    return chooseActions(this.judge(frames).logits, options).actions.map((index) => index + this.actions.first);
  }

  /**
   * Learns from chunks that this very policy has just played. Rewards count by their sign. `progress` is the share of the run that is done.
   *
   * Throws ConfigError for no steps, NonFiniteError for a loss that is no number; minibatches before it have then been learned.
   */
  learn(
    chunks: readonly Chunk[],
    { generator, progress = 0 }: { readonly generator: Generator; readonly progress?: number },
  ): BehaviourMetrics {
    if (chunks.length === 0) throw new ConfigError('Ppo.learn: expected at least one chunk, got none.');
    const { epochs, minibatch, learningRate: peak, endLearningRate: end } = this.config;
    const frames = joinFrames(chunks.map((chunk) => chunk.frames));
    const played = chunks.map(({ actions, rewards, terminated }) => ({
      actions: actions.data,
      rewards: rewards.data,
      terminated: terminated.data,
    }));
    const table = policyTable(
      judgedSteps(played, this.judge(frames), { firstAction: this.actions.first, rewards: 'sign' }),
      this.config,
    );
    // The last frame of a chunk was never acted on.
    const rows = frameBeforeEachStep(played.map(({ actions }) => actions.length));
    const learningRate = learningRateAt({ peak, decay: 'linear', end }, { step: this.#batches, progress });
    const entropy = entropyAt(this.config, progress);
    const metrics = policyEpochs(table, { epochs, minibatch, generator }, (chosen, columns) => {
      const places = chosen.map((row) => rows[row]!);
      return this.#train().run({
        ...columns,
        frames: toUnit(frameRows(frames, places, minibatch)),
        learningRate,
        entropy,
      });
    });
    this.#batches++;
    return metrics;
  }

  /** Copies of everything that training needs to go on. */
  state(): NamedArrays {
    return { ...this.#state.read(), 'counters.batches': savedCount(this.#batches) };
  }

  /** Takes over a state; throws before anything has changed when an array is missing, unknown or of another shape. */
  loadState(state: NamedArrays): void {
    this.#batches = loadCounted('Ppo.loadState', this.#state, { saved: state, counter: 'counters.batches' });
  }

  dispose(): void {
    this.#judges.dispose();
    this.#trainer?.dispose();
    this.#state.dispose();
  }

  #judge({ network, policy, value }: Traced<PpoParameters>, frames: Tensor): Judgement {
    const hidden = frameFeatures(network, frames, this.config.network);
    return { logits: dense(policy, hidden), values: reshape(dense(value, hidden), [frames.shape[0]!]) };
  }

  #train() {
    const { minibatch: size } = this.config;
    const row = f32(size);
    this.#trainer ??= this.#state.program(
      `ppo: learn ${size}`,
      {
        frames: f32(size, ...this.frameShape),
        actions: i32(size),
        logProbabilities: row,
        values: row,
        returns: row,
        advantages: row,
        weights: row,
        learningRate: f32(),
        entropy: f32(),
      },
      (x, { parameters, adam }) =>
        policyUpdate(this.#judge(parameters, x.frames), x, {
          parameters,
          adam,
          learningRate: x.learningRate,
          entropy: x.entropy,
          config: this.config,
        }),
    );
    return this.#trainer;
  }
}

/** Where the frames before each step are, in chunks of so many steps with one frame more each. */
function frameBeforeEachStep(steps: readonly number[]): number[] {
  let first = 0;
  return steps.flatMap((count) => {
    const own = Array.from({ length: count }, (_, step) => first + step);
    first += count + 1;
    return own;
  });
}
