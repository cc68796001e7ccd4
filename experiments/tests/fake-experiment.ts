// An experiment that trains nothing, and surroundings that remember what was written.

import { CancelledError } from '@tessera/core';
import { RunFolder } from '@tessera/runs';
import { z } from 'zod';
import type { Experiment, ExperimentConfig, RunContext, RunOutcome } from '../src/experiment.ts';
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
  name?: string;
  /** It has an environment of its own. */
  fixedEnv?: string;
  /** It can neither go on with a run nor show one. */
  once?: boolean;
  /** Before the first step, of a run that goes on too. */
  run?: (context: RunContext<FakeConfig>) => Promise<void>;
}

/** Counts to `steps`, stops when it is told to, and writes a checkpoint and a result. */
export function fakeExperiment(options: FakeOptions = {}): Experiment<FakeConfig> {
  const { name = 'tokenizer', fixedEnv, once = false } = options;
  const count = async (context: RunContext<FakeConfig>, run: RunFolder, from: number): Promise<RunOutcome> => {
    const { steps, signal, reporter, seed, env, command } = context;
    const progress = reporter.progress({ label: 'training', total: steps, unit: 'steps' });
    await options.run?.(context);
    let done = from;
    while (done < steps && !signal.aborted) progress.update(++done, { loss: 1 / done });
    progress.stop();
    await run.writeCheckpoint('latest', {}, { done });
    const versions = { node: '20.0.0' };
    const stopped = done < steps;
    const nothing = {
      psnr: 1,
      ballRecall: 1,
      usage: 1,
      usageCeiling: 1,
      perplexity: 1,
      perplexityCeiling: 1,
      churn: 0,
    };
    await run.writeResult({
      experiment: name,
      env,
      seed,
      steps: done,
      wallSeconds: 1.5,
      backend: 'cpu',
      versions,
      command,
      stopped,
      tokenizer: { nmse: 0.25, ...nothing },
      ...(!once && { evaluation: { meanReturn: done, episodes: 10 } }),
    });
    const note = from > 0 ? `of ${steps}, from ${from} on` : `of ${steps}`;
    return { directory: run.directory, table: [{ name: 'steps', value: String(done), note }], stopped };
  };
  return {
    name,
    summary: 'Learn a tokenizer.',
    schema,
    defaultEnv: fixedEnv ?? 'Breakout-v0',
    ...(fixedEnv !== undefined && { fixedEnv: true }),
    defaults: (env) => (env === 'Catch-v0' ? { codes: 16 } : {}),
    dryRun: () => ({ parameters: 12_345, flopsPerStep: 6.7e9, memoryBytes: 3 * 2 ** 28, minutes: 2.5 }),
    async run(context) {
      const { config, env, seed, runsRoot, command } = context;
      const run = await RunFolder.create({
        root: runsRoot,
        experiment: name,
        env,
        seed,
        config: { ...config },
        command,
        lock: true,
        now: () => new Date('2026-01-31T12:00:00Z'),
      });
      try {
        return await count(context, run, 0);
      } finally {
        await run.release();
      }
    },
    async evaluate({ run, config, signal, episodes }) {
      if (signal.aborted) throw new CancelledError('eval: stopped.');
      return {
        metrics: { run: run.name, codes: config.codes, episodes },
        table: [{ name: 'codes', value: String(config.codes) }],
      };
    },
    ...(!once && {
      async resume(context) {
        const { meta } = await context.run.readCheckpoint();
        return count(context, context.run, meta['done'] as number);
      },
      async watch({ run, seed, env, backend = 'any' }) {
        const path = await run.writeMedia('watch.gif', new Uint8Array());
        return { path, table: [{ name: 'episode', value: `${env} from seed ${seed} on ${backend}` }] };
      },
    }),
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
