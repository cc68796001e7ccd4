// The experiments that `tessera train` knows.

import type { Experiment } from './experiment.ts';
import { anyAgentExperiment, breakoutExperiment, catchExperiment } from './agent/experiment.ts';
import { dqnExperiment, ppoExperiment } from './model-free/experiment.ts';
import { tokenizerExperiment } from './tokenizer/experiment.ts';

/** In the order in which `--help` lists them. */
export const experiments: readonly Experiment[] = [
  catchExperiment,
  breakoutExperiment,
  anyAgentExperiment,
  ppoExperiment,
  dqnExperiment,
  tokenizerExperiment,
].map((experiment) => experiment as unknown as Experiment);
