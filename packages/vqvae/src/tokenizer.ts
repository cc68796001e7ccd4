// What agents program against: anything that turns frames into discrete codes and back. Arrays go in and come out; programs are the tokenizer's own business.
import type { GeneratorState, NdArray } from '@tessera/core';
import type { NamedArrays, Tensor, Traced } from '@tessera/engine';
import type { Forward, VqvaeParameters } from './model.ts';

/** Sizes of a tokenizer. */
export interface TokenizerSpec {
  /** Height, width and channels of a picture; frames, height, width and channels of a video. */
  readonly frameShape: readonly number[];
  /** Of any rank. */
  readonly tokenShape: readonly number[];
  readonly vocabulary: number;
  readonly codeDim: number;
  /** Where a place of the grid has several tokens, beside each other along the last axis of `tokenShape`: the vocabulary of each. They follow each other in `vocabulary`, their sum. */
  readonly slots?: readonly number[];
}

/** Turns frames into discrete codes and back. Anything an agent trains on implements this. */
export interface Tokenizer {
  readonly spec: TokenizerSpec;
  /** float32 [B, ...frameShape] in [0, 1] to int32 [B, ...tokenShape]. */
  encode(frames: NdArray): NdArray<'int32'>;
  /** int32 [B, ...tokenShape] to float32 [B, ...tokenShape, codeDim]. Where a place has several tokens, each gets what it adds to the place's code. */
  embed(tokens: NdArray): NdArray<'float32'>;
  /** int32 [B, ...tokenShape] to float32 [B, ...frameShape] in [0, 1]. */
  decode(tokens: NdArray): NdArray<'float32'>;
  dispose(): void;
}

/** Adds a differentiable pass for the caller's own programs. */
export interface DifferentiableTokenizer<P = VqvaeParameters> extends Tokenizer {
  /** A copy of the parameters, to be put into the caller's state. */
  parameters(): P;
  /** The pass itself, to be called inside a program with the parameters as tensors. */
  forward(parameters: Traced<P>, frames: Tensor): Forward;
}

/** What one training step reports. */
export interface TokenizerMetrics {
  readonly loss: number;
  readonly reconstructionLoss: number;
  readonly codebookLoss: number;
  readonly commitmentLoss: number;
  /** Of the codes in this batch: `exp(entropy)`. */
  readonly perplexity: number;
  /** Share of the codes that this batch used. */
  readonly usage: number;
  /** Global norm of the gradients before clipping. */
  readonly gradientNorm: number;
  /** Codes that started again in this step. */
  readonly restarted: number;
}

/** One training step's own settings. */
export interface TrainStepOptions {
  /** Overrides the configured learning rate, for schedules. */
  readonly learningRate?: number;
}

/** Adds a training step of its own; the optimiser lives inside. */
export interface TrainableTokenizer<P = VqvaeParameters> extends DifferentiableTokenizer<P> {
  trainStep(frames: NdArray, options?: TrainStepOptions): TokenizerMetrics;
  /** Chooses starting codes from many frames, once before the first step. */
  seedCodebook?(frames: NdArray): void;
  /** Copies of everything that training needs to go on: parameters, optimiser, statistics, counters. */
  state(): NamedArrays;
  loadState(state: NamedArrays): void;
  /** The positions of the random streams that training draws from; empty when it draws nothing. */
  generatorState(): Record<string, GeneratorState>;
  loadGeneratorState(state: Record<string, GeneratorState>): void;
}

/** Learns by seeing each frame once, as it arrives; a code never moves, so tokens of old frames stay what they were. */
export interface StreamingTokenizer extends Tokenizer {
  /** Looks at frames, float32 [B, ...frameShape] in [0, 1], in their order; returns how many codes are new. */
  observe(frames: NdArray): number;
  /** Copies of all that it has learned. */
  state(): NamedArrays;
  loadState(state: NamedArrays): void;
}

/** Whether a tokenizer has a training step of its own. */
export function isTrainable(tokenizer: Tokenizer): tokenizer is TrainableTokenizer<unknown> {
  return typeof (tokenizer as Partial<TrainableTokenizer<unknown>>).trainStep === 'function';
}

/** Whether a tokenizer learns by seeing frames as they arrive. */
export function isStreaming(tokenizer: Tokenizer): tokenizer is StreamingTokenizer {
  return typeof (tokenizer as Partial<StreamingTokenizer>).observe === 'function';
}
