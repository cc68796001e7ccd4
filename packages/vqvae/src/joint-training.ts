// A tokenizer that learns in one program with a model of its tokens: one loss, one step of the optimiser, and gradients that reach the encoder from both.
import { ConfigError, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { checkFinite, constant, f32, reshape } from '@tessera/engine';
import type { InputSpecs, NamedArrays, State, Tensor, Traced } from '@tessera/engine';
import { adamStepOfGroups } from '@tessera/nn';
import type { AdamGroup } from '@tessera/nn';
import { forward } from './model.ts';
import type { Forward, VqvaeParameters } from './model.ts';
import type { AutoencoderConfig } from './networks/networks.ts';
import { relativeDistances } from './quantizers/distances.ts';
import type { Quantizer } from './quantizers/quantizer.ts';
import type { Tokenizer, TokenizerMetrics, TokenizerSpec, TrainableTokenizer } from './tokenizer.ts';
import { finishStep, trainedPart } from './training-step.ts';
import type { StepResults, VqvaeState } from './training-step.ts';

/** The pass of a tokenizer as a model of its tokens sees it. */
export interface JointPass extends Forward {
  /** [N, ...tokenShape, vocabulary]: `|z - e_k|^2` over the codes' mean squared distance to their mean; the least one is the token's. The gradient reaches the encoder alone. */
  readonly distances: Tensor;
  /** [vocabulary, codeDim]: every code, as `embed` gives them. */
  readonly codes: Tensor;
}

/** What a partner makes of a pass: what is to be lowered, and what of its own is to be updated. */
export interface JointLesson {
  /** A scalar. The tokenizer's own losses are part of it as far as the partner adds them. */
  readonly loss: Tensor;
  /** The parameters of the partner. */
  readonly group: AdamGroup;
  /** The largest global norm of the gradients of both. */
  readonly clipNorm: number;
  /** Results by name; `loss` comes by itself. */
  readonly outputs: Readonly<Record<string, Tensor>>;
}

/** A model that learns with a tokenizer. */
export interface JointPartner<S extends object, I extends InputSpecs> {
  readonly name: string;
  /** On the tokenizer's engine. */
  readonly state: State<S>;
  /** Frames of a batch. */
  readonly frames: number;
  /** What its lesson takes besides frames. */
  readonly inputs: I;
  /** Called inside the program. */
  lesson(pass: JointPass, inputs: { readonly [K in keyof I]: Tensor }, state: Traced<S>): JointLesson;
}

/** One program over the states of a tokenizer and its partner. */
export interface JointTrainer<I extends InputSpecs> {
  /** Floating-point operations of one step. */
  readonly flops: number;
  /**
   * One step for both on frames, float32 [N, ...frameShape] in [0, 1]; `learningRate` is the tokenizer's. `gradientNorm` in the metrics is that of all parameters.
   *
   * Throws NonFiniteError when the loss or a gradient is no number; both states are then as before.
   */
  step(
    frames: NdArray,
    options: { readonly inputs: { readonly [K in keyof I]: NdArray | number }; readonly learningRate: number },
  ): { readonly metrics: TokenizerMetrics; readonly outputs: NamedArrays };
  dispose(): void;
}

/** A tokenizer that can learn in one program with a model of its tokens. */
export interface JointTokenizer<P = VqvaeParameters> extends TrainableTokenizer<P> {
  /** Throws ConfigError when its settings leave no gradient from the model to the encoder, or no distances to codes. */
  checkJoint(): void;
  /** Records the program. Throws what `checkJoint` throws. */
  jointTrainer<S extends object, I extends InputSpecs>(partner: JointPartner<S, I>): JointTrainer<I>;
}

/** Whether a tokenizer can learn in one program with a model of its tokens. */
export function isJoint(tokenizer: Tokenizer): tokenizer is JointTokenizer<unknown> {
  return typeof (tokenizer as Partial<JointTokenizer<unknown>>).jointTrainer === 'function';
}

/** Throws ConfigError for a quantizer that a model of its tokens cannot train with. */
export function checkJointQuantizer({ config: { kind, gradient }, compare }: Quantizer): void {
  if (compare === undefined) {
    throw new ConfigError(
      `end-to-end training: the quantizer '${kind}' does not choose one nearest code for each vector. Those of kind vq, ema, simvq, fsq and lfq do.`,
    );
  }
  if (gradient === 'none') {
    throw new ConfigError(
      "end-to-end training: quantizer.gradient 'none' lets no gradient through to the encoder. Choose straight-through or rotation.",
    );
  }
}

/** The pass of a VQ-VAE inside a program, with what a joint lesson needs. */
export function jointPass(
  model: { readonly config: AutoencoderConfig; readonly quantizer: Quantizer },
  parameters: Traced<VqvaeParameters>,
  frames: Tensor,
): JointPass {
  const pass = forward(model, parameters, frames);
  const { vectors, tokens } = pass;
  const { quantizer } = model;
  const vocabulary = quantizer.slots[0]!;
  const compared = quantizer.compare!(parameters.quantizer, reshape(vectors, [-1, vectors.shape.at(-1)!]));
  return {
    ...pass,
    distances: reshape(relativeDistances(compared.vectors, compared.table), [...tokens.shape, -1]),
    codes: quantizer.decode(
      parameters.quantizer,
      constant(
        ndarray(
          'int32',
          [vocabulary],
          Int32Array.from({ length: vocabulary }, (_, k) => k),
        ),
      ),
    ),
  };
}

interface JointModel {
  readonly spec: TokenizerSpec;
  readonly config: AutoencoderConfig;
  readonly quantizer: Quantizer;
}

/** A VQ-VAE's part of `JointTrainer`: the program over both states, and the results of each. */
export function jointProgram<S extends object, I extends InputSpecs>(
  model: JointModel,
  {
    states,
    partner,
  }: { readonly states: State<{ tokenizer: VqvaeState; partner: S }>; readonly partner: JointPartner<S, I> },
): {
  readonly flops: number;
  step(
    frames: NdArray,
    options: { readonly inputs: { readonly [K in keyof I]: NdArray | number }; readonly learningRate: number },
  ): { readonly tokenizer: StepResults<NdArray>; readonly outputs: NamedArrays };
  dispose(): void;
} {
  const { quantizer, spec } = model;
  const inputs: InputSpecs = {
    ...partner.inputs,
    [own('frames')]: f32(partner.frames, ...spec.frameShape),
    [own('learningRate')]: f32(),
  };
  const program = states.program(partner.name, inputs, (x, both) => {
    const { parameters, adam } = both.tokenizer as Traced<VqvaeState>;
    const pass = jointPass(model, parameters, x[own('frames')]!);
    const lesson = partner.lesson(pass, x as { readonly [K in keyof I]: Tensor }, both.partner as Traced<S>);
    const group = {
      parameters: trainedPart(quantizer, parameters),
      state: adam,
      learningRate: x[own('learningRate')]!,
    };
    const loss = checkFinite(lesson.loss, 'the joint loss');
    const { gradientNorm } = adamStepOfGroups(loss, [group, lesson.group], lesson);
    const results = Object.entries(finishStep(quantizer, parameters, { ...pass, gradientNorm }));
    return { ...lesson.outputs, loss, ...Object.fromEntries(results.map(([name, result]) => [own(name), result])) };
  });
  return {
    flops: program.flops,
    step(frames, { inputs: given, learningRate }) {
      const all = program.run({ ...given, [own('frames')]: frames, [own('learningRate')]: learningRate });
      const mine = Object.entries(all).filter(([name]) => name.startsWith(own('')));
      return {
        tokenizer: Object.fromEntries(mine.map(([name, array]) => [name.slice(own('').length), array])) as never,
        outputs: Object.fromEntries(Object.entries(all).filter(([name]) => !name.startsWith(own('')))),
      };
    },
    dispose: () => program.dispose(),
  };
}

// The tokenizer's inputs and results beside the partner's.
const own = (name: string): string => `tokenizer.${name}`;
