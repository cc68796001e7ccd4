// Trains PPO or DQN on frames and measures it as agents are measured. A run can be stopped between two rounds and goes on from its newest checkpoint.
import { join } from 'node:path';
import { Dqn, dqnLearner, modelFreePolicy, ModelFreeTrainer, Ppo, ppoLearner } from '@tessera/agent';
import type { DqnConfig, ModelFreeOptions, ModelFreeState, PpoConfig } from '@tessera/agent';
import { FormatError } from '@tessera/core';
import { backendNames, RunFolder } from '@tessera/runs';
import type { BackendName } from '@tessera/runs';
import type { Engine } from '@tessera/engine';
import { createEngine } from '@tessera/engine/node';
import { Replay, VectorRollouts } from '@tessera/rollouts';
import type { EnvConfig } from '@tessera/rollouts';
import { folderShards } from '@tessera/rollouts/node';
import { z } from 'zod';
import { engineChoice } from '../engine-choice.ts';
import { envConfig, frameShapeOf } from '../environment.ts';
import type { ResumeContext, RunContext, RunOutcome } from '../experiment.ts';
import { formatCount, formatSeconds } from '../format.ts';
import { measurePlay, playRows } from '../play.ts';
import type { PlayOptions } from '../play.ts';
import { machineText, sourceCommit, toolVersions } from '../provenance.ts';
import type { ModelFreeConfig, ModelFreeKind } from './config.ts';

/** What has learned, or is about to. */
export type ModelFreeAgent = Ppo | Dqn;

/** The agent that the settings ask for, at its start. */
function createAgent(
  engine: Engine,
  { kind, config, ...options }: ModelFreeOptions & { readonly kind: ModelFreeKind; readonly config: ModelFreeConfig },
): ModelFreeAgent {
  return kind === 'ppo'
    ? new Ppo(engine, config.learner as PpoConfig, options)
    : new Dqn(engine, config.learner as DqnConfig, options);
}

/** A run from its beginning. */
export async function trainModelFree(context: RunContext<ModelFreeConfig>, kind: ModelFreeKind): Promise<RunOutcome> {
  return withParts(context, kind, async (parts) => {
    const { config, env, seed, runsRoot: root, command } = context;
    const run = await RunFolder.create({
      root,
      experiment: kind,
      env,
      seed,
      command,
      config: { ...config },
      lock: true,
    });
    try {
      return await learn({ ...context, ...parts, run });
    } finally {
      await run.release();
    }
  });
}

/** A run from its newest checkpoint. */
export async function resumeModelFree(
  context: ResumeContext<ModelFreeConfig>,
  kind: ModelFreeKind,
): Promise<RunOutcome> {
  const saved = await readProgress(context.run, kind);
  // The same back end gives the same bits; another one may be asked for where that one is missing.
  const backend = context.backend ?? saved?.backend.replace(/^tensorflow-.*/, 'tensorflow');
  return withParts({ ...context, backend }, kind, (parts) => {
    if (saved !== undefined && parts.engine.backend !== saved.backend) {
      context.reporter.line(
        `so far it ran on ${saved.backend}: from here on its numbers are not what they would have been.`,
      );
    }
    return learn({ ...context, ...parts, ...(saved !== undefined && { saved }) });
  });
}

interface Parts {
  readonly kind: ModelFreeKind;
  readonly engine: Engine;
  readonly agent: ModelFreeAgent;
  readonly rollouts: VectorRollouts;
  readonly envConfig: EnvConfig;
}

/** Makes what a run needs and takes it away again, whatever happens. */
export async function withParts<T>(
  context: Pick<RunContext<ModelFreeConfig>, 'config' | 'env' | 'seed' | 'backend' | 'reporter'>,
  kind: ModelFreeKind,
  work: (parts: Parts) => Promise<T>,
): Promise<T> {
  const { config, env: id, seed, backend, reporter } = context;
  const env = envConfig(id, config.rollouts);
  const frameShape = await frameShapeOf(env);
  const engine = await createEngine(engineChoice(backend, config));
  let rollouts: VectorRollouts | undefined;
  let agent: ModelFreeAgent | undefined;
  try {
    rollouts = await VectorRollouts.create({ env, numEnvs: config.numEnvs, seed });
    agent = createAgent(engine, { kind, config, frameShape, actions: rollouts.actions, seed });
    reporter.line(`engine: ${engine.note}`);
    reporter.line(
      `${kind}: ${frameShape.join('x')} frames of ${id}, ${formatCount(agent.parameterCount)} parameters, no model`,
    );
    if (!rollouts.exact) {
      reporter.line(
        `${id} cannot save its state: after a resume its episodes begin anew, so the run will not be exact.`,
      );
    }
    return await work({ kind, engine, agent, rollouts, envConfig: env });
  } finally {
    agent?.dispose();
    rollouts?.close();
    engine.dispose();
  }
}

interface Learning extends RunContext<ModelFreeConfig>, Parts {
  readonly run: RunFolder;
  readonly saved?: SavedProgress;
}

async function learn(learning: Learning): Promise<RunOutcome> {
  const { kind, config, steps, seed, signal, reporter, engine, agent, rollouts, run, saved } = learning;
  const commit = sourceCommit();
  const replay = agent instanceof Dqn ? await openReplay(run, agent, saved) : undefined;
  const learner = agent instanceof Dqn ? dqnLearner(agent, replay!) : ppoLearner(agent);
  const { numEnvs, roundSteps } = config;
  const trainer = new ModelFreeTrainer({ learner, rollouts, numEnvs, roundSteps, steps, seed });
  if (saved !== undefined) {
    restore(trainer, saved);
    await run.rewindMetrics(saved.metricsLines, { step: trainer.envSteps });
    reporter.line(`going on after ${trainer.envSteps} steps`);
  }
  const began = performance.now();
  const seconds = () => (saved?.seconds ?? 0) + (performance.now() - began) / 1000;
  const flops = () => (saved?.flops ?? 0) + engine.flops;
  const save = async () => {
    const { tensors, meta } = trainer.state();
    const metricsLines = await run.metricsLines();
    const { backend } = engine;
    await run.writeCheckpoint(kind, tensors, {
      trainer: meta,
      metricsLines,
      seconds: seconds(),
      flops: flops(),
      backend,
    });
    await replay?.commit();
  };
  if (saved === undefined) await save();
  const progress = reporter.progress({ label: 'training', total: steps, unit: 'steps' });
  try {
    for (let round = 1; !trainer.done && !signal.aborted; round++) {
      const metrics = await trainer.round();
      await run.logMetrics(trainer.envSteps, metrics);
      const { 'episode/return': recent } = metrics;
      progress.update(trainer.envSteps, recent === undefined ? {} : { return: recent });
      if (round % config.checkpointEvery === 0) await save();
      // A round computes without a pause; without one between two of them Ctrl-C would not be heard.
      await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    progress.stop();
  }
  await save();
  const stopped: RunOutcome = { directory: run.directory, table: [], stopped: true };
  if (!trainer.done) return stopped;
  try {
    return await finish({ ...learning, commit, training: { seconds: seconds(), flops: flops() } });
  } catch (error) {
    // Everything that was learned is saved; a resume comes straight back here.
    if (signal.aborted) return stopped;
    throw error;
  }
}

async function openReplay(run: RunFolder, { config }: Dqn, saved: SavedProgress | undefined): Promise<Replay> {
  const store = await folderShards(join(run.directory, 'replay'));
  const sizes = { maxBytes: config.replayBytes };
  if (saved === undefined) return Replay.create(store, sizes);
  if (saved.trainer.meta.replay === null) throw new FormatError(`${saved.directory}: the checkpoint has no 'replay'.`);
  return Replay.resume(store, saved.trainer.meta.replay, sizes);
}

interface Work {
  readonly seconds: number;
  readonly flops: number;
}

async function finish(
  learning: Learning & { readonly commit: string | undefined; readonly training: Work },
): Promise<RunOutcome> {
  const { kind, config, seed, engine, agent, run, envConfig: env, reporter, signal, training, commit } = learning;
  const [began, flops] = [performance.now(), engine.flops];
  const policyOf: PlayOptions['policyOf'] = (own) => modelFreePolicy(agent, own);
  const settings = config.evaluation;
  const plays = await measurePlay({ policyOf, actions: agent.actions, settings, env, seed, reporter, signal });
  const evaluation = { seconds: (performance.now() - began) / 1000, flops: engine.flops - flops };
  const wallSeconds = training.seconds + evaluation.seconds;
  const rated = ({ seconds, flops: own }: Work) => ({
    seconds,
    flops: own,
    gflops: seconds > 0 ? own / seconds / 1e9 : 0,
  });
  await run.writeResult({
    experiment: kind,
    env: env.id,
    seed,
    steps: learning.steps,
    wallSeconds,
    backend: engine.backend,
    versions: toolVersions(),
    command: learning.command,
    commit,
    machine: machineText(),
    evaluation: { ...plays.evaluation },
    baselines: Object.fromEntries(Object.entries(plays.baselines).map(([name, play]) => [name, { ...play }])),
    phases: { training: rated(training), evaluation: rated(evaluation) },
  });
  return {
    directory: run.directory,
    table: [
      ...playRows(plays),
      {
        name: 'trained',
        value: formatSeconds(training.seconds),
        note: `${learning.steps} steps, ${formatCount(training.flops)}FLOP`,
      },
      { name: 'run folder', value: run.directory },
    ],
  };
}

interface SavedProgress {
  readonly directory: string;
  readonly trainer: ModelFreeState;
  readonly metricsLines: number;
  /** Seconds of training, and its operations, earlier sessions included. */
  readonly seconds: number;
  readonly flops: number;
  readonly backend: BackendName;
}

const record = z.record(z.string(), z.unknown());
const progressSchema = z.object({
  trainer: z.object({
    envSteps: z.int().min(0),
    generators: record,
    rollouts: record,
    returns: z.array(z.number()),
    replay: record.nullable(),
  }),
  metricsLines: z.int().min(0),
  seconds: z.number().min(0),
  flops: z.number().min(0),
  backend: z.enum(backendNames),
});

/** The newest checkpoint; undefined in a run that was killed before it wrote one. Throws FormatError for a damaged one or one of another kind of run. */
async function readProgress(run: RunFolder, kind: ModelFreeKind): Promise<SavedProgress | undefined> {
  if ((await run.listCheckpoints()).length === 0 && (await run.metricsLines()) === 0) return undefined;
  const { name, directory, tensors, meta } = await run.readCheckpoint();
  const parsed = progressSchema.safeParse(meta);
  if (name !== kind || !parsed.success) throw new FormatError(`${directory}: is no checkpoint of a run of ${kind}.`);
  const { trainer, ...rest } = parsed.data;
  return { directory, trainer: { tensors, meta: trainer as unknown as ModelFreeState['meta'] }, ...rest };
}

function restore(trainer: ModelFreeTrainer, { directory, trainer: saved }: SavedProgress): void {
  try {
    trainer.loadState(saved);
  } catch (cause) {
    throw new FormatError(`${directory}: does not fit the run: ${String((cause as Error).message)}`, { cause });
  }
}
