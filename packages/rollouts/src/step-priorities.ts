// Prioritised experience replay, the proportional kind (Schaul et al. 2016, arXiv 1511.05952, sections 3.3 and 3.4): a step is drawn with probability
// `P(i) = p_i^alpha / sum_k p_k^alpha`, and what is learned from it is weighted by `(N P(i))^-beta`, so that with beta = 1 the mean is that of uniform draws.

import { ConfigError, FormatError } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';
import type { Replay } from './replay.ts';
import type { ReplayChunk, StepReference } from './replay-index.ts';
import { checkWhole } from './settings.ts';
import { hasWindow } from './step-window.ts';
import { SumTree } from './sum-tree.ts';

export interface StepPrioritiesOptions {
  readonly replay: Replay;
  /** Only steps whose `context` frames are held are drawn; default 1. */
  readonly context?: number;
  /** How much priorities count, `alpha` >= 0; with 0 all steps are alike. */
  readonly alpha: number;
}

/** Steps that were drawn. */
export interface DrawnSteps {
  readonly steps: StepReference[];
  /** `(N P(i))^-beta` of each, divided by the largest of them. */
  readonly weights: Float32Array;
}

/**
 * Priorities of the steps of a replay. New ones get the highest priority that any step held has, 1 when there are none, so that each is learned from soon.
 *
 * It looks at the replay when it is made and in `refresh`, which is to be called after each `append`.
 */
export class StepPriorities {
  readonly #replay: Replay;
  readonly #context: number;
  readonly #alpha: number;
  /** Chunks held, and the place of the first step of each. */
  #chunks: readonly ReplayChunk[] = [];
  #places = new Map<number, number>();
  #priorities = new Float32Array();
  #tree = new SumTree([]);
  #candidates = 0;

  /** Throws ConfigError for an `alpha` below 0 and a `context` that is no whole number > 0. */
  constructor({ replay, context = 1, alpha }: StepPrioritiesOptions) {
    checkWhole({ context }, 1, 'StepPriorities');
    if (!(alpha >= 0)) throw new ConfigError(`StepPriorities: expected alpha >= 0, got ${alpha}.`);
    this.#replay = replay;
    this.#context = context;
    this.#alpha = alpha;
    this.refresh();
  }

  /** Takes notice of the chunks that have come to the replay, and of those that have left it. */
  refresh(): void {
    const highest = this.#priorities.length === 0 ? 1 : this.#priorities.reduce((a, b) => Math.max(a, b));
    const [chunks, places, before] = [this.#chunks, this.#places, this.#priorities];
    const known = new Map(chunks.map((chunk) => [chunk.id, chunk.steps]));
    this.#index();
    const priorities = new Float32Array(this.#replay.steps).fill(highest);
    for (const { id } of this.#chunks) {
      const first = places.get(id);
      if (first !== undefined) priorities.set(before.subarray(first, first + known.get(id)!), this.#places.get(id)!);
    }
    this.#build(priorities);
  }

  /** The priority of a step that is held. Throws ConfigError for one that is not. */
  priority(step: StepReference): number {
    return this.#priorities[this.#place(step)]!;
  }

  /**
   * Draws `count` steps, with replacement: one `random()` each, so the result is a function of the generator's state, of what is held and of its priorities.
   * Throws ConfigError when there is no step to draw.
   */
  sample(generator: Generator, count: number, { beta }: { readonly beta: number }): DrawnSteps {
    checkWhole({ count }, 1, 'StepPriorities.sample');
    const { total } = this.#tree;
    if (total === 0) {
      throw new ConfigError(
        `StepPriorities.sample: no step held has its ${this.#context} frames. Append chunks and call refresh before sampling.`,
      );
    }
    const places = Array.from({ length: count }, () => this.#tree.find(generator.random() * total));
    const raw = places.map((place) => ((this.#candidates * this.#tree.at(place)) / total) ** -beta);
    const largest = raw.reduce((a, b) => Math.max(a, b));
    return {
      steps: places.map((place) => this.#step(place)),
      weights: Float32Array.from(raw, (weight) => weight / largest),
    };
  }

  /** Gives steps that are held their new priorities, > 0. Throws ConfigError, before anything has changed, for steps that are not held and other numbers. */
  update(steps: readonly StepReference[], priorities: ArrayLike<number>): void {
    const places = steps.map((step) => this.#place(step));
    for (let i = 0; i < steps.length; i++) {
      const priority = priorities[i]!;
      if (priority > 0 && Number.isFinite(priority)) continue;
      throw new ConfigError(
        `StepPriorities.update: expected a finite priority > 0 for each of ${steps.length} steps, got ${priority}.`,
      );
    }
    for (const [i, place] of places.entries()) {
      this.#priorities[place] = priorities[i]!;
      // A step without its context is not drawn, and stays so.
      if (this.#tree.at(place) > 0) this.#tree.set(place, this.#priorities[place]! ** this.#alpha);
    }
  }

  /** The priorities of all steps held, oldest chunk first: float32 [steps]. */
  state(): NdArray<'float32'> {
    return { dtype: 'float32', shape: [this.#priorities.length], data: this.#priorities.slice() };
  }

  /** Takes over the priorities that `state` gave for a replay that held what this one holds. Throws FormatError for anything else. */
  loadState(priorities: NdArray): void {
    this.#index();
    const { steps } = this.#replay;
    const { dtype, shape } = priorities;
    if (dtype !== 'float32' || String(shape) !== String([steps])) {
      throw new FormatError(
        `StepPriorities.loadState: expected the priorities of ${steps} steps, float32 [${steps}], got ${dtype} [${shape.join(', ')}].`,
      );
    }
    const data = priorities.data as Float32Array;
    const bad = data.find((priority) => !(priority > 0 && Number.isFinite(priority)));
    if (bad !== undefined)
      throw new FormatError(`StepPriorities.loadState: expected finite priorities > 0, got ${bad}.`);
    this.#build(data.slice());
  }

  #index(): void {
    this.#chunks = [...this.#replay.chunks()];
    this.#places = new Map();
    let place = 0;
    for (const { id, steps } of this.#chunks) {
      this.#places.set(id, place);
      place += steps;
    }
  }

  #build(priorities: Float32Array<ArrayBuffer>): void {
    const weights = Float64Array.from(priorities, (priority) => priority ** this.#alpha);
    this.#candidates = weights.length;
    for (const chunk of this.#chunks) {
      const first = this.#places.get(chunk.id)!;
      // Steps without their context are the first ones of a chunk.
      for (let step = 0; step < chunk.steps && !hasWindow({ chunk, step }, this.#context); step++) {
        weights[first + step] = 0;
        this.#candidates--;
      }
    }
    this.#priorities = priorities;
    this.#tree = new SumTree(weights);
  }

  #place({ chunk, step }: StepReference): number {
    const first = this.#places.get(chunk.id);
    if (first === undefined || !Number.isInteger(step) || step < 0 || step >= chunk.steps) {
      throw new ConfigError(
        `StepPriorities: there is no step ${step} of chunk ${chunk.id}. Call refresh after each append.`,
      );
    }
    return first + step;
  }

  /** The step at a place, by binary search. */
  #step(place: number): StepReference {
    let low = 0;
    let high = this.#chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#places.get(this.#chunks[middle]!.id)! <= place) low = middle;
      else high = middle - 1;
    }
    const chunk = this.#chunks[low]!;
    return { chunk, step: place - this.#places.get(chunk.id)! };
  }
}
