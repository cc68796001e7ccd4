// Token churn: the share of the codes of fixed frames that changed since the last look. Moving codes are what a world model suffers from most.
import { FormatError } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { NamedArrays } from '@tessera/engine';
import { tokenChurn } from '@tessera/vqvae';
import type { Tokenizer } from '@tessera/vqvae';
import { tokensOf } from '../preprocess.ts';

/** Frames whose tokens are watched. */
const probeFrames = 128;

/** Watches the tokens of the frames that it is given at its first look. */
export class TokenProbe {
  #frames: NdArray<'uint8'> | undefined;
  #tokens: NdArray<'int32'> | undefined;

  /** Encodes the frames again and returns the share of tokens that changed; NaN at the first look. `draw` gives frames when there are none yet. */
  async look(tokenizer: Tokenizer, draw: (count: number) => Promise<NdArray<'uint8'>>): Promise<number> {
    this.#frames ??= await draw(probeFrames);
    const before = this.#tokens;
    this.#tokens = tokensOf(tokenizer, this.#frames);
    return before === undefined ? NaN : tokenChurn(before.data, this.#tokens.data);
  }

  state(): NamedArrays {
    return this.#frames === undefined || this.#tokens === undefined
      ? {}
      : { frames: this.#frames, tokens: this.#tokens };
  }

  /** Takes over a state for such a tokenizer. Throws FormatError for arrays that are none of its frames and tokens. */
  loadState({ frames, tokens, ...more }: NamedArrays, { spec }: Tokenizer): void {
    const count = frames?.shape[0] ?? 0;
    const size = spec.tokenShape.reduce((product, length) => product * length, 1);
    const fits = (array: NdArray | undefined, dtype: string, shape: readonly number[]) =>
      array?.dtype === dtype && String(array.shape) === String(shape);
    const empty = frames === undefined && tokens === undefined;
    const whole = fits(frames, 'uint8', [count, ...spec.frameShape]) && fits(tokens, 'int32', [count, size]);
    if (Object.keys(more).length > 0 || !(empty || whole)) {
      throw new FormatError(
        `token probe: expected frames uint8 [n, ${spec.frameShape.join(', ')}] and their tokens int32 [n, ${size}], got ${Object.entries(
          { frames, tokens, ...more },
        )
          .map(
            ([name, array]) =>
              `${name} ${array === undefined ? 'missing' : `${array.dtype} [${array.shape.join(', ')}]`}`,
          )
          .join(', ')}.`,
      );
    }
    this.#frames = frames as NdArray<'uint8'> | undefined;
    this.#tokens = tokens as NdArray<'int32'> | undefined;
  }
}
