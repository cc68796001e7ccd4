// What an experiment is to the `tessera` command: a name, a schema of settings, and functions that plan, run and evaluate it. The
// command reads arguments, merges settings and prints; an experiment never looks at `process`.

import type { RunFolder } from '@tessera/runs';
import type { z } from 'zod';
import type { Reporter } from './reporter.ts';
import type { TableRow } from './table.ts';
import type { PlayableGame } from './terminal/game.ts';

/** Settings that every experiment has; `--steps N` sets `steps`. */
export interface ExperimentConfig {
  /** Environment steps to learn from. */
  readonly steps: number;
}

/** What every function of an experiment may use. */
export interface ExperimentEnvironment<Config> {
  /** Checked settings, defaults filled in. */
  readonly config: Config;
  /** Environment id, not yet looked up. */
  readonly env: string;
  readonly seed: number;
  /** The back end that was asked for; undefined leaves the choice to the engine. */
  readonly backend: string | undefined;
  /** Aborted by Ctrl-C: finish the step, save what can be saved, return with `stopped`. */
  readonly signal: AbortSignal;
  readonly reporter: Reporter;
}

/** What a training run is given. */
export interface RunContext<Config> extends ExperimentEnvironment<Config> {
  /** `config.steps`. */
  readonly steps: number;
  /** The folder in which the run folder is made. */
  readonly runsRoot: string;
  /** The command line that gives this run again. */
  readonly command: string;
}

/** What the continuation of a run is given: the settings, environment and seed that it was started with, `steps` alone may be larger. */
export interface ResumeContext<Config> extends RunContext<Config> {
  /** Opened and locked; the command releases it. `run.config` has the new `steps` already. */
  readonly run: RunFolder;
}

/** What an evaluation is given. */
export interface EvaluationContext<Config> extends ExperimentEnvironment<Config> {
  readonly run: RunFolder;
  /** Episodes that were asked for, at least 1; undefined leaves the number to the experiment. */
  readonly episodes: number | undefined;
}

/** What is given to make a film of a run. `seed` is the one asked for, or else the run's, which is `run.config.seed` in any case. */
export type WatchContext<Config> = EvaluationContext<Config>;

/** What comes back from a training run. */
export interface RunOutcome {
  /** The run folder. */
  readonly directory: string;
  /** The table at the end. */
  readonly table: readonly TableRow[];
  /** True when the run ended early because `signal` was aborted. */
  readonly stopped?: boolean;
}

/** What comes back from an evaluation. */
export interface EvaluationOutcome {
  /** JSON values for programs. */
  readonly metrics: Readonly<Record<string, unknown>>;
  readonly table: readonly TableRow[];
}

/** What comes back when a run was watched. */
export interface WatchOutcome {
  /** The film, for instance `<run folder>/media/watch.gif`. */
  readonly path: string;
  readonly table: readonly TableRow[];
}

/** What a run would cost. */
export interface DryRun {
  /** Trainable numbers. */
  readonly parameters: number;
  /** Floating point operations of one training step, backward pass included. */
  readonly flopsPerStep: number;
  readonly memoryBytes: number;
  readonly minutes: number;
}

/** An experiment of the registry (`experiments.ts`). */
export interface Experiment<Config extends ExperimentConfig = ExperimentConfig> {
  /** The word after `tessera train`. */
  readonly name: string;
  /** One line for `--help`. */
  readonly summary: string;
  /** The environment where `--env` names none. */
  readonly defaultEnv: string;
  /** The experiment is about its environment alone, and `--env` is not offered. */
  readonly fixedEnv?: true;
  /** The settings, each with `.describe()`, `.default()` and, where it has a unit, `.meta({ unit })`. */
  readonly schema: z.ZodObject & z.ZodType<Config>;
  /** What this environment changes of the schema's defaults: settings as a configuration file would hold them. */
  defaults(env: string): Readonly<Record<string, unknown>>;
  /** What a run would cost, without training. */
  dryRun(context: ExperimentEnvironment<Config>): Promise<DryRun> | DryRun;
  /** Trains in a run folder that it makes and locks (`RunFolder.create` with `lock`). Throws errors of Tessera only. */
  run(context: RunContext<Config>): Promise<RunOutcome>;
  /** Goes on with a run from its newest checkpoint. Absent where runs cannot go on. */
  resume?(context: ResumeContext<Config>): Promise<RunOutcome>;
  /** Measures a finished run again. */
  evaluate(context: EvaluationContext<Config>): Promise<EvaluationOutcome>;
  /** Makes a film of an episode. Absent where there is nothing to watch. */
  watch?(context: WatchContext<Config>): Promise<WatchOutcome>;
  /** Gives `work` the dream of a run's world model as a game, and takes it away again. Absent where nothing dreams. */
  dream?<T>(context: WatchContext<Config>, work: (game: PlayableGame) => Promise<T>): Promise<T>;
}
