// Token churn: the share of the codes of fixed frames that changed since the last look. Moving codes are what a world model suffers from most.
import { FormatError } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { NamedArrays } from '@tessera/engine';
import { tokenChurn } from '@tessera/vqvae';
import type { Tokenizer } from '@tessera/vqvae';
import { tokensOf } from '../preprocess.ts';
import { savedCount } from '../saved-count.ts';

/** Frames whose tokens are watched. */
const probeFrames = 128;

/** How many tokens changed; NaN where there is nothing to compare with. */
export interface Churn {
  /** Share of the tokens that changed since the last look. */
  readonly churn: number;
  /** The same for 100 updates of the tokenizer, `1 - (1 - churn)^(100 / updates since the last look)`; NaN when there were none. */
  readonly perHundred: number;
}

/** Watches the tokens of the frames that it is given at its first look. */
export class TokenProbe {
  #frames: NdArray<'uint8'> | undefined;
  #tokens: NdArray<'int32'> | undefined;
  #updates = 0;

  /** Encodes the frames again after so many `updates` of the tokenizer in all. `draw` gives frames when there are none yet. */
  async look(
    tokenizer: Tokenizer,
    { updates, draw }: { readonly updates: number; readonly draw: (count: number) => Promise<NdArray<'uint8'>> },
  ): Promise<Churn> {
    this.#frames ??= await draw(probeFrames);
    const [before, since] = [this.#tokens, updates - this.#updates];
    this.#tokens = tokensOf(tokenizer, this.#frames);
    this.#updates = updates;
    const churn = before === undefined ? NaN : tokenChurn(before.data, this.#tokens.data);
    return { churn, perHundred: since > 0 ? 1 - (1 - churn) ** (100 / since) : NaN };
  }

  state(): NamedArrays {
    return this.#frames === undefined || this.#tokens === undefined
      ? {}
      : { frames: this.#frames, tokens: this.#tokens, updates: savedCount(this.#updates) };
  }

  /** Takes over a state for such a tokenizer. Throws FormatError for arrays that are none of its frames, tokens and updates. */
  loadState({ frames, tokens, updates, ...more }: NamedArrays, { spec }: Tokenizer): void {
    const count = frames?.shape[0] ?? 0;
    const size = spec.tokenShape.reduce((product, length) => product * length, 1);
    const fits = (array: NdArray | undefined, dtype: string, shape: readonly number[]) =>
      array?.dtype === dtype && String(array.shape) === String(shape);
    const empty = frames === undefined && tokens === undefined && updates === undefined;
    const whole =
      fits(frames, 'uint8', [count, ...spec.frameShape]) &&
      fits(tokens, 'int32', [count, size]) &&
      fits(updates, 'int32', []);
    if (Object.keys(more).length > 0 || !(empty || whole)) {
      throw new FormatError(
        `token probe: expected frames uint8 [n, ${spec.frameShape.join(', ')}], their tokens int32 [n, ${size}] and updates int32 [], got ${Object.entries(
          { frames, tokens, updates, ...more },
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
    this.#updates = Number(updates?.data[0] ?? 0);
  }
}
