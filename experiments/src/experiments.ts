// The experiments that `tessera train` knows.

import type { Experiment } from './experiment.ts';
import { tokenizerExperiment } from './tokenizer/experiment.ts';

/** In the order in which `--help` lists them. */
export const experiments: readonly Experiment[] = [tokenizerExperiment as unknown as Experiment];
