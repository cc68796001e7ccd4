// A tokenizer that only these tests know: a pixel of a sixteenth of the brightness is a token. It has nothing to learn.
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { checkFrames, checkTokens } from '@tessera/vqvae';
import type { Tokenizer, TokenizerSpec } from '@tessera/vqvae';

/** Frames of 4 x 4 grey pixels, whose bytes are multiples of 16, as 16 tokens. `shift` makes another code book: pixel value v is code (v + shift) mod 16. */
export class PixelTokenizer implements Tokenizer {
  readonly spec: TokenizerSpec;
  /** All that was ever encoded. */
  readonly seen: NdArray[] = [];
  disposed = false;
  readonly #shift: number;

  constructor({ tokenShape = [4, 4], shift = 0 }: { tokenShape?: readonly number[]; shift?: number } = {}) {
    this.spec = { frameShape: [4, 4, 1], tokenShape, vocabulary: 16, codeDim: 2 };
    this.#shift = shift;
  }

  encode(frames: NdArray): NdArray<'int32'> {
    checkFrames('encode', frames, this.spec);
    this.seen.push(frames);
    const codes = Int32Array.from(frames.data, (x) => (Math.round((x * 255) / 16) + this.#shift) % 16);
    return ndarray('int32', [frames.shape[0]!, ...this.spec.tokenShape], codes);
  }

  embed(tokens: NdArray): NdArray<'float32'> {
    checkTokens('embed', tokens, this.spec);
    const vectors = Float32Array.from([...(tokens.data as Int32Array)].flatMap((code) => [code / 8 - 1, code % 2]));
    return ndarray('float32', [...tokens.shape, 2], vectors);
  }

  decode(tokens: NdArray): NdArray<'float32'> {
    checkTokens('decode', tokens, this.spec);
    const pixels = Float32Array.from(
      tokens.data as Int32Array,
      (code) => (((code - this.#shift + 16) % 16) * 16) / 255,
    );
    return ndarray('float32', [tokens.shape[0]!, ...this.spec.frameShape], pixels);
  }

  dispose(): void {
    this.disposed = true;
  }
}
