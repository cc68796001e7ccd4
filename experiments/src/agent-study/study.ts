// The ablations of the agent: every variant with every seed as a run of `tessera train breakout` in a process of its own, then one table.
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { TesseraError, WorkerError } from '@tessera/core';
import { writeFileAtomic } from '@tessera/core/node';
import { resolveConfig } from '@tessera/runs';
import type { RunOutcome } from '../experiment.ts';
import { formatSeconds } from '../format.ts';
import { machineText, sourceCommit, toolVersions } from '../provenance.ts';
import { quoteWord } from '../quote-word.ts';
import type { Study, StudyContext } from '../studies.ts';
import { nodeChildren } from './child.ts';
import type { RunChild } from './child.ts';
import { agentStudySchema, quickAgentValues } from './config.ts';
import type { AgentStudyConfig } from './config.ts';
import { agentChart, agentNotes, agentTable } from './report.ts';
import { labelOf, readUnit, runUnit } from './unit.ts';
import type { AgentUnit, AgentWork } from './unit.ts';
import { checkVariants, env, variantSettings, variants } from './variants.ts';

/** The study as the command knows it; `runChild` runs its children. */
export function agentStudyWith(runChild: RunChild): Study {
  return {
    name: 'agent',
    env,
    summary:
      'What does the agent owe to which part? Ablations on Breakout, in processes of their own. Writes table.md, ablations.svg and result.json.',
    schema: agentStudySchema,
    readConfig: (layers) => {
      const config = resolveConfig(agentStudySchema, layers);
      checkVariants(chosenVariants(config), config.agent);
      return config as unknown as Readonly<Record<string, unknown>>;
    },
    quickValues: quickAgentValues,
    run: (context) => runAgents(context as unknown as StudyContext<AgentStudyConfig>, runChild),
  };
}

/** With the `tessera` program. */
export const agentStudy: Study = agentStudyWith(nodeChildren());

/** In the order of the table, whatever the order of the settings. */
function chosenVariants({ variants: names }: AgentStudyConfig) {
  return variants.filter(({ name }) => names.includes(name));
}

/** Every run, seed by seed, so that a study that was stopped has something to compare. */
export function planAgents({
  config,
  seed,
  backend,
  run,
}: Pick<StudyContext<AgentStudyConfig>, 'config' | 'seed' | 'backend'> & {
  readonly run: { readonly directory: string };
}): AgentWork[] {
  const seeds = Array.from({ length: config.seeds }, (_, i) => seed + i);
  return seeds.flatMap((own) =>
    chosenVariants(config).map((variant) => {
      const settings = [...variantSettings(variant, config.agent), `evaluation.episodes=${config.episodes}`];
      const words = ['--seed', String(own), '--steps', String(config.steps)];
      for (const setting of settings) words.push('--set', setting);
      return { variant, seed: own, root: join(run.directory, 'runs', `${variant.name}-s${own}`), words, backend };
    }),
  );
}

async function runAgents(context: StudyContext<AgentStudyConfig>, runChild: RunChild): Promise<RunOutcome> {
  const { config, seed, reporter, run, signal } = context;
  const { directory } = run;
  reporter.line(`run folder: ${directory}`);
  const work = planAgents(context);
  const [units, failures] = await runAll(work, context, runChild);
  if (signal.aborted) return { directory, stopped: true, table: [] };
  if (units.length > 0) {
    const { seeds, jobs } = config;
    const title = `Ablations on ${env}, ${config.steps} steps, ${seeds} seed${seeds === 1 ? '' : 's'}`;
    const missing = failures.map(({ work: failed }) => `${labelOf(failed)} failed.`);
    const table = [agentTable(units), '', agentNotes(units, jobs), ...missing].join('\n');
    await writeFileAtomic(join(directory, 'table.md'), `${table}\n`);
    await writeFileAtomic(join(directory, 'ablations.svg'), `${agentChart(units, title)}\n`);
    await run.writeResult({
      experiment: agentStudy.name,
      env,
      seed,
      steps: config.steps,
      wallSeconds: units.reduce((sum, { result }) => sum + result.wallSeconds, 0),
      backend: units[0]!.result.backend,
      versions: toolVersions(),
      command: context.command,
      commit: sourceCommit(),
      machine: machineText(),
      study: { units, failed: failures.map(({ work: failed }) => labelOf(failed)) },
    });
    reporter.line(table);
  }
  if (failures.length > 0) {
    const messages = failures.map(({ error }) => error.message);
    throw new WorkerError(
      `study agent: ${failures.length} of ${work.length} runs failed; the others are kept.\n${messages.join('\n')}\nTry these again with: tessera study agent --resume ${quoteWord(directory)}`,
    );
  }
  return {
    directory,
    table: [
      {
        name: 'trained in',
        value: formatSeconds(units.reduce((sum, { result }) => sum + result.wallSeconds, 0)),
        note: `the sum of ${units.length} runs, ${config.jobs} side by side`,
      },
      { name: 'table', value: join(directory, 'table.md') },
      { name: 'picture', value: join(directory, 'ablations.svg') },
    ],
  };
}

interface Failure {
  readonly work: AgentWork;
  readonly error: TesseraError;
}

/** Those that have ended, in the order of the table, and those that failed. */
async function runAll(
  work: readonly AgentWork[],
  { config: { jobs }, signal, reporter }: StudyContext<AgentStudyConfig>,
  runChild: RunChild,
): Promise<[AgentUnit[], Failure[]]> {
  const progress = reporter.progress({ label: 'study', total: work.length, unit: 'runs' });
  const units: (AgentUnit | undefined)[] = work.map(() => undefined);
  const failures: Failure[] = [];
  const queue = work.entries();
  let done = 0;
  const variables = threads(jobs);
  const one = async (i: number, own: AgentWork): Promise<void> => {
    try {
      units[i] = await readUnit(own);
      if (units[i] === undefined) {
        const unit = await runUnit(own, { runChild, variables, signal });
        if (unit === undefined) return;
        units[i] = unit;
        reporter.line(
          `${labelOf(own)}: return ${unit.drawn.meanReturn.toFixed(2)} drawn, ${unit.greedy.meanReturn.toFixed(2)} greedy, ${formatSeconds(unit.result.wallSeconds)}`,
        );
      }
    } catch (error) {
      if (!(error instanceof TesseraError)) throw error;
      failures.push({ work: own, error });
      reporter.line(error.message);
    }
    progress.update(++done);
  };
  const worker = async (): Promise<void> => {
    for (const [i, own] of queue) {
      if (signal.aborted) return;
      await one(i, own);
    }
  };
  try {
    await Promise.all(Array.from({ length: jobs }, worker));
  } finally {
    progress.stop();
  }
  return [units.filter((unit) => unit !== undefined), failures];
}

/** Each of several children computes with its share of the cores; TensorFlow alone uses more than one. */
function threads(jobs: number): Record<string, string> {
  if (jobs === 1) return {};
  return { TF_NUM_INTRAOP_THREADS: String(Math.max(1, Math.floor(availableParallelism() / jobs))) };
}
