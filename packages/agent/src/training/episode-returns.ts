// Returns of the episodes that training plays, put together from chunks.
import { FormatError } from '@tessera/core';
import { chunkSteps, endsEpisode } from '@tessera/rollouts';
import type { Chunk } from '@tessera/rollouts';

/** Adds up rewards, environment by environment. */
export class EpisodeReturns {
  #running: number[];

  constructor(numEnvs: number) {
    this.#running = Array.from({ length: numEnvs }, () => 0);
  }

  /** Mean return and length of the episodes that these chunks end; empty when they end none. */
  add(chunks: readonly Chunk[]): Record<string, number> {
    const ended: { readonly total: number; readonly length: number }[] = [];
    for (const chunk of chunks) {
      const { envIndex, firstStep } = chunk.metadata;
      const before = firstStep === 0 ? 0 : this.#running[envIndex]!;
      const total = before + chunk.rewards.data.reduce((sum, x) => sum + x, 0);
      this.#running[envIndex] = total;
      if (endsEpisode(chunk)) ended.push({ total, length: firstStep + chunkSteps(chunk) });
    }
    if (ended.length === 0) return {};
    const mean = (pick: (episode: (typeof ended)[number]) => number) =>
      ended.reduce((sum, episode) => sum + pick(episode), 0) / ended.length;
    return { 'episode/return': mean(({ total }) => total), 'episode/length': mean(({ length }) => length) };
  }

  state(): number[] {
    return [...this.#running];
  }

  /** Takes over a state. Throws FormatError unless it is a number for each environment. */
  loadState(running: readonly number[]): void {
    const count = this.#running.length;
    if (!Array.isArray(running) || running.length !== count || !running.every((value) => typeof value === 'number')) {
      throw new FormatError(
        `episode returns: expected ${count} numbers, one for each environment, got ${JSON.stringify(running)}.`,
      );
    }
    this.#running = [...running];
  }
}
