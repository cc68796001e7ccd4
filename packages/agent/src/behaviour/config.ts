// The settings of the policy and its value function: proximal policy optimisation (Schulman et al. 2017, arXiv 1707.06347) with lambda-returns.
import { z } from 'zod';

const whole = (meaning: string, minimum = 1) => z.int().min(minimum).describe(meaning);
const share = (meaning: string) => z.number().min(0).max(1).describe(meaning);

/** The schema of `BehaviourConfig`. */
export const behaviourSchema: z.ZodType<BehaviourConfig, BehaviourOptions> & z.ZodObject = z.strictObject({
  embedding: whole('numbers for each token').default(16),
  stem: whole('channels of a 3x3 convolution over the token grid before the hidden layers; 0: none', 0).default(32),
  hidden: whole('units of each hidden layer').default(256),
  layers: whole('hidden layers').default(1),
  gamma: share('discount of the reward of a later step').default(0.97),
  lambda: share('weight of longer returns in the lambda-return').default(0.9),
  clip: z
    .number()
    .positive()
    .default(0.2)
    .describe('how far an update may move the policy, and the value, before its gradient is cut'),
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
export type BehaviourOptions = Partial<BehaviourConfig>;
