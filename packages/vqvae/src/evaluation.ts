// Quality of a tokenizer on frames that it did not train on.
import type { NdArray } from '@tessera/core';
import { checkFrames } from './frames.ts';
import { PatchCounter } from './metrics/patches.ts';
import { ReconstructionSums } from './metrics/reconstruction.ts';
import type { ReconstructionQuality } from './metrics/reconstruction.ts';
import { placesOf } from './slots.ts';
import type { Tokenizer } from './tokenizer.ts';
import { codeUsage, countCodes, usageCeilings } from './usage.ts';

/** What `evaluateTokenizer` measures. Of several tokens a place, usage and perplexity are those of the one vocabulary of all slots. */
export interface TokenizerEvaluation extends ReconstructionQuality {
  readonly frames: number;
  readonly tokens: number;
  readonly perplexity: number;
  /** What K equally likely codes would show in a sample of this size. */
  readonly perplexityCeiling: number;
  readonly usage: number;
  /** `min(1, distinct patches / K)`, or what the size of the sample allows, if lower; of several tokens a place each can be another one for each patch. */
  readonly usageCeiling: number;
  readonly deadCodes: number;
  readonly distinctPatches: number;
  /** The NMSE of the best answer that does not look: the mean of these frames for every one of them. */
  readonly meanFrameNmse: number;
}

/** Frames as codes and back. */
export interface RoundTrip {
  /** int32 [B, ...tokenShape]. */
  readonly tokens: NdArray<'int32'>;
  /** float32 [B, ...frameShape]. */
  readonly decoded: NdArray<'float32'>;
}

/** Encodes and decodes frames, float32 [B, ...frameShape] in [0, 1], and measures both directions. */
export function evaluateTokenizer(
  tokenizer: Tokenizer,
  frames: NdArray,
): RoundTrip & { readonly evaluation: TokenizerEvaluation } {
  const evaluator = new TokenizerEvaluator(tokenizer);
  const { tokens, decoded } = evaluator.add(frames);
  return { evaluation: evaluator.result(), tokens, decoded };
}

/** Measures a tokenizer on a set of frames that comes in batches: nothing is kept of a batch but sums. The result is that of all frames at once, up to rounding. */
export class TokenizerEvaluator {
  readonly #tokenizer: Tokenizer;
  readonly #reconstruction = new ReconstructionSums();
  readonly #patches: PatchCounter;
  readonly #hits: Float64Array;
  #frames = 0;

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
    this.#patches = new PatchCounter(placesOf(tokenizer.spec));
    this.#hits = new Float64Array(tokenizer.spec.vocabulary);
  }

  /** Encodes and decodes frames, float32 [B, ...frameShape] in [0, 1], and adds them to the set. */
  add(frames: NdArray): RoundTrip {
    const { spec } = this.#tokenizer;
    checkFrames('evaluateTokenizer', frames, spec);
    const tokens = this.#tokenizer.encode(frames);
    const decoded = this.#tokenizer.decode(tokens);
    this.#reconstruction.add(frames, decoded);
    this.#patches.add(frames);
    for (const [code, count] of countCodes(tokens.data, spec.vocabulary).entries()) this.#hits[code]! += count;
    this.#frames += frames.shape[0]!;
    return { tokens, decoded };
  }

  /** Throws ShapeError when no frame was added. */
  result(): TokenizerEvaluation {
    const { vocabulary, slots } = this.#tokenizer.spec;
    const { perplexity, usage, dead, tokens } = codeUsage(this.#hits);
    const ceilings = usageCeilings({ vocabulary, tokens });
    const { distinct } = this.#patches;
    return {
      ...this.#reconstruction.quality(),
      frames: this.#frames,
      tokens,
      perplexity,
      perplexityCeiling: ceilings.perplexity,
      usage,
      usageCeiling: Math.min(ceilings.usage, ((slots?.length ?? 1) * distinct) / vocabulary),
      deadCodes: dead,
      distinctPatches: distinct,
      meanFrameNmse: this.#reconstruction.meanFrameNmse(),
    };
  }
}
