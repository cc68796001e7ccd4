// A tokenizer that remembers patches: the nearest-neighbour tokenizer of "Improving Transformer World Models for Data-Efficient RL" (arXiv
// 2502.01591). It learns in one pass over a stream of frames, its codes never move, and decoding pastes them. There is nothing to train.
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { NamedArrays } from '@tessera/engine';
import { checkFrames, checkTokens } from '../frames.ts';
import type { StreamingTokenizer, TokenizerSpec } from '../tokenizer.ts';
import { checkState } from './check-state.ts';
import { nearestConfig } from './config.ts';
import type { NearestConfig, NearestOptions } from './config.ts';
import { PatchCodes, newPatch } from './patch-codes.ts';
import type { Patch } from './patch-codes.ts';

/** A codebook of the patches that were seen, in the order of first sight. */
export class NearestTokenizer implements StreamingTokenizer {
  readonly spec: TokenizerSpec;
  readonly config: NearestConfig;
  readonly #codes: PatchCodes;
  readonly #patch: Patch;
  /** A patch is `rows` runs of `rowLength` numbers that lie `stride` apart in a frame. */
  readonly #layout: { readonly rows: number; readonly rowLength: number; readonly stride: number };
  #overflow = 0;

  /** Throws ConfigError for settings that are wrong. */
  constructor(options: NearestOptions = {}) {
    const config = nearestConfig(options);
    const { frameShape, tokenShape, vocabulary } = config;
    const [height, width, channels] = frameShape;
    const [rows, rowLength] = [height / tokenShape[0], (width / tokenShape[1]) * channels];
    const codeDim = rows * rowLength;
    this.config = config;
    this.spec = { frameShape, tokenShape, vocabulary, codeDim };
    this.#codes = new PatchCodes({ capacity: vocabulary, width: codeDim });
    this.#patch = newPatch(codeDim);
    this.#layout = { rows, rowLength, stride: width * channels };
  }

  /** Codes in use; the others are zeros. */
  get codeCount(): number {
    return this.#codes.count;
  }

  /** How many observed patches were farther than the threshold from all codes and found no room. Above 0, decoding is not within the threshold: raise `vocabulary`. */
  get overflow(): number {
    return this.#overflow;
  }

  observe(frames: NdArray): number {
    checkFrames('observe', frames, this.spec);
    const codes = this.#codes;
    const before = codes.count;
    this.#eachPatch(frames, (patch) => {
      if (codes.find(patch) !== -1 || codes.nearest(patch).distance <= this.config.threshold) return;
      if (codes.count < codes.capacity) codes.add(patch);
      else this.#overflow += 1;
    });
    return codes.count - before;
  }

  /** The nearest codes, ties to the lowest; 0 for everything before the first frame was observed. Learns nothing. */
  encode(frames: NdArray): NdArray<'int32'> {
    checkFrames('encode', frames, this.spec);
    const codes = this.#codes;
    const tokens = ndarray('int32', [frames.shape[0]!, ...this.spec.tokenShape]);
    this.#eachPatch(frames, (patch, position) => {
      const code = codes.find(patch);
      tokens.data[position] = code === -1 ? Math.max(0, codes.nearest(patch).code) : code;
    });
    return tokens;
  }

  /** The values of the patches `[patchHeight * patchWidth * channels]`, row by row. */
  embed(tokens: NdArray): NdArray<'float32'> {
    checkTokens('embed', tokens, this.spec);
    const { codeDim } = this.spec;
    const vectors = ndarray('float32', [...tokens.shape, codeDim]);
    tokens.data.forEach((code, position) => vectors.data.set(this.#code(code), position * codeDim));
    return vectors;
  }

  decode(tokens: NdArray): NdArray<'float32'> {
    checkTokens('decode', tokens, this.spec);
    const frames = ndarray('float32', [tokens.shape[0]!, ...this.spec.frameShape]);
    const { rows, rowLength, stride } = this.#layout;
    tokens.data.forEach((code, position) => {
      const values = this.#code(code);
      const start = this.#patchStart(position);
      for (let row = 0; row < rows; row++) {
        frames.data.set(values.subarray(row * rowLength, (row + 1) * rowLength), start + row * stride);
      }
    });
    return frames;
  }

  state(): NamedArrays {
    const { vocabulary, codeDim } = this.spec;
    return {
      codes: ndarray('float32', [vocabulary, codeDim], this.#codes.values.slice()),
      count: ndarray('int32', [], Int32Array.of(this.#codes.count)),
      overflow: ndarray('float64', [], Float64Array.of(this.#overflow)),
    };
  }

  /** Takes over a state; throws before anything has changed when an array is missing, unknown, of another shape or no codebook. */
  loadState(state: NamedArrays): void {
    const { codes, count, overflow } = checkState(state, this.state());
    this.#codes.clear();
    for (let code = 0; code < count; code++) {
      this.#patch.values.set(codes.subarray(code * this.spec.codeDim, (code + 1) * this.spec.codeDim));
      this.#codes.add(this.#patch);
    }
    this.#overflow = overflow;
  }

  dispose(): void {
    // There is nothing on an engine.
  }

  #code(code: number | bigint): Float32Array {
    const { codeDim } = this.spec;
    return this.#codes.values.subarray(Number(code) * codeDim, (Number(code) + 1) * codeDim);
  }

  /** Where in a batch of frames the patch of a batch of tokens begins. */
  #patchStart(position: number): number {
    const { rows, rowLength, stride } = this.#layout;
    const columns = this.config.tokenShape[1];
    // Frames are rows of patches one below the other, also across the batch.
    return Math.floor(position / columns) * rows * stride + (position % columns) * rowLength;
  }

  #eachPatch(frames: NdArray<'float32'>, visit: (patch: Patch, position: number) => void): void {
    const { rows, rowLength, stride } = this.#layout;
    const { values } = this.#patch;
    const count = frames.data.length / this.spec.codeDim;
    for (let position = 0; position < count; position++) {
      const start = this.#patchStart(position);
      let at = 0;
      for (let row = 0; row < rows; row++) {
        for (let from = start + row * stride, end = from + rowLength; from < end; from++) {
          values[at++] = frames.data[from]!;
        }
      }
      visit(this.#patch, position);
    }
  }
}
