// The studies that `tessera study` offers.
import type { ConfigLayer, RunFolder } from '@tessera/runs';
import type { z } from 'zod';
import { agentStudy } from './agent-study/study.ts';
import type { RunOutcome } from './experiment.ts';
import { quantizerStudy } from './quantizer-study/study.ts';
import type { Reporter } from './reporter.ts';
import { quickValues, studyConfig, studySchema } from './study/config.ts';
import type { StudyConfig } from './study/config.ts';
import { runStudy, studyEnv, studyName } from './study/study.ts';

/** What a study is given. */
export interface StudyContext<Config = Readonly<Record<string, unknown>>> {
  readonly config: Config;
  readonly seed: number;
  readonly backend: string | undefined;
  readonly signal: AbortSignal;
  readonly reporter: Reporter;
  readonly nowMs: () => number;
  readonly command: string;
  /** Opened or made, and locked; the caller releases it. */
  readonly run: RunFolder;
}

/** A fixed protocol, measured, with a report. */
export interface Study {
  /** The word after `tessera study`, and the experiment in `config.json`. */
  readonly name: string;
  /** The environment that its folders name. */
  readonly env: string;
  /** One line for `--help`. */
  readonly summary: string;
  /** For `--help`. */
  readonly schema: z.ZodObject;
  /** The settings of these layers over the defaults. Throws ConfigError for what is unknown, wrong, or does not go together. */
  readConfig(layers: readonly ConfigLayer[]): Readonly<Record<string, unknown>>;
  /** What `--quick` changes of the settings. */
  readonly quickValues: Readonly<Record<string, unknown>>;
  /** Runs what is missing and writes what came out; returns with `stopped` when the signal was aborted. */
  run(context: StudyContext): Promise<RunOutcome>;
}

/** All of them, in the order of `--help`. */
export const studies: readonly Study[] = [
  {
    name: studyName,
    env: studyEnv,
    summary: 'What is a VQ-VAE better at than a VAE, and at what rate? Writes report.html and result.json.',
    schema: studySchema,
    readConfig: (layers) => studyConfig(layers) as unknown as Readonly<Record<string, unknown>>,
    quickValues,
    run: (context) => runStudy(context as unknown as StudyContext<StudyConfig>),
  },
  quantizerStudy,
  agentStudy,
];
