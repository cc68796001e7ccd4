// Training without a model: rounds of steps in environments side by side, each learned from before the next. Between two rounds a run can be saved, and goes on
// from there as one that never stopped.
import { ConfigError, Generators } from '@tessera/core';
import type { GeneratorState, NdArray } from '@tessera/core';
import type { NamedArrays } from '@tessera/engine';
import { stepWindow } from '@tessera/rollouts';
import type { Chunk, Replay, ReplayState, VectorRollouts, VectorRolloutsState } from '@tessera/rollouts';
import { EpisodeReturns } from '../training/episode-returns.ts';
import { framesAt } from '../training/token-memory.ts';
import { prefixed } from '../training/training-work.ts';
import type { Dqn } from './dqn.ts';
import type { Ppo } from './ppo.ts';

/** Where in a run it is learned. */
export interface LearnerPlace {
  readonly generators: Generators;
  /** Environment steps before and after this round. */
  readonly before: number;
  readonly after: number;
  /** Share of the run that was done when the round began. */
  readonly progress: number;
}

/** Something that plays rounds and learns from each. */
export interface ModelFreeLearner {
  /** Which weights choose. */
  readonly version: number;
  /** Actions for a step of training. */
  act(frames: NdArray<'uint8'>, place: Pick<LearnerPlace, 'generators' | 'progress'>): Int32Array;
  /** Learns when a round has been played; gives numbers to be logged. */
  learn(chunks: readonly Chunk[], place: LearnerPlace): Promise<Record<string, number>>;
  /** Copies of everything that training needs to go on, beside the replay's shards. */
  state(): NamedArrays;
  loadState(state: NamedArrays): void;
  readonly replay?: Replay;
}

/** PPO as a learner: a batch a round. */
export function ppoLearner(ppo: Ppo): ModelFreeLearner {
  return {
    get version() {
      return ppo.version;
    },
    act: (frames, { generators }) => ppo.act(frames, { generator: generators.get('policy') }),
    learn: async (chunks, { generators, progress }) =>
      prefixed('ppo', ppo.learn(chunks, { generator: generators.get('ppo/shuffle'), progress })),
    state: () => ppo.state(),
    loadState: (state) => ppo.loadState(state),
  };
}

/** DQN as a learner: a round goes into the replay, and `stepsPerUpdate` says how many updates are due. */
export function dqnLearner(dqn: Dqn, replay: Replay): ModelFreeLearner {
  const { batchSize, stepsPerUpdate, firstSteps } = dqn.config;
  const batch = async (generators: Generators) => {
    const windows = replay
      .sampleSteps(generators.get('dqn/batches'), batchSize)
      .map((reference) => stepWindow(reference, 1));
    return {
      frames: await framesAt(
        replay,
        windows.map(({ frames }) => frames[0]!),
      ),
      nextFrames: await framesAt(
        replay,
        windows.map(({ frames }) => frames[1]!),
      ),
      actions: windows.map(({ actions }) => actions[0]! - dqn.actions.first),
      rewards: windows.map(({ reward }) => Math.sign(reward)),
      terminated: windows.map(({ terminated }) => (terminated ? 1 : 0)),
    };
  };
  return {
    replay,
    get version() {
      return dqn.version;
    },
    act: (frames, { generators, progress }) =>
      dqn.act(frames, {
        generator: generators.get('policy'),
        epsilon: dqn.version === 0 ? 1 : dqn.epsilonAt(progress),
      }),
    async learn(chunks, { generators, before, after, progress }) {
      await replay.append(chunks);
      if (after < firstSteps) return {};
      const updates = Math.floor(after / stepsPerUpdate) - Math.floor(before / stepsPerUpdate);
      const sums: Record<string, number> = {};
      for (let update = 0; update < updates; update++) {
        const metrics = dqn.learn(await batch(generators), { progress });
        for (const [name, value] of Object.entries(metrics)) sums[name] = (sums[name] ?? 0) + value / updates;
      }
      return prefixed('dqn', { ...sums, epsilon: dqn.epsilonAt(progress) });
    },
    state: () => dqn.state(),
    loadState: (state) => dqn.loadState(state),
  };
}

/** What a trainer is made of. */
export interface ModelFreeTrainerOptions {
  readonly learner: ModelFreeLearner;
  readonly rollouts: VectorRollouts;
  readonly numEnvs: number;
  /** Steps of each environment between two rounds of learning. */
  readonly roundSteps: number;
  /** Environment steps in all. */
  readonly steps: number;
  readonly seed: number;
}

/** Everything that a trainer needs to go on, beside the replay's shards. */
export interface ModelFreeState {
  readonly tensors: NamedArrays;
  readonly meta: {
    readonly envSteps: number;
    readonly generators: Record<string, GeneratorState>;
    readonly rollouts: VectorRolloutsState;
    readonly returns: readonly number[];
    readonly replay: ReplayState | null;
  };
}

/** Plays and learns, round by round. It owns none of its parts. */
export class ModelFreeTrainer {
  readonly #options: ModelFreeTrainerOptions;
  readonly #generators: Generators;
  readonly #returns: EpisodeReturns;
  #envSteps = 0;

  constructor(options: ModelFreeTrainerOptions) {
    this.#options = options;
    this.#generators = new Generators(options.seed);
    this.#returns = new EpisodeReturns(options.numEnvs);
  }

  /** Environment steps learned from. */
  get envSteps(): number {
    return this.#envSteps;
  }

  /** Whether every step has been taken and learned from. */
  get done(): boolean {
    return this.#envSteps >= this.#options.steps;
  }

  /** Plays a round and learns from it; gives numbers to be logged. Throws what its parts throw; the run can then be resumed from its last checkpoint. */
  async round(): Promise<Record<string, number>> {
    const { learner, rollouts, numEnvs, roundSteps, steps } = this.#options;
    if (this.done) throw new ConfigError('ModelFreeTrainer.round: the run is done. Ask `done` first.');
    const generators = this.#generators;
    const before = this.#envSteps;
    const progress = before / steps;
    const count = Math.min(numEnvs * roundSteps, steps - before);
    const { version } = learner;
    const act = (frames: NdArray<'uint8'>) => learner.act(frames, { generators, progress });
    const chunks = await rollouts.collect({ version, act }, count);
    const metrics = await learner.learn(chunks, { generators, before, after: before + count, progress });
    this.#envSteps += count;
    return { ...this.#returns.add(chunks), ...metrics };
  }

  /** A copy of all that is needed to go on from here. */
  state(): ModelFreeState {
    const { learner, rollouts } = this.#options;
    return {
      tensors: learner.state(),
      meta: {
        envSteps: this.#envSteps,
        generators: this.#generators.getState(),
        rollouts: rollouts.getState(),
        returns: this.#returns.state(),
        replay: learner.replay?.getState() ?? null,
      },
    };
  }

  /** Goes on from a state; the replay must have been resumed from the same one. Throws ConfigError and FormatError for a state that does not fit. */
  loadState({ tensors, meta }: ModelFreeState): void {
    const { learner, rollouts } = this.#options;
    if (!Number.isSafeInteger(meta.envSteps) || meta.envSteps < 0) {
      throw new ConfigError(
        `ModelFreeTrainer.loadState: expected envSteps to be a whole number >= 0, got ${meta.envSteps}.`,
      );
    }
    this.#returns.loadState(meta.returns);
    learner.loadState(tensors);
    rollouts.setState(meta.rollouts);
    this.#generators.setState(meta.generators);
    this.#envSteps = meta.envSteps;
  }
}
