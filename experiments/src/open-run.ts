// A run folder together with the experiment that made it, for the commands that work on a run.

import { join } from 'node:path';
import { ConfigError, didYouMean } from '@tessera/core';
import { parseConfig, RunFolder } from '@tessera/runs';
import type { Experiment, ExperimentConfig } from './experiment.ts';

/** A run whose experiment is known. */
export interface OpenedRun {
  readonly run: RunFolder;
  readonly experiment: Experiment;
}

/** Opens a run for the command `where`. Throws ConfigError when its experiment is not among `experiments`, and what `RunFolder.open` throws. */
export async function openRun(
  where: string,
  directory: string,
  experiments: readonly Experiment[],
): Promise<OpenedRun> {
  const run = await RunFolder.open(directory);
  const name = run.config.experiment;
  const experiment = experiments.find((known) => known.name === name);
  if (experiment) return { run, experiment };
  const names = experiments.map((known) => known.name);
  throw new ConfigError(
    `${where}: '${directory}' is a run of the experiment '${name}', which is not known here.${didYouMean(name, names)} There are: ${names.join(', ')}. Update Tessera if a newer one wrote it.`,
  );
}

/** Where a run's settings are, as messages name it. */
export function settingsSource(run: RunFolder): string {
  return `${join(run.directory, 'config.json')}: config`;
}

/** The settings of a run, checked against its experiment's schema of today. Throws ConfigError. */
export function settingsOfRun({ run, experiment }: OpenedRun): ExperimentConfig {
  return parseConfig(experiment.schema, run.config.config, {
    source: settingsSource(run),
  }) as unknown as ExperimentConfig;
}
