// The one way from an environment's bytes to tokens. Acting, training, measuring and evaluating all go through here, so that they cannot differ.
import { ConfigError, DTypeError, ShapeError, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { codeTable, isTrainable, toUnit } from '@tessera/vqvae';
import type { Tokenizer } from '@tessera/vqvae';

/** Throws ShapeError, DTypeError or ConfigError unless `frames` is uint8 [batch, ...frameShape] with a frame or more. */
export function checkFrameBytes(where: string, frames: NdArray, frameShape: readonly number[]): void {
  const { dtype, shape } = frames;
  if (shape.length !== 4 || String(shape.slice(1)) !== String(frameShape)) {
    throw new ShapeError(
      `${where}: expected frames of shape [batch, ${frameShape.join(', ')}], got [${shape.join(', ')}]. One frame alone is a batch of 1.`,
    );
  }
  if (dtype !== 'uint8') {
    throw new DTypeError(`${where}: expected frames as the environment gives them, uint8, got ${String(dtype)}.`);
  }
  if (shape[0] === 0) throw new ConfigError(`${where}: expected at least one frame, got none.`);
}

/** Frames, uint8 [batch, height, width, channels], as tokens, int32 [batch, tokens]. Throws ConfigError for codes outside of the tokenizer's own vocabulary. */
export function tokensOf(tokenizer: Tokenizer, frames: NdArray<'uint8'>): NdArray<'int32'> {
  const { shape, data } = tokenizer.encode(toUnit(frames));
  const batch = shape[0]!;
  const { vocabulary } = tokenizer.spec;
  const stray = data.find((code) => !(code >= 0 && code < vocabulary));
  if (stray !== undefined) {
    throw new ConfigError(
      `tokenizer: expected codes from 0 to ${vocabulary - 1}, as its spec says, got ${stray}. World model and policy know no others.`,
    );
  }
  return { dtype: 'int32', shape: [batch, data.length / batch], data };
}

/**
 * The embedding of every code, float32 [vocabulary, codeDim], as world model and policy see it. Codes that were trained come in any scale and are divided by
 * their root mean square; codes that are given or grow one by one stay what they are, so that a new one does not move the others.
 */
export function codeFeatures(tokenizer: Tokenizer): NdArray<'float32'> {
  const table = codeTable(tokenizer);
  if (!isTrainable(tokenizer)) return table;
  const square = table.data.reduce((sum, x) => sum + x * x, 0) / table.data.length;
  const scale = square > 0 ? 1 / Math.sqrt(square) : 1;
  return ndarray(
    'float32',
    table.shape,
    table.data.map((x) => x * scale),
  );
}
