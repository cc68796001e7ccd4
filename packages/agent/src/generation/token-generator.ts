// Generation with a key-value cache: sequences grow by a token or by a frame of tokens at a time, and no token is looked at twice.
import { ShapeError, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { i32 } from '@tessera/engine';
import type { Engine, Program, Spec, State, Tensor } from '@tessera/engine';
import { cacheRows, initCache } from '@tessera/nn';
import type { CacheSizes, KeyValueCache } from '@tessera/nn';
import { nextLogits } from './causal-transformer.ts';
import type { CausalTransformer, CausalTransformerConfig } from './causal-transformer.ts';

interface GeneratorState {
  readonly parameters: CausalTransformer;
  readonly caches: readonly KeyValueCache[];
}

/** How many sequences grow side by side, and how. */
export interface TokenGeneratorOptions {
  readonly batch: number;
  /** Tokens of a segment of the cache, a multiple of what is added at once; default 64. */
  readonly segment?: number;
}

type Step = Program<Record<'tokens' | 'places' | 'position' | 'rows', Spec>, { logits: Tensor }>;

/** Sequences that a causal transformer continues. */
export class TokenGenerator {
  readonly config: CausalTransformerConfig;
  readonly #sizes: Required<CacheSizes>;
  readonly #state: State<GeneratorState>;
  readonly #steps = new Map<string, Step>();
  #position = 0;

  /** Throws ConfigError for sizes that make no cache. */
  constructor(
    engine: Engine,
    parameters: CausalTransformer,
    config: CausalTransformerConfig,
    { batch, segment = 64 }: TokenGeneratorOptions,
  ) {
    const { heads, width, length, layers } = config;
    this.config = config;
    this.#sizes = { batch, heads, depth: width / heads, length, segment };
    const caches = Array.from({ length: layers }, () => initCache(this.#sizes));
    this.#state = engine.state({ parameters, caches });
  }

  /** Tokens of each sequence so far. */
  get position(): number {
    return this.#position;
  }

  /**
   * Adds tokens, int32 [batch, count], to the sequences and returns the logits of what comes next, float32 [batch, vocabulary].
   *
   * Throws ShapeError for another batch, ConfigError for tokens out of range and when the sequences, or a segment of the cache, have no room left.
   */
  append(tokens: NdArray<'int32'>): NdArray<'float32'> {
    const { batch, segment } = this.#sizes;
    const [rows, count = 0] = tokens.shape;
    if (tokens.shape.length !== 2 || rows !== batch || count < 1) {
      throw new ShapeError(
        `TokenGenerator.append: expected tokens of shape [${batch}, 1 or more], got [${tokens.shape.join(', ')}].`,
      );
    }
    const position = this.#position;
    const places = ndarray('int32', [count]);
    for (let i = 0; i < count; i++) places.data[i] = position + i;
    const cached = cacheRows(this.#sizes, { position, tokens: count });
    const step = this.#step(count, Math.floor(position / segment));
    const { logits } = step.run({ tokens, places, position, rows: cached });
    this.#position += count;
    return logits as NdArray<'float32'>;
  }

  /** Begins all sequences anew. */
  reset(): void {
    this.#position = 0;
  }

  dispose(): void {
    for (const step of this.#steps.values()) step.dispose();
    this.#state.dispose();
  }

  #step(count: number, full: number): Step {
    const key = `${count} ${full}`;
    let step = this.#steps.get(key);
    if (step === undefined) {
      const { batch, heads } = this.#sizes;
      const inputs = {
        tokens: i32(batch, count),
        places: i32(count),
        position: i32(),
        rows: i32(batch * heads * count),
      };
      step = this.#state.program(`generate ${count} after ${full}`, inputs, (x, { parameters, caches }) => ({
        logits: nextLogits(parameters, caches, { ...x, heads, full }),
      }));
      this.#steps.set(key, step);
    }
    return step;
  }
}
