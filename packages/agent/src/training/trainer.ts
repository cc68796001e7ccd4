// Training an agent as a sequence of items of work: collect a round, update tokenizer, world model and policy. Each item is a function of the state before it,
// so a run that is stopped between any two of them and resumed ends as one that never stopped.
import { ConfigError, FormatError } from '@tessera/core';
import type { GeneratorState } from '@tessera/core';
import type { NamedArrays } from '@tessera/engine';
import type { Replay, ReplayState, VectorRollouts, VectorRolloutsState } from '@tessera/rollouts';
import { checkSettings, isStreaming, isTrainable } from '@tessera/vqvae';
import { z } from 'zod';
import type { Agent } from '../agent.ts';
import { prefixed, under } from '../parts.ts';
import { trainingSchema } from './config.ts';
import type { TrainingConfig, TrainingOptions } from './config.ts';
import { countersSchema } from './counters.ts';
import type { TrainerCounters } from './counters.ts';
import { movesCodes, planRound } from './plan.ts';
import type { WorkKind } from './plan.ts';
import type { LookAtDreams } from './round-diagnostics.ts';
import type { RoundCollector } from './play-round.ts';
import { TrainingWork } from './training-work.ts';

/** What a trainer is made of. */
export interface AgentTrainerOptions {
  readonly agent: Agent;
  readonly rollouts: VectorRollouts;
  readonly replay: Replay;
  /** Environment steps in all. */
  readonly steps: number;
  readonly seed: number;
  readonly training?: TrainingOptions;
  /** Plays rounds while the learner trains, on environments like `rollouts`; for `training.collection: 'meanwhile'`. */
  readonly collector?: RoundCollector | undefined;
  /** More to be logged of the dreams of each round, such as what objects are in them. */
  readonly lookAtDreams?: LookAtDreams | undefined;
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
    /** Seconds and operations so far; tokens that were kept are made again after a resume, so these are no part of what is exact. */
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

const phasesSchema = z.record(z.string(), z.strictObject({ seconds: z.number(), flops: z.number() }));

const parts = ['tokenizer', 'worldModel', 'behaviour', 'probe', 'lessons', 'acting', 'played'] as const;

/** Trains an agent, item by item. It owns none of its parts. */
export class AgentTrainer {
  readonly config: TrainingConfig;
  readonly #options: AgentTrainerOptions;
  readonly #work: TrainingWork;
  readonly #phases = new Map<string, PhaseTotals>();

  /** Throws ConfigError for settings that make no training. */
  constructor(options: AgentTrainerOptions) {
    this.config = checkSettings('AgentTrainer settings', trainingSchema, options.training ?? {});
    this.#options = options;
    this.#work = new TrainingWork(options, this.config);
  }

  /** Where the run stands. */
  get counters(): TrainerCounters {
    return this.#work.counters;
  }

  /** Seconds and floating-point operations by kind of work, earlier sessions of a resumed run included. */
  get phases(): Readonly<Record<string, PhaseTotals>> {
    return Object.fromEntries(this.#phases);
  }

  /** Whether every step has been taken and learned from. */
  get done(): boolean {
    return this.#work.counters.item === 0 && this.#work.counters.envSteps >= this.#options.steps;
  }

  /** The items of work that are left, done one by one as they are asked for, until the run is done or `signal` is aborted. */
  async *items(signal?: AbortSignal): AsyncGenerator<TrainerEvent, void, undefined> {
    while (!this.done && !signal?.aborted) {
      // A round that is played elsewhere ends at its own time; one that is given up is played again after a resume.
      if (this.#work.counters.item === 0 && !(await this.#work.roundReady(signal))) return;
      yield await this.next();
    }
  }

  /** Does the next item of work. Throws what its parts throw; the run can then be resumed from its last checkpoint. */
  async next(): Promise<TrainerEvent> {
    if (this.done)
      throw new ConfigError('AgentTrainer.next: the run is done. Ask `done` first, or iterate over `items()`.');
    const { round, roundStart, item, tokenizerRestsSince } = this.#work.counters;
    const { agent } = this.#options;
    const trainable = isTrainable(agent.tokenizer);
    const plan = planRound(this.config, { round, startSteps: roundStart, trainable, tokenizerRestsSince });
    // Codes rest when nothing moves them any more: those of a streaming tokenizer always do.
    if (plan.some(movesCodes)) this.#work.memory.unsettle();
    else this.#work.memory.settle();
    const kind = plan[item]!;
    const began = performance.now();
    const flops = agent.engine.flops;
    const metrics = await this.#work.do(kind);
    const before = this.#phases.get(kind) ?? { seconds: 0, flops: 0 };
    this.#phases.set(kind, {
      seconds: before.seconds + (performance.now() - began) / 1000,
      flops: before.flops + agent.engine.flops - flops,
    });
    const roundDone = item + 1 === plan.length;
    if (roundDone) this.#work.showCodes();
    const { envSteps } = this.#work.counters;
    this.#work.count({ itemsDone: this.#work.counters.itemsDone + 1 });
    this.#work.count(roundDone ? { item: 0, round: round + 1, roundStart: envSteps } : { item: item + 1 });
    return { kind, counters: this.#work.counters, roundDone, metrics };
  }

  /** A copy of all that is needed to go on from here. */
  state(): TrainerState {
    this.#work.showCodes();
    const { agent, replay } = this.#options;
    const { tokenizer, worldModel, behaviour } = agent;
    const learned = isTrainable(tokenizer) || isStreaming(tokenizer) ? tokenizer.state() : {};
    const { probe, lessons, returns } = this.#work;
    const { rollouts, ...ahead } = this.#work.roundsState();
    const states = {
      ...ahead,
      tokenizer: learned,
      worldModel: worldModel.state(),
      behaviour: behaviour.state(),
      probe: probe.state(),
      lessons: lessons.state(),
    };
    const tensors = Object.fromEntries(parts.flatMap((part) => Object.entries(prefixed(part, states[part]))));
    return {
      tensors,
      meta: {
        counters: this.#work.counters,
        generators: this.#work.generators.getState(),
        tokenizerGenerators: isTrainable(tokenizer) ? tokenizer.generatorState() : {},
        rollouts,
        replay: replay.getState(),
        returns: returns.state(),
        phases: this.phases,
      },
    };
  }

  /** Goes on from a state; the replay must have been resumed from the same one. Throws ConfigError and FormatError for a state that does not fit. */
  loadState({ tensors, meta }: TrainerState): void {
    const { agent } = this.#options;
    const { tokenizer, worldModel, behaviour } = agent;
    for (const name of Object.keys(tensors)) {
      if (!parts.some((part) => name.startsWith(`${part}.`))) {
        throw new FormatError(`AgentTrainer.loadState: the state has a tensor '${name}' that belongs to no part.`);
      }
    }
    const own = (part: (typeof parts)[number]): NamedArrays => under(part, tensors);
    // What can be checked without changing anything comes first.
    const counters = checkSettings('AgentTrainer.loadState: counters', countersSchema, meta.counters);
    const totals = checkSettings('AgentTrainer.loadState: phases', phasesSchema, meta.phases);
    const learns = isTrainable(tokenizer) || isStreaming(tokenizer);
    const [stray] = learns ? [] : Object.keys(own('tokenizer'));
    if (stray !== undefined) {
      throw new FormatError(
        `AgentTrainer.loadState: 'tokenizer.${stray}' is for a tokenizer that learns; this one does not.`,
      );
    }
    this.#work.returns.loadState(meta.returns);
    if (learns) tokenizer.loadState(own('tokenizer'));
    if (isTrainable(tokenizer)) tokenizer.loadGeneratorState(meta.tokenizerGenerators);
    worldModel.loadState(own('worldModel'));
    behaviour.loadState(own('behaviour'));
    this.#work.probe.loadState(own('probe'), tokenizer);
    this.#work.lessons.loadState(own('lessons'));
    this.#work.generators.setState(meta.generators);
    this.#work.counters = counters;
    this.#work.loadRounds({ acting: own('acting'), played: own('played'), rollouts: meta.rollouts });
    agent.refreshCodes();
    this.#work.memory.forget();
    for (const [phase, total] of Object.entries(totals)) this.#phases.set(phase, total);
  }
}
