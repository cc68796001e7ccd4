// Means over the updates of a round, so that a log has a line a round and not one an update. What has been added so far is part of a checkpoint.

/** Sums by name, as JSON. */
export type RoundSums = Readonly<Record<string, readonly [sum: number, count: number]>>;

/** Collects numbers by name. */
export class RoundMetrics {
  readonly #sums = new Map<string, [sum: number, count: number]>();

  /** Adds numbers; NaN says that there was nothing to measure. */
  add(values: Readonly<Record<string, number>>): void {
    for (const [name, value] of Object.entries(values)) {
      if (Number.isNaN(value)) continue;
      const [sum, count] = this.#sums.get(name) ?? [0, 0];
      this.#sums.set(name, [sum + value, count + 1]);
    }
  }

  /** The means so far. */
  means(): Record<string, number> {
    return Object.fromEntries([...this.#sums].map(([name, [sum, count]]) => [name, sum / count]));
  }

  clear(): void {
    this.#sums.clear();
  }

  state(): RoundSums {
    return Object.fromEntries(this.#sums);
  }

  loadState(state: RoundSums): void {
    this.#sums.clear();
    for (const [name, [sum, count]] of Object.entries(state)) this.#sums.set(name, [sum, count]);
  }
}
