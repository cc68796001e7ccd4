// Generation with a key-value cache: sequences grow by a token or by a frame of tokens at a time, and no token is looked at twice. A frame is one program: it draws
// each token and looks at it again without leaving the engine.
import { ConfigError, ShapeError, ndarray } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';
import { categorical, concat, f32, i32, mul, reshape, slice } from '@tessera/engine';
import type { Engine, Program, Spec, State, Tensor } from '@tessera/engine';
import { nextLogits } from './causal-transformer.ts';
import type { CausalTransformer, CausalTransformerConfig, FreshLayers } from './causal-transformer.ts';
import { initCache, writeCache } from './key-value-cache.ts';
import type { KeyValueCache } from './key-value-cache.ts';

interface GeneratorState {
  readonly parameters: CausalTransformer;
  readonly caches: readonly KeyValueCache[];
}

/** How many tokens to draw, and how. */
export interface GenerateOptions {
  readonly count: number;
  /** Where the chances come from. */
  readonly generator: Generator;
  /** Logits are divided by it; default 1. Small ones draw the likeliest token. */
  readonly temperature?: number;
}

type AppendStep = Program<Record<'tokens' | 'places' | 'position', Spec>, { logits: Tensor }>;
type GenerateStep = Program<
  Record<'tokens' | 'places' | 'position' | 'chances' | 'sharpness', Spec>,
  { drawn: Tensor }
>;

/** Sequences that a causal transformer continues. */
export class TokenGenerator {
  readonly config: CausalTransformerConfig;
  readonly #batch: number;
  readonly #state: State<GeneratorState>;
  readonly #appendSteps = new Map<number, AppendStep>();
  readonly #generateSteps = new Map<string, GenerateStep>();
  #position = 0;

  /** `batch` sequences side by side. Throws ConfigError for sizes that make no cache. */
  constructor(
    engine: Engine,
    parameters: CausalTransformer,
    config: CausalTransformerConfig,
    { batch }: { readonly batch: number },
  ) {
    const { heads, width, length, layers } = config;
    this.config = config;
    this.#batch = batch;
    const caches = Array.from({ length: layers }, () => initCache({ batch, heads, depth: width / heads, length }));
    this.#state = engine.state({ parameters, caches });
  }

  /** Tokens of each sequence so far. */
  get position(): number {
    return this.#position;
  }

  /**
   * Adds tokens, int32 [batch, count], to the sequences and returns the logits of what comes next, float32 [batch, predicted].
   *
   * Throws ShapeError for another batch, ConfigError for tokens out of range and when the sequences have no room left.
   */
  append(tokens: NdArray<'int32'>): NdArray<'float32'> {
    const count = this.#check('append', tokens, 0);
    const { logits } = this.#appendStep(count).run({ tokens, ...this.#place(count) });
    this.#position += count;
    return logits as NdArray<'float32'>;
  }

  /**
   * Adds tokens, int32 [batch, first], to the sequences and then draws `count` further ones, each from the model's distribution given all before it: int32 [batch, count].
   * The last one drawn is not in the sequences yet: it is the first to hand in next time, before the next action for instance.
   *
   * The generator is asked for batch * count numbers. Throws as `append`, and ConfigError for a count that is no whole number > 0 or a temperature that is not > 0.
   */
  generate(tokens: NdArray<'int32'>, { count, generator, temperature = 1 }: GenerateOptions): NdArray<'int32'> {
    if (!Number.isInteger(count) || count < 1)
      throw new ConfigError(`TokenGenerator.generate: expected a whole count > 0, got ${count}.`);
    if (!(temperature > 0))
      throw new ConfigError(`TokenGenerator.generate: expected a temperature > 0, got ${temperature}.`);
    const first = this.#check('generate', tokens, count - 1);
    const added = first + count - 1;
    const chances = ndarray('float32', [count, this.#batch]);
    // Below 1 also as float32.
    for (let i = 0; i < chances.data.length; i++) chances.data[i] = Math.min(generator.random(), 1 - 2 ** -24);
    const { drawn } = this.#generateStep(first, count).run({
      tokens,
      chances,
      sharpness: 1 / temperature,
      ...this.#place(added),
    });
    this.#position += added;
    return drawn as NdArray<'int32'>;
  }

  /** Forgets what came after the first `position` tokens, so that other dreams begin there; default 0. Throws ConfigError when there are fewer. */
  rewind(position = 0): void {
    if (!(Number.isInteger(position) && position >= 0 && position <= this.#position)) {
      throw new ConfigError(
        `TokenGenerator.rewind: expected a whole number of tokens from 0 to ${this.#position}, got ${position}.`,
      );
    }
    this.#position = position;
  }

  dispose(): void {
    for (const step of [...this.#appendSteps.values(), ...this.#generateSteps.values()]) step.dispose();
    this.#state.dispose();
  }

  /** The number of tokens, if they and `more` fit. */
  #check(caller: string, { shape }: NdArray<'int32'>, more: number): number {
    const [rows, count = 0] = shape;
    if (shape.length !== 2 || rows !== this.#batch || count < 1) {
      throw new ShapeError(
        `TokenGenerator.${caller}: expected tokens of shape [${this.#batch}, 1 or more], got [${shape.join(', ')}].`,
      );
    }
    const { length } = this.config;
    if (this.#position + count + more > length) {
      throw new ConfigError(
        `TokenGenerator.${caller}: ${count + more} tokens after ${this.#position} are more than the ${length} that there is room for. Go back with rewind.`,
      );
    }
    return count;
  }

  #place(count: number): { places: NdArray<'int32'>; position: number } {
    const position = this.#position;
    const places = ndarray('int32', [count]);
    for (let i = 0; i < count; i++) places.data[i] = position + i;
    return { places, position };
  }

  #appendStep(count: number): AppendStep {
    let step = this.#appendSteps.get(count);
    if (step === undefined) {
      const { heads, predicted } = this.config;
      const inputs = { tokens: i32(this.#batch, count), places: i32(count), position: i32() };
      step = this.#state.program(`append ${count}`, inputs, (x, { parameters, caches }) => {
        const { logits, fresh } = nextLogits(parameters, caches, { ...x, heads, predicted });
        for (const [layer, cache] of caches.entries()) writeCache(cache, fresh[layer]!, x.position);
        return { logits };
      });
      this.#appendSteps.set(count, step);
    }
    return step;
  }

  #generateStep(first: number, count: number): GenerateStep {
    const key = `${first} ${count}`;
    let step = this.#generateSteps.get(key);
    if (step === undefined) {
      const batch = this.#batch;
      const { heads, predicted } = this.config;
      const inputs = {
        tokens: i32(batch, first),
        places: i32(first + count - 1),
        position: i32(),
        chances: f32(count, batch),
        sharpness: f32(),
      };
      step = this.#state.program(`generate ${count} after ${first}`, inputs, (x, { parameters, caches }) => {
        const { position } = x;
        const drawn: Tensor[] = [];
        let { tokens } = x;
        let fresh: FreshLayers | undefined;
        for (let i = 0; i < count; i++) {
          const from = i === 0 ? 0 : first + i - 1;
          const places = slice(x.places, [from], [tokens.shape[1]!]);
          const next = nextLogits(parameters, caches, { tokens, places, heads, predicted, position, fresh });
          const chances = reshape(slice(x.chances, [i, 0], [1, batch]), [batch]);
          tokens = reshape(categorical(mul(next.logits, x.sharpness), chances), [batch, 1]);
          drawn.push(tokens);
          fresh = next.fresh;
        }
        for (const [layer, cache] of caches.entries()) writeCache(cache, fresh![layer]!, position);
        return { drawn: concat(drawn, { axis: 1 }) };
      });
      this.#generateSteps.set(key, step);
    }
    return step;
  }
}
