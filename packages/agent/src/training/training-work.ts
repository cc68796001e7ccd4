// What each kind of work does: collecting a round, and one update of the tokenizer, of the world model, of the policy on real or on imagined steps.
import { ConfigError, FormatError, Generators, InternalError, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { learningRateAt } from '@tessera/nn';
import { hasWindow } from '@tessera/rollouts';
import type { Replay, ReplayChunk, StepReference, StepsBefore } from '@tessera/rollouts';
import { isStreaming, isTrainable, toUnit } from '@tessera/vqvae';
import type { TokenizerMetrics, TrainableTokenizer } from '@tessera/vqvae';
import { measureAccuracy } from '../world-model/accuracy.ts';
import type { EndToEnd } from '../world-model/end-to-end.ts';
import type { TrainingConfig } from './config.ts';
import { firstCounters } from './counters.ts';
import type { TrainerCounters } from './counters.ts';
import { EpisodeReturns } from './episode-returns.ts';
import { imagine } from './imagine.ts';
import { LessonSteps } from './lesson-steps.ts';
import { hiddenStates, recallPasts } from './past-steps.ts';
import type { Looking } from './past-steps.ts';
import { movesCodes, plannedTokenizerUpdates, tokenizerUpdates } from './plan.ts';
import type { WorkKind } from './plan.ts';
import { actOrTry } from './play-round.ts';
import type { PlayedRound } from './play-round.ts';
import { codeDiagnostics, dreamDiagnostics } from './round-diagnostics.ts';
import { realExperience } from './real-experience.ts';
import { RoundsAhead } from './rounds-ahead.ts';
import type { RoundsAheadState } from './rounds-ahead.ts';
import { TokenMemory, framesAt } from './token-memory.ts';
import { TokenProbe } from './token-probe.ts';
import type { AgentTrainerOptions } from './trainer.ts';

/** The parts of a run at work, and what changes while they are. */
export class TrainingWork {
  readonly generators: Generators;
  readonly memory: TokenMemory;
  readonly probe: TokenProbe = new TokenProbe();
  readonly returns: EpisodeReturns;
  readonly lessons: LessonSteps;
  counters: TrainerCounters = firstCounters;
  readonly #options: AgentTrainerOptions;
  readonly #config: TrainingConfig;
  /** Where rounds are played while the learner trains. */
  readonly #ahead: RoundsAhead | undefined;
  readonly #endToEnd: EndToEnd | undefined;
  /** The networks have not been told yet what the codes look like now. */
  #codesMoved = false;

  constructor(options: AgentTrainerOptions, config: TrainingConfig) {
    this.#options = options;
    this.#config = config;
    this.generators = new Generators(options.seed);
    this.returns = new EpisodeReturns(config.numEnvs);
    const { agent, replay } = options;
    if (config.mode === 'end-to-end' && config.sampling.kind === 'prioritised') {
      throw new ConfigError(
        "AgentTrainer: training.mode 'end-to-end' learns from all steps alike and tells no losses of single ones, which training.sampling.kind 'prioritised' goes by. Choose 'uniform' or 'recent'.",
      );
    }
    this.#endToEnd =
      config.mode === 'end-to-end' ? agent.worldModel.endToEnd(agent.tokenizer, config.endToEnd) : undefined;
    this.memory = new TokenMemory({
      replay,
      tokenizer: agent.tokenizer,
      actions: agent.actions,
      context: agent.worldModel.config.context,
      rewards: agent.worldModel.config.reward,
      actionKind: agent.worldModel.config.actions,
    });
    this.lessons = new LessonSteps({ replay, context: agent.worldModel.config.context, config: config.sampling });
    if (config.collection === 'meanwhile') {
      if (agent.behaviour.config.input === 'state') {
        throw new ConfigError(
          "AgentTrainer: training.collection 'meanwhile' plays with a policy that sees the present frame alone, and behaviour.input 'state' sees what was before. Choose 'in-turn', or another input.",
        );
      }
      const { collector, rollouts } = options;
      this.#ahead = new RoundsAhead({ agent, collector, rollouts, generator: this.generators.get('policy') });
    }
  }

  /** Waits until the next round has been played, where that happens meanwhile; false when `signal` is aborted before. */
  async roundReady(signal: AbortSignal | undefined): Promise<boolean> {
    return this.#ahead?.ready(signal) ?? true;
  }

  /** Where the environments stand, and what is to be known of rounds that are played meanwhile. */
  roundsState(): RoundsAheadState {
    return this.#ahead?.state() ?? { acting: {}, played: {}, rollouts: this.#options.rollouts.getState() };
  }

  /** Goes on from `roundsState`, with generators and counters where they were. */
  loadRounds(state: RoundsAheadState): void {
    if (this.#ahead !== undefined) {
      this.#ahead.loadState(state, { steps: this.#roundSteps(), chunks: this.#roundChunks() });
      return;
    }
    const [stray] = [...Object.keys(state.acting), ...Object.keys(state.played)];
    if (stray !== undefined) {
      throw new FormatError(
        `AgentTrainer.loadState: '${stray}' is for rounds that are played meanwhile; this run plays them in turn.`,
      );
    }
    this.#options.rollouts.setState(state.rollouts);
  }

  /** Does one item and returns numbers to be logged. */
  async do(kind: WorkKind): Promise<Record<string, number>> {
    if (!movesCodes(kind) && kind !== 'collect') this.showCodes();
    switch (kind) {
      case 'collect':
        return this.#collect();
      case 'tokenizer':
        return this.#trainTokenizer();
      case 'measure':
        return this.#measure();
      case 'real':
        return this.#learnFromReal();
      case 'world model':
        return this.#trainWorldModel();
      case 'end-to-end':
        return this.#trainBoth();
      case 'imagination':
        return this.#learnFromImagination();
    }
  }

  /** Changes some of the counters. */
  count(changes: Partial<TrainerCounters>): void {
    this.counters = { ...this.counters, ...changes };
  }

  /** Tells the networks what the codes look like, if that has changed. */
  showCodes(): void {
    if (!this.#codesMoved) return;
    this.#options.agent.refreshCodes();
    this.#codesMoved = false;
  }

  async #collect(): Promise<Record<string, number>> {
    const { agent, replay } = this.#options;
    const steps = this.#roundSteps();
    const { chunks } = await (this.#ahead?.take(steps) ?? this.#playInTurn(steps));
    if (isStreaming(agent.tokenizer)) {
      // Frames that ended an episode were never acted on, and those of a round that was played elsewhere were never seen here.
      for (const { frames } of chunks) this.#observe(frames);
    }
    if (agent.worldModel.config.actions === 'executed') {
      for (const { actions, executedActions } of chunks) {
        agent.worldModel.sticky.observe({ actions: actions.data, executedActions: executedActions.data });
      }
    }
    const roundFirstChunk = nextChunkId(replay);
    await replay.append(chunks);
    this.memory.prune();
    this.lessons.refresh();
    this.count({ envSteps: this.counters.envSteps + steps, roundFirstChunk });
    if (!this.#config.learnFromReal) this.#ahead?.forget();
    const next = this.#roundSteps();
    if (this.#ahead !== undefined && next > 0) {
      this.showCodes();
      this.#ahead.begin(next);
    }
    return this.returns.add(chunks);
  }

  get #looking(): Looking {
    return { worldModel: this.#options.agent.worldModel, memory: this.memory };
  }

  /** Steps of the next round. */
  #roundSteps(): number {
    const { numEnvs, roundSteps } = this.#config;
    return Math.max(0, Math.min(numEnvs * roundSteps, this.#options.steps - this.counters.envSteps));
  }

  async #playInTurn(steps: number): Promise<Pick<PlayedRound, 'chunks'>> {
    const { agent, rollouts, replay } = this.#options;
    const generator = this.generators.get('policy');
    const player = agent.player({ generator });
    await recallPasts(player, this.#looking, replay.chunks());
    const act = (frames: NdArray<'uint8'>, envIndices: readonly number[], before: StepsBefore): Int32Array => {
      this.#observe(frames);
      if (agent.behaviour.version > 0) this.showCodes();
      return actOrTry(agent, frames, { player, generator, envIndices, ...before }).actions;
    };
    return { chunks: await rollouts.collect({ version: agent.behaviour.version, act }, steps) };
  }

  #observe(frames: NdArray<'uint8'>): void {
    const { tokenizer } = this.#options.agent;
    if (!isStreaming(tokenizer) || tokenizer.observe(toUnit(frames)) === 0) return;
    this.#codesMoved = true;
    // A new code may be nearer to what another one stood for, and a resumed run would find that out.
    this.memory.forget();
  }

  async #trainTokenizer(): Promise<Record<string, number>> {
    const { tokenizer } = this.#options.agent;
    if (!isTrainable(tokenizer)) throw new InternalError('AgentTrainer: this tokenizer has no training step.');
    const learningRate = await this.#beginTokenizerUpdate(tokenizer);
    const frames = toUnit(await this.#frames(this.#config.tokenizer.batchSize));
    return this.#endTokenizerUpdate(tokenizer.trainStep(frames, { learningRate }));
  }

  /** One update of tokenizer and world model on one loss. */
  async #trainBoth(): Promise<Record<string, number>> {
    const { tokenizer } = this.#options.agent;
    if (this.#endToEnd === undefined || !isTrainable(tokenizer)) {
      throw new InternalError('AgentTrainer: nothing was made for training end to end.');
    }
    const learningRate = await this.#beginTokenizerUpdate(tokenizer);
    const batch = await this.memory.pictures(this.#lesson().steps);
    const { tokenizer: own, ...metrics } = this.#endToEnd.trainStep(batch, {
      progress: this.#progress(),
      learningRate,
    });
    return { ...prefixed('end_to_end', metrics), ...this.#endTokenizerUpdate(own) };
  }

  /** Seeds the codes before the first update; returns the learning rate. */
  async #beginTokenizerUpdate(tokenizer: TrainableTokenizer<unknown>): Promise<number> {
    const { tokenizerUpdates: step } = this.counters;
    const { seedFrames, learningRate: peak, endLearningRate: end, warmupUpdates: warmup } = this.#config.tokenizer;
    if (step === 0) tokenizer.seedCodebook?.(toUnit(await this.#frames(seedFrames)));
    // So that the first measurement says how much the codes still move at the end of the first round's updates; in turn with it, that is when the world model begins.
    if (step === Math.max(0, tokenizerUpdates(this.#config).firstUpdates - 100)) await this.#look();
    const progress = step / plannedTokenizerUpdates(this.#config, this.#options.steps);
    return learningRateAt({ peak, warmup, decay: 'cosine', end }, { step, progress });
  }

  #endTokenizerUpdate({ loss, perplexity, usage }: TokenizerMetrics): Record<string, number> {
    this.#codesMoved = true;
    this.count({ tokenizerUpdates: this.counters.tokenizerUpdates + 1 });
    return { 'tokenizer/loss': loss, 'tokenizer/perplexity': perplexity, 'tokenizer/usage': usage };
  }

  /** Frames of replayed steps, before or after them, so that the frames that end episodes are seen too. */
  async #frames(count: number, name = 'tokenizer/batches'): Promise<NdArray<'uint8'>> {
    const { replay } = this.#options;
    const generator = this.generators.get(name);
    const places = replay
      .sampleSteps(generator, count)
      .map(({ chunk, step }) => ({ chunk, frame: step + generator.integers(2) }));
    return framesAt(replay, places);
  }

  /** Measures the world model on the newest steps, before it learns from them. */
  async #measure(): Promise<Record<string, number>> {
    const { agent } = this.#options;
    const { measureSteps, imagination } = this.#config;
    const { context } = agent.worldModel.config;
    const steps = this.#roundChunks()
      .flatMap((chunk) => Array.from({ length: chunk.steps }, (_, step): StepReference => ({ chunk, step })))
      .filter((step) => hasWindow(step, context));
    // A replay of one round may have lost the frames before every step of it.
    if (steps.length === 0) return {};
    const every = Math.max(1, Math.floor(steps.length / measureSteps));
    const chosen = steps.filter((_, i) => i % every === 0).slice(0, measureSteps);
    const batch = await this.memory.transitions(chosen);
    const accuracy = measureAccuracy(agent.worldModel, batch);
    const { imaginationSince, envSteps } = this.counters;
    // A round in which nothing changes has nothing to get wrong.
    const enough = !(accuracy.changedTokens < imagination.startAccuracy) && agent.worldModel.updates > 0;
    if (imaginationSince === null && enough) this.count({ imaginationSince: envSteps });
    return {
      ...(await dreamDiagnostics(agent, {
        replay: this.#options.replay,
        memory: this.memory,
        chunks: this.#roundChunks(),
        generator: this.generators.get('measure/dreams'),
        measureSteps,
        lookAtDreams: this.#options.lookAtDreams,
      })),
      ...codeDiagnostics(batch, agent.tokenizer.spec.vocabulary),
      ...(await this.#restOrMove()),
      'world_model/token_accuracy': accuracy.tokens,
      'world_model/changed_token_accuracy': accuracy.changedTokens,
      'world_model/frame_accuracy': accuracy.frames,
      'world_model/copy_last_frame': accuracy.copyLastFrame,
      'world_model/reward_f1': accuracy.rewardF1,
      'world_model/end_f1': accuracy.endF1,
    };
  }

  /** How many codes have changed since the last look, and whether they are to rest from now on. */
  async #restOrMove(): Promise<Record<string, number>> {
    const look = await this.#look();
    const { restChurn } = this.#config.tokenizer;
    const { round, envSteps, tokenizerRestsSince } = this.counters;
    // In the first round the frames are too few to rest on.
    const rests = restChurn !== null && round > 0 && look['tokenizer/churn_per_100_updates']! <= restChurn;
    if (rests && tokenizerRestsSince === null) this.count({ tokenizerRestsSince: envSteps });
    return look;
  }

  /** How many codes have changed since the last look. */
  async #look(): Promise<Record<string, number>> {
    const { churn, perHundred } = await this.probe.look(this.#options.agent.tokenizer, {
      updates: this.counters.tokenizerUpdates,
      draw: (count) => this.#frames(count, 'probe'),
    });
    return { 'tokenizer/churn': churn, 'tokenizer/churn_per_100_updates': perHundred };
  }

  /** One policy update on the steps of this round, by how likely they were to the policy that took them: the one that learns, or where rounds are played meanwhile an older one. */
  async #learnFromReal(): Promise<Record<string, number>> {
    const { agent } = this.#options;
    const logProbabilities = this.#ahead?.logProbabilities;
    this.#ahead?.forget();
    if (isTrainable(agent.tokenizer) && this.counters.tokenizerUpdates === 0) return {};
    const chunks = this.#roundChunks();
    const tokens = await this.memory.chunkTokens(chunks);
    const seesPast = agent.behaviour.spec.hiddenSize > 0;
    const experience = realExperience(agent.behaviour, chunks, {
      tokens,
      hiddenStates: seesPast ? await hiddenStates(this.#looking, chunks) : undefined,
      firstAction: agent.actions.first,
      rewards: agent.worldModel.config.reward,
      logProbabilities,
    });
    const metrics = agent.behaviour.learn(experience, {
      generator: this.generators.get('behaviour/shuffle'),
      minibatch: agent.behaviour.config.realBatch,
      progress: this.#progress(),
    });
    return prefixed('policy_real', metrics);
  }

  async #trainWorldModel(): Promise<Record<string, number>> {
    const { worldModel } = this.#options.agent;
    const progress = this.#progress();
    const { steps, weights } = this.#lesson();
    const batch = await this.memory.transitions(steps);
    if (weights === undefined) return prefixed('world_model', worldModel.trainStep(batch, { progress }));
    const rows = ndarray('float32', [weights.length], weights);
    const { metrics, losses } = worldModel.trainWeighted(batch, rows, { progress });
    this.lessons.learned(steps, losses);
    return prefixed('world_model', metrics);
  }

  /** The steps of an update of the world model. */
  #lesson(): ReturnType<LessonSteps['draw']> {
    const { batchSize } = this.#options.agent.worldModel.config;
    return this.lessons.draw(this.generators.get('world-model/batches'), batchSize, this.#progress());
  }

  async #learnFromImagination(): Promise<Record<string, number>> {
    const { agent, replay } = this.#options;
    if (this.counters.imaginationSince === null) return {};
    const { worldModel, behaviour } = agent;
    const { starts, horizon, explore } = this.#config.imagination;
    // A policy that sees what was before the present frame needs a frame more.
    const context = worldModel.config.context + (behaviour.spec.hiddenSize > 0 ? 1 : 0);
    const generator = this.generators.get('imagination/starts');
    const { experience, steps } = await imagine({
      worldModel,
      behaviour,
      starts: async (count) => this.memory.transitions(replay.sampleSteps(generator, count, { context }), { context }),
      rows: starts,
      horizon,
      explore,
      generator: this.generators.get('imagination/actions'),
    });
    this.count({ imaginedSteps: this.counters.imaginedSteps + steps });
    const metrics = behaviour.learn(experience, {
      generator: this.generators.get('behaviour/shuffle'),
      minibatch: behaviour.config.imaginedBatch,
      progress: this.#progress(),
    });
    const rewards = experience.reduce(
      (total, { rewards: own }) => total + Array.from(own).reduce((a, b) => a + b, 0),
      0,
    );
    return { ...prefixed('policy_imagined', metrics), 'policy_imagined/reward_per_step': rewards / (starts * horizon) };
  }

  #roundChunks(): ReplayChunk[] {
    const { roundFirstChunk } = this.counters;
    return [...this.#options.replay.chunks()].filter(({ id }) => id >= roundFirstChunk);
  }

  #progress(): number {
    return this.counters.envSteps / this.#options.steps;
  }
}

function nextChunkId(replay: Replay): number {
  let id = -1;
  for (const chunk of replay.chunks()) id = chunk.id;
  return id + 1;
}

/** Metrics under names of their own. */
export function prefixed(prefix: string, metrics: object): Record<string, number> {
  return Object.fromEntries(Object.entries(metrics).map(([name, value]) => [`${prefix}/${name}`, value as number]));
}
