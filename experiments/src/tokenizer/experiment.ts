// `tessera train tokenizer`: learns a VQ-VAE from the frames of an environment while they stream in.
import { ndarray } from '@tessera/core';
import { createEngine } from '@tessera/engine/node';
import { VQVAE } from '@tessera/vqvae';
import type { DryRun, EvaluationContext, EvaluationOutcome, Experiment, ExperimentEnvironment } from '../experiment.ts';
import { plannedUpdates, tokenizerDefaults, tokenizerSchema } from './config.ts';
import type { TokenizerConfig } from './config.ts';
import { engineChoice } from '../engine-choice.ts';
import { envConfig, frameShapeOf } from '../environment.ts';
import { loadRunTokenizer } from './load.ts';
import { collectHeldOut, measureRows, measureTokenizer } from './measure.ts';
import { trainTokenizer } from './train.ts';

/** The experiment as the command knows it. */
export const tokenizerExperiment: Experiment<TokenizerConfig> = {
  name: 'tokenizer',
  summary: 'Learn a discrete tokenizer (VQ-VAE) from a live stream of frames.',
  defaultEnv: 'Breakout-v0',
  schema: tokenizerSchema,
  defaults: tokenizerDefaults,
  dryRun,
  run: trainTokenizer,
  evaluate,
};

// Times a few steps on frames of noise: the only honest way to say how long this machine takes.
async function dryRun({ config, env, seed, backend }: ExperimentEnvironment<TokenizerConfig>): Promise<DryRun> {
  const { training, rollouts, steps } = config;
  const updates = plannedUpdates(config);
  const frameShape = await frameShapeOf(envConfig(env, rollouts));
  const engine = await createEngine(engineChoice(backend, config));
  try {
    const tokenizer = new VQVAE(engine, { ...config.model, frameShape }, { seed });
    const frames = ndarray('float32', [training.batchSize, ...frameShape]);
    for (let i = 0; i < frames.data.length; i++) frames.data[i] = (i % 97) / 97;
    tokenizer.trainStep(frames);
    const began = performance.now();
    for (let step = 0; step < 3; step++) tokenizer.trainStep(frames);
    const seconds = (performance.now() - began) / 3000;
    return {
      parameters: tokenizer.parameterCount,
      flopsPerStep: tokenizer.trainFlops(training.batchSize),
      memoryBytes:
        process.memoryUsage().rss + Math.min(rollouts.memoryBytes, steps * frameShape.reduce((a, b) => a * b)),
      minutes: (updates * seconds) / 60,
    };
  } finally {
    engine.dispose();
  }
}

async function evaluate({
  config,
  env: id,
  seed,
  backend,
  signal,
  reporter,
  run,
}: EvaluationContext<TokenizerConfig>): Promise<EvaluationOutcome> {
  const env = envConfig(id, config.rollouts);
  const engine = await createEngine(engineChoice(backend, config));
  try {
    const tokenizer = await loadRunTokenizer(engine, run);
    reporter.line(`engine: ${engine.note}`);
    const { frames } = await collectHeldOut(env, config, { seed, signal });
    const churn = (await run.readResult())?.tokenizer?.churn ?? NaN;
    const { measures } = measureTokenizer(tokenizer, env, { frames, churn });
    return {
      metrics: { run: run.name, env: id, seed, backend: engine.backend, tokenizer: { ...measures } },
      table: measureRows(measures),
    };
  } finally {
    engine.dispose();
  }
}
