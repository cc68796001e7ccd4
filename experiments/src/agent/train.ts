// Trains an agent: collects, learns a tokenizer, a world model and a policy, and measures them at the end. It can be stopped between any two items of work and
// goes on from its newest checkpoint as if nothing had happened.
import { join } from 'node:path';
import { AgentTrainer, plannedItems } from '@tessera/agent';
import { ConfigError } from '@tessera/core';
import { saveAgent, WorkerCollector } from '@tessera/agent/node';
import { pullMap, Replay } from '@tessera/rollouts';
import type { EnvConfig, VectorRollouts } from '@tessera/rollouts';
import { folderShards } from '@tessera/rollouts/node';
import { RunFolder } from '@tessera/runs';
import { isTrainable, NearestTokenizer, VQVAE } from '@tessera/vqvae';
import { saveTokenizer } from '@tessera/vqvae/node';
import { from, lastValueFrom } from 'rxjs';
import { envConfig } from '../environment.ts';
import type { ResumeContext, RunContext, RunOutcome } from '../experiment.ts';
import { formatCount } from '../format.ts';
import { sourceCommit } from '../provenance.ts';
import { createParts } from './build.ts';
import type { Parts, PartsRequest } from './build.ts';
import { readProgress, restoreTrainer, saveProgress } from './checkpoint.ts';
import type { SavedProgress } from './checkpoint.ts';
import type { AgentExperimentConfig } from './config.ts';
import { finishRun } from './finish.ts';
import { objectsInDreams } from './objects.ts';
import { speedMetrics } from './phases.ts';
import { RoundMetrics } from './round-metrics.ts';
import { roundPlayer } from './round-player.ts';

type Context = RunContext<AgentExperimentConfig>;

/** A run from its beginning. */
export async function trainAgent(context: Context, experiment: string): Promise<RunOutcome> {
  return withParts(context, async (parts) => {
    const { config, env, seed, runsRoot, command } = context;
    const run = await RunFolder.create({
      root: runsRoot,
      experiment,
      env,
      seed,
      command,
      config: { ...config },
      lock: true,
    });
    try {
      return await learn({ ...context, ...parts, run, experiment });
    } finally {
      await run.release();
    }
  });
}

/** A run from its newest checkpoint. */
export async function resumeAgent(
  context: ResumeContext<AgentExperimentConfig>,
  experiment: string,
): Promise<RunOutcome> {
  // One that was killed before its first checkpoint has done nothing yet.
  const { run } = context;
  if ((await run.listCheckpoints()).length === 0 && (await run.metricsLines()) === 0) {
    return withParts(context, (parts) => learn({ ...context, ...parts, experiment }));
  }
  const saved = await readProgress(run);
  // The same back end gives the same bits; another one may be asked for where that one is missing.
  const backend = context.backend ?? backendChoice(saved.backend);
  return withParts({ ...context, backend }, (parts) => {
    if (parts.engine.backend !== saved.backend) {
      context.reporter.line(
        `so far it ran on ${saved.backend}: from here on its numbers are not what they would have been.`,
      );
    }
    return learn({ ...context, ...parts, experiment, saved });
  });
}

interface RunParts extends Parts {
  readonly envConfig: EnvConfig;
  readonly collector: WorkerCollector | undefined;
}

/** Makes what a run needs and takes it away again, whatever happens. */
async function withParts(context: Context, work: (parts: RunParts) => Promise<RunOutcome>): Promise<RunOutcome> {
  const { config, env: id, seed, backend, reporter } = context;
  const env = envConfig(id, config.rollouts);
  const parts = await createParts({ config, env, seed, backend });
  let collector: WorkerCollector | undefined;
  try {
    const { engine, agent, rollouts } = parts;
    const { tokenizer, worldModel, behaviour } = agent;
    const { tokenShape, vocabulary, frameShape } = tokenizer.spec;
    reporter.line(`engine: ${engine.note}`);
    reporter.line(
      `agent: ${frameShape.join('x')} frames of ${id} as ${tokenShape.join('x')} tokens of ${vocabulary} codes; world model ${formatCount(worldModel.parameterCount)}, policy and value ${formatCount(behaviour.parameterCount)} parameters`,
    );
    if (!rollouts.exact) {
      reporter.line(
        `${id} cannot save its state: after a resume its episodes begin anew, so the run will not be exact.`,
      );
    }
    if (config.training.collection === 'meanwhile') {
      const player: PartsRequest = { config, env, seed, backend: backendChoice(engine.backend) };
      collector = new WorkerCollector({ module: roundPlayer, options: player });
    }
    return await work({ ...parts, envConfig: env, collector });
  } finally {
    await collector?.close();
    parts.dispose();
  }
}

/** The name by which to ask for the back end that runs. */
const backendChoice = (backend: string): string => backend.replace(/^tensorflow-.*/, 'tensorflow');

interface Learning extends Context, RunParts {
  readonly run: RunFolder;
  readonly experiment: string;
  readonly saved?: SavedProgress;
}

async function learn(learning: Learning): Promise<RunOutcome> {
  const {
    config,
    envConfig: env,
    steps,
    seed,
    signal,
    reporter,
    engine,
    agent,
    rollouts,
    collector,
    run,
    saved,
  } = learning;
  checkReplaySize(config, rollouts);
  const commit = sourceCommit();
  const store = await folderShards(join(run.directory, 'replay'));
  const sizes = { maxBytes: config.training.replayBytes };
  const replay =
    saved === undefined
      ? await Replay.create(store, sizes)
      : await Replay.resume(store, saved.trainer.meta.replay, sizes);
  const lookAtDreams = objectsInDreams(env);
  const { training } = config;
  const trainer = new AgentTrainer({ agent, rollouts, collector, replay, steps, seed, training, lookAtDreams });
  const metrics = new RoundMetrics();
  if (saved !== undefined) {
    restoreTrainer({ trainer, tokenizer: agent.tokenizer }, saved);
    metrics.loadState(saved.metrics);
    await run.rewindMetrics(saved.metricsLines, { step: trainer.counters.envSteps });
    reporter.line(`going on after ${trainer.counters.envSteps} steps`);
  }
  const earlier = saved?.wallSeconds ?? 0;
  const began = performance.now();
  const wallSeconds = () => earlier + (performance.now() - began) / 1000;
  const save = () =>
    saveProgress(run, { trainer, replay, metrics, wallSeconds: wallSeconds(), backend: engine.backend });
  if (saved === undefined) await save();

  // Rounds differ in what they cost, the first above all; items of work tell better than steps how long it takes.
  const total = plannedItems(config.training, { steps, trainable: isTrainable(agent.tokenizer) });
  const progress = reporter.progress({ label: 'training', total, unit: 'updates' });
  let shown: Record<string, number> = {};
  const work = pullMap(
    () => trainer.items(signal),
    (event) =>
      from(
        (async () => {
          metrics.add(event.metrics);
          const { envSteps, round, itemsDone, imaginedSteps } = event.counters;
          if (event.roundDone) {
            const means = metrics.means();
            metrics.clear();
            const speed = speedMetrics(trainer.phases, imaginedSteps);
            await run.logMetrics(envSteps, { ...means, ...speed, round, 'imagination/steps': imaginedSteps });
            shown = pick(means, { return: 'episode/return', changed: 'world_model/changed_token_accuracy' });
            if (round % config.checkpointEvery === 0) await save();
          }
          progress.update(itemsDone, { steps: envSteps, ...shown });
          // An item computes without a pause; without one between two of them Ctrl-C would be heard only at the end of a round.
          await new Promise((resolve) => setImmediate(resolve));
        })(),
      ),
  );
  try {
    await lastValueFrom(work, { defaultValue: undefined });
  } finally {
    progress.stop();
  }
  await save();
  if (!trainer.done) return { directory: run.directory, table: [], stopped: true };
  await saveAgent(join(run.directory, 'agent'), agent);
  if (agent.tokenizer instanceof VQVAE || agent.tokenizer instanceof NearestTokenizer) {
    await saveTokenizer(join(run.directory, 'agent', 'tokenizer'), agent.tokenizer);
  }
  try {
    return await finishRun({ ...learning, trainer, wallSeconds, commit });
  } catch (error) {
    // Everything that was learned is saved; a resume comes straight back here.
    if (signal.aborted) return { directory: run.directory, table: [], stopped: true };
    throw error;
  }
}

/** The newest round has to fit into the replay whole. */
function checkReplaySize({ training }: AgentExperimentConfig, { frameShape }: VectorRollouts): void {
  const { numEnvs, roundSteps, replayBytes } = training;
  const needed = numEnvs * (roundSteps + 1) * frameShape.reduce((product, size) => product * size, 1);
  if (replayBytes >= needed) return;
  throw new ConfigError(
    `training.replayBytes: a round of ${numEnvs} x ${roundSteps} steps takes about ${needed} bytes, and the replay has room for ${replayBytes}. Raise it, or make rounds shorter.`,
  );
}

function pick(
  values: Readonly<Record<string, number>>,
  names: Readonly<Record<string, string>>,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(names).flatMap(([short, name]) => (values[name] === undefined ? [] : [[short, values[name]]])),
  );
}
