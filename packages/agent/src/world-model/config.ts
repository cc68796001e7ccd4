// The settings of the token world models, with their defaults: the recipe that learned Breakout from 100,000 steps.
import { z } from 'zod';

const whole = (meaning: string, minimum = 1) => z.int().min(minimum).describe(meaning);
const share = (meaning: string) => z.number().min(0).max(1).describe(meaning);

/**
 * How the next frame is predicted. `parallel`: all of its tokens in one pass, each by itself (REM, arXiv 2402.05643). `maskgit`: in a few passes, of which each keeps
 * the tokens that the model is surest of and shows them to the next one (arXiv 2202.04200). `causal`: token by token (IRIS, arXiv 2209.00588).
 */
export type WorldModelKind = 'parallel' | 'maskgit' | 'causal';

/** How the reward is predicted. `sign`: the class -1, 0 or 1. `two-hot`: its size, as a distribution over 255 bins of its symlog (DreamerV3, arXiv 2301.04104). */
export type RewardKind = 'sign' | 'two-hot';

/**
 * Which actions the model is told. `executed`: those that the environment says it took, so that nothing of sticky actions has to be guessed; imagination repeats
 * actions as often as the environment does. `chosen`: those of the policy.
 */
export type ActionKind = 'executed' | 'chosen';

/** The schema of `WorldModelConfig`. */
export const worldModelSchema: z.ZodType<WorldModelConfig, WorldModelOptions> & z.ZodObject = z.strictObject({
  kind: z
    .enum(['parallel', 'maskgit', 'causal'])
    .default('parallel')
    .describe(
      'the next frame in one pass (parallel), in a few that keep the surest tokens first (maskgit), or token by token (causal)',
    ),
  actions: z
    .enum(['executed', 'chosen'])
    .default('executed')
    .describe(
      'actions that the model is told: those that the environment says it took (executed), which imagination then repeats as often, or those of the policy (chosen)',
    ),
  context: whole('frames that the model sees: the present one and those before it').default(2).meta({ unit: 'frames' }),
  width: whole('channels of the transformer').default(64),
  layers: whole('blocks of the transformer').default(2),
  heads: whole('attention heads; has to divide width').default(2),
  expansion: whole('width of the MLP in a block, as a multiple of width').default(2),
  stem: whole(
    'channels for each frame of the 3x3 convolution over the token grid that comes before the transformer; 0: none; kinds parallel and maskgit',
    0,
  ).default(32),
  relativeBias: z
    .boolean()
    .default(true)
    .describe('attention scores learn how far apart two tokens are in rows and columns; kinds parallel and maskgit'),
  passes: whole('passes in which a frame is predicted; kind maskgit').max(64).default(3),
  reward: z
    .enum(['sign', 'two-hot'])
    .default('sign')
    .describe('what is predicted of a reward: its sign, or its size as a distribution over 255 bins of its symlog'),
  temperature: z
    .number()
    .min(0)
    .default(0)
    .describe(
      'imagined tokens, signs of rewards and ends are drawn from logits divided by it; 0: they are the most likely ones',
    ),
  tokenWeight: z.number().positive().default(5).describe('weight of the token loss beside those of reward and end'),
  batchSize: whole('transitions in a training batch').default(128).meta({ unit: 'transitions' }),
  learningRate: z.number().positive().default(2e-3).describe('highest learning rate of AdamW'),
  endLearningRate: share(
    'learning rate at the last step as a share of the highest; a straight line leads there',
  ).default(0.1),
  warmupUpdates: whole('updates over which the learning rate rises', 0).default(100).meta({ unit: 'updates' }),
  weightDecay: z.number().min(0).default(0.01).describe('decoupled weight decay of AdamW'),
  clipNorm: z.number().positive().default(1).describe('largest global norm of the gradients'),
}) as never;

/** Settings of a world model, defaults filled in. */
export interface WorldModelConfig {
  readonly kind: WorldModelKind;
  readonly actions: ActionKind;
  readonly context: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly expansion: number;
  readonly stem: number;
  readonly relativeBias: boolean;
  readonly passes: number;
  readonly reward: RewardKind;
  readonly temperature: number;
  readonly tokenWeight: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly endLearningRate: number;
  readonly warmupUpdates: number;
  readonly weightDecay: number;
  readonly clipNorm: number;
}

/** Settings of a world model; what is left out takes its default. */
export type WorldModelOptions = Partial<WorldModelConfig>;
