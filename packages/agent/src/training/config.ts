// How much is collected and learned, and in which order: the settings of the training loop, with their defaults.
import { z } from 'zod';
import type { EndToEndConfig } from '../world-model/end-to-end.ts';

const whole = (meaning: string, minimum = 1) => z.int().min(minimum).describe(meaning);
const share = (meaning: string) => z.number().min(0).max(1).describe(meaning);

/**
 * How the updates of a round follow each other. `alternating`: all of the tokenizer, then all of the world model, then all in imagination (IRIS). `interleaved`: in turn.
 * `end-to-end`: all of tokenizer and world model together, on one loss, then all in imagination (STORM).
 */
export type TrainingMode = 'alternating' | 'interleaved' | 'end-to-end';

/** When a round is played. `in-turn`: before the updates that it earns, by the newest policy. `meanwhile`: in a thread of its own, during those of the round before. */
export type CollectionMode = 'in-turn' | 'meanwhile';

/** The schema of `TrainingConfig`. */
export const trainingSchema: z.ZodType<TrainingConfig, TrainingOptions> & z.ZodObject = z.strictObject({
  mode: z
    .enum(['alternating', 'interleaved', 'end-to-end'])
    .default('alternating')
    .describe(
      'updates of a round: tokenizer, then world model, then imagination (alternating), in turn (interleaved), or tokenizer and world model on one loss, then imagination (end-to-end)',
    ),
  collection: z
    .enum(['in-turn', 'meanwhile'])
    .default('in-turn')
    .describe(
      'a round is played before its updates, by the newest policy (in-turn), or by another thread during the updates of the round before, by a policy one round old (meanwhile)',
    ),
  numEnvs: whole('environments stepped side by side').default(32),
  roundSteps: whole('steps of each environment between two rounds of learning').default(32).meta({ unit: 'steps' }),
  replayBytes: whole('size of the replay on disk; the oldest rounds go first')
    .default(2 ** 30)
    .meta({ unit: 'bytes' }),
  learnFromReal: z
    .boolean()
    .default(true)
    .describe('the policy learns from real steps too (Dyna), not from imagined ones alone'),
  tokenizer: z
    .strictObject({
      firstUpdates: whole('updates in the first round', 0).default(400),
      updates: whole('updates in each later round', 0).default(10),
      untilSteps: whole('the tokenizer is frozen from so many steps on, so that codes come to rest', 0)
        .default(20_000)
        .meta({ unit: 'steps' }),
      restChurn: share(
        'the tokenizer is frozen before that when a round changes no larger share of the codes of fixed frames, reckoned for 100 updates; null: not before',
      )
        .nullable()
        .default(null),
      batchSize: whole('frames in a batch').default(64).meta({ unit: 'frames' }),
      seedFrames: whole('frames whose vectors the codes start at').default(512).meta({ unit: 'frames' }),
      learningRate: z.number().positive().default(2e-3).describe('highest learning rate'),
      endLearningRate: share(
        'learning rate of the last update as a share of the highest; half a cosine leads there',
      ).default(0.05),
      warmupUpdates: whole('updates over which the learning rate rises', 0).default(50).meta({ unit: 'updates' }),
    })
    .prefault({}),
  worldModel: z
    .strictObject({
      firstUpdates: whole('updates in the first round', 0).default(500),
      updates: whole('updates in each later round', 0).default(30),
    })
    .prefault({}),
  endToEnd: z
    .strictObject({
      tokenizerWeight: z
        .number()
        .min(0)
        .default(1)
        .describe("weight of the tokenizer's own losses, whose means over the numbers of a frame count as sums"),
      dynamicsWeight: z
        .number()
        .min(0)
        .default(0.5)
        .describe('weight of the divergence that moves the world model towards the codes, KL(sg(posterior) || prior)'),
      representationWeight: z
        .number()
        .min(0)
        .default(0.1)
        .describe(
          'weight of the divergence that moves the encoder towards what is predicted, KL(posterior || sg(prior))',
        ),
      freeNats: z
        .number()
        .min(0)
        .default(1)
        .describe(
          'both divergences, summed over the tokens of a frame and averaged over the batch, are left alone below it',
        )
        .meta({ unit: 'nats' }),
      temperature: z
        .number()
        .positive()
        .default(0.05)
        .describe(
          'of the posterior softmax(-|z - e|^2 / temperature) over codes, in units of their mean squared distance to their mean',
        ),
      clipNorm: z.number().positive().default(1000).describe('largest global norm of the gradients of both'),
    })
    .prefault({})
    .describe(
      'what mode end-to-end weighs; its updates are as many, and of as large batches, as those of the world model',
    ),
  imagination: z
    .strictObject({
      updates: whole(
        'batches imagined and learned from in each round; 0: none, the policy learns from real steps alone',
        0,
      ).default(2),
      starts: whole('states of the replay from which a batch begins').default(256),
      horizon: whole('steps imagined from each').default(16).meta({ unit: 'steps' }),
      explore: whole(
        'a random action is held for 0 to so many imagined steps before a batch begins, so that it begins anywhere',
        0,
      )
        .default(8)
        .meta({ unit: 'steps' }),
      startAccuracy: share(
        'imagination begins when the model predicts so many of the changed tokens of a new round right',
      ).default(0.9),
    })
    .prefault({}),
  sampling: z
    .strictObject({
      kind: z
        .enum(['uniform', 'recent', 'prioritised'])
        .default('uniform')
        .describe(
          'which steps of the replay the world model learns from: all alike (uniform), more of the new ones (recent), or more of those that it predicted badly when it last saw them (prioritised)',
        ),
      halfLife: whole('steps collected after a step that halve its chance to be drawn; kind recent')
        .default(20_000)
        .meta({ unit: 'steps' }),
      uniformShare: share('share of the draws that are uniform all the same; kind recent').default(0.25),
      alpha: share(
        'how much the loss of a step counts: it is drawn in proportion to its loss to the power of alpha; kind prioritised',
      ).default(0.6),
      beta: share(
        'how much of that is taken back where the steps drawn are learned from: their weight is their chance to the power of -beta; a straight line leads to 1 at the last step; kind prioritised',
      ).default(0.4),
      minimum: z
        .number()
        .positive()
        .default(0.01)
        .describe('added to each loss, so that a step which is predicted well is still drawn; kind prioritised'),
    })
    .prefault({}),
  measureSteps: whole('steps of each new round on which the world model is measured before it learns from them')
    .default(256)
    .meta({ unit: 'steps' }),
}) as never;

/** How the tokenizer is trained. */
export interface TokenizerTraining {
  readonly firstUpdates: number;
  readonly updates: number;
  readonly untilSteps: number;
  readonly restChurn: number | null;
  readonly batchSize: number;
  readonly seedFrames: number;
  readonly learningRate: number;
  readonly endLearningRate: number;
  readonly warmupUpdates: number;
}

/** How much is imagined. */
export interface ImaginationConfig {
  readonly updates: number;
  readonly starts: number;
  readonly horizon: number;
  readonly explore: number;
  readonly startAccuracy: number;
}

/** Which steps the world model learns from: `recent` and `prioritised` as the replay's `Recency` and `StepPriorities` have them. */
export interface SamplingConfig {
  readonly kind: 'uniform' | 'recent' | 'prioritised';
  readonly halfLife: number;
  readonly uniformShare: number;
  readonly alpha: number;
  readonly beta: number;
  readonly minimum: number;
}

/** Settings of the training loop, defaults filled in. */
export interface TrainingConfig {
  readonly mode: TrainingMode;
  readonly collection: CollectionMode;
  readonly numEnvs: number;
  readonly roundSteps: number;
  readonly replayBytes: number;
  readonly learnFromReal: boolean;
  readonly tokenizer: TokenizerTraining;
  readonly worldModel: { readonly firstUpdates: number; readonly updates: number };
  readonly endToEnd: EndToEndConfig;
  readonly imagination: ImaginationConfig;
  readonly sampling: SamplingConfig;
  readonly measureSteps: number;
}

/** Settings of the training loop; what is left out takes its default. */
export type TrainingOptions = Partial<
  Omit<TrainingConfig, 'tokenizer' | 'worldModel' | 'endToEnd' | 'imagination' | 'sampling'>
> & {
  readonly tokenizer?: Partial<TokenizerTraining>;
  readonly worldModel?: Partial<TrainingConfig['worldModel']>;
  readonly endToEnd?: Partial<EndToEndConfig>;
  readonly imagination?: Partial<ImaginationConfig>;
  readonly sampling?: Partial<SamplingConfig>;
};
