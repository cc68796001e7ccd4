// `npm run mutants`: plants bugs one at a time and asks the tests to notice each. People read what was found on stderr; with `--json` the last line of stdout is JSON.

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ConfigError, didYouMean } from '@tessera/core';
import { repository } from '../support/repository.ts';
import { plant } from './mutant.ts';
import type { Mutant } from './mutant.ts';
import { runTests } from './trial.ts';
import type { Outcome, Trial } from './trial.ts';

/** What the command needs of its process. */
export interface Surroundings {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  /** Aborted to end everything at once. */
  readonly signal: AbortSignal;
}

const usage = `Usage: npm run mutants -- [--list] [--json] [name ...]

Plants bugs in the sources, one at a time, and runs the tests that have to notice. Exit code 1 when one of them lives.

  --list   show the bugs, and plant none
  --json   a last line of JSON on stdout: { planted, killed, survivors }
`;

/** Runs the command line `argv` over `mutants`; returns the exit code: 1 when a bug survives or nothing could be learned, 2 for a wrong command line, 130 when aborted. */
export async function mutantsProgram(
  argv: readonly string[],
  mutants: readonly Mutant[],
  { stdout, stderr, signal }: Surroundings,
): Promise<number> {
  const temporary = mkdtempSync(join(tmpdir(), 'tessera-mutants-'));
  try {
    const { values, positionals } = parse(argv);
    const chosen = positionals.length === 0 ? mutants : [...new Set(positionals)].map((name) => named(name, mutants));
    if (values.help === true) stdout.write(usage);
    else if (values.list === true) stdout.write(chosen.map(({ name, what }) => `${name}: ${what}\n`).join(''));
    else {
      const survivors = await survivorsOf(chosen, { say: (text) => stderr.write(`${text}\n`), signal, temporary });
      if (signal.aborted) return 130;
      const killed = chosen.length - survivors.length;
      if (values.json === true) stdout.write(`${JSON.stringify({ planted: chosen.length, killed, survivors })}\n`);
      return survivors.length === 0 ? 0 : 1;
    }
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      stderr.write(`error: ${error.message}\n\n${usage}`);
      return 2;
    }
    if (!(error instanceof ConfigError)) throw error;
    stderr.write(`error: ${error.message}\n`);
    return 1;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

class UsageError extends Error {}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { list: { type: 'boolean' }, json: { type: 'boolean' }, help: { type: 'boolean' } },
    });
  } catch (error) {
    throw new UsageError(`mutants: ${(error as Error).message}`, { cause: error });
  }
}

function named(name: string, mutants: readonly Mutant[]): Mutant {
  const found = mutants.find((mutant) => mutant.name === name);
  if (found !== undefined) return found;
  const names = mutants.map((mutant) => mutant.name);
  throw new UsageError(`mutants: there is no '${name}'.${didYouMean(name, names)} --list shows all.`);
}

interface Running {
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
  readonly temporary: string;
}

/** The names of those that no test noticed. Throws ConfigError when that cannot be found out. */
async function survivorsOf(mutants: readonly Mutant[], running: Running): Promise<string[]> {
  const { say, signal } = running;
  const lost = mutants.filter((mutant) => plant(sourceOf(mutant), mutant) === undefined);
  if (lost.length > 0) {
    const places = lost.map(({ name, file, find }) => `${name}: ${JSON.stringify(find)} in ${file}`);
    throw new ConfigError(
      `mutants: expected what is replaced to be there exactly once; write down what stands there now.\n${places.join('\n')}`,
    );
  }
  const trials = new Map(mutants.map(({ tests, only }) => [`${tests.join(' ')} ${only}`, { tests, only }]));
  say(`${trials.size} runs of tests without a bug ...`);
  await inTurn([...trials.values()], running, (trial, outcome) => {
    if (outcome.kind === 'passed') return;
    throw new ConfigError(
      `mutants: expected tests that pass without a bug, else it means nothing when they fail with one. ${trial.tests.join(' ')}: ${textOf(outcome)}`,
    );
  });
  if (signal.aborted) return [];
  say(`${mutants.length} bugs ...`);
  const survivors: string[] = [];
  const bugs = mutants.map((mutant) => ({ ...mutant, mutant }));
  await inTurn(bugs, running, ({ name }, outcome, seconds) => {
    const killed = outcome.kind === 'failed';
    if (!killed) survivors.push(name);
    say(`${killed ? 'killed  ' : 'SURVIVED'} ${name} (${seconds.toFixed(1)} s): ${textOf(outcome)}`);
  });
  if (!signal.aborted) say(`${mutants.length - survivors.length} of ${mutants.length} killed.`);
  return mutants.map(({ name }) => name).filter((name) => survivors.includes(name));
}

function sourceOf({ file }: Mutant): string {
  const path = join(repository, file);
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/** Runs trials, as many at a time as there are cores, and tells of each that was not aborted. What `tell` throws ends all. */
async function inTurn<T extends Trial>(
  trials: readonly T[],
  running: Running,
  tell: (trial: T, outcome: Outcome, seconds: number) => void,
): Promise<void> {
  const waiting = [...trials];
  const failed = new AbortController();
  const signal = AbortSignal.any([running.signal, failed.signal]);
  const work = async (): Promise<void> => {
    for (let trial = waiting.shift(); trial !== undefined && !signal.aborted; trial = waiting.shift()) {
      const began = performance.now();
      const outcome = await runTests(trial, { ...running, signal });
      if (signal.aborted) return;
      try {
        tell(trial, outcome, (performance.now() - began) / 1000);
      } catch (error) {
        failed.abort(error);
      }
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  // Now that nothing runs any more.
  failed.signal.throwIfAborted();
}

function textOf(outcome: Outcome): string {
  if (outcome.kind === 'passed') return `${outcome.tests} tests passed`;
  return outcome.kind === 'failed' ? outcome.by : `no test was of use: ${outcome.why}`;
}
