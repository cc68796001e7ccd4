// What a benchmark is: rounds that time our code and somebody else's in turn, so that a busy machine slows both. Packages export one
// as `benchmark` from `src/bench/NAME.bench.ts`; they need not import this file, the shape is enough.

/** What `run` may use. */
export interface BenchOptions {
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** How many rounds are wanted; undefined leaves it to the benchmark. */
  readonly rounds: number | undefined;
  /** The back end that is wanted; undefined leaves it to the benchmark. */
  readonly backend: string | undefined;
}

/** What was measured: a number a round, ours and theirs of one round side by side. */
export interface BenchResult {
  readonly ours: readonly number[];
  /** Empty where there is nothing to compare with on this machine. */
  readonly theirs: readonly number[];
  /** Of both: `ms/step`. */
  readonly unit: string;
  readonly backend: string;
  readonly threads: number;
}

/** A benchmark. */
export interface Benchmark {
  /** As the file is called. */
  readonly name: string;
  /** One line: what against what. */
  readonly describe: string;
  run(options: BenchOptions): Promise<BenchResult>;
}

/** The last line of a benchmark's output. */
export interface BenchLine {
  readonly name: string;
  /** `median over rounds of ours / theirs`; null without a comparison. */
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

/** Medians and the median of the paired ratios. */
export function summariseBench(name: string, result: BenchResult): BenchLine {
  const { ours, theirs, unit, backend, threads } = result;
  const compared = theirs.length > 0;
  return {
    name,
    ratio: compared ? median(ours.map((value, round) => value / theirs[round]!)) : null,
    ours: median(ours),
    theirs: compared ? median(theirs) : null,
    unit,
    rounds: ours.length,
    backend,
    threads,
  };
}

/** The middle value, or the mean of the two in the middle; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : sorted[middle - 1]! / 2 + sorted[middle]! / 2; // halves first: a sum may overflow
}
