// The settings of the study of agents, and what `--quick` changes of them.
import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { variants } from './variants.ts';

/** Settings of the study, defaults filled in. */
export interface AgentStudyConfig {
  readonly seeds: number;
  readonly steps: number;
  readonly episodes: number;
  readonly jobs: number;
  readonly variants: readonly string[];
  readonly agent: Readonly<Record<string, unknown>>;
}

const count = (meaning: string) => z.int().min(1).describe(meaning);
const names = variants.map(({ name }) => name);

/** The schema of `AgentStudyConfig`. */
export const agentStudySchema: z.ZodObject & z.ZodType<AgentStudyConfig> = z.strictObject({
  seeds: count('runs of each variant').default(3),
  steps: count('environment steps that each run learns from').default(20_000).meta({ unit: 'steps' }),
  episodes: count('episodes that each agent plays at the end, drawn and greedy').default(100),
  jobs: count('runs side by side, each on its share of the cores').default(Math.min(2, availableParallelism())),
  variants: z.array(z.enum(names)).min(1).default(names).describe('what is trained'),
  agent: z
    .record(z.string(), z.unknown())
    .default({})
    .describe('settings that all variants share, as a file for `tessera train breakout --config` holds them'),
}) as never;

/** What `--quick` changes: one seed, two rounds, tiny networks; enough to see that all of it runs, and for no conclusion. */
export const quickAgentValues = {
  seeds: 1,
  steps: 2048,
  episodes: 10,
  variants: ['default', 'ema', 'maskgit', 'real-only'],
  agent: {
    tokenizer: { vqvae: { channels: 16 } },
    worldModel: { width: 16, layers: 1, stem: 8, batchSize: 32 },
    behaviour: { hidden: 32, stem: 8 },
    training: {
      tokenizer: { firstUpdates: 100 },
      worldModel: { firstUpdates: 100 },
      imagination: { starts: 64, startAccuracy: 0 },
    },
    evaluation: { maxSteps: 500, heldOutSteps: 512 },
  },
} as const;
