// `npm run mutants`: plants bugs one at a time and asks the tests to notice each. People read what was found on stderr; with `--json` the last line of stdout is JSON.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ConfigError, didYouMean } from '@tessera/core';
import { repository } from '../support/repository.ts';
import { plant } from './mutant.ts';
import type { Mutant } from './mutant.ts';
import { runTests } from './trial.ts';
import type { Outcome } from './trial.ts';

/** What the command needs of its process. */
export interface Surroundings {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  /** Aborted to end everything at once. */
  readonly signal: AbortSignal;
}

const usage = `Usage: npm run mutants -- [--list] [--json] [name ...]

Plants bugs in the sources, one at a time, and runs the tests that have to notice. Exit code 1 when one of them lives.

  --list   show the bugs there are
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
    if (values.help === true) stdout.write(usage);
    else if (values.list === true) stdout.write(mutants.map(({ name, what }) => `${name}: ${what}\n`).join(''));
    else {
      const chosen = positionals.length === 0 ? mutants : positionals.map((name) => named(name, mutants));
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
    throw new UsageError((error as Error).message, { cause: error });
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
  const lost = mutants.filter(
    (mutant) => plant(readFileSync(join(repository, mutant.file), 'utf8'), mutant) === undefined,
  );
  if (lost.length > 0) {
    const places = lost.map(({ name, file, find }) => `${name}: ${JSON.stringify(find)} in ${file}`);
    throw new ConfigError(
      `mutants: expected to find exactly once what is replaced. Write down what stands there now.\n${places.join('\n')}`,
    );
  }
  const tests = [...new Set(mutants.flatMap((mutant) => mutant.tests))];
  say(`${tests.length} test files without a bug ...`);
  const outcome = await runTests({ tests }, running);
  if (signal.aborted) return [];
  if (outcome.kind !== 'passed') {
    throw new ConfigError(
      `mutants: expected tests that pass without a bug, else it means nothing when they fail with one. ${textOf(outcome)}`,
    );
  }
  say(`${textOf(outcome)}\n${mutants.length} bugs ...`);
  const survivors = new Set<string>();
  const waiting = [...mutants];
  const work = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined && !signal.aborted; mutant = waiting.shift()) {
      const began = performance.now();
      const end = await runTests({ ...mutant, mutant }, running);
      if (signal.aborted) return;
      if (end.kind !== 'failed') survivors.add(mutant.name);
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      say(`${end.kind === 'failed' ? 'killed  ' : 'SURVIVED'} ${mutant.name} (${seconds} s): ${textOf(end)}`);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  say(`${mutants.length - survivors.size} of ${mutants.length} killed.`);
  return mutants.map(({ name }) => name).filter((name) => survivors.has(name));
}

function textOf(outcome: Outcome): string {
  if (outcome.kind === 'passed') return `${outcome.tests} tests passed`;
  return outcome.kind === 'failed' ? outcome.by : `no test was of use: ${outcome.why}`;
}
