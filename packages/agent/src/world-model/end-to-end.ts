// Tokenizer and world model learn in one program, on one loss and by one step of Adam, as in STORM (Zhang et al. 2023, arXiv 2310.09615, section 3.2) and DreamerV2
// (arXiv 2010.02193): what predicts the next frame sends its gradient through the codes of the frames before, straight through, into the encoder.
import { ConfigError } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import {
  add,
  exp,
  f32,
  i32,
  logSoftmax,
  maximum,
  mean,
  mul,
  neg,
  reshape,
  rsqrt,
  slice,
  softmaxCrossEntropy,
  square,
  stopGradient,
  sub,
  sum,
} from '@tessera/engine';
import type { InputSpecs, State, Tensor, Traced } from '@tessera/engine';
import type { AdamState } from '@tessera/nn';
import { isJoint, toUnit } from '@tessera/vqvae';
import type { JointLesson, JointPass, JointTokenizer, JointTrainer, Tokenizer, TokenizerMetrics } from '@tessera/vqvae';
import { tokensIn } from './dynamics.ts';
import type { Dynamics, ModelSettings } from './dynamics.ts';
import { rewardHeads } from './rewards.ts';
import type { Transitions, WorldModelMetrics } from './world-model.ts';

/** How the parts of the loss are weighed. */
export interface EndToEndConfig {
  readonly tokenizerWeight: number;
  readonly dynamicsWeight: number;
  readonly representationWeight: number;
  readonly freeNats: number;
  readonly temperature: number;
  readonly clipNorm: number;
}

/** Transitions as frames. */
export interface Pictures extends Pick<Transitions, 'actions' | 'rewards' | 'terminated'> {
  /** uint8 [batch, context + 1, ...frameShape], oldest first; the last one is the next frame. */
  readonly frames: NdArray<'uint8'>;
}

/** What one update reports. `tokenLoss` is the cross-entropy of the next frame's own tokens, as in the other modes, and no part of the loss. */
export interface EndToEndMetrics extends WorldModelMetrics {
  readonly tokenizer: TokenizerMetrics;
  /** Nats of a frame, before free nats and weights: what both terms of the balance have as their value. */
  readonly kl: number;
  /** Mean entropy of a token's posterior, in nats. */
  readonly posteriorEntropy: number;
}

/** What `EndToEnd` needs of the world model. */
export interface EndToEndParts {
  readonly tokenizer: Tokenizer;
  readonly settings: EndToEndConfig;
  readonly model: ModelSettings;
  readonly dynamics: Dynamics<object>;
  readonly state: State<{ readonly parameters: object; readonly adam: AdamState; readonly codes: NdArray<'float32'> }>;
  /** The inputs of an update that do not come from frames, checked. */
  readonly inputs: (batch: Pictures, progress: number) => Record<LessonInput, NdArray | number>;
  /** Called after each update. */
  readonly updated: () => void;
}

type LessonInput = 'actions' | 'rewards' | 'ends' | 'learningRate';

/** The two halves of a balanced divergence, scalars. */
export interface BalancedKl {
  /** `max(freeNats, KL(sg(posterior) || prior))`: moves the prior alone. */
  readonly dynamics: Tensor;
  /** `max(freeNats, KL(posterior || sg(prior)))`: moves the posterior alone. */
  readonly representation: Tensor;
  /** Without free nats. */
  readonly kl: Tensor;
}

/**
 * KL balancing (DreamerV2, section 2.2) of categorical distributions over the last axis of logits [batch, tokens, classes]: the divergence of a frame is the sum over
 * its tokens, that of a batch the mean over its frames, and it counts for no less than `freeNats`, as in STORM's code; below that no gradient is left.
 */
export function balancedKl(posterior: Tensor, prior: Tensor, freeNats: number): BalancedKl {
  const [q, p] = [logSoftmax(posterior), logSoftmax(prior)];
  const frames = posterior.shape[0]!;
  const divergence = (from: Tensor, to: Tensor) => mul(sum(mul(exp(from), sub(from, to))), 1 / frames);
  const dynamics = divergence(stopGradient(q), p);
  const representation = divergence(q, stopGradient(p));
  return {
    dynamics: maximum(dynamics, freeNats),
    representation: maximum(representation, freeNats),
    kl: dynamics,
  };
}

/** Updates a world model and the tokenizer of its tokens together. */
export class EndToEnd {
  readonly #parts: EndToEndParts;
  readonly #tokenizer: JointTokenizer<unknown>;
  readonly #predict: NonNullable<Dynamics<object>['predict']>;
  readonly #trainers = new Map<number, JointTrainer<Record<LessonInput, InputSpecs[string]>>>();

  /** Throws ConfigError for a tokenizer or a kind of world model that no gradient gets through. */
  constructor(parts: EndToEndParts) {
    const { tokenizer, dynamics, model } = parts;
    if (dynamics.predict === undefined) {
      throw new ConfigError(
        `end-to-end training: expected a world model of kind 'parallel', whose prediction depends on the frames before alone, got '${model.config.kind}'. Set worldModel.kind=parallel, or training.mode to alternating or interleaved.`,
      );
    }
    if (!isJoint(tokenizer)) {
      throw new ConfigError(
        'end-to-end training: expected a tokenizer with a gradient, the VQ-VAE with a quantizer of kind vq, ema, simvq, fsq or lfq, got one without. Set tokenizer.kind=vqvae, or training.mode to alternating or interleaved.',
      );
    }
    tokenizer.checkJoint();
    this.#parts = parts;
    this.#tokenizer = tokenizer;
    this.#predict = dynamics.predict.bind(dynamics);
  }

  /** Floating-point operations of one update on so many transitions. */
  flops(rows: number): number {
    return this.#trainer(rows).flops;
  }

  /**
   * One update on a batch. `progress` in [0, 1] places it in the run, for the world model's learning rate; `learningRate` is the tokenizer's.
   *
   * Throws what `WorldModel.trainStep` throws; both states are then as before.
   */
  trainStep(
    batch: Pictures,
    { progress, learningRate }: { readonly progress: number; readonly learningRate: number },
  ): EndToEndMetrics {
    const { inputs, updated } = this.#parts;
    const [rows, length, ...frameShape] = batch.frames.shape as [number, number, ...number[]];
    const given = inputs(batch, progress);
    const frames = toUnit({ ...batch.frames, shape: [rows * length, ...frameShape] });
    const { metrics, outputs } = this.#trainer(rows).step(frames, { inputs: given, learningRate });
    updated();
    const value = (name: string) => outputs[name]!.data[0] as number;
    return {
      tokenizer: metrics,
      loss: value('loss'),
      kl: value('kl'),
      posteriorEntropy: value('posteriorEntropy'),
      tokenLoss: value('tokenLoss'),
      rewardLoss: value('rewardLoss'),
      endLoss: value('endLoss'),
      gradientNorm: metrics.gradientNorm,
    };
  }

  dispose(): void {
    for (const trainer of this.#trainers.values()) trainer.dispose();
    this.#trainers.clear();
  }

  #trainer(rows: number): JointTrainer<Record<LessonInput, InputSpecs[string]>> {
    let trainer = this.#trainers.get(rows);
    if (trainer === undefined) {
      const { model, state } = this.#parts;
      const { context, reward } = model.config;
      trainer = this.#tokenizer.jointTrainer({
        name: `end to end: train ${rows}`,
        state,
        frames: rows * (context + 1),
        inputs: {
          actions: i32(rows, context),
          rewards: rewardHeads[reward].spec(rows),
          ends: i32(rows),
          learningRate: f32(),
        },
        lesson: (pass, x, { parameters, adam }) =>
          this.#lesson(pass, x, { parameters, adam: adam as Traced<AdamState>, rows }),
      });
      this.#trainers.set(rows, trainer);
    }
    return trainer;
  }

  #lesson(
    pass: JointPass,
    x: Readonly<Record<LessonInput, Tensor>>,
    {
      parameters,
      adam,
      rows,
    }: { readonly parameters: object; readonly adam: Traced<AdamState>; readonly rows: number },
  ): JointLesson {
    const { settings, model, tokenizer } = this.#parts;
    const { context, reward, weightDecay } = model.config;
    const count = tokensIn(model.spec);
    const byFrame = (tensor: Tensor, ...rest: number[]) => reshape(tensor, [rows, context + 1, count, ...rest]);
    const past = (tensor: Tensor) => slice(tensor, tensor.shape.map(() => 0), tensor.shape.with(1, context)); // prettier-ignore
    const next = (tensor: Tensor) => {
      const [, , , ...rest] = tensor.shape;
      const begin = tensor.shape.map((_, axis) => (axis === 1 ? context : 0));
      return reshape(slice(tensor, begin, tensor.shape.with(1, 1)), [rows, count, ...rest]);
    };
    const tokens = byFrame(pass.tokens);
    // As `codeFeatures` scales the codes when the model is asked later.
    const scale = rsqrt(maximum(mean(square(stopGradient(pass.codes))), 1e-30));
    const prior = this.#predict(parameters, model, {
      tokens: past(tokens),
      actions: x.actions,
      codes: mul(pass.codes, scale),
      features: mul(past(byFrame(pass.quantized, -1)), scale),
    });
    const posterior = mul(next(byFrame(pass.distances, -1)), -1 / settings.temperature);
    const { dynamics, representation, kl } = balancedKl(posterior, prior.tokens, settings.freeNats);
    const rewardLoss = mean(rewardHeads[reward].losses(prior.rewards, x.rewards));
    const endLoss = mean(softmaxCrossEntropy(prior.ends, x.ends));
    const numbers = tokenizer.spec.frameShape.reduce((product, size) => product * size, 1);
    const loss = add(
      mul(pass.losses.total, settings.tokenizerWeight * numbers),
      add(
        add(mul(dynamics, settings.dynamicsWeight), mul(representation, settings.representationWeight)),
        add(rewardLoss, endLoss),
      ),
    );
    const q = logSoftmax(posterior);
    return {
      loss,
      group: { parameters, state: adam, learningRate: x.learningRate, beta2: 0.98, weightDecay },
      clipNorm: settings.clipNorm,
      outputs: {
        kl,
        posteriorEntropy: neg(mean(sum(mul(exp(q), q), { axes: [-1] }))),
        tokenLoss: mean(softmaxCrossEntropy(prior.tokens, next(tokens))),
        rewardLoss,
        endLoss,
      },
    };
  }
}
