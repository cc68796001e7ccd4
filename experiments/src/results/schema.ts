// `experiments/results/TASK.json`: the raw scores of one task, a seed at a time, so that anybody can compute other statistics of them.

import { FormatError } from '@tessera/core';
import { z } from 'zod';

/** The version of the file; raised when a reader of the older version would misread it. */
export const resultsVersion = 1;

/** How a policy did in the episodes of one seed. */
export interface Scores {
  readonly meanReturn: number;
  /** Of `meanReturn`, over episodes. */
  readonly standardError: number;
  readonly meanLength: number;
  /** Episodes that were cut by a limit of steps. */
  readonly truncated: number;
  /** One for each episode, in the order of their seeds. */
  readonly returns: readonly number[];
}

/** What a part of a run's work cost. */
export interface Phase {
  readonly seconds: number;
  readonly flops: number;
}

/** What a run with one seed came to: actions of the kind `policy`, and of the other kind under its name. */
export interface SeedResult extends Scores {
  readonly policy: 'sampled' | 'greedy';
  readonly sampled?: Scores | undefined;
  readonly greedy?: Scores | undefined;
  readonly wallSeconds: number;
  /** What the run says of its tokenizer, of its world model on held-out steps and of its phases; other experiments have none. */
  readonly tokenizer?: Readonly<Record<string, unknown>> | undefined;
  readonly worldModel?: Readonly<Record<string, unknown>> | undefined;
  readonly phases?: Readonly<Record<string, Phase>> | undefined;
  /** Where they are not those of the other seeds. */
  readonly commit?: string | undefined;
  readonly machine?: string | undefined;
}

/** Runs that differ in their seed alone. */
export interface LearnedResults {
  readonly experiment: string;
  /** The command of the lowest seed. */
  readonly command: string;
  readonly commit: string;
  readonly machine: string;
  readonly backend: string;
  /** Environment steps learned from. */
  readonly steps: number;
  /** Every setting. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly seeds: Readonly<Record<string, SeedResult>>;
}

/** A policy that learns nothing, in the episodes of each seed. */
export interface FixedResults {
  readonly note?: string | undefined;
  readonly seeds: Readonly<Record<string, Scores>>;
}

/** The file. */
export interface TaskResults extends LearnedResults {
  readonly formatVersion: typeof resultsVersion;
  readonly task: string;
  /** Environment id. */
  readonly env: string;
  /** By name: policies that learn nothing, and other experiments on the same task. */
  readonly baselines: Readonly<Record<string, FixedResults | LearnedResults>>;
}

/** The plays of a run's `result.json`, as far as they are kept. */
export interface RunPlays {
  readonly evaluation: Omit<SeedResult, 'wallSeconds' | 'commit' | 'machine' | 'tokenizer' | 'worldModel' | 'phases'>;
  readonly baselines: Readonly<Record<string, Scores & { readonly note?: string | undefined }>>;
}

const text = z.string().min(1);
const count = z.int().min(0);
const scoreFields = {
  meanReturn: z.number(),
  standardError: z.number().min(0),
  meanLength: z.number().min(0),
  truncated: count,
  returns: z.array(z.number()).min(1),
};

/** A mean that is not that of the returns belongs to other ones. */
function isTheirMean({ meanReturn, returns }: Pick<Scores, 'meanReturn' | 'returns'>): boolean {
  const mean = returns.reduce((sum, x) => sum + x, 0) / returns.length;
  const size = returns.reduce((largest, x) => Math.max(largest, Math.abs(x)), 1);
  return Math.abs(mean - meanReturn) <= 1e-9 * size;
}
const notTheirMean = { error: 'is not the mean of returns.', path: ['meanReturn'] };

const scores = z.strictObject(scoreFields).refine(isTheirMean, notTheirMean);
// A run's own file may say more of an evaluation than is kept.
const playFields = { ...scoreFields, policy: z.enum(['sampled', 'greedy']) };
const loosePlay = z.object(scoreFields).refine(isTheirMean, notTheirMean);

/** Checks the plays of a run's `result.json`. */
export const runPlaysSchema: z.ZodType<RunPlays> = z.object({
  evaluation: z
    .object({ ...playFields, sampled: loosePlay.optional(), greedy: loosePlay.optional() })
    .refine(isTheirMean, notTheirMean),
  baselines: z
    .record(text, z.object({ ...scoreFields, note: z.string().optional() }).refine(isTheirMean, notTheirMean))
    .default({}),
});

// Runs may say more of them with every version; what is no number in a run is null here.
const measures = z.record(text, z.unknown());

const seedNames = z.string().regex(/^(?:0|[1-9]\d*)$/, 'expected a seed.');
const learnedFields = {
  experiment: text,
  command: text,
  commit: text,
  machine: text,
  backend: text,
  steps: z.int().min(1),
  config: z.record(z.string(), z.unknown()),
  seeds: z.record(
    seedNames,
    z
      .strictObject({
        ...playFields,
        sampled: scores.optional(),
        greedy: scores.optional(),
        wallSeconds: z.number().min(0),
        tokenizer: measures.optional(),
        worldModel: measures.optional(),
        phases: z.record(text, z.object({ seconds: z.number(), flops: z.number() })).optional(),
        commit: text.optional(),
        machine: text.optional(),
      })
      .refine(isTheirMean, notTheirMean),
  ),
};

const resultsSchema: z.ZodType<TaskResults> = z.strictObject({
  formatVersion: z.literal(resultsVersion),
  task: text,
  env: text,
  ...learnedFields,
  baselines: z.record(
    text,
    z.union([
      z.strictObject({ note: z.string().optional(), seeds: z.record(seedNames, scores) }),
      z.strictObject(learnedFields),
    ]),
  ),
});

/** What a file of results says. Throws FormatError, opened by `source`, for text that is none. */
export function parseResults(content: string, source: string): TaskResults {
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch (cause) {
    throw new FormatError(`${source}: expected the results of a task, got text that is no JSON.`, { cause });
  }
  const version = (json as { readonly formatVersion?: unknown } | null)?.formatVersion;
  if (typeof version === 'number' && version > resultsVersion) {
    throw new FormatError(
      `${source}: its formatVersion is ${version}, and this Tessera reads up to ${resultsVersion}. Upgrade Tessera to read it.`,
    );
  }
  const parsed = resultsSchema.safeParse(json);
  if (!parsed.success) throw new FormatError(`${source}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** The file's text: returns in one line each, so that a difference of two files can be read. */
export function resultsText(results: TaskResults): string {
  const lists = /\[\n[-+.\d\seE,]+\]/g; // no string of JSON has a line break
  return `${JSON.stringify(results, null, 2).replaceAll(lists, (list) => list.replaceAll(/\s+/g, ' ').replace('[ ', '[').replace(' ]', ']'))}\n`;
}
