// Checks of what callers hand in, and the one conversion between bytes and numbers in [0, 1].
import { ConfigError, DTypeError, NonFiniteError, ShapeError, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { TokenizerSpec } from './tokenizer.ts';

/** Bytes 0..255 as float32 in [0, 1], `x / 255`: the only preprocessing that frames get, in training and evaluation alike. */
export function toUnit(frames: NdArray<'uint8'>): NdArray<'float32'> {
  if (frames.dtype !== 'uint8') {
    throw new DTypeError(`toUnit: expected uint8 frames, got ${String(frames.dtype)}.`);
  }
  const out = ndarray('float32', frames.shape);
  for (let i = 0; i < out.data.length; i++) out.data[i] = frames.data[i]! / 255;
  return out;
}

/** float32 in [0, 1] as bytes, rounded; the inverse of `toUnit`. */
export function toBytes(frames: NdArray<'float32'>): NdArray<'uint8'> {
  const out = ndarray('uint8', frames.shape);
  for (let i = 0; i < out.data.length; i++) out.data[i] = Math.round(Math.min(1, Math.max(0, frames.data[i]!)) * 255);
  return out;
}

/** Throws unless `frames` is float32 [B, ...frameShape] with B >= 1, finite and in [0, 1]. */
export function checkFrames(
  where: string,
  frames: NdArray,
  { frameShape }: Pick<TokenizerSpec, 'frameShape'>,
): asserts frames is NdArray<'float32'> {
  const [batch, ...shape] = frames.shape;
  if (String(shape) !== String(frameShape)) {
    const way =
      shape.length === frameShape.length
        ? `Resize first, or build the tokenizer with frameShape [${shape.join(', ')}].`
        : 'One frame alone is a batch of 1.';
    throw new ShapeError(
      `${where}: expected frames of shape [B, ${frameShape.join(', ')}], got [${frames.shape.join(', ')}]. ${way}`,
    );
  }
  if (frames.dtype !== 'float32') {
    const way = frames.dtype === 'uint8' ? 'Convert bytes with toUnit(frames).' : 'Convert them first.';
    throw new DTypeError(`${where}: expected float32 frames in [0, 1], got ${frames.dtype}. ${way}`);
  }
  if (batch === 0) throw new ConfigError(`${where}: expected a batch of at least one frame, got none.`);
  for (let i = 0; i < frames.data.length; i++) {
    const value = frames.data[i] as number;
    if (value >= 0 && value <= 1) continue;
    const frame = Math.floor((i / frames.data.length) * batch!);
    if (Number.isFinite(value)) {
      throw new ConfigError(
        `${where}: expected frames in [0, 1], got ${value} in frame ${frame}. Divide bytes by 255 with toUnit(frames).`,
      );
    }
    throw new NonFiniteError(`${where}: expected finite frames, got ${value} in frame ${frame}.`);
  }
}

/** Throws unless `learningRate` is a number >= 0. */
export function checkLearningRate(where: string, learningRate: number): void {
  if (!(learningRate >= 0 && Number.isFinite(learningRate))) {
    throw new ConfigError(`${where}: expected a learning rate >= 0, got ${learningRate}.`);
  }
}

/** Throws unless `tokens` is int32 [B, ...tokenShape] in [0, vocabulary). */
export function checkTokens(
  where: string,
  tokens: NdArray,
  { tokenShape, vocabulary }: Pick<TokenizerSpec, 'tokenShape' | 'vocabulary'>,
): asserts tokens is NdArray<'int32'> {
  const [batch, ...shape] = tokens.shape;
  if (batch === undefined || String(shape) !== String(tokenShape)) {
    throw new ShapeError(
      `${where}: expected tokens of shape [B, ${tokenShape.join(', ')}], got [${tokens.shape.join(', ')}].`,
    );
  }
  if (tokens.dtype !== 'int32') throw new DTypeError(`${where}: expected int32 tokens, got ${tokens.dtype}.`);
  if (batch === 0) throw new ConfigError(`${where}: expected a batch of at least one frame's tokens, got none.`);
  const bad = (tokens.data as Int32Array).findIndex((token) => token < 0 || token >= vocabulary);
  if (bad !== -1) {
    throw new ConfigError(
      `${where}: expected tokens in [0, ${vocabulary}), got ${String(tokens.data[bad])} at position ${bad}.`,
    );
  }
}
