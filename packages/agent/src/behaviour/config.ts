// The settings of the policy and its value function: what it sees, and how it learns from lambda-returns.
import { z } from 'zod';
import { frameNetworkSchema } from '../model-free/frame-network.ts';
import type { FrameNetworkConfig } from '../model-free/frame-network.ts';

const whole = (meaning: string, minimum = 1) => z.int().min(minimum).describe(meaning);
const share = (meaning: string) => z.number().min(0).max(1).describe(meaning);

/**
 * What the policy sees. `codes`: the embeddings of the present frame's codes (REM, arXiv 2402.05643). `frames`: the frame decoded from them (IRIS, arXiv 2209.00588).
 * `state`: the codes and the world model's hidden state after the frames and actions before (STORM, arXiv 2310.09615).
 */
export type PolicyInput = 'codes' | 'frames' | 'state';

/** What lowers the policy's loss: clipped ratios (PPO, arXiv 1707.06347), or the plain policy gradient (REINFORCE, as in IRIS and DreamerV2, arXiv 2010.02193). */
export type PolicyObjective = 'ppo' | 'reinforce';

/**
 * What advantages are divided by. `batch`: in each minibatch their mean is taken off and they are divided by their deviation. `percentile`: by how far the returns spread,
 * but by no less than 1 (DreamerV3, arXiv 2301.04104). `none`: by nothing.
 */
export type ReturnNormalisation = 'batch' | 'percentile' | 'none';

/** An older copy of the value function, a moving average, to which the value function is held (DreamerV3, arXiv 2301.04104). */
export interface SlowCriticConfig {
  /** What is left of the average after a minibatch, in [0, 1]. */
  readonly decay: number;
  /** Weight of the squared distance to it beside that to the returns; 0: there is no copy. */
  readonly weight: number;
}

/** The schema of `BehaviourConfig`. */
export const behaviourSchema: z.ZodType<BehaviourConfig, BehaviourOptions> & z.ZodObject = z.strictObject({
  input: z
    .enum(['codes', 'frames', 'state'])
    .default('codes')
    .describe(
      "what the policy sees: codes, frames decoded from them, or codes and the world model's hidden state of what was before",
    ),
  network: frameNetworkSchema.prefault({}),
  objective: z
    .enum(['ppo', 'reinforce'])
    .default('ppo')
    .describe('clipped ratios (ppo), or the plain policy gradient (reinforce), which is meant for epochs 1'),
  returnNormalisation: z
    .enum(['batch', 'percentile', 'none'])
    .default('batch')
    .describe(
      'advantages are normalised in each minibatch (batch), divided by how far the returns spread, if more than 1 (percentile), or taken as they are (none)',
    ),
  slowCritic: z
    .strictObject({
      decay: share('what is left of the copy after a minibatch').default(0.98),
      weight: z
        .number()
        .min(0)
        .default(0)
        .describe('weight of the squared distance to a slow copy of the value function in the value loss; 0: no copy'),
    })
    .prefault({}),
  embedding: whole('numbers for each token; inputs codes and state').default(16),
  stem: whole(
    'channels of a 3x3 convolution over the token grid before the hidden layers; 0: none; inputs codes and state',
    0,
  ).default(32),
  hidden: whole('units of each hidden layer; inputs codes and state').default(256),
  layers: whole('hidden layers; inputs codes and state').default(1),
  gamma: share('discount of the reward of a later step').default(0.97),
  lambda: share('weight of longer returns in the lambda-return').default(0.9),
  clip: z
    .number()
    .positive()
    .default(0.2)
    .describe('how far an update may move the policy, and the value, before its gradient is cut; objective ppo'),
  entropy: z.number().min(0).default(0.03).describe('weight of the entropy bonus at the first step'),
  endEntropy: z
    .number()
    .min(0)
    .nullable()
    .default(0.01)
    .describe('weight of the entropy bonus at the last step; a straight line leads there; null: it stays'),
  valueWeight: z.number().min(0).default(0.5).describe('weight of the value loss'),
  epochs: whole('passes over each batch').default(4),
  realBatch: whole('rows of a minibatch of real steps').default(256).meta({ unit: 'steps' }),
  imaginedBatch: whole('rows of a minibatch of imagined steps').default(256).meta({ unit: 'steps' }),
  learningRate: z.number().positive().default(2e-3).describe('highest learning rate of Adam'),
  endLearningRate: share(
    'learning rate at the last step as a share of the highest; a straight line leads there',
  ).default(0.1),
  clipNorm: z.number().positive().default(0.5).describe('largest global norm of the gradients'),
}) as never;

/** Settings of the behaviour, defaults filled in. */
export interface BehaviourConfig {
  readonly input: PolicyInput;
  /** Convolutions and hidden layer of the input `frames`. */
  readonly network: FrameNetworkConfig;
  readonly objective: PolicyObjective;
  readonly returnNormalisation: ReturnNormalisation;
  readonly slowCritic: SlowCriticConfig;
  readonly embedding: number;
  readonly stem: number;
  readonly hidden: number;
  readonly layers: number;
  readonly gamma: number;
  readonly lambda: number;
  readonly clip: number;
  readonly entropy: number;
  readonly endEntropy: number | null;
  readonly valueWeight: number;
  readonly epochs: number;
  readonly realBatch: number;
  readonly imaginedBatch: number;
  readonly learningRate: number;
  readonly endLearningRate: number;
  readonly clipNorm: number;
}

/** Settings of the behaviour; what is left out takes its default. */
export type BehaviourOptions = Partial<Omit<BehaviourConfig, 'network' | 'slowCritic'>> & {
  readonly network?: Partial<FrameNetworkConfig>;
  readonly slowCritic?: Partial<SlowCriticConfig>;
};
