// Which steps of the replay the world model learns from next, and what is remembered of how well it predicted them.
import { FormatError } from '@tessera/core';
import type { Generator } from '@tessera/core';
import type { NamedArrays } from '@tessera/engine';
import { StepPriorities } from '@tessera/rollouts';
import type { Replay, StepReference } from '@tessera/rollouts';
import type { SamplingConfig } from './config.ts';

/** What lessons are drawn from. */
export interface LessonStepsOptions {
  readonly replay: Replay;
  /** Frames that the world model sees. */
  readonly context: number;
  readonly config: SamplingConfig;
}

/** The steps of a lesson. */
export interface Lesson {
  readonly steps: readonly StepReference[];
  /** How much each counts; undefined where all count alike. */
  readonly weights?: Float32Array;
}

/** Draws the steps of lessons. */
export class LessonSteps {
  readonly #options: LessonStepsOptions;
  readonly #priorities: StepPriorities | undefined;

  constructor(options: LessonStepsOptions) {
    this.#options = options;
    const { replay, context, config } = options;
    if (config.kind === 'prioritised') this.#priorities = new StepPriorities({ replay, context, alpha: config.alpha });
  }

  /** Draws a lesson; `progress` in [0, 1] places it in the run. */
  draw(generator: Generator, count: number, progress: number): Lesson {
    const { replay, context, config } = this.#options;
    const { kind, halfLife, uniformShare, beta } = config;
    if (this.#priorities !== undefined) {
      return this.#priorities.sample(generator, count, { beta: beta + (1 - beta) * Math.min(1, progress) });
    }
    const recency = kind === 'recent' ? { halfLife, uniformShare } : undefined;
    return { steps: replay.sampleSteps(generator, count, { context, recency }) };
  }

  /** Takes notice of the losses with which a lesson's steps were learned. */
  learned(steps: readonly StepReference[], losses: Float32Array): void {
    this.#priorities?.update(
      steps,
      losses.map((loss) => loss + this.#options.config.minimum),
    );
  }

  /** Takes notice of a new round. */
  refresh(): void {
    this.#priorities?.refresh();
  }

  state(): NamedArrays {
    return this.#priorities === undefined ? {} : { priorities: this.#priorities.state() };
  }

  /** Goes on from a state; the replay must have been resumed from the same one. Throws FormatError for a state of another kind or another replay. */
  loadState({ priorities, ...more }: NamedArrays): void {
    const { kind } = this.#options.config;
    if (Object.keys(more).length > 0 || (priorities === undefined) !== (this.#priorities === undefined)) {
      const got = priorities === undefined ? 'no priorities' : Object.keys({ priorities, ...more }).join(', ');
      throw new FormatError(
        `AgentTrainer.loadState: expected the state of training.sampling.kind '${kind}', got one with ${got}.`,
      );
    }
    if (priorities !== undefined) this.#priorities?.loadState(priorities);
  }
}
