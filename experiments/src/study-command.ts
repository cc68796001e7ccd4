// `tessera study NAME`: runs a study, or goes on with one that was stopped. The run folder's path is the only line on stdout.

import { ConfigError } from '@tessera/core';
import type { Command } from 'commander';
import { describeSchema, parseSetting, RunFolder } from '@tessera/runs';
import type { ConfigLayer } from '@tessera/runs';
import type { Io } from './io.ts';
import { quoteWord } from './quote-word.ts';
import { createReporter } from './reporter.ts';
import { studies } from './studies.ts';
import type { Study, StudyContext } from './studies.ts';
import { renderColumns } from './table.ts';
import { backendChoices, checkBackend, collect, trainDefaults } from './train-command.ts';
import { parseCount, UsageError } from './usage-error.ts';

/** Options as commander gives them. */
interface StudyOptions {
  readonly quick?: boolean;
  readonly seed?: string;
  readonly set?: readonly string[];
  readonly runs?: string;
  readonly resume?: string;
  readonly backend?: string;
}

/** Adds `study` with a command for each study. */
export function addStudyCommands(program: Command, io: Io, exitWith: (code: number) => void): void {
  const command = program.command('study').description('Run a study: a fixed protocol, measured, with a report.');
  for (const study of studies) {
    command
      .command(study.name)
      .description(study.summary)
      .option('--quick', 'one seed, fewer and smaller models: minutes on any machine')
      .option(
        '--seed <n>',
        `seed of the data, and of the first of the runs of each model (default: ${trainDefaults.seed})`,
      )
      .option('--set <setting=value>', 'one setting; may be repeated', collect)
      .option('--runs <dir>', `folder in which the run folder is made (default: ${trainDefaults.runs})`)
      .option('--resume <dir>', 'go on with this study instead, as it was started')
      .option('--backend <name>', `back end: ${backendChoices.join(', ')}; default: the fastest there is`)
      .addHelpText('after', () => settingsHelp(study))
      .action(async (options: StudyOptions) => exitWith(await studyCommand(study, options, io)));
  }
}

async function studyCommand(study: Study, options: StudyOptions, io: Io): Promise<number> {
  const { backend } = options;
  if (backend !== undefined) checkBackend(backend);
  const { run, config, seed } =
    options.resume === undefined ? await startStudy(study, options) : await reopen(study, options, options.resume);
  const reporter = createReporter(io.stderr, io.nowMs);
  try {
    const { command } = run.config;
    const { signal, nowMs } = io;
    const outcome = await study.run({ config, seed, backend, signal, reporter, nowMs, command, run });
    reporter.close();
    if (outcome.stopped === true) {
      reporter.line('Stopped; the models that were finished are saved.');
      reporter.line(`Continue with: tessera study ${study.name} --resume ${quoteWord(outcome.directory)}`);
    } else reporter.table(outcome.table);
    io.stdout.write(`${outcome.directory}\n`);
    return outcome.stopped === true ? 130 : 0;
  } finally {
    reporter.close();
    await run.release();
  }
}

type Opened = Pick<StudyContext, 'run' | 'config' | 'seed'>;

async function startStudy(study: Study, options: StudyOptions): Promise<Opened> {
  const { quick = false, seed: seedText = trainDefaults.seed, runs = trainDefaults.runs, backend } = options;
  const seed = parseCount('--seed', seedText);
  const config = study.readConfig(settingLayers(study, options));
  const words = ['tessera', 'study', study.name, ...(quick ? ['--quick'] : []), '--seed', seedText];
  for (const text of options.set ?? []) words.push('--set', text);
  if (backend !== undefined) words.push('--backend', backend);
  const run = await RunFolder.create({
    root: runs,
    experiment: study.name,
    env: study.env,
    seed,
    config: { ...config },
    command: words.map(quoteWord).join(' '),
    lock: true,
  });
  return { run, config, seed };
}

function settingLayers({ schema, quickValues }: Study, { quick = false, set = [] }: StudyOptions): ConfigLayer[] {
  const layers: ConfigLayer[] = quick ? [{ source: '--quick', values: quickValues }] : [];
  for (const text of set) {
    try {
      layers.push(parseSetting(text, schema));
    } catch (error) {
      throw error instanceof ConfigError ? new UsageError(error.message, { cause: error }) : error;
    }
  }
  return layers;
}

async function reopen(study: Study, options: StudyOptions, directory: string): Promise<Opened> {
  for (const name of ['quick', 'seed', 'set', 'runs'] as const) {
    if (options[name] !== undefined) {
      throw new UsageError(`--${name}: a study goes on as it was started. Leave it out, or leave --resume out.`);
    }
  }
  const run = await RunFolder.open(directory);
  const { experiment, seed, config } = run.config;
  if (experiment !== study.name) {
    throw new ConfigError(`study: '${directory}' is a run of '${experiment}', not of the study ${study.name}.`);
  }
  const checked = study.readConfig([{ source: directory, values: config }]);
  await run.lock();
  return { run, config: checked, seed };
}

function settingsHelp({ schema }: Study): string {
  const rows = describeSchema(schema).map((row) => [row.path, row.default, row.unit, row.type, row.meaning]);
  const table = renderColumns(['setting', 'default', 'unit', 'type', 'meaning'], rows);
  return `\nSettings (for --set setting=value):\n${table.replaceAll(/^/gm, '  ')}\n`;
}
