// The settings of `tessera train tokenizer`, with their defaults, and what the built-in games change of them.
import { ConfigError } from '@tessera/core';
import type { Precision } from '@tessera/engine';
import { vqvaeSchema } from '@tessera/vqvae';
import type { VqvaeConfig } from '@tessera/vqvae';
import { z } from 'zod';
import { precisionSchema } from '../engine-choice.ts';
import { environmentSchema } from '../environment.ts';
import type { ExperimentConfig } from '../experiment.ts';

/** How frames are collected. */
export interface RolloutConfig {
  readonly numEnvs: number;
  readonly numWorkers: number;
  readonly chunkLength: number;
  readonly memoryBytes: number;
  readonly timeoutMs: number;
  readonly envKwargs: Readonly<Record<string, unknown>>;
  readonly envModules: readonly string[];
}

/** How much is learned from them. */
export interface TrainingConfig {
  readonly batchSize: number;
  readonly trainRatio: number;
  readonly warmupSteps: number;
  readonly seedFrames: number;
  readonly warmupUpdates: number;
  readonly endLearningRate: number;
}

/** What is measured, and how often. */
export interface MeasureConfig {
  readonly heldOutSteps: number;
  readonly evaluationFrames: number;
  readonly probeFrames: number;
  readonly logEvery: number;
  readonly churnEvery: number;
  readonly checkpointEvery: number;
}

/** All settings of the experiment. */
export interface TokenizerConfig extends ExperimentConfig {
  readonly rollouts: RolloutConfig;
  readonly training: TrainingConfig;
  readonly model: VqvaeConfig;
  readonly measure: MeasureConfig;
  readonly precision: Precision;
}

const whole = (meaning: string, minimum = 1) => z.int().min(minimum).describe(meaning);

/** The schema of `TokenizerConfig`. */
export const tokenizerSchema: z.ZodObject & z.ZodType<TokenizerConfig> = z.strictObject({
  steps: whole('environment steps to learn from').default(24_000).meta({ unit: 'steps' }),
  rollouts: z
    .strictObject({
      numEnvs: whole('environments stepped side by side').default(4),
      numWorkers: whole('worker threads that step them').default(1),
      chunkLength: whole('steps in a chunk').default(64).meta({ unit: 'steps' }),
      memoryBytes: whole('chunks kept to draw batches from')
        .default(256 * 2 ** 20)
        .meta({ unit: 'bytes' }),
      timeoutMs: whole('longest wait for a worker before it counts as hung').default(60_000).meta({ unit: 'ms' }),
      ...(environmentSchema as z.ZodObject).shape,
    })
    .prefault({}),
  training: z
    .strictObject({
      batchSize: whole('frames in a training batch').default(64).meta({ unit: 'frames' }),
      trainRatio: z
        .number()
        .positive()
        .default(4)
        .describe('frames trained on for each environment step')
        .meta({ unit: 'frames / step' }),
      warmupSteps: whole('steps before the first update', 0).default(2000).meta({ unit: 'steps' }),
      seedFrames: whole('frames whose vectors the codes start at').default(512).meta({ unit: 'frames' }),
      warmupUpdates: whole('updates over which the learning rate rises', 0).default(50).meta({ unit: 'updates' }),
      endLearningRate: z
        .number()
        .min(0)
        .max(1)
        .default(0.05)
        .describe('learning rate at the end as a share of the highest; half a cosine leads there'),
    })
    .prefault({}),
  model: (vqvaeSchema as z.ZodObject).prefault({}),
  measure: z
    .strictObject({
      heldOutSteps: whole('steps of the environment, seeded apart, that frames for evaluation come from')
        .default(10_000)
        .meta({ unit: 'steps' }),
      evaluationFrames: whole('frames evaluated').default(10_000).meta({ unit: 'frames' }),
      probeFrames: whole('frames whose codes are watched for churn').default(128).meta({ unit: 'frames' }),
      logEvery: whole('between lines of metrics').default(20).meta({ unit: 'updates' }),
      churnEvery: whole('between looks at the probe frames').default(100).meta({ unit: 'updates' }),
      checkpointEvery: whole('between checkpoints').default(500).meta({ unit: 'updates' }),
    })
    .prefault({}),
  precision: precisionSchema,
}) as never;

// Found on Breakout from a random policy, seeds 0 to 2. Kernels as large as their stride give each token its own patch alone, which such small games
// like: a ball is two pixels wide. The squared error counts in units of the data's variance, and the worst pixel keeps the ball from being averaged away.
export const arcadeVqvae = {
  tokenShape: [5, 5],
  channels: 64,
  kernelSize: 2,
  residualBlocks: 0,
  activation: 'elu',
  learningRate: 2e-3,
  quantizer: { kind: 'ema', vocabulary: 64 },
  reconstruction: { variance: 0.03, worstPixel: 0.1 },
} as const;

/** Updates that the settings ask for. Throws ConfigError when they leave nothing to train on. */
export function plannedUpdates({ steps, training }: TokenizerConfig): number {
  const { warmupSteps, trainRatio, batchSize } = training;
  const updates = Math.floor(((steps - warmupSteps) * trainRatio) / batchSize);
  if (updates >= 1) return updates;
  const needed = warmupSteps + Math.ceil(batchSize / trainRatio);
  throw new ConfigError(
    `train tokenizer: expected steps >= ${needed} (training.warmupSteps ${warmupSteps}, and a batch of ${batchSize} at training.trainRatio ${trainRatio}), got ${steps}: nothing would be trained. Raise steps or lower training.warmupSteps.`,
  );
}

// For the usual frames of world models, 64 x 64: pictures that stand still but for a few pixels.
export const vqvae64 = {
  tokenShape: [8, 8],
  kernelSize: 2,
  residualBlocks: 0,
  activation: 'elu',
  learningRate: 4e-3,
  quantizer: { kind: 'ema', vocabulary: 256 },
  reconstruction: { variance: 0.03, worstPixel: 0.1 },
} as const;

// Small batches, since the frames are alike: what counts is the number of updates.
const pictures = { model: vqvae64, training: { batchSize: 32 } } as const;

const rendered =
  /^(CartPole|MountainCar|Acrobot|FrozenLake|FrozenLake8x8|CliffWalking|CliffWalkingSlippery|Taxi|Blackjack)-v\d+$/;

/** What the settings of an environment differ in. */
export function tokenizerDefaults(env: string): Readonly<Record<string, unknown>> {
  // Consoles draw 210 x 160 pixels sixty times a second: smaller ones instead, one for four of theirs.
  if (/^python:(?:ale_py:)?ALE\//.test(env)) {
    return { rollouts: { envKwargs: { preprocessing: { size: 64 } } }, ...pictures };
  }
  if (rendered.test(env)) return pictures;
  if (/^(Breakout|Catch)-v\d+$/.test(env)) return { model: arcadeVqvae };
  // Random play shows many boards soon: 500 steps are enough to start from, and a run of 2,000 steps then learns something, too.
  return /^(SpaceInvaders|Asterix|Freeway|Seaquest)-v\d+$/.test(env)
    ? { model: { ...arcadeVqvae, quantizer: { kind: 'ema', vocabulary: 256 } }, training: { warmupSteps: 500 } }
    : {};
}
