// `tessera train agent`, and by name `catch` and `breakout`: an agent that learns a tokenizer, a world model over its tokens, and a policy inside it.
import { join } from 'node:path';
import { playEpisode, planRound } from '@tessera/agent';
import type { Agent } from '@tessera/agent';
import { loadAgent } from '@tessera/agent/node';
import { FileError, ndarray } from '@tessera/core';
import { pathInfo } from '@tessera/core/node';
import type { Engine } from '@tessera/engine';
import { createEngine } from '@tessera/engine/node';
import { makeFrames, VectorRollouts } from '@tessera/rollouts';
import type { EnvConfig } from '@tessera/rollouts';
import { isTrainable } from '@tessera/vqvae';
import { actionNames } from '../action-names.ts';
import { engineChoice } from '../engine-choice.ts';
import { envConfig, frameShapeOf } from '../environment.ts';
import type {
  DryRun,
  EvaluationContext,
  EvaluationOutcome,
  Experiment,
  ExperimentEnvironment,
  WatchContext,
  WatchOutcome,
} from '../experiment.ts';
import { formatNumber } from '../format.ts';
import { dreamGame } from '../terminal/dream-game.ts';
import type { PlayableGame } from '../terminal/game.ts';
import { buildAgent, buildTokenizer } from './build.ts';
import { restoreTokenizer } from './checkpoint.ts';
import { agentDefaults, agentSchema } from './config.ts';
import type { AgentExperimentConfig } from './config.ts';
import { filmEpisode } from './film.ts';
import { measureAgent, measureRows } from './measure.ts';
import { resumeAgent, trainAgent } from './train.ts';

/** Steps of a film at most. */
const filmSteps = 300;

/** The experiment under a name; with `env` it is about that environment alone. */
function agentExperiment(name: string, summary: string, env?: string): Experiment<AgentExperimentConfig> {
  return {
    name,
    summary,
    defaultEnv: env ?? 'Breakout-v0',
    ...(env !== undefined && { fixedEnv: true }),
    schema: agentSchema,
    defaults: agentDefaults,
    dryRun,
    run: (context) => trainAgent(context, name),
    resume: (context) => resumeAgent(context, name),
    evaluate,
    watch,
    dream,
  };
}

/** Any environment of pictures. */
export const anyAgentExperiment: Experiment<AgentExperimentConfig> = agentExperiment(
  'agent',
  'Learn to play any environment of pictures: tokenizer, world model, policy.',
);

/** The main job. */
export const catchExperiment: Experiment<AgentExperimentConfig> = agentExperiment(
  'catch',
  'Learn to play Catch inside a learned world model; minutes on two cores.',
  'Catch-v0',
);

/** The larger game. */
export const breakoutExperiment: Experiment<AgentExperimentConfig> = agentExperiment(
  'breakout',
  'Learn to play Breakout inside a learned world model from 100,000 steps.',
  'Breakout-v0',
);

// Times a few updates on made-up data: the only honest way to say how long this machine takes.
async function dryRun({
  config,
  env: id,
  seed,
  backend,
}: ExperimentEnvironment<AgentExperimentConfig>): Promise<DryRun> {
  const env = envConfig(id, config.rollouts);
  const frameShape = await frameShapeOf(env);
  const engine = await createEngine(engineChoice(backend, config));
  try {
    const actions = await actionsOf(env, seed);
    const agent = await buildAgent(engine, { config, frameShape, actions, seed });
    const { worldModel, behaviour, tokenizer } = agent;
    const { context, batchSize } = worldModel.config;
    const { tokens } = behaviour.spec;
    const zeros = (...shape: number[]) => ndarray('int32', shape);
    const batch = (rows: number) => ({
      tokens: zeros(rows, context, tokens),
      actions: zeros(rows, context),
      nextTokens: zeros(rows, tokens),
      rewards: ndarray('float32', [rows]),
      terminated: ndarray('uint8', [rows]),
    });
    const { training, steps } = config;
    const { starts, horizon } = training.imagination;
    const both = training.mode === 'end-to-end' ? worldModel.endToEnd(tokenizer, training.endToEnd) : undefined;
    const pictures = () => ({
      ...batch(batchSize),
      frames: ndarray('uint8', [batchSize, context + 1, ...frameShape]),
    });
    const seconds = {
      'world model': secondsOf(() => worldModel.trainStep(batch(batchSize))),
      imagination: secondsOf(() => worldModel.predict(batch(starts))) * (horizon + training.imagination.explore / 2),
      tokenizer: isTrainable(tokenizer)
        ? secondsOf(() => tokenizer.trainStep(ndarray('float32', [training.tokenizer.batchSize, ...frameShape])))
        : 0,
      'end-to-end':
        both === undefined ? 0 : secondsOf(() => both.trainStep(pictures(), { progress: 0, learningRate: 0 })),
    };
    const perRound = training.numEnvs * training.roundSteps;
    let total = 0;
    for (let round = 0; round * perRound < steps; round++) {
      const plan = planRound(training, { round, startSteps: round * perRound, trainable: isTrainable(tokenizer) });
      for (const kind of plan) total += kind in seconds ? seconds[kind as keyof typeof seconds] : 0;
    }
    return {
      parameters: worldModel.parameterCount + behaviour.parameterCount,
      flopsPerStep: both?.flops(batchSize) ?? worldModel.trainFlops,
      memoryBytes:
        process.memoryUsage().rss + Math.min(training.replayBytes, steps * frameShape.reduce((a, b) => a * b)),
      minutes: total / 60,
    };
  } finally {
    engine.dispose();
  }
}

/** Seconds of one call, after one that compiles. */
function secondsOf(work: () => void): number {
  work();
  const began = performance.now();
  for (let i = 0; i < 3; i++) work();
  return (performance.now() - began) / 3000;
}

async function actionsOf(env: EnvConfig, seed: number): Promise<Agent['actions']> {
  const rollouts = await VectorRollouts.create({ env, seed });
  rollouts.close();
  return rollouts.actions;
}

async function evaluate(context: EvaluationContext<AgentExperimentConfig>): Promise<EvaluationOutcome> {
  const { config, seed, run, env: id, reporter, signal } = context;
  return withTrainedAgent(context, async ({ agent, env, engine }) => {
    const episodes = context.episodes ?? config.evaluation.episodes;
    const measures = await measureAgent(agent, { config, env, seed, episodes, reporter, signal });
    return {
      metrics: { run: run.name, env: id, seed, backend: engine.backend, ...measures },
      table: measureRows(measures),
    };
  });
}

async function watch(context: WatchContext<AgentExperimentConfig>): Promise<WatchOutcome> {
  const { run, seed, signal } = context;
  return withTrainedAgent(context, async ({ agent, env }) => {
    const game = makeFrames(env.id, { ...env.kwargs });
    try {
      const episode = playEpisode(agent, game, { seed, maxSteps: filmSteps, signal });
      const path = await run.writeMedia(
        'watch.gif',
        filmEpisode(agent, episode, { names: actionNames(env.id, agent.actions) }),
      );
      return {
        path,
        table: [
          {
            name: 'return',
            value: formatNumber(episode.totalReward),
            note: `${episode.actions.length} steps, seed ${seed}`,
          },
          {
            name: 'panels',
            value: 'real, decoded, tokens, dream',
            note: 'the dream sees a real frame every 16 steps; below, how likely each action is, and the value',
          },
        ],
      };
    } finally {
      game.close();
    }
  });
}

async function dream<T>(
  context: WatchContext<AgentExperimentConfig>,
  work: (game: PlayableGame) => Promise<T>,
): Promise<T> {
  return withTrainedAgent(context, async ({ agent, env }) => {
    const game = dreamGame(agent, env, context.seed);
    try {
      return await work(game);
    } finally {
      game.close();
    }
  });
}

interface Trained {
  readonly engine: Engine;
  readonly agent: Agent;
  readonly env: EnvConfig;
}

/** Loads the agent of a run that has ended, and takes it away again. */
async function withTrainedAgent<T>(
  { config, env: id, backend, run, reporter }: EvaluationContext<AgentExperimentConfig>,
  work: (trained: Trained) => Promise<T>,
): Promise<T> {
  const directory = join(run.directory, 'agent');
  if (!(await pathInfo(directory))) {
    throw new FileError(
      `${run.directory}: has no agent yet, because the run has not ended. Go on with: tessera train ${run.config.experiment} --resume ${run.directory}`,
      { code: 'ENOENT' },
    );
  }
  const env = envConfig(id, config.rollouts);
  const frameShape = await frameShapeOf(env);
  const engine = await createEngine(engineChoice(backend, config));
  try {
    reporter.line(`engine: ${engine.note}`);
    // The run's seed: another one may have been asked for to play with.
    const { seed } = run.config;
    const own = config.tokenizer.module === '' ? undefined : await buildTokenizer(engine, { config, frameShape, seed });
    if (own !== undefined) await restoreTokenizer(run, own);
    const agent = await loadAgent(engine, directory, own === undefined ? {} : { tokenizer: own });
    return await work({ engine, agent, env });
  } finally {
    engine.dispose();
  }
}
