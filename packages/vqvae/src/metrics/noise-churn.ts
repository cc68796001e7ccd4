// Whether tokens stay what they are when nothing that matters has changed.
import { ndarray } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';
import { toBytes, toUnit } from '../frames.ts';
import type { Tokenizer } from '../tokenizer.ts';
import { tokenChurn } from '../usage.ts';

/**
 * The share of tokens that change when every number of every frame goes up or down by one grey level of 255, at random, without leaving the range. Frames are float32
 * [B, ...frameShape] in [0, 1], rounded to grey levels first; 0 is stable.
 */
export function greyNoiseChurn(
  tokenizer: Pick<Tokenizer, 'encode'>,
  frames: NdArray<'float32'>,
  generator: Generator,
): number {
  const bytes = toBytes(frames);
  const noisy = ndarray('uint8', bytes.shape);
  for (let i = 0; i < noisy.data.length; i++) {
    const step = generator.integers(2) === 0 ? -1 : 1;
    const moved = bytes.data[i]! + step;
    noisy.data[i] = moved < 0 || moved > 255 ? bytes.data[i]! - step : moved;
  }
  return tokenChurn(tokenizer.encode(toUnit(bytes)).data, tokenizer.encode(toUnit(noisy)).data);
}
