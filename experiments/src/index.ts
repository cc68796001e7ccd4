// The front door of @tessera/experiments: the `tessera` command as a function, and what an experiment is to it.

// The command
export { main } from './program.ts';
export type { Io } from './io.ts';

// Experiments
export { experiments } from './experiments.ts';
export type {
  DryRun,
  EvaluationContext,
  EvaluationOutcome,
  Experiment,
  ExperimentConfig,
  ExperimentEnvironment,
  ResumeContext,
  RunContext,
  RunOutcome,
  WatchContext,
  WatchOutcome,
} from './experiment.ts';

// What people see
export { createReporter } from './reporter.ts';
export type { Reporter } from './reporter.ts';
export type { HumanStream, Progress, ProgressOptions } from './progress.ts';
export { renderTable } from './table.ts';
export type { TableRow } from './table.ts';
export { formatBytes, formatCount, formatNumber, formatSeconds } from './format.ts';

// Films of agents
export { filmEpisode } from './agent/film.ts';
export type { FilmOptions } from './agent/film.ts';

// Benchmarks
export type { Benchmark, BenchLine, BenchOptions, BenchResult, Comparison, Peer, Side } from './benchmark.ts';
