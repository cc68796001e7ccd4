// An experiment that trains nothing, and surroundings that remember what was written.

import { CancelledError } from '@tessera/core';
import { RunFolder } from '@tessera/runs';
import { z } from 'zod';
import type { Experiment, ExperimentConfig, RunContext } from '../src/experiment.ts';
import type { Io } from '../src/io.ts';

export interface FakeConfig extends ExperimentConfig {
  readonly codes: number;
  readonly optimizer: { readonly learningRate: number };
}

const schema: z.ZodObject & z.ZodType<FakeConfig> = z.strictObject({
  steps: z.int().min(1).default(4).describe('Environment steps to learn from').meta({ unit: 'steps' }),
  codes: z.int().min(2).default(64).describe('Size of the codebook'),
  optimizer: z.strictObject({ learningRate: z.number().gt(0).default(3e-4).describe('Step size') }).prefault({}),
});

/** What may be put in place of the parts of the fake. */
export interface FakeOptions {
  run?: (context: RunContext<FakeConfig>) => Promise<void>;
}

/** Counts to `steps`, stops when it is told to, and writes a result. */
export function fakeExperiment(options: FakeOptions = {}): Experiment<FakeConfig> {
  return {
    name: 'tokenizer',
    summary: 'Learn a tokenizer.',
    defaultEnv: 'Breakout-v0',
    schema,
    defaults: (env) => (env === 'Catch-v0' ? { codes: 16 } : {}),
    dryRun: () => ({ parameters: 12_345, flopsPerStep: 6.7e9, memoryBytes: 3 * 2 ** 28, minutes: 2.5 }),
    async run(context) {
      const { config, env, seed, steps, runsRoot, command, signal, reporter } = context;
      const run = await RunFolder.create({
        root: runsRoot,
        experiment: 'tokenizer',
        env,
        seed,
        config: { ...config },
        command,
        now: () => new Date('2026-01-31T12:00:00Z'),
      });
      const progress = reporter.progress({ label: 'training', total: steps, unit: 'steps' });
      await options.run?.(context);
      let done = 0;
      while (done < steps && !signal.aborted) progress.update(++done, { loss: 1 / done });
      progress.stop();
      return {
        directory: run.directory,
        table: [{ name: 'steps', value: String(done), note: `of ${steps}` }],
        stopped: done < steps,
      };
    },
    async evaluate({ run, config, signal }) {
      if (signal.aborted) throw new CancelledError('eval: stopped.');
      return {
        metrics: { run: run.name, codes: config.codes },
        table: [{ name: 'codes', value: String(config.codes) }],
      };
    },
  };
}

/** Surroundings of a command for tests. */
export interface FakeIo extends Io {
  readonly out: () => string;
  readonly err: () => string;
  readonly controller: AbortController;
}

/** Remembers what is written; the clock goes on by a second a look. */
export function fakeIo(
  options: { experiments?: readonly Experiment[]; variables?: Record<string, string> } = {},
): FakeIo {
  const { experiments = [fakeExperiment()], variables = {} } = options;
  const out: string[] = [];
  const err: string[] = [];
  const controller = new AbortController();
  let clock = 0;
  return {
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text: string) => err.push(text) },
    variables,
    signal: controller.signal,
    nowMs: () => (clock += 1000),
    experiments,
    out: () => out.join(''),
    err: () => err.join(''),
    controller,
  };
}
