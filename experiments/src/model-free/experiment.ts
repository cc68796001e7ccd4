// `tessera train ppo` and `tessera train dqn`: agents without a model on the same frames, to compare those with one with.
import { Dqn, dqnLearner, modelFreePolicy, ModelFreeTrainer, ppoLearner } from '@tessera/agent';
import { FormatError } from '@tessera/core';
import { memoryShards, Replay } from '@tessera/rollouts';
import type { DryRun, EvaluationContext, EvaluationOutcome, Experiment, ExperimentEnvironment } from '../experiment.ts';
import { measurePlay, playRows } from '../play.ts';
import type { PlayOptions } from '../play.ts';
import { modelFreeDefaults, modelFreeSchemas } from './config.ts';
import type { ModelFreeConfig, ModelFreeKind } from './config.ts';
import { resumeModelFree, trainModelFree, withParts } from './train.ts';

function modelFreeExperiment(kind: ModelFreeKind, summary: string): Experiment<ModelFreeConfig> {
  return {
    name: kind,
    summary,
    defaultEnv: 'Breakout-v0',
    schema: modelFreeSchemas[kind],
    defaults: modelFreeDefaults,
    dryRun: (context) => dryRun(context, kind),
    run: (context) => trainModelFree(context, kind),
    resume: (context) => resumeModelFree(context, kind),
    evaluate: (context) => evaluate(context, kind),
  };
}

/** Proximal policy optimisation. */
export const ppoExperiment: Experiment<ModelFreeConfig> = modelFreeExperiment(
  'ppo',
  'Learn to play from frames without a model: proximal policy optimisation.',
);

/** Double deep Q-learning. */
export const dqnExperiment: Experiment<ModelFreeConfig> = modelFreeExperiment(
  'dqn',
  'Learn to play from frames without a model: double deep Q-learning.',
);

// Times a few rounds of the real thing: the only honest way to say how long this machine takes.
async function dryRun(context: ExperimentEnvironment<ModelFreeConfig>, kind: ModelFreeKind): Promise<DryRun> {
  const reporter = { ...context.reporter, line: () => {} };
  return withParts({ ...context, reporter }, kind, async ({ agent, rollouts, engine }) => {
    const { config, seed } = context;
    const { numEnvs, roundSteps, steps } = config;
    const replay = await Replay.create(memoryShards(), { maxBytes: Number.MAX_SAFE_INTEGER });
    const learner = agent instanceof Dqn ? dqnLearner(agent, replay) : ppoLearner(agent);
    const trainer = new ModelFreeTrainer({ learner, rollouts, numEnvs, roundSteps, steps: Infinity, seed });
    // DQN begins to learn only after some rounds, and the first that learns compiles.
    while (agent.version === 0) await trainer.round();
    const [began, flops, before, version] = [performance.now(), engine.flops, trainer.envSteps, agent.version];
    for (let round = 0; round < 3; round++) await trainer.round();
    const done = trainer.envSteps - before;
    return {
      parameters: agent.parameterCount,
      flopsPerStep: (engine.flops - flops) / (agent.version - version),
      memoryBytes: process.memoryUsage().rss,
      minutes: ((performance.now() - began) / 60_000) * (steps / done),
    };
  });
}

async function evaluate(context: EvaluationContext<ModelFreeConfig>, kind: ModelFreeKind): Promise<EvaluationOutcome> {
  const { config, env: id, seed, run, reporter, signal, episodes = config.evaluation.episodes } = context;
  return withParts({ ...context, seed: run.config.seed }, kind, async ({ agent, engine, envConfig: env }) => {
    const { tensors, directory } = await run.readCheckpoint();
    try {
      agent.loadState(tensors);
    } catch (cause) {
      throw new FormatError(`${directory}: does not fit the run: ${String((cause as Error).message)}`, { cause });
    }
    const settings = { ...config.evaluation, episodes };
    const policyOf: PlayOptions['policyOf'] = (own) => modelFreePolicy(agent, own);
    const plays = await measurePlay({ policyOf, actions: agent.actions, settings, env, seed, reporter, signal });
    return { metrics: { run: run.name, env: id, seed, backend: engine.backend, ...plays }, table: playRows(plays) };
  });
}
