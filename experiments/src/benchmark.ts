// What a benchmark is: two sides that do the same work, timed in turn, so that a busy machine slows both. A package exports one as `benchmark` from
// `bench/NAME.bench.ts`; it takes no code from here, these types are all it needs.

import type { NdArray } from '@tessera/core';

/** What `prepare` may look at. */
export interface BenchOptions {
  /** The back end that is wanted; undefined leaves it to the benchmark. */
  readonly backend: string | undefined;
  /** What our products compute with. */
  readonly precision: 'float32' | 'bf16';
  /** Sizes at which everything runs within a second, for checks. */
  readonly tiny: boolean;
}

/** One of those that are compared. */
export interface Side {
  readonly name: string;
  /** What the work gives at its start, by name: losses, gradients, outputs. Sides have to agree on it before they are timed. */
  values(): Readonly<Record<string, NdArray>> | Promise<Readonly<Record<string, NdArray>>>;
  /** Milliseconds of each of `count` further units of work. */
  times(count: number): readonly number[] | Promise<readonly number[]>;
  dispose(): void | Promise<void>;
}

/** A side in Python: a script that answers questions on stdin, as `packages/engine/bench/peers/README.md` says. */
export interface Peer {
  /** Path in the package of the benchmark. */
  readonly script: string;
  readonly arguments: readonly string[];
  /** What its Python has to have; `torch` and `numpy` by default. */
  readonly modules?: readonly string[];
  /** Written to a folder, one `.npy` file each, before the script starts. */
  readonly arrays: Readonly<Record<string, NdArray>>;
}

/** What is compared. */
export interface Comparison {
  readonly ours: Side;
  readonly theirs: Side | Peer;
  /** Further sides, for people; they have to agree on the values that they know. */
  others?(): Promise<readonly Side[]>;
  /** Of times: `ms/step`. */
  readonly unit: string;
  /** What a unit of work handles, for rates: 32 `frames`. */
  readonly items: { readonly count: number; readonly name: string };
  readonly backend: string;
  /** What people should know of our side. */
  readonly note: string;
  /** Lines for people at the end. */
  report?(): readonly string[];
}

/** A benchmark. */
export interface Benchmark {
  /** As the file is called. */
  readonly name: string;
  /** One line: what against what. */
  readonly describe: string;
  prepare(options: BenchOptions): Promise<Comparison>;
}

/** What was measured: a number a round, ours and theirs of one round side by side. */
export interface BenchResult {
  readonly ours: readonly number[];
  /** Empty where there was nothing to compare with. */
  readonly theirs: readonly number[];
  readonly unit: string;
  readonly backend: string;
  readonly threads: number;
}

/** The last line of a benchmark's output. */
export interface BenchLine {
  readonly name: string;
  /** `median over rounds of ours / theirs`, below 1 where we are faster; null without a comparison. */
  readonly ratio: number | null;
  /** Median. */
  readonly ours: number;
  /** Median; null without a comparison. */
  readonly theirs: number | null;
  readonly unit: string;
  readonly rounds: number;
  readonly backend: string;
  readonly threads: number;
}
