// Double deep Q-learning on frames (Mnih et al. 2015, Nature 518; van Hasselt et al. 2016, arXiv 1509.06461): the other agent without a model to compare with.
import { Generators, NonFiniteError, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import {
  BatchedProgram,
  abs,
  add,
  checkFinite,
  f32,
  flatten,
  mean,
  minimum,
  mul,
  square,
  sub,
  sum,
} from '@tessera/engine';
import type { Engine, NamedArrays, Program, Spec, State, Tensor, Traced } from '@tessera/engine';
import { adamStep, dense, initAdam, learningRateAt } from '@tessera/nn';
import type { AdamState, Linear } from '@tessera/nn';
import type { ActionRange } from '@tessera/rollouts';
import { checkSettings, toUnit } from '@tessera/vqvae';
import { z } from 'zod';
import { checkFrameBytes } from '../preprocess.ts';
import { generatorOf } from '../row-generators.ts';
import type { RowGenerators } from '../row-generators.ts';
import { loadCounted, savedCount } from '../saved-count.ts';
import { doubleTargets } from './double-targets.ts';
import { frameFeatures, frameNetworkSchema, initFrameNetwork, initHead } from './frame-network.ts';
import type { FrameNetworkConfig, FrameNetworkParameters } from './frame-network.ts';
import { frameBlocks } from './ppo.ts';
import type { ModelFreeOptions } from './ppo.ts';

/** Settings of double DQN, defaults filled in. */
export interface DqnConfig {
  readonly network: FrameNetworkConfig;
  readonly gamma: number;
  readonly batchSize: number;
  readonly stepsPerUpdate: number;
  readonly firstSteps: number;
  readonly targetUpdates: number;
  readonly exploration: number;
  readonly endEpsilon: number;
  readonly learningRate: number;
  readonly endLearningRate: number;
  readonly clipNorm: number;
  readonly replayBytes: number;
}

/** Settings of double DQN; what is left out takes its default. */
export type DqnOptions = Partial<Omit<DqnConfig, 'network'>> & { readonly network?: Partial<FrameNetworkConfig> };

const whole = (meaning: string) => z.int().min(1).describe(meaning);
const share = (meaning: string) => z.number().min(0).max(1).describe(meaning);

/** The schema of `DqnConfig`. */
export const dqnSchema: z.ZodType<DqnConfig, DqnOptions> & z.ZodObject = z.strictObject({
  network: frameNetworkSchema.prefault({}),
  gamma: share('discount of the reward of a later step').default(0.97),
  batchSize: whole('steps of the replay in an update').default(32).meta({ unit: 'steps' }),
  stepsPerUpdate: whole('environment steps for each update').default(2).meta({ unit: 'steps' }),
  firstSteps: whole('steps of a random policy before the first update').default(1000).meta({ unit: 'steps' }),
  targetUpdates: whole('updates between copies of the network to the one that says what states are worth')
    .default(250)
    .meta({ unit: 'updates' }),
  exploration: share('share of the run over which random actions become rarer, in a straight line').default(0.2),
  endEpsilon: share('share of random actions from then on, and when actions are drawn in an evaluation').default(0.05),
  learningRate: z.number().positive().default(5e-4).describe('highest learning rate of Adam'),
  endLearningRate: share(
    'learning rate at the last step as a share of the highest; a straight line leads there',
  ).default(0.1),
  clipNorm: z.number().positive().default(10).describe('largest global norm of the gradients'),
  replayBytes: whole('size of the replay on disk; the oldest steps go first')
    .default(2 ** 30)
    .meta({ unit: 'bytes' }),
}) as never;

/** Steps as they are learned. */
export interface DqnBatch {
  /** uint8 [rows, height, width, channels]: before each step, and after it. */
  readonly frames: NdArray<'uint8'>;
  readonly nextFrames: NdArray<'uint8'>;
  /** [rows], as indices from 0. */
  readonly actions: ArrayLike<number>;
  /** [rows], as signs. */
  readonly rewards: ArrayLike<number>;
  /** [rows]: 1 where the step led to a terminal state; a truncated step counts as 0. */
  readonly terminated: ArrayLike<number>;
}

/** What an update reports. */
export interface DqnMetrics {
  readonly loss: number;
  /** Mean value of the actions that were taken. */
  readonly value: number;
  readonly gradientNorm: number;
}

interface DqnParameters {
  readonly network: FrameNetworkParameters;
  readonly values: Linear;
}

interface DqnState {
  readonly parameters: DqnParameters;
  readonly target: DqnParameters;
  readonly adam: AdamState;
}

interface Programs {
  readonly judge: Program<Record<'frames', Spec>, Record<'online' | 'target', Tensor>>;
  readonly learn: Program<
    Record<'frames' | 'chosen' | 'targets' | 'learningRate', Spec>,
    Record<'loss' | 'value' | 'gradientNorm', Tensor>
  >;
}

/** Values of actions on frames. */
export class Dqn {
  readonly config: DqnConfig;
  readonly frameShape: readonly number[];
  readonly actions: ActionRange;
  readonly #state: State<DqnState>;
  readonly #parameters: DqnParameters;
  readonly #values: BatchedProgram<'frames', Record<'values', Tensor>>;
  #programs: Programs | undefined;
  #updates = 0;

  /** Throws ConfigError for settings that make no network. */
  constructor(engine: Engine, options: DqnOptions, { frameShape, actions, seed = 0 }: ModelFreeOptions) {
    this.config = checkSettings('Dqn settings', dqnSchema, options);
    this.frameShape = frameShape;
    this.actions = actions;
    const { network } = this.config;
    const generator = new Generators(seed).get('dqn/init');
    this.#parameters = {
      network: initFrameNetwork(generator, network, frameShape),
      values: initHead(generator, network.hidden, actions.count, 1),
    };
    const adam = initAdam(this.#parameters);
    this.#state = engine.state({ parameters: this.#parameters, target: this.#parameters, adam });
    this.#values = new BatchedProgram(
      (batch) =>
        this.#state.program(
          `dqn: values ${batch}`,
          { frames: f32(batch, ...frameShape) },
          ({ frames }, { parameters }) => ({
            values: this.#judge(parameters, frames),
          }),
        ),
      { sizes: frameBlocks },
    );
  }

  /** Updates so far: the version of the policy. */
  get version(): number {
    return this.#updates;
  }

  /** Trainable numbers. */
  get parameterCount(): number {
    return [...flatten<NdArray>(this.#parameters)].reduce((total, [, { data }]) => total + data.length, 0);
  }

  /** Values [batch, actions] for frames as environments give them, uint8 [batch, height, width, channels]. */
  values(frames: NdArray<'uint8'>): NdArray {
    checkFrameBytes('Dqn.values', frames, this.frameShape);
    return this.#values.run({ frames: toUnit(frames) }).values;
  }

  /**
   * Actions as the environment takes them: of the highest value, the lowest among equals, or with probability `epsilon` any one. Without `greedy` and `epsilon`
   * that is `endEpsilon`. Throws NonFiniteError for values that are no numbers.
   */
  act(
    frames: NdArray<'uint8'>,
    options: { readonly generator: RowGenerators; readonly greedy?: boolean; readonly epsilon?: number },
  ): Int32Array {
    const { greedy = false, epsilon = greedy ? 0 : this.config.endEpsilon } = options;
    const { shape, data } = this.values(frames);
    const [rows, count] = shape as [number, number];
    return Int32Array.from({ length: rows }, (_, row) => {
      const generator = generatorOf(options.generator, row);
      if (epsilon > 0 && generator.random() < epsilon) return this.actions.first + generator.integers(count);
      const own = data.subarray(row * count, (row + 1) * count) as Float32Array;
      if (!own.every(Number.isFinite)) {
        throw new NonFiniteError(`Dqn.act: expected finite values, got ${own.join(', ')} in row ${row}.`);
      }
      return this.actions.first + own.indexOf(Math.max(...own));
    });
  }

  /** Share of random actions when a share `progress` of the run is done. */
  epsilonAt(progress: number): number {
    const { exploration, endEpsilon } = this.config;
    return progress < exploration ? 1 - (1 - endEpsilon) * (progress / exploration) : endEpsilon;
  }

  /**
   * One update on `batchSize` steps: the Huber loss of the values of the actions taken, against double Q-learning's targets. Every `targetUpdates` updates the
   * older network becomes the present one. Throws NonFiniteError for a loss that is no number; nothing has changed then.
   */
  learn(batch: DqnBatch, { progress = 0 }: { readonly progress?: number } = {}): DqnMetrics {
    const { gamma, batchSize, learningRate: peak, endLearningRate: end, targetUpdates } = this.config;
    const { actions, rewards, terminated } = batch;
    const { judge, learn } = (this.#programs ??= this.#record());
    const { online, target } = judge.run({ frames: toUnit(batch.nextFrames) });
    const targets = ndarray('float32', [batchSize], doubleTargets({ rewards, terminated, online, target }, gamma));
    const chosen = ndarray('float32', [batchSize, this.actions.count]);
    for (let row = 0; row < batchSize; row++) chosen.data[row * this.actions.count + actions[row]!] = 1;
    const learningRate = learningRateAt({ peak, decay: 'linear', end }, { step: this.#updates, progress });
    const { loss, value, gradientNorm } = learn.run({ frames: toUnit(batch.frames), chosen, targets, learningRate });
    this.#updates++;
    if (this.#updates % targetUpdates === 0) this.#copyToTarget();
    return { loss: Number(loss.data[0]), value: Number(value.data[0]), gradientNorm: Number(gradientNorm.data[0]) };
  }

  /** Copies of everything that training needs to go on. */
  state(): NamedArrays {
    return { ...this.#state.read(), 'counters.updates': savedCount(this.#updates) };
  }

  /** Takes over a state; throws before anything has changed when an array is missing, unknown or of another shape. */
  loadState(state: NamedArrays): void {
    this.#updates = loadCounted('Dqn.loadState', this.#state, { saved: state, counter: 'counters.updates' });
  }

  dispose(): void {
    this.#values.dispose();
    this.#programs?.judge.dispose();
    this.#programs?.learn.dispose();
    this.#state.dispose();
  }

  #judge({ network, values }: Traced<DqnParameters>, frames: Tensor): Tensor {
    return dense(values, frameFeatures(network, frames, this.config.network));
  }

  #copyToTarget(): void {
    const arrays = Object.entries(this.#state.read()).flatMap(([name, array]) =>
      name.startsWith('parameters.') ? [[name.replace(/^parameters/, 'target'), array] as const] : [],
    );
    this.#state.write(Object.fromEntries(arrays));
  }

  #record(): Programs {
    const { batchSize: size, clipNorm } = this.config;
    const frames = f32(size, ...this.frameShape);
    const judge = this.#state.program(`dqn: judge ${size}`, { frames }, (x, { parameters, target }) => ({
      online: this.#judge(parameters, x.frames),
      target: this.#judge(target, x.frames),
    }));
    const inputs = { frames, chosen: f32(size, this.actions.count), targets: f32(size), learningRate: f32() };
    const learn = this.#state.program(`dqn: learn ${size}`, inputs, (x, { parameters, adam }) => {
      const values = sum(mul(this.#judge(parameters, x.frames), x.chosen), { axes: [-1] });
      const loss = checkFinite(huber(sub(values, x.targets)), 'the loss of the values');
      const { gradientNorm } = adamStep(loss, parameters, adam, { learningRate: x.learningRate, clipNorm });
      return { loss, value: mean(values), gradientNorm };
    });
    return { judge, learn };
  }
}

/** The mean of `d^2 / 2` where `|d| <= 1`, and of `|d| - 1/2` elsewhere. */
function huber(difference: Tensor): Tensor {
  const size = abs(difference);
  const near = minimum(size, 1);
  return mean(add(mul(square(near), 0.5), sub(size, near)));
}
