// Trains a tokenizer on a live stream of frames: environments step in workers, chunks stream into memory with back-pressure, batches train a VQ-VAE.
import { join } from 'node:path';
import { CancelledError, Generators } from '@tessera/core';
import type { Engine } from '@tessera/engine';
import { createEngine } from '@tessera/engine/node';
import { learningRateAt } from '@tessera/nn';
import { ChunkMemory, trainingStream } from '@tessera/rollouts';
import type { EnvConfig } from '@tessera/rollouts';
import { rolloutSource } from '@tessera/rollouts/node';
import { RunFolder } from '@tessera/runs';
import { VQVAE, tokenChurn, toUnit } from '@tessera/vqvae';
import type { TokenizerMetrics } from '@tessera/vqvae';
import { saveTokenizer } from '@tessera/vqvae/node';
import { lastValueFrom, tap } from 'rxjs';
import type { RunContext, RunOutcome } from '../experiment.ts';
import { formatNumber, formatSeconds } from '../format.ts';
import { machineText, sourceCommit, toolVersions } from '../provenance.ts';
import { plannedUpdates } from './config.ts';
import type { TokenizerConfig } from './config.ts';
import { engineChoice } from '../engine-choice.ts';
import { envConfig, frameShapeOf, isPython } from '../environment.ts';
import { collectHeldOut, measureRows, measureTokenizer } from './measure.ts';
import type { HeldOut } from './measure.ts';
import { codebookPicture, reconstructionPicture } from './pictures.ts';

/** Trains; leaves checkpoints, metrics, pictures, `result.json` and the tokenizer itself in a new run folder. */
export async function trainTokenizer(context: RunContext<TokenizerConfig>): Promise<RunOutcome> {
  const { config, env: id, seed, reporter, backend } = context;
  plannedUpdates(config);
  const env = envConfig(id, config.rollouts);
  const frameShape = await frameShapeOf(env);
  const engine = await createEngine(engineChoice(backend, config));
  try {
    const tokenizer = new VQVAE(engine, { ...config.model, frameShape }, { seed });
    try {
      reporter.line(`engine: ${engine.note}`);
      reporter.line(
        `tokenizer: ${tokenizer.parameterCount} parameters, ${frameShape.join('x')} frames of ${id} to ${tokenizer.spec.tokenShape.join('x')} tokens of ${tokenizer.spec.vocabulary} codes`,
      );
      if (isPython(id)) {
        reporter.line(
          `${id} cannot save its state: a process that is lost is started again with fresh episodes, so the run is not exact.`,
        );
      }
      return await trainAndSave({ ...context, env, engine, tokenizer });
    } finally {
      tokenizer.dispose();
    }
  } finally {
    engine.dispose();
  }
}

interface Training extends Omit<RunContext<TokenizerConfig>, 'env'> {
  readonly env: EnvConfig;
  readonly engine: Engine;
  readonly tokenizer: VQVAE;
}

async function trainAndSave(training: Training): Promise<RunOutcome> {
  const { config, env, seed, runsRoot, command, signal, tokenizer } = training;
  const heldOut = await collectHeldOut(env, config, { seed, signal });
  const run = await RunFolder.create({
    root: runsRoot,
    experiment: 'tokenizer',
    env: env.id,
    seed,
    command,
    config: { ...config, model: { ...tokenizer.config } },
    lock: true,
  });
  try {
    return await trainInRun({ ...training, heldOut, run });
  } finally {
    await run.release();
  }
}

interface Learning extends Training {
  readonly heldOut: HeldOut;
  readonly run: RunFolder;
}

async function trainInRun(training: Learning): Promise<RunOutcome> {
  const { config, env, seed, steps, command, engine, tokenizer, heldOut, run } = training;
  const commit = sourceCommit();
  const began = performance.now();
  const progress = await learn(training).catch(async (error: unknown) => {
    const [saved] = await run.listCheckpoints();
    if (saved !== undefined)
      training.reporter.line(`What was saved before is in ${run.directory}; tessera eval reads it.`);
    throw error;
  });
  const wallSeconds = (performance.now() - began) / 1000;
  const { envSteps, churn, stopped } = progress;
  const { measures, sample } = measureTokenizer(tokenizer, env, { frames: heldOut.frames, churn });
  await saveCheckpoint(run, tokenizer, envSteps);
  await saveTokenizer(join(run.directory, 'tokenizer'), tokenizer);
  const reconstructions = reconstructionPicture(tokenizer.spec, sample.frames, sample.decoded, sample.tokens);
  const codebook = codebookPicture(tokenizer.spec, sample.decoded, sample.tokens);
  await run.writePicture('reconstructions', reconstructions);
  await run.writePicture('codebook', codebook);
  await run.logPicture(envSteps, 'reconstructions', reconstructions);
  await run.logPicture(envSteps, 'codebook', codebook);
  await run.writeResult({
    experiment: 'tokenizer',
    env: env.id,
    seed,
    steps: envSteps,
    wallSeconds,
    backend: engine.backend,
    versions: toolVersions(),
    command,
    commit,
    machine: machineText(),
    ...(stopped && { stopped }),
    tokenizer: { ...measures },
  });
  return {
    directory: run.directory,
    stopped,
    table: [
      ...measureRows(measures),
      {
        name: 'trained',
        value: formatSeconds(wallSeconds),
        note: `${envSteps} steps of ${steps}, ${tokenizer.updates} updates, ${formatNumber((tokenizer.updates * config.training.batchSize) / wallSeconds)} frames/s`,
      },
      { name: 'run folder', value: run.directory },
      { name: 'pictures', value: join(run.directory, 'media'), note: 'reconstructions.png, codebook.png' },
    ],
  };
}

interface Learned {
  readonly envSteps: number;
  /** Share of the probe frames' codes that changed between the last two looks. */
  readonly churn: number;
  readonly stopped: boolean;
}

async function learn({
  config,
  env,
  seed,
  steps,
  signal,
  reporter,
  tokenizer,
  heldOut,
  run,
}: Learning): Promise<Learned> {
  const { rollouts, training, measure } = config;
  const generators = new Generators(seed);
  const memory = new ChunkMemory({ maxBytes: rollouts.memoryBytes });
  const total = plannedUpdates(config);
  const schedule = {
    peak: tokenizer.config.learningRate,
    warmup: training.warmupUpdates,
    decay: 'cosine',
    end: training.endLearningRate,
  } as const;
  let envSteps = 0;
  let churn = NaN;
  let codes: ArrayLike<number> | undefined;

  const train = async (frames: Parameters<typeof toUnit>[0]): Promise<TokenizerMetrics> => {
    if (tokenizer.updates === 0) {
      tokenizer.seedCodebook(toUnit(memory.sampleFrames(generators.get('seeding'), training.seedFrames)));
    }
    const learningRate = learningRateAt(schedule, { step: tokenizer.updates, progress: tokenizer.updates / total });
    const metrics = tokenizer.trainStep(toUnit(frames), { learningRate });
    const { updates } = tokenizer;
    if (updates % measure.churnEvery === 0) {
      const next = tokenizer.encode(heldOut.probe).data;
      if (codes !== undefined) churn = tokenChurn(codes, next);
      codes = next;
    }
    if (updates % measure.logEvery === 0) {
      await run.logMetrics(envSteps, { ...metrics, learningRate, updates, ...(Number.isNaN(churn) ? {} : { churn }) });
    }
    if (updates % measure.checkpointEvery === 0) await saveCheckpoint(run, tokenizer, envSteps);
    return metrics;
  };
  const { numEnvs, numWorkers, chunkLength, timeoutMs } = rollouts;
  const progress = reporter.progress({ label: 'training', total: steps, unit: 'steps' });
  const stream = trainingStream({
    chunks: (aborted) =>
      rolloutSource({ env, numEnvs, numWorkers, chunkLength, timeoutMs, seed, steps, signal: aborted }),
    memory,
    generator: generators.get('batches'),
    batchSize: training.batchSize,
    trainRatio: training.trainRatio,
    warmupSteps: training.warmupSteps,
    signal,
    train,
  }).pipe(
    tap((event) => {
      envSteps = event.envSteps;
      if (event.kind === 'update')
        progress.update(envSteps, { loss: event.result.loss, perplexity: event.result.perplexity });
      else progress.update(envSteps);
    }),
  );
  try {
    await lastValueFrom(stream, { defaultValue: undefined });
    return { envSteps, churn, stopped: false };
  } catch (error) {
    // What has been learned is worth keeping; what has not begun is not.
    if (error instanceof CancelledError && tokenizer.updates > 0) return { envSteps, churn, stopped: true };
    throw error;
  } finally {
    progress.stop();
  }
}

async function saveCheckpoint(run: RunFolder, tokenizer: VQVAE, envSteps: number): Promise<void> {
  await run.writeCheckpoint('tokenizer', tokenizer.state(), {
    config: tokenizer.config,
    generators: tokenizer.generatorState(),
    envSteps,
    updates: tokenizer.updates,
  });
}
