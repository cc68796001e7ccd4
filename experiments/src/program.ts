// The `tessera` command as a function of its arguments and surroundings. Exit codes: 0 done, 1 an error of Tessera, 2 a command
// line that cannot be understood, 130 ended by Ctrl-C.

import { CancelledError, didYouMean, TesseraError } from '@tessera/core';
import { Command, CommanderError } from 'commander';
import { addEngineCommands } from './engine-command.ts';
import type { Experiment } from './experiment.ts';
import type { Io } from './io.ts';
import { addResultsCommand } from './results/command.ts';
import { evalCommand, listCommand } from './run-commands.ts';
import type { EvalOptions } from './run-commands.ts';
import { backendChoices, collect, settingsHelp, trainCommand, trainDefaults } from './train-command.ts';
import type { TrainOptions } from './train-command.ts';
import { addStudyCommands } from './study-command.ts';
import { UsageError } from './usage-error.ts';
import { addTokenCommands } from './tokenize/commands.ts';
import { toolVersion } from './version.ts';
import { playCommand } from './terminal/play-command.ts';
import type { PlayCommandOptions } from './terminal/play-command.ts';
import { watchCommand } from './watch-command.ts';
import type { WatchOptions } from './watch-command.ts';

/** Runs the command line `argv` (without node and script) and returns the exit code; it never throws. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  let exitCode = 0;
  const program = createProgram(io, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    return reportError(error, io);
  }
}

/** Writes an error as a person should see it and returns the exit code that belongs to it. */
export function reportError(error: unknown, io: Pick<Io, 'stderr' | 'variables' | 'signal'>): number {
  // Commander has written its message already; help and version are no errors.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const debug = io.variables['TESSERA_DEBUG'] === '1';
  if (error instanceof CancelledError || (io.signal.aborted && error === io.signal.reason)) {
    io.stderr.write('Stopped.\n');
    return 130;
  }
  const text = error instanceof Error ? error.message : String(error);
  if (debug && error instanceof Error) io.stderr.write(`${error.stack ?? ''}\n`);
  if (error instanceof TesseraError) {
    io.stderr.write(`error: ${text}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
  const advice = debug ? '' : ' (a defect of Tessera; TESSERA_DEBUG=1 shows where)';
  io.stderr.write(`error: internal: ${text}${advice}\n`);
  return 1;
}

function createProgram(io: Io, exitWith: (code: number) => void): Command {
  const program = new Command('tessera')
    .description('World-model reinforcement learning in TypeScript.')
    .version(toolVersion())
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
    })
    .showHelpAfterError('(--help shows what there is)');
  const names = io.experiments.map((experiment) => experiment.name);
  const train = program
    .command('train')
    .description(`Train an experiment: ${names.join(', ')}.`)
    .argument('[experiment]', 'what to train')
    .allowUnknownOption()
    .allowExcessArguments()
    .action((name: string | undefined) => {
      const problem =
        name === undefined ? 'name an experiment.' : `unknown experiment '${name}'.${didYouMean(name, names)}`;
      throw new UsageError(`train: ${problem} There are: ${names.join(', ')}.`);
    });
  for (const experiment of io.experiments) addTraining(train, experiment, io, exitWith);
  program
    .command('eval')
    .description('Measure a run again, from its newest checkpoint.')
    .argument('<dir>', 'the run folder')
    .option('--episodes <n>', 'episodes to play, where the experiment plays any')
    .option('--backend <name>', `back end: ${backendChoices.join(', ')}`)
    .action(async (directory: string, options: EvalOptions) => exitWith(await evalCommand(directory, options, io)));
  program
    .command('watch')
    .description('Make a film of an episode of a run, as a GIF.')
    .argument('<dir>', 'the run folder')
    .option('--seed <n>', "seed of the episode (default: the run's)")
    .option('--backend <name>', `back end: ${backendChoices.join(', ')}`)
    .action(async (directory: string, options: WatchOptions) => exitWith(await watchCommand(directory, options, io)));
  program
    .command('play')
    .description("Play a game yourself, or an agent's dream of it, in the terminal.")
    .argument('[game]', 'an environment, or a run folder, whose dream is played', 'Breakout-v0')
    .option('--real', "the real game of a run's agent, not its dream")
    .option('--backend <name>', `back end of a dream: ${backendChoices.join(', ')}`)
    .option('--seed <n>', 'seed of the episodes (default: another one each time)')
    .option('--fps <n>', "steps a second (default: the environment's, 30 at most)")
    .option('--turns', 'the game waits for a key before each step')
    .option('--set <setting=value>', 'envKwargs or envModules; may be repeated', collect)
    .action(async (id: string, options: PlayCommandOptions) => exitWith(await playCommand(id, options, io)));
  addStudyCommands(program, io, exitWith);
  program
    .command('list')
    .description('List the runs.')
    .option('--runs <dir>', 'folder of the runs', 'runs')
    .option('--json', 'a JSON object a line')
    .action(async (options: { runs: string; json?: boolean }) => exitWith(await listCommand(options, io)));
  addResultsCommand(program, io, exitWith);
  addTokenCommands(program, io, exitWith);
  addEngineCommands(program, io);
  return program;
}

function addTraining(train: Command, experiment: Experiment, io: Io, exitWith: (code: number) => void): void {
  const { seed, runs } = trainDefaults;
  const command = train.command(experiment.name).description(experiment.summary);
  // Defaults are told, not set: --resume compares what was given.
  if (experiment.fixedEnv !== true) command.option('--env <id>', `environment (default: ${experiment.defaultEnv})`);
  command
    .option('--seed <n>', `seed of every generator (default: ${seed})`)
    .option('--steps <n>', 'environment steps to learn from (the setting `steps`)')
    .option('--config <file>', 'settings as JSON')
    .option('--set <setting=value>', 'one setting; may be repeated', collect)
    .option('--runs <dir>', `folder in which the run folder is made (default: ${runs})`)
    .option('--resume <dir>', 'go on with this run instead, as it was started; --steps may be larger')
    .option('--backend <name>', `back end: ${backendChoices.join(', ')}; default: the fastest there is`)
    .option('--dry-run', 'show settings, parameters, FLOPs, memory and expected time, and stop')
    .addHelpText('after', () => settingsHelp(experiment))
    .action(async (options: TrainOptions) => exitWith(await trainCommand(experiment, options, io)));
}
