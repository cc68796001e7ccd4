// The end of an agent run: measurements, films, `result.json` and the table.
import { join } from 'node:path';
import { playEpisode } from '@tessera/agent';
import type { Agent, AgentTrainer } from '@tessera/agent';
import type { Engine } from '@tessera/engine';
import { makeFrames } from '@tessera/rollouts';
import type { EnvConfig } from '@tessera/rollouts';
import type { MetricsRecord, RunFolder } from '@tessera/runs';
import type { RunContext, RunOutcome } from '../experiment.ts';
import { formatCount, formatSeconds } from '../format.ts';
import { machineText, toolVersions } from '../provenance.ts';
import type { AgentExperimentConfig } from './config.ts';
import { filmDreams } from './film.ts';
import { measureAgent, measureRows } from './measure.ts';
import { phaseResults } from './phases.ts';

/** A run that has learned from its last step. */
export interface Finishing extends RunContext<AgentExperimentConfig> {
  readonly engine: Engine;
  readonly agent: Agent;
  readonly envConfig: EnvConfig;
  readonly run: RunFolder;
  readonly experiment: string;
  readonly trainer: AgentTrainer;
  readonly wallSeconds: () => number;
  /** The commit of the sources when the run began or went on. */
  readonly commit: string | undefined;
}

/** Episodes side by side in the film. */
const filmed = 4;
/** Steps of them at most. */
const filmSteps = 100;

/** Measures, films, and writes the result. */
export async function finishRun(run: Finishing): Promise<RunOutcome> {
  const { config, seed, agent, engine, envConfig: env, trainer, experiment, reporter, signal } = run;
  const [began, flops] = [performance.now(), engine.flops];
  const { episodes } = config.evaluation;
  const measures = await measureAgent(agent, { config, env, seed, episodes, reporter, signal });
  const evaluating = { seconds: (performance.now() - began) / 1000, flops: engine.flops - flops };
  await writeDreams(run);
  const { counters } = trainer;
  const phases = phaseResults({ ...trainer.phases, evaluation: evaluating });
  const metrics = await run.run.readMetrics();
  const churn = lastOf(metrics, 'tokenizer/churn');
  const imagining = phases['imagination'];
  const wallSeconds = run.wallSeconds();
  await run.run.writeResult({
    experiment,
    env: env.id,
    seed,
    steps: counters.envSteps,
    wallSeconds,
    backend: engine.backend,
    versions: toolVersions(),
    command: run.command,
    commit: run.commit,
    machine: machineText(),
    evaluation: { ...measures.evaluation },
    baselines: Object.fromEntries(Object.entries(measures.baselines).map(([name, play]) => [name, { ...play }])),
    tokenizer: {
      ...measures.tokenizer,
      churn,
      churnPer100Updates: lastOf(metrics, churnRate),
      // The first look is the last one before the world model learns these codes.
      churnAtWorldModelStart: firstOf(metrics, churnRate),
      kind: config.tokenizer.module || config.tokenizer.kind,
      updates: counters.tokenizerUpdates,
      restsSince: counters.tokenizerRestsSince,
    },
    worldModel: {
      ...measures.worldModel,
      parameters: agent.worldModel.parameterCount,
      updates: agent.worldModel.updates,
      imaginationSince: counters.imaginationSince,
      imaginedSteps: counters.imaginedSteps,
      ...(imagining && { imaginedStepsPerSecond: counters.imaginedSteps / imagining.seconds }),
    },
    phases,
  });
  const total = Object.values(phases).reduce((sum, phase) => sum + phase.flops, 0);
  const { directory } = run.run;
  return {
    directory,
    table: [
      ...measureRows(measures),
      {
        name: 'trained',
        value: formatSeconds(wallSeconds),
        note: `${counters.envSteps} steps, ${formatCount(counters.imaginedSteps)} imagined, ${formatCount(total)}FLOP`,
      },
      ...(imagining && counters.imaginedSteps > 0
        ? [
            {
              name: 'imagination',
              value: `${(counters.imaginedSteps / imagining.seconds).toFixed(0)} steps/s`,
              note: `${imagining.gflops.toFixed(1)} GFLOPS, policy updates included`,
            },
          ]
        : []),
      { name: 'run folder', value: directory },
      { name: 'film', value: join(directory, 'media', 'dream.gif'), note: 'real above, imagined below' },
    ],
  };
}

const churnRate = 'tokenizer/churn_per_100_updates';

const firstOf = (metrics: readonly MetricsRecord[], name: string): number =>
  metrics.find(({ values }) => values[name] !== undefined)?.values[name] ?? NaN;

const lastOf = (metrics: readonly MetricsRecord[], name: string): number =>
  metrics.findLast(({ values }) => values[name] !== undefined)?.values[name] ?? NaN;

async function writeDreams({ agent, envConfig: env, seed, run, signal }: Finishing): Promise<void> {
  const game = makeFrames(env.id, { ...env.kwargs });
  try {
    const episodes = Array.from({ length: filmed }, (_, i) =>
      playEpisode(agent, game, { seed: seed * filmed + i, maxSteps: filmSteps, signal }),
    );
    await run.writeMedia('dream.gif', filmDreams(agent, episodes));
  } finally {
    game.close();
  }
}
