// Training an agent as a sequence of items of work: collect a round, update tokenizer, world model and policy. Each item is a function of the state before it,
// so a run that is stopped between any two of them and resumed ends as one that never stopped.
import { FormatError, Generators, InternalError } from '@tessera/core';
import type { GeneratorState, NdArray } from '@tessera/core';
import type { NamedArrays } from '@tessera/engine';
import { learningRateAt } from '@tessera/nn';
import { chunkSteps, endsEpisode } from '@tessera/rollouts';
import type {
  Chunk,
  Replay,
  ReplayChunk,
  ReplayState,
  StepReference,
  VectorRollouts,
  VectorRolloutsState,
} from '@tessera/rollouts';
import { checkSettings, isStreaming, isTrainable, tokenChurn, toUnit } from '@tessera/vqvae';
import type { Agent } from '../agent.ts';
import type { Experience } from '../behaviour/behaviour.ts';
import { measureAccuracy } from '../world-model/accuracy.ts';
import { trainingSchema } from './config.ts';
import type { TrainingConfig, TrainingOptions } from './config.ts';
import { imagine } from './imagine.ts';
import { plannedTokenizerUpdates, planRound } from './plan.ts';
import type { WorkKind } from './plan.ts';
import { TokenMemory, framesAt } from './token-memory.ts';
import { tokensOf } from '../preprocess.ts';

/** What a trainer is made of. */
export interface AgentTrainerOptions {
  readonly agent: Agent;
  readonly rollouts: VectorRollouts;
  readonly replay: Replay;
  /** Environment steps in all. */
  readonly steps: number;
  readonly seed: number;
  readonly training?: TrainingOptions;
}

/** Where a run stands. Plain JSON. */
export interface TrainerCounters {
  readonly envSteps: number;
  readonly round: number;
  /** Items of this round that are done. */
  readonly item: number;
  /** Items of all rounds that are done. */
  readonly itemsDone: number;
  /** Environment steps before this round. */
  readonly roundStart: number;
  /** Number of the first chunk of this round. */
  readonly roundFirstChunk: number;
  readonly tokenizerUpdates: number;
  readonly imaginedSteps: number;
  /** Environment steps at which imagination began; null while the world model is not good enough. */
  readonly imaginationSince: number | null;
}

/** Time and arithmetic of one kind of work so far. */
export interface PhaseTotals {
  readonly seconds: number;
  readonly flops: number;
}

/** Everything that a trainer needs to go on, beside the replay's shards. */
export interface TrainerState {
  readonly tensors: NamedArrays;
  readonly meta: {
    readonly counters: TrainerCounters;
    readonly generators: Record<string, GeneratorState>;
    readonly tokenizerGenerators: Record<string, GeneratorState>;
    readonly rollouts: VectorRolloutsState;
    readonly replay: ReplayState;
    readonly returns: readonly number[];
    /** The only part that depends on how fast the machine was. */
    readonly phases: Readonly<Record<string, PhaseTotals>>;
  };
}

/** An item of work that is done. */
export interface TrainerEvent {
  readonly kind: WorkKind;
  readonly counters: TrainerCounters;
  /** True when this was the last item of its round. */
  readonly roundDone: boolean;
  /** Numbers to be logged, by name. */
  readonly metrics: Readonly<Record<string, number>>;
}

const parts = ['tokenizer', 'worldModel', 'behaviour', 'probe'] as const;

/** Frames whose tokens are watched for churn. */
const probeFrames = 128;

interface Probe {
  readonly frames: NdArray<'uint8'>;
  /** int32 [probeFrames, tokens], as they were at the last look. */
  readonly tokens: NdArray<'int32'>;
}

/** Trains an agent, item by item. It owns none of its parts. */
export class AgentTrainer {
  readonly config: TrainingConfig;
  readonly #options: AgentTrainerOptions;
  readonly #generators: Generators;
  readonly #memory: TokenMemory;
  readonly #phases = new Map<string, PhaseTotals>();
  #counters: TrainerCounters = {
    envSteps: 0,
    round: 0,
    item: 0,
    itemsDone: 0,
    roundStart: 0,
    roundFirstChunk: 0,
    tokenizerUpdates: 0,
    imaginedSteps: 0,
    imaginationSince: null,
  };
  #codesMoved = false;
  #probe: Probe | undefined;
  /** Return so far of the present episode of each environment. */
  #returns: number[];

  /** Throws ConfigError for settings that make no training. */
  constructor(options: AgentTrainerOptions) {
    this.config = checkSettings('AgentTrainer settings', trainingSchema, options.training ?? {});
    this.#options = options;
    this.#generators = new Generators(options.seed);
    this.#returns = Array.from({ length: this.config.numEnvs }, () => 0);
    const { agent, replay } = options;
    this.#memory = new TokenMemory({
      replay,
      tokenizer: agent.tokenizer,
      actions: agent.actions,
      context: agent.worldModel.config.context,
    });
  }

  /** Where the run stands. */
  get counters(): TrainerCounters {
    return this.#counters;
  }

  /** Seconds and floating-point operations by kind of work, earlier sessions of a resumed run included. */
  get phases(): Readonly<Record<string, PhaseTotals>> {
    return Object.fromEntries(this.#phases);
  }

  /** Whether every step has been taken and learned from. */
  get done(): boolean {
    return this.#counters.item === 0 && this.#counters.envSteps >= this.#options.steps;
  }

  /** The items of work that are left, done one by one as they are asked for, until the run is done or `signal` is aborted. */
  async *items(signal?: AbortSignal): AsyncGenerator<TrainerEvent, void, undefined> {
    while (!this.done && !signal?.aborted) yield await this.next();
  }

  /** Does the next item of work. Throws what its parts throw; the run can then be resumed from its last checkpoint. */
  async next(): Promise<TrainerEvent> {
    if (this.done) throw new InternalError('AgentTrainer.next: the run is done.');
    const { round, roundStart, item } = this.#counters;
    const { agent } = this.#options;
    const plan = planRound(this.config, { round, startSteps: roundStart, trainable: isTrainable(agent.tokenizer) });
    // Codes rest when nothing moves them any more: those of a streaming tokenizer always do.
    if (!plan.includes('tokenizer')) this.#memory.settle();
    const kind = plan[item]!;
    const began = performance.now();
    const flops = agent.engine.flops;
    const metrics = await this.#work(kind);
    const before = this.#phases.get(kind) ?? { seconds: 0, flops: 0 };
    this.#phases.set(kind, {
      seconds: before.seconds + (performance.now() - began) / 1000,
      flops: before.flops + agent.engine.flops - flops,
    });
    const roundDone = item + 1 === plan.length;
    const { envSteps } = this.#counters;
    this.#count({ itemsDone: this.#counters.itemsDone + 1 });
    this.#count(roundDone ? { item: 0, round: round + 1, roundStart: envSteps } : { item: item + 1 });
    return { kind, counters: this.#counters, roundDone, metrics };
  }

  /** A copy of all that is needed to go on from here. */
  state(): TrainerState {
    const { agent, rollouts, replay } = this.#options;
    const { tokenizer, worldModel, behaviour } = agent;
    const learned = isTrainable(tokenizer) || isStreaming(tokenizer) ? tokenizer.state() : {};
    const probe: NamedArrays = this.#probe === undefined ? {} : { ...this.#probe };
    const states = { tokenizer: learned, worldModel: worldModel.state(), behaviour: behaviour.state(), probe };
    const tensors = Object.fromEntries(
      parts.flatMap((part) => Object.entries(states[part]).map(([name, array]) => [`${part}.${name}`, array])),
    );
    return {
      tensors,
      meta: {
        counters: this.#counters,
        generators: this.#generators.getState(),
        tokenizerGenerators: isTrainable(tokenizer) ? tokenizer.generatorState() : {},
        rollouts: rollouts.getState(),
        replay: replay.getState(),
        returns: [...this.#returns],
        phases: this.phases,
      },
    };
  }

  /** Goes on from a state; the replay must have been resumed from the same one. Throws ConfigError and FormatError for a state that does not fit. */
  loadState({ tensors, meta }: TrainerState): void {
    const { agent, rollouts } = this.#options;
    const { tokenizer, worldModel, behaviour } = agent;
    for (const name of Object.keys(tensors)) {
      if (!parts.some((part) => name.startsWith(`${part}.`))) {
        throw new FormatError(`AgentTrainer.loadState: the state has a tensor '${name}' that belongs to no part.`);
      }
    }
    const under = (part: (typeof parts)[number]): NamedArrays =>
      Object.fromEntries(
        Object.entries(tensors).flatMap(([name, array]) =>
          name.startsWith(`${part}.`) ? [[name.slice(part.length + 1), array]] : [],
        ),
      );
    if (isTrainable(tokenizer) || isStreaming(tokenizer)) tokenizer.loadState(under('tokenizer'));
    if (isTrainable(tokenizer)) tokenizer.loadGeneratorState(meta.tokenizerGenerators);
    worldModel.loadState(under('worldModel'));
    behaviour.loadState(under('behaviour'));
    const { frames, tokens } = under('probe');
    if (frames !== undefined && tokens !== undefined) {
      this.#probe = { frames: frames as NdArray<'uint8'>, tokens: tokens as NdArray<'int32'> };
    }
    rollouts.setState(meta.rollouts);
    this.#generators.setState(meta.generators);
    this.#counters = meta.counters;
    this.#returns = [...meta.returns];
    agent.refreshCodes();
    for (const [phase, totals] of Object.entries(meta.phases)) this.#phases.set(phase, totals);
  }

  async #work(kind: WorkKind): Promise<Record<string, number>> {
    if (kind !== 'tokenizer' && kind !== 'collect' && this.#codesMoved) {
      this.#options.agent.refreshCodes();
      this.#codesMoved = false;
    }
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
      case 'imagination':
        return this.#learnFromImagination();
    }
  }

  async #collect(): Promise<Record<string, number>> {
    const { agent, rollouts, replay, steps } = this.#options;
    const { numEnvs, roundSteps } = this.config;
    const { envSteps } = this.#counters;
    const count = Math.min(numEnvs * roundSteps, steps - envSteps);
    const generator = this.#generators.get('policy');
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
    this.#memory.prune();
    this.#count({ envSteps: envSteps + count, roundFirstChunk });
    return this.#episodes(chunks);
  }

  /** Mean return and length of the episodes that these chunks end. */
  #episodes(chunks: readonly Chunk[]): Record<string, number> {
    const ended: { readonly total: number; readonly length: number }[] = [];
    for (const chunk of chunks) {
      const { envIndex, firstStep } = chunk.metadata;
      const total =
        (firstStep === 0 ? 0 : this.#returns[envIndex]!) + chunk.rewards.data.reduce((sum, x) => sum + x, 0);
      this.#returns[envIndex] = total;
      if (endsEpisode(chunk)) ended.push({ total, length: firstStep + chunkSteps(chunk) });
    }
    if (ended.length === 0) return {};
    const mean = (pick: (episode: (typeof ended)[number]) => number) =>
      ended.reduce((sum, episode) => sum + pick(episode), 0) / ended.length;
    return { 'episode/return': mean(({ total }) => total), 'episode/length': mean(({ length }) => length) };
  }

  #act(frames: NdArray<'uint8'>, generator: ReturnType<Generators['get']>): Int32Array {
    const { agent } = this.#options;
    this.#observe(frames);
    const rows = frames.shape[0]!;
    // Before it has learned anything a policy is random, and a tokenizer may have no codes to tell it what it sees.
    if (agent.behaviour.version === 0) {
      return Int32Array.from({ length: rows }, () => agent.actions.first + generator.integers(agent.actions.count));
    }
    if (this.#codesMoved) {
      agent.refreshCodes();
      this.#codesMoved = false;
    }
    return agent.act(frames, { generator }).actions;
  }

  #observe(frames: NdArray<'uint8'>): void {
    const { tokenizer } = this.#options.agent;
    if (!isStreaming(tokenizer) || tokenizer.observe(toUnit(frames)) === 0) return;
    this.#codesMoved = true;
    // A new code may be nearer to what another one stood for, and a resumed run would find that out.
    this.#memory.forget();
  }

  async #trainTokenizer(): Promise<Record<string, number>> {
    const { agent, steps } = this.#options;
    const { tokenizer } = agent;
    if (!isTrainable(tokenizer)) throw new InternalError('AgentTrainer: this tokenizer has no training step.');
    const { tokenizerUpdates: step } = this.#counters;
    const {
      batchSize,
      seedFrames,
      learningRate: peak,
      endLearningRate: end,
      warmupUpdates: warmup,
    } = this.config.tokenizer;
    if (step === 0) tokenizer.seedCodebook?.(toUnit(await this.#frames(seedFrames)));
    const progress = step / plannedTokenizerUpdates(this.config, steps);
    const learningRate = learningRateAt({ peak, warmup, decay: 'cosine', end }, { step, progress });
    const { loss, perplexity, usage } = tokenizer.trainStep(toUnit(await this.#frames(batchSize)), { learningRate });
    this.#codesMoved = true;
    this.#count({ tokenizerUpdates: step + 1 });
    return { 'tokenizer/loss': loss, 'tokenizer/perplexity': perplexity, 'tokenizer/usage': usage };
  }

  /** Frames of replayed steps, before or after them, so that the frames that end episodes are seen too. */
  async #frames(count: number, name = 'tokenizer/batches'): Promise<NdArray<'uint8'>> {
    const { replay } = this.#options;
    const generator = this.#generators.get(name);
    const places = replay
      .sampleSteps(generator, count)
      .map(({ chunk, step }) => ({ chunk, frame: step + generator.integers(2) }));
    return framesAt(replay, places);
  }

  /** Measures the world model on the newest steps, before it learns from them. */
  async #measure(): Promise<Record<string, number>> {
    const { agent } = this.#options;
    const { measureSteps, imagination } = this.config;
    const steps = this.#roundChunks().flatMap((chunk) =>
      Array.from({ length: chunk.steps }, (_, step): StepReference => ({ chunk, step })),
    );
    const every = Math.max(1, Math.floor(steps.length / measureSteps));
    const chosen = steps.filter((_, i) => i % every === 0).slice(0, measureSteps);
    const accuracy = measureAccuracy(agent.worldModel, await this.#memory.transitions(chosen));
    const { imaginationSince, envSteps } = this.#counters;
    // A round in which nothing changes has nothing to get wrong.
    const enough = !(accuracy.changedTokens < imagination.startAccuracy) && agent.worldModel.updates > 0;
    if (imaginationSince === null && enough) this.#count({ imaginationSince: envSteps });
    return {
      'world_model/token_accuracy': accuracy.tokens,
      'world_model/changed_token_accuracy': accuracy.changedTokens,
      'world_model/frame_accuracy': accuracy.frames,
      'world_model/copy_last_frame': accuracy.copyLastFrame,
      'world_model/reward_f1': accuracy.rewardF1,
      'world_model/end_f1': accuracy.endF1,
      'tokenizer/churn': await this.#churn(),
    };
  }

  /** Share of the tokens of fixed frames that changed since the last look; NaN at the first. */
  async #churn(): Promise<number> {
    const { tokenizer } = this.#options.agent;
    const frames = this.#probe?.frames ?? (await this.#frames(probeFrames, 'probe'));
    const tokens = tokensOf(tokenizer, frames);
    const before = this.#probe?.tokens;
    this.#probe = { frames, tokens };
    return before === undefined ? NaN : tokenChurn(before.data, tokens.data);
  }

  /** One policy update on the steps of this round, which the policy that learns has just taken. */
  async #learnFromReal(): Promise<Record<string, number>> {
    const { agent } = this.#options;
    if (isTrainable(agent.tokenizer) && this.#counters.tokenizerUpdates === 0) return {};
    const chunks = this.#roundChunks();
    const tokens = await this.#memory.chunkTokens(chunks);
    const experience = this.#experienceOf(chunks, tokens);
    const metrics = agent.behaviour.learn(experience, {
      generator: this.#generators.get('behaviour/shuffle'),
      minibatch: agent.behaviour.config.realBatch,
      progress: this.#progress(),
    });
    return prefixed('policy_real', metrics);
  }

  /** What the policy thinks of a round's chunks; the value after the last step of each stands for what follows, unless it is terminal. */
  #experienceOf(chunks: readonly ReplayChunk[], tokens: readonly Int32Array[]): Experience[] {
    const { agent } = this.#options;
    const width = agent.behaviour.spec.tokens;
    const joined = new Int32Array(tokens.reduce((total, { length }) => total + length, 0));
    let at = 0;
    for (const own of tokens) {
      joined.set(own, at);
      at += own.length;
    }
    const { logits, values } = agent.behaviour.judge({
      dtype: 'int32',
      shape: [joined.length / width, width],
      data: joined,
    });
    let row = 0;
    return chunks.map((chunk, i) => {
      const { steps, rewards, terminated } = chunk;
      const count = logits.shape[1]!;
      const actions = chunk.actions.map((action) => action - agent.actions.first);
      const logProbabilities = Float32Array.from(actions, (action, step) =>
        logProbabilityOf(logits.data.subarray((row + step) * count, (row + step + 1) * count) as Float32Array, action),
      );
      const own = values.slice(row, row + steps + 1);
      row += steps + 1;
      return {
        tokens: tokens[i]!.subarray(0, steps * width),
        actions,
        logProbabilities,
        rewards: rewards.map(Math.sign),
        values: own,
        terminated,
      };
    });
  }

  async #trainWorldModel(): Promise<Record<string, number>> {
    const { agent, replay } = this.#options;
    const { worldModel } = agent;
    const steps = replay.sampleSteps(this.#generators.get('world-model/batches'), worldModel.config.batchSize, {
      context: worldModel.config.context,
    });
    const metrics = worldModel.trainStep(await this.#memory.transitions(steps), { progress: this.#progress() });
    return prefixed('world_model', metrics);
  }

  async #learnFromImagination(): Promise<Record<string, number>> {
    const { agent, replay } = this.#options;
    if (this.#counters.imaginationSince === null) return {};
    const { worldModel, behaviour } = agent;
    const { starts, horizon, explore } = this.config.imagination;
    const { context } = worldModel.config;
    const generator = this.#generators.get('imagination/starts');
    const { experience, steps } = await imagine({
      worldModel,
      behaviour,
      starts: async (count) => this.#memory.transitions(replay.sampleSteps(generator, count, { context })),
      rows: starts,
      horizon,
      explore,
      generator: this.#generators.get('imagination/actions'),
    });
    this.#count({ imaginedSteps: this.#counters.imaginedSteps + steps });
    const metrics = behaviour.learn(experience, {
      generator: this.#generators.get('behaviour/shuffle'),
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
    const { roundFirstChunk } = this.#counters;
    return [...this.#options.replay.chunks()].filter(({ id }) => id >= roundFirstChunk);
  }

  #progress(): number {
    return this.#counters.envSteps / this.#options.steps;
  }

  #count(changes: Partial<TrainerCounters>): void {
    this.#counters = { ...this.#counters, ...changes };
  }
}

function logProbabilityOf(logits: Float32Array, action: number): number {
  const top = logits.reduce((a, b) => Math.max(a, b));
  return logits[action]! - top - Math.log(logits.reduce((sum, x) => sum + Math.exp(x - top), 0));
}

function nextChunkId(replay: Replay): number {
  let id = -1;
  for (const chunk of replay.chunks()) id = chunk.id;
  return id + 1;
}

function prefixed(prefix: string, metrics: object): Record<string, number> {
  return Object.fromEntries(Object.entries(metrics).map(([name, value]) => [`${prefix}/${name}`, value as number]));
}
