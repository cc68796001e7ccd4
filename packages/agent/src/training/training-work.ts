// What each kind of work does: collecting a round, and one update of the tokenizer, of the world model, of the policy on real or on imagined steps.
import { Generators, InternalError } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { learningRateAt } from '@tessera/nn';
import { hasWindow } from '@tessera/rollouts';
import type { Replay, ReplayChunk, StepReference } from '@tessera/rollouts';
import { isStreaming, isTrainable, toUnit } from '@tessera/vqvae';
import type { TokenizerMetrics, TrainableTokenizer } from '@tessera/vqvae';
import { measureAccuracy } from '../world-model/accuracy.ts';
import type { EndToEnd } from '../world-model/end-to-end.ts';
import type { TrainingConfig } from './config.ts';
import { firstCounters } from './counters.ts';
import type { TrainerCounters } from './counters.ts';
import { EpisodeReturns } from './episode-returns.ts';
import { imagine } from './imagine.ts';
import { movesCodes, plannedTokenizerUpdates } from './plan.ts';
import type { WorkKind } from './plan.ts';
import { realExperience } from './real-experience.ts';
import { TokenMemory, framesAt } from './token-memory.ts';
import { TokenProbe } from './token-probe.ts';
import type { AgentTrainerOptions } from './trainer.ts';

/** The parts of a run at work, and what changes while they are. */
export class TrainingWork {
  readonly generators: Generators;
  readonly memory: TokenMemory;
  readonly probe: TokenProbe = new TokenProbe();
  readonly returns: EpisodeReturns;
  counters: TrainerCounters = firstCounters;
  readonly #options: AgentTrainerOptions;
  readonly #config: TrainingConfig;
  readonly #endToEnd: EndToEnd | undefined;
  /** The networks have not been told yet what the codes look like now. */
  #codesMoved = false;

  constructor(options: AgentTrainerOptions, config: TrainingConfig) {
    this.#options = options;
    this.#config = config;
    this.generators = new Generators(options.seed);
    this.returns = new EpisodeReturns(config.numEnvs);
    const { agent, replay } = options;
    this.#endToEnd =
      config.mode === 'end-to-end' ? agent.worldModel.endToEnd(agent.tokenizer, config.endToEnd) : undefined;
    this.memory = new TokenMemory({
      replay,
      tokenizer: agent.tokenizer,
      actions: agent.actions,
      context: agent.worldModel.config.context,
      rewards: agent.worldModel.config.reward,
    });
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
    const { agent, rollouts, replay, steps } = this.#options;
    const { numEnvs, roundSteps } = this.#config;
    const { envSteps } = this.counters;
    const count = Math.min(numEnvs * roundSteps, steps - envSteps);
    const generator = this.generators.get('policy');
    const chunks = await rollouts.collect(
      { version: agent.behaviour.version, act: (frames) => this.#act(frames, generator) },
      count,
    );
    if (isStreaming(agent.tokenizer)) {
      // Frames that ended an episode were never acted on.
      for (const { frames } of chunks) this.#observe(frames);
    }
    const roundFirstChunk = nextChunkId(replay);
    await replay.append(chunks);
    this.memory.prune();
    this.count({ envSteps: envSteps + count, roundFirstChunk });
    return this.returns.add(chunks);
  }

  #act(frames: NdArray<'uint8'>, generator: ReturnType<Generators['get']>): Int32Array {
    const { agent } = this.#options;
    this.#observe(frames);
    const rows = frames.shape[0]!;
    // Before it has learned anything a policy is random, and a tokenizer may have no codes to tell it what it sees.
    if (agent.behaviour.version === 0) {
      return Int32Array.from({ length: rows }, () => agent.actions.first + generator.integers(agent.actions.count));
    }
    this.showCodes();
    return agent.act(frames, { generator }).actions;
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
    const batch = await this.memory.pictures(this.#worldModelSteps());
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
    const accuracy = measureAccuracy(agent.worldModel, await this.memory.transitions(chosen));
    const { imaginationSince, envSteps } = this.counters;
    // A round in which nothing changes has nothing to get wrong.
    const enough = !(accuracy.changedTokens < imagination.startAccuracy) && agent.worldModel.updates > 0;
    if (imaginationSince === null && enough) this.count({ imaginationSince: envSteps });
    return {
      'world_model/token_accuracy': accuracy.tokens,
      'world_model/changed_token_accuracy': accuracy.changedTokens,
      'world_model/frame_accuracy': accuracy.frames,
      'world_model/copy_last_frame': accuracy.copyLastFrame,
      'world_model/reward_f1': accuracy.rewardF1,
      'world_model/end_f1': accuracy.endF1,
      'tokenizer/churn': await this.probe.look(agent.tokenizer, (count) => this.#frames(count, 'probe')),
    };
  }

  /** One policy update on the steps of this round, which the policy that learns has just taken. */
  async #learnFromReal(): Promise<Record<string, number>> {
    const { agent } = this.#options;
    if (isTrainable(agent.tokenizer) && this.counters.tokenizerUpdates === 0) return {};
    const chunks = this.#roundChunks();
    const tokens = await this.memory.chunkTokens(chunks);
    const experience = realExperience(agent.behaviour, chunks, {
      tokens,
      firstAction: agent.actions.first,
      rewards: agent.worldModel.config.reward,
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
    const batch = await this.memory.transitions(this.#worldModelSteps());
    return prefixed('world_model', worldModel.trainStep(batch, { progress: this.#progress() }));
  }

  #worldModelSteps(): StepReference[] {
    const { agent, replay } = this.#options;
    const { batchSize, context } = agent.worldModel.config;
    return replay.sampleSteps(this.generators.get('world-model/batches'), batchSize, { context });
  }

  async #learnFromImagination(): Promise<Record<string, number>> {
    const { agent, replay } = this.#options;
    if (this.counters.imaginationSince === null) return {};
    const { worldModel, behaviour } = agent;
    const { starts, horizon, explore } = this.#config.imagination;
    const { context } = worldModel.config;
    const generator = this.generators.get('imagination/starts');
    const { experience, steps } = await imagine({
      worldModel,
      behaviour,
      starts: async (count) => this.memory.transitions(replay.sampleSteps(generator, count, { context })),
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
