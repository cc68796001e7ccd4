// The life of codes beside their training: where they start, how long nothing has chosen them, and where unused ones start again.
import type { Generators, NdArray } from '@tessera/core';
import { f32, reshape } from '@tessera/engine';
import type { Program, State, Tensor, Traced } from '@tessera/engine';
import type { AdamState } from '@tessera/nn';
import { encodeFrames } from './autoencoder.ts';
import type { VqvaeConfig } from './config.ts';
import type { VqvaeParameters } from './model.ts';
import type { Codebook } from './quantizers/quantizer.ts';
import { vectorsFarFromCodes } from './quantizers/seeding.ts';
import { anyVectors, startingCodes } from './quantizers/starting-codes.ts';

type LookUps = Program<{ frames: ReturnType<typeof f32> }, { vectors: Tensor; codes: Tensor }>;

/** What lives on the backend. */
export interface VqvaeState {
  readonly parameters: VqvaeParameters;
  readonly adam: AdamState;
}

/** What codes live in. */
export interface CodeLifeOptions {
  readonly config: VqvaeConfig;
  readonly codebooks: readonly Codebook[];
  readonly state: State<VqvaeState>;
  /** Draws from `seeding` and `restart`. */
  readonly generators: Generators;
}

// A vector this much of the vectors' mean squared deviation away from its code has a code that serves it.
const restartTolerance = 0.01;

/** Seeds and restarts the codes of all codebooks of a quantizer. */
export class CodeLife {
  readonly #options: CodeLifeOptions;
  readonly #lookUps = new Map<string, LookUps>();
  /** Updates since each code was last chosen, codebook after codebook. */
  idle: Int32Array;

  constructor(options: CodeLifeOptions) {
    this.#options = options;
    this.idle = new Int32Array(options.codebooks.reduce((sum, { vocabulary }) => sum + vocabulary, 0));
  }

  /** Starts the codes as the settings say, at vectors of these frames. */
  seed(frames: NdArray): void {
    const { codebooks, config, generators } = this.#options;
    const { initialisation } = config.quantizer;
    // One after the other: what is looked up in a later codebook may depend on the codes of an earlier one.
    for (const [index, { vocabulary, width }] of codebooks.entries()) {
      const vectors = { data: this.lookUp(index, frames).vectors, width };
      const start = startingCodes(initialisation, generators.get('seeding'), vectors, vocabulary);
      if (start !== undefined) this.#replace(index, [...Array(vocabulary).keys()], start.codes, start.counts);
    }
  }

  /** Counts the updates since each code was chosen, and lets those that nothing has chosen for too long start again at vectors of these frames. Returns how many. */
  restart(
    counts: readonly Float32Array[],
    { updates, frames }: { readonly updates: number; readonly frames: NdArray },
  ): number {
    const { codebooks, config } = this.#options;
    const { restart, restartAfter, restartUntil } = config.quantizer;
    const due = restart !== 'off' && restartAfter > 0 && updates <= restartUntil;
    let restarted = 0;
    let start = 0;
    for (const [index, { vocabulary }] of codebooks.entries()) {
      const idle = this.idle.subarray(start, start + vocabulary);
      for (let k = 0; k < vocabulary; k++) idle[k] = counts[index]![k]! > 0 ? 0 : idle[k]! + 1;
      if (due) {
        const rows = [...idle.keys()].filter((k) => idle[k]! >= restartAfter);
        if (rows.length > 0) restarted += this.#restartRows(index, rows, frames);
      }
      start += vocabulary;
    }
    return restarted;
  }

  /** The vectors of these frames that are looked up in a codebook, and their codes, row after row. */
  lookUp(index: number, frames: NdArray): { vectors: Float32Array; codes: Float32Array } {
    const { config, codebooks, state } = this.#options;
    const [batch] = frames.shape;
    const key = `${index} ${batch}`;
    let program = this.#lookUps.get(key);
    if (program === undefined) {
      const inputs = { frames: f32(batch!, ...config.frameShape) };
      program = state.program('latents', inputs, ({ frames: x }, traced) => {
        const { encoder, quantizer } = traced.parameters as Traced<VqvaeParameters>;
        const z = reshape(encodeFrames(config, encoder, x), [-1, config.quantizer.codeDim]);
        return codebooks[index]!.lookUp(quantizer, z);
      });
      this.#lookUps.set(key, program);
    }
    const { vectors, codes } = program.run({ frames });
    return { vectors: vectors.data as Float32Array, codes: codes.data as Float32Array };
  }

  dispose(): void {
    for (const program of this.#lookUps.values()) program.dispose();
  }

  #restartRows(index: number, rows: readonly number[], frames: NdArray): number {
    const { codebooks, config, generators } = this.#options;
    const { width } = codebooks[index]!;
    const { vectors: data, codes } = this.lookUp(index, frames);
    const generator = generators.get('restart');
    const vectors =
      config.quantizer.restart === 'random'
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

  // New codes, with the statistics of the quantizer and the moments of the optimiser reset for their rows.
  #replace(index: number, rows: readonly number[], vectors: Float32Array, counts?: ArrayLike<number>): void {
    const { codebooks, state } = this.#options;
    const codebook = codebooks[index]!;
    const values = state.read();
    const prefix = 'parameters.quantizer.';
    const names = Object.keys(values).filter((name) => name.startsWith(prefix));
    codebook.replace(
      Object.fromEntries(names.map((name) => [name.slice(prefix.length), values[name] as NdArray<'float32'>])),
      rows,
      vectors,
      counts,
    );
    for (const moment of ['first', 'second']) {
      const name = `adam.${moment}.quantizer/${codebook.name}`;
      if (values[name] === undefined) continue;
      for (const row of rows) values[name].data.fill(0 as never, row * codebook.width, (row + 1) * codebook.width);
      names.push(name);
    }
    state.write(Object.fromEntries(names.map((name) => [name, values[name]!])));
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
