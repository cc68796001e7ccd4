// What the files of a run folder hold. Each file says its `formatVersion`; a reader refuses newer ones and says so. Unknown fields
// are errors, except where a schema is open on purpose.

import { z } from 'zod';
import { isPlainObject } from './config-layers.ts';
import { isNonFiniteMarkers } from './non-finite.ts';
import type { NonFiniteName } from './non-finite.ts';

/** The version of every file format of a run folder; raised together, with a reader for the older ones. */
export const formatVersion = 1;

/** The back ends as files name them. */
export const backendNames = ['tensorflow-cpu', 'tensorflow-gpu', 'wasm', 'webgpu', 'cpu'] as const;

/** One of `backendNames`. */
export type BackendName = (typeof backendNames)[number];

/** `config.json`: what a run was started with. */
export interface RunConfig {
  readonly formatVersion: typeof formatVersion;
  readonly experiment: string;
  /** Environment id. */
  readonly env: string;
  readonly seed: number;
  /** When the folder was made: UTC, ISO 8601. */
  readonly createdAt: string;
  /** The command line that started the run. */
  readonly command: string;
  /** Every setting of the experiment, defaults filled in. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** One line of `metrics.jsonl`. */
export interface MetricsLine {
  readonly formatVersion: typeof formatVersion;
  /** Environment steps so far. */
  readonly step: number;
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly values: Readonly<Record<string, number | null>>;
  /** What the nulls of `values` stand for. */
  readonly nonFinite?: Readonly<Record<string, NonFiniteName>> | undefined;
}

/** `checkpoint.json`, beside the tensors of a checkpoint. */
export interface CheckpointInfo {
  readonly formatVersion: typeof formatVersion;
  readonly name: string;
  readonly createdAt: string;
  /** Size of `tensors.safetensors`. */
  readonly tensorBytes: number;
  /** SHA-256 of `tensors.safetensors`, hexadecimal. */
  readonly tensorSha256: string;
  readonly meta: Readonly<Record<string, unknown>>;
  readonly nonFinite?: Readonly<Record<string, NonFiniteName>> | undefined;
}

/** How good a tokenizer is on held-out frames; experiments may add fields. Each number may be NaN or infinite. */
export interface TokenizerResult {
  /** `mean squared error / variance of the frames`. */
  readonly nmse: number;
  /** Peak signal to noise ratio in dB, mean over frames. */
  readonly psnr: number;
  /** Share of frames whose ball is found after decoding. */
  readonly ballRecall: number;
  /** Share of codes used. */
  readonly usage: number;
  /** The usage that this many frames allow. */
  readonly usageCeiling: number;
  /** `exp(entropy of the codes)`. */
  readonly perplexity: number;
  /** The perplexity that this many frames allow. */
  readonly perplexityCeiling: number;
  /** Share of the codes of a fixed probe set that changed since the last look. */
  readonly churn: number;
  readonly [more: string]: unknown;
}

/** How well a world model foresees steps that it has not learned from; experiments may add fields. Shares are in [0, 1]; each number may be NaN or infinite. */
export interface WorldModelResult {
  /** Of the next frame's tokens, those that are foreseen. */
  readonly tokens?: number | undefined;
  /** Of those that differ from the frame before. */
  readonly changedTokens?: number | undefined;
  /** Of the next frame's tokens, those that the frame before has already. */
  readonly copyLastFrame?: number | undefined;
  readonly rewardF1?: number | undefined;
  readonly endF1?: number | undefined;
  /** Dreams of `horizon` steps that see their first frame alone; `changedTokens` are those that differ from it. */
  readonly openLoop?:
    | {
        readonly windows: number;
        readonly horizon: number;
        readonly tokens: number;
        readonly changedTokens: number;
        readonly lastRealFrame: number;
        /** After 1, 2, ... steps. */
        readonly tokensByStep: readonly number[];
        readonly changedTokensByStep: readonly number[];
      }
    | undefined;
  /** PSNR of dreams after the actions that were taken minus that after random ones, in dB, with a 95 % interval. */
  readonly deltaPsnr?:
    | {
        readonly mean: number;
        readonly low: number;
        readonly high: number;
        readonly rollouts: number;
        readonly step: number;
      }
    | undefined;
  /** Objects in a frame, by name: means over real and dreamed frames; `wrong` is the share of dreamed frames without exactly one of what there is always one of. */
  readonly objects?:
    | Readonly<
        Record<string, { readonly real: number; readonly imagined: number; readonly wrong?: number | undefined }>
      >
    | undefined;
  /** Over the whole phase `imagination`, in which the policy learns as well. */
  readonly imaginedStepsPerSecond?: number | undefined;
  readonly [more: string]: unknown;
}

/** How well an agent plays, apart from training; experiments may add fields. Each number may be NaN or infinite. */
export interface EvaluationResult {
  /** Mean over episodes of the sum of an episode's rewards. */
  readonly meanReturn: number;
  readonly episodes: number;
  readonly [more: string]: unknown;
}

/** How well a policy plays that learns nothing; experiments may add fields. Each number may be NaN or infinite. */
export interface BaselineResult {
  readonly meanReturn: number;
  /** Of `meanReturn`: `standard deviation / sqrt(episodes)`. */
  readonly standardError: number;
  readonly episodes: number;
  /** What the policy does. */
  readonly note?: string | undefined;
  readonly [more: string]: unknown;
}

/** What a part of the work cost; experiments may add fields. Each number may be NaN or infinite. */
export interface PhaseResult {
  readonly seconds: number;
  /** Floating point operations. */
  readonly flops: number;
  /** `flops / seconds / 1e9`. */
  readonly gflops: number;
  readonly [more: string]: unknown;
}

/** `result.json`: what came out of a run. */
export interface RunResult {
  readonly formatVersion: typeof formatVersion;
  readonly experiment: string;
  readonly env: string;
  readonly seed: number;
  /** Environment steps done. */
  readonly steps: number;
  readonly wallSeconds: number;
  readonly backend: BackendName;
  /** Versions of what ran: node, the Tessera packages, TensorFlow. */
  readonly versions: Readonly<Record<string, string>>;
  /** The command that gives this result again. */
  readonly command: string;
  /** The commit of the sources, with `-dirty` after it where they differed from it; absent outside of a clone. */
  readonly commit?: string | undefined;
  /** Processor and cores. */
  readonly machine?: string | undefined;
  /** True when the run was ended before its last step. */
  readonly stopped?: boolean | undefined;
  readonly tokenizer?: TokenizerResult | undefined;
  readonly evaluation?: EvaluationResult | undefined;
  /** By the policy's name. */
  readonly baselines?: Readonly<Record<string, BaselineResult>> | undefined;
  readonly worldModel?: WorldModelResult | undefined;
  /** What a study that compares models has found, of its choice. */
  readonly study?: Readonly<Record<string, unknown>> | undefined;
  /** By the phase's name. */
  readonly phases?: Readonly<Record<string, PhaseResult>> | undefined;
}

const version = z.literal(formatVersion);
const text = z.string().min(1);
const count = z.int().min(0);
// Not z.record, which drops a key named __proto__.
const open = z.custom<Record<string, unknown>>(isPlainObject, { error: 'expected an object.' });
const nonFinite = z
  .custom<Record<string, NonFiniteName>>(isNonFiniteMarkers, {
    error: "expected an object of 'NaN' | 'Infinity' | '-Infinity'.",
  })
  .optional();
const measured = z.custom<number>((value) => typeof value === 'number', { error: 'expected a number.' });

/** Checks `config.json`. */
export const runConfigSchema: z.ZodType<RunConfig> = z.strictObject({
  formatVersion: version,
  experiment: text,
  env: text,
  seed: count,
  createdAt: z.iso.datetime(),
  command: z.string(),
  config: open,
});

/** Checks a line of `metrics.jsonl`. */
export const metricsLineSchema: z.ZodType<MetricsLine> = z.strictObject({
  formatVersion: version,
  step: count,
  wallTime: z.number(),
  values: z.record(text, z.number().nullable()),
  nonFinite,
});

/** Checks `checkpoint.json`. */
export const checkpointSchema: z.ZodType<CheckpointInfo> = z.strictObject({
  formatVersion: version,
  name: text,
  createdAt: z.iso.datetime(),
  tensorBytes: count,
  tensorSha256: z.string().regex(/^[0-9a-f]{64}$/),
  meta: open,
  nonFinite,
});

/** Checks the content of `result.json` once its non-finite numbers are back in their places. */
export const resultSchema: z.ZodType<RunResult> = z.strictObject({
  formatVersion: version,
  experiment: text,
  env: text,
  seed: count,
  steps: count,
  wallSeconds: z.number().min(0),
  backend: z.enum(backendNames),
  versions: z.record(z.string(), z.string()),
  command: z.string(),
  commit: text.optional(),
  machine: text.optional(),
  stopped: z.boolean().optional(),
  tokenizer: z
    .object({
      nmse: measured,
      psnr: measured,
      ballRecall: measured,
      usage: measured,
      usageCeiling: measured,
      perplexity: measured,
      perplexityCeiling: measured,
      churn: measured,
    })
    .catchall(z.unknown())
    .optional(),
  evaluation: z.object({ meanReturn: measured, episodes: count }).catchall(z.unknown()).optional(),
  baselines: z
    .record(
      text,
      z
        .object({ meanReturn: measured, standardError: measured, episodes: count, note: z.string().optional() })
        .catchall(z.unknown()),
    )
    .optional(),
  worldModel: z
    .object({
      tokens: measured.optional(),
      changedTokens: measured.optional(),
      copyLastFrame: measured.optional(),
      rewardF1: measured.optional(),
      endF1: measured.optional(),
      openLoop: z
        .strictObject({
          windows: count,
          horizon: count,
          tokens: measured,
          changedTokens: measured,
          lastRealFrame: measured,
          tokensByStep: z.array(measured),
          changedTokensByStep: z.array(measured),
        })
        .optional(),
      deltaPsnr: z
        .strictObject({ mean: measured, low: measured, high: measured, rollouts: count, step: count })
        .optional(),
      objects: z
        .record(text, z.strictObject({ real: measured, imagined: measured, wrong: measured.optional() }))
        .optional(),
      imaginedStepsPerSecond: measured.optional(),
    })
    .catchall(z.unknown())
    .optional(),
  study: open.optional(),
  phases: z
    .record(text, z.object({ seconds: measured, flops: measured, gflops: measured }).catchall(z.unknown()))
    .optional(),
});
