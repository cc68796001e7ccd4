// The settings of `tessera train ppo` and `tessera train dqn`, with their defaults, and what Catch changes of them.
import { dqnSchema, ppoSchema } from '@tessera/agent';
import type { DqnConfig, PpoConfig } from '@tessera/agent';
import type { Precision } from '@tessera/engine';
import { z } from 'zod';
import { precisionSchema } from '../engine-choice.ts';
import { environmentSchema } from '../environment.ts';
import type { EnvironmentSettings } from '../environment.ts';
import type { ExperimentConfig } from '../experiment.ts';
import { playSchema } from '../play.ts';
import type { PlaySettings } from '../play.ts';

/** What learns. */
export type ModelFreeKind = 'ppo' | 'dqn';

/** All settings of the experiment. */
export interface ModelFreeConfig<Learner = PpoConfig | DqnConfig> extends ExperimentConfig {
  readonly rollouts: EnvironmentSettings;
  readonly learner: Learner;
  readonly numEnvs: number;
  readonly roundSteps: number;
  readonly evaluation: PlaySettings;
  readonly checkpointEvery: number;
  readonly precision: Precision;
}

interface KindDefaults {
  readonly learner: z.ZodType;
  readonly numEnvs: number;
  readonly roundSteps: number;
  readonly policy: PlaySettings['policy'];
}

function schemaOf({ learner, numEnvs, roundSteps, policy }: KindDefaults): z.ZodObject & z.ZodType<ModelFreeConfig> {
  const whole = (meaning: string) => z.int().min(1).describe(meaning);
  return z.strictObject({
    steps: whole('environment steps to learn from').default(100_000).meta({ unit: 'steps' }),
    rollouts: environmentSchema.prefault({}),
    learner: (learner as z.ZodObject).prefault({}),
    numEnvs: whole('environments stepped side by side').default(numEnvs),
    roundSteps: whole('steps of each environment between two rounds of learning')
      .default(roundSteps)
      .meta({ unit: 'steps' }),
    evaluation: (playSchema as z.ZodObject)
      .extend({ policy: (playSchema as z.ZodObject).shape['policy']!.default(policy) })
      .prefault({}),
    checkpointEvery: whole('rounds between checkpoints').default(40).meta({ unit: 'rounds' }),
    precision: precisionSchema,
  }) as never;
}

/** The schemas of both. */
export const modelFreeSchemas: Readonly<Record<ModelFreeKind, z.ZodObject & z.ZodType<ModelFreeConfig>>> = {
  ppo: schemaOf({ learner: ppoSchema, numEnvs: 32, roundSteps: 32, policy: 'sampled' }),
  dqn: schemaOf({ learner: dqnSchema, numEnvs: 16, roundSteps: 8, policy: 'greedy' }),
};

// As many episodes as the agent plays there; its frames are twice as wide as those of the other games.
const catchPreset = {
  steps: 20_000,
  learner: {
    network: {
      convolutions: [
        { channels: 32, kernel: 8, stride: 8 },
        { channels: 32, kernel: 3, stride: 1 },
      ],
      hidden: 128,
    },
  },
  evaluation: { episodes: 200 },
};

/** What the settings of an environment differ in. */
export function modelFreeDefaults(env: string): Readonly<Record<string, unknown>> {
  return /^Catch-v\d+$/.test(env) ? catchPreset : {};
}
