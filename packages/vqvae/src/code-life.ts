// The life of codes beside their training: where they start, how long nothing has chosen them, and where unused ones start again.
import type { Generators, NdArray } from '@tessera/core';
import type { QuantizerConfig } from './config.ts';
import type { Codebook } from './quantizers/quantizer.ts';
import { vectorsFarFromCodes } from './quantizers/seeding.ts';
import { anyVectors, startingCodes } from './quantizers/starting-codes.ts';

/** What codes live in. */
export interface CodeLifeOptions {
  readonly settings: Pick<QuantizerConfig, 'initialisation' | 'restart' | 'restartAfter' | 'restartUntil'>;
  readonly codebooks: readonly Codebook[];
  /** Draws from `seeding` and `restart`. */
  readonly generators: Generators;
  /** What of a batch is looked up in a codebook, by its place among them, and the codes that it got: [N, width] each. */
  readonly lookUp: (codebook: number, batch: NdArray) => { readonly vectors: NdArray; readonly codes: NdArray };
  /** Copies of the quantizer's arrays. */
  readonly read: () => Record<string, NdArray<'float32'>>;
  /** Overwrites them after codes have been replaced; what an optimiser keeps of those rows is to be forgotten. */
  readonly write: (
    state: Record<string, NdArray<'float32'>>,
    replaced: { readonly codebook: Codebook; readonly rows: readonly number[] },
  ) => void;
}

// A vector this much of the vectors' mean squared deviation away from its code has a code that serves it.
const restartTolerance = 0.01;

/** Seeds and restarts the codes of all codebooks of a quantizer. */
export class CodeLife {
  readonly #options: CodeLifeOptions;
  /** Updates since each code was last chosen, codebook after codebook. */
  idle: Int32Array;

  constructor(options: CodeLifeOptions) {
    this.#options = options;
    this.idle = new Int32Array(options.codebooks.reduce((sum, { vocabulary }) => sum + vocabulary, 0));
  }

  /** Starts the codes as the settings say, at vectors of this batch. */
  seed(batch: NdArray): void {
    const { codebooks, generators, settings, lookUp } = this.#options;
    // One after the other: what is looked up in a later codebook may depend on the codes of an earlier one.
    for (const [index, { vocabulary, width }] of codebooks.entries()) {
      const vectors = { data: lookUp(index, batch).vectors.data as Float32Array, width };
      const start = startingCodes(settings.initialisation, generators.get('seeding'), vectors, vocabulary);
      if (start !== undefined) this.#replace(index, [...Array(vocabulary).keys()], start.codes, start.counts);
    }
  }

  /** Counts the updates since each code was chosen, and lets those that nothing has chosen for too long start again at vectors of this batch. Returns how many. */
  restart(
    counts: readonly Float32Array[],
    { updates, batch }: { readonly updates: number; readonly batch: NdArray },
  ): number {
    const { codebooks, settings } = this.#options;
    const { restart, restartAfter, restartUntil } = settings;
    const due = restart !== 'off' && restartAfter > 0 && updates <= restartUntil;
    let restarted = 0;
    let start = 0;
    for (const [index, { vocabulary }] of codebooks.entries()) {
      const idle = this.idle.subarray(start, start + vocabulary);
      for (let k = 0; k < vocabulary; k++) idle[k] = counts[index]![k]! > 0 ? 0 : idle[k]! + 1;
      if (due) {
        const rows = [...idle.keys()].filter((k) => idle[k]! >= restartAfter);
        if (rows.length > 0) restarted += this.#restartRows(index, rows, batch);
      }
      start += vocabulary;
    }
    return restarted;
  }

  #restartRows(index: number, rows: readonly number[], batch: NdArray): number {
    const { codebooks, generators, settings, lookUp } = this.#options;
    const { width } = codebooks[index]!;
    const found = lookUp(index, batch);
    const [data, codes] = [found.vectors.data as Float32Array, found.codes.data as Float32Array];
    const generator = generators.get('restart');
    const vectors =
      settings.restart === 'random'
        ? anyVectors(generator, { data, width }, Math.min(rows.length, data.length / width))
        : vectorsFarFromCodes(
            generator,
            { data, width },
            { codes, count: rows.length, tolerance: restartTolerance * spread(data, width) },
          );
    const restarted = rows.slice(0, vectors.length / width);
    if (restarted.length > 0) this.#replace(index, restarted, vectors);
    return restarted.length;
  }

  #replace(index: number, rows: readonly number[], vectors: Float32Array, counts?: ArrayLike<number>): void {
    const { codebooks, read, write } = this.#options;
    const codebook = codebooks[index]!;
    const state = read();
    codebook.replace(state, rows, vectors, counts);
    write(state, { codebook, rows });
    const start = codebooks.slice(0, index).reduce((sum, { vocabulary }) => sum + vocabulary, 0);
    for (const row of rows) this.idle[start + row] = 0;
  }
}

/** The mean over vectors of the squared distance to their mean. */
export function spread(data: Float32Array, width: number): number {
  const rows = data.length / width;
  const sums = new Float64Array(width);
  let squares = 0;
  for (let i = 0; i < data.length; i++) {
    sums[i % width]! += data[i]!;
    squares += data[i]! * data[i]!;
  }
  return squares / rows - sums.reduce((total, sum) => total + (sum / rows) ** 2, 0);
}
