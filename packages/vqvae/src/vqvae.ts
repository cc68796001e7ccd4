// The VQ-VAE tokenizer (van den Oord et al. 2017, arXiv 1711.00937): encoder, codebook and decoder with their optimiser on one engine.
import { ConfigError, Generators, ndarray } from '@tessera/core';
import type { GeneratorState, NdArray } from '@tessera/core';
import { BatchedProgram, checkFinite, f32, flatten, fill, gather, i32, reshape, segmentSum } from '@tessera/engine';
import type { Engine, NamedArrays, Program, State, Tensor, Traced } from '@tessera/engine';
import { adamStep, initAdam } from '@tessera/nn';
import type { AdamState } from '@tessera/nn';
import { decodeCodes, encodeFrames } from './autoencoder.ts';
import { vqvaeConfig } from './config.ts';
import type { VqvaeConfig, VqvaeOptions } from './config.ts';
import { checkFrames, checkLearningRate, checkTokens } from './frames.ts';
import { forward, initVqvae, toFrames } from './model.ts';
import type { Forward, VqvaeParameters } from './model.ts';
import { createQuantizer } from './quantizers/create-quantizer.ts';
import type { Quantizer } from './quantizers/quantizer.ts';
import { kMeansPlusPlus, vectorsFarFromCodes } from './quantizers/seeding.ts';
import type { TokenizerMetrics, TokenizerSpec, TrainStepOptions, TrainableTokenizer } from './tokenizer.ts';
import { codeUsage } from './usage.ts';

/** What lives on the backend. */
interface VqvaeState {
  readonly parameters: VqvaeParameters;
  readonly adam: AdamState;
}

type TrainOutputs = Record<'loss' | 'reconstruction' | 'codebook' | 'commitment' | 'gradientNorm' | 'counts', Tensor>;
type TrainProgram = Program<{ frames: ReturnType<typeof f32>; learningRate: ReturnType<typeof f32> }, TrainOutputs>;
type LatentProgram = Program<{ frames: ReturnType<typeof f32> }, { z: Tensor; codes: Tensor }>;

/** How a VQVAE is made. */
export interface VqvaeCreateOptions {
  /** Seed of the starting values and of everything random later; default 0. */
  readonly seed?: number;
}

/** The distance between vectors and their codes. */
export interface QuantizationError {
  /** The mean over vectors of `|z - e|^2`. */
  readonly mean: number;
  /** `mean` over the mean squared distance of the vectors to their own mean: free of the encoder's scale. NaN when all vectors are equal to their codes. */
  readonly relative: number;
}

// Bookkeeping that has to be saved with the weights: numbers of updates and the age of each code.
const counterNames = ['updates', 'seeded'] as const;

const generatorNames = ['init', 'seeding', 'restart'] as const;

// A vector this much of the vectors' mean squared deviation away from its code has a code that serves it.
const restartTolerance = 0.01;

/** A VQ-VAE tokenizer with its optimiser. */
export class VQVAE implements TrainableTokenizer<VqvaeParameters> {
  readonly spec: TokenizerSpec;
  readonly config: VqvaeConfig;
  readonly quantizer: Quantizer;
  readonly #state: State<VqvaeState>;
  readonly #trainers = new Map<number, TrainProgram>();
  readonly #latents = new Map<number, LatentProgram>();
  readonly #encoders: BatchedProgram<'x', { tokens: Tensor }>;
  readonly #embedders: BatchedProgram<'x', { vectors: Tensor }>;
  readonly #decoders: BatchedProgram<'x', { frames: Tensor }>;
  readonly #generators: Generators;
  readonly #tree: VqvaeState;
  #updates = 0;
  #seeded = false;
  /** Updates since each code was last chosen. */
  #idle: Int32Array;

  constructor(engine: Engine, options: VqvaeOptions = {}, { seed = 0 }: VqvaeCreateOptions = {}) {
    const config = vqvaeConfig(options);
    const {
      frameShape,
      tokenShape,
      quantizer: { vocabulary, codeDim },
    } = config;
    this.config = config;
    this.spec = { frameShape, tokenShape, vocabulary, codeDim };
    this.quantizer = createQuantizer(config.quantizer);
    this.#generators = new Generators(seed);
    // Saved states hold the generators that were asked for, and not the seed from which others would start.
    for (const name of generatorNames) this.#generators.get(name);
    const parameters = initVqvae(this.#generators.get('init'), config, this.quantizer);
    this.#tree = { parameters, adam: initAdam(this.#trained(parameters)) };
    this.#state = engine.state(this.#tree);
    this.#idle = new Int32Array(vocabulary);
    const grid = [...tokenShape];
    this.#encoders = new BatchedProgram((batch) =>
      this.#state.program(`encode ${batch}`, { x: f32(batch, ...frameShape) }, ({ x }, { parameters: p }) => {
        const z = reshape(encodeFrames(config, p.encoder, x), [-1, codeDim]);
        return { tokens: reshape(this.quantizer.quantize(p.quantizer, z).tokens, [batch, ...grid]) };
      }),
    );
    this.#embedders = new BatchedProgram((batch) =>
      this.#state.program(`embed ${batch}`, { x: i32(batch, ...grid) }, ({ x }, { parameters: p }) => ({
        vectors: gather(p.quantizer.codebook, x),
      })),
    );
    this.#decoders = new BatchedProgram((batch) =>
      this.#state.program(`decode ${batch}`, { x: i32(batch, ...grid) }, ({ x }, { parameters: p }) => ({
        frames: toFrames(decodeCodes(config, p.decoder, gather(p.quantizer.codebook, x)), config.reconstruction),
      })),
    );
  }

  /** Updates made so far. */
  get updates(): number {
    return this.#updates;
  }

  /** Trainable numbers. */
  get parameterCount(): number {
    return [...flatten<NdArray>(this.#trained(this.#tree.parameters))].reduce(
      (sum, [, { data }]) => sum + data.length,
      0,
    );
  }

  /** Floating-point operations of one training step on a batch. */
  trainFlops(batch: number): number {
    return this.#trainer(batch).flops;
  }

  encode(frames: NdArray): NdArray<'int32'> {
    checkFrames('encode', frames, this.spec);
    return this.#encoders.run({ x: frames }).tokens as NdArray<'int32'>;
  }

  embed(tokens: NdArray): NdArray<'float32'> {
    checkTokens('embed', tokens, this.spec);
    return this.#embedders.run({ x: tokens }).vectors as NdArray<'float32'>;
  }

  decode(tokens: NdArray): NdArray<'float32'> {
    checkTokens('decode', tokens, this.spec);
    return this.#decoders.run({ x: tokens }).frames as NdArray<'float32'>;
  }

  /** How far the encoder's vectors of these frames are from their codes. */
  quantizationError(frames: NdArray): QuantizationError {
    checkFrames('quantizationError', frames, this.spec);
    const { z, codes } = this.#encodeLatents(frames);
    const [vectors, nearest] = [z.data as Float32Array, codes.data as Float32Array];
    let squares = 0;
    for (let i = 0; i < vectors.length; i++) squares += (vectors[i]! - nearest[i]!) ** 2;
    const { codeDim } = this.spec;
    const mean = (squares * codeDim) / vectors.length;
    return { mean, relative: mean / spread(vectors, codeDim) };
  }

  parameters(): VqvaeParameters {
    const values = this.#state.read();
    const copy = (tree: unknown, path: string): unknown => {
      const known = values[path];
      if (known !== undefined) return known;
      const at = (key: string) => `${path}.${key}`;
      if (Array.isArray(tree)) return tree.map((child, i) => copy(child, at(String(i))));
      return Object.fromEntries(Object.entries(tree as object).map(([key, child]) => [key, copy(child, at(key))]));
    };
    return copy(this.#tree.parameters, 'parameters') as VqvaeParameters;
  }

  forward(parameters: Traced<VqvaeParameters>, frames: Tensor): Forward {
    return forward(this, parameters, frames);
  }

  /**
   * Chooses starting codes among the encoder's vectors of these frames by k-means++. The first training step does it by itself on its own batch; more frames see more.
   */
  seedCodebook(frames: NdArray): void {
    checkFrames('seedCodebook', frames, this.spec);
    const { vocabulary, codeDim } = this.spec;
    const data = this.#encodeLatents(frames).z.data as Float32Array;
    const codes = kMeansPlusPlus(this.#generators.get('seeding'), { data, width: codeDim }, vocabulary);
    this.#replaceCodes(
      Array.from({ length: vocabulary }, (_, k) => k),
      codes,
    );
    this.#seeded = true;
  }

  /**
   * One step of training on a batch, float32 [B, ...frameShape] in [0, 1].
   *
   * Throws ConfigError for a learning rate below 0, NonFiniteError when the loss is no number; the state is then as before.
   */
  trainStep(frames: NdArray, { learningRate = this.config.learningRate }: TrainStepOptions = {}): TokenizerMetrics {
    checkFrames('trainStep', frames, this.spec);
    checkLearningRate('trainStep', learningRate);
    const out = this.#runTrainer(frames, learningRate);
    this.#updates++;
    const counts = out.counts.data as Float32Array;
    const { perplexity, usage } = codeUsage(counts);
    const value = (array: NdArray) => array.data[0] as number;
    return {
      loss: value(out.loss),
      reconstructionLoss: value(out.reconstruction),
      codebookLoss: value(out.codebook),
      commitmentLoss: value(out.commitment),
      perplexity,
      usage,
      gradientNorm: value(out.gradientNorm),
      restarted: this.#restartIdle(counts, frames),
    };
  }

  state(): NamedArrays {
    return {
      ...this.#state.read(),
      'counters.updates': ndarray('int32', [], Int32Array.of(this.#updates)),
      'counters.seeded': ndarray('int32', [], Int32Array.of(this.#seeded ? 1 : 0)),
      'counters.idle': ndarray('int32', [this.#idle.length], this.#idle.slice()),
    };
  }

  /** Takes over a state; throws before anything has changed when an array is missing, unknown or of another shape. */
  loadState(state: NamedArrays): void {
    const counters = [...counterNames.map((name) => `counters.${name}`), 'counters.idle'];
    const missing = [...this.#state.names, ...counters].filter((name) => state[name] === undefined);
    if (missing.length > 0)
      throw new ConfigError(
        `loadState: '${missing[0]}' is missing${missing.length > 1 ? `, and ${missing.length - 1} more` : ''}.`,
      );
    for (const name of counters) {
      const { dtype, data, shape } = state[name]!;
      const length = name === 'counters.idle' ? this.#idle.length : 1;
      if (dtype !== 'int32' || data.length !== length || (data as Int32Array).some((count) => count < 0)) {
        const size = name === 'counters.idle' ? `[${length}]` : '[]';
        throw new ConfigError(
          `loadState: expected ${name} as counts, int32 ${size}, got ${dtype} [${shape.join(', ')}].`,
        );
      }
    }
    const idle = state['counters.idle']!;
    this.#state.write(Object.fromEntries(Object.entries(state).filter(([name]) => !counters.includes(name))));
    this.#updates = Number(state['counters.updates']!.data[0]);
    this.#seeded = Number(state['counters.seeded']!.data[0]) === 1;
    this.#idle = Int32Array.from(idle.data as Int32Array);
  }

  /** The states of the generators that seeding and restarts draw from, for exact resumption. */
  generatorState(): Record<string, GeneratorState> {
    return this.#generators.getState();
  }

  /** Takes over states of `generatorState`. */
  loadGeneratorState(state: Record<string, GeneratorState>): void {
    this.#generators.setState(state);
  }

  dispose(): void {
    for (const program of [...this.#trainers.values(), ...this.#latents.values()]) program.dispose();
    for (const batches of [this.#encoders, this.#embedders, this.#decoders]) batches.dispose();
    this.#state.dispose();
  }

  #trained({ encoder, decoder, quantizer }: VqvaeParameters): {
    [name: string]: VqvaeParameters[keyof VqvaeParameters];
  } {
    return this.quantizer.trainable ? { encoder, decoder, quantizer } : { encoder, decoder };
  }

  // The first step seeds the codebook; when it then fails, that is undone as well.
  #runTrainer(frames: NdArray, learningRate: number): ReturnType<TrainProgram['run']> {
    const program = this.#trainer(frames.shape[0]!);
    if (this.#seeded) return program.run({ frames, learningRate });
    const before = { state: this.state(), generators: this.generatorState() };
    try {
      this.seedCodebook(frames);
      return program.run({ frames, learningRate });
    } catch (error) {
      this.loadState(before.state);
      this.loadGeneratorState(before.generators);
      throw error;
    }
  }

  #trainer(batch: number): TrainProgram {
    let program = this.#trainers.get(batch);
    if (program === undefined) {
      const inputs = { frames: f32(batch, ...this.spec.frameShape), learningRate: f32() };
      program = this.#state.program('train', inputs, ({ frames, learningRate }, { parameters, adam }) => {
        const { losses, tokens, z } = this.forward(parameters as Traced<VqvaeParameters>, frames);
        const loss = checkFinite(losses.total, 'the loss');
        const flat = reshape(tokens, [-1]);
        const { encoder, decoder, quantizer } = parameters as Traced<VqvaeParameters>;
        const trained = this.quantizer.trainable ? { encoder, decoder, quantizer } : { encoder, decoder };
        const { gradientNorm } = adamStep(loss, trained, adam as Traced<AdamState>, {
          learningRate,
          clipNorm: this.config.clipNorm,
        });
        this.quantizer.update(quantizer, z, flat);
        const counts = reshape(segmentSum(fill([flat.shape[0]!, 1], 1), flat, this.spec.vocabulary), [-1]);
        return {
          loss,
          reconstruction: losses.reconstruction,
          codebook: losses.codebook,
          commitment: losses.commitment,
          gradientNorm: checkFinite(gradientNorm, 'the norm of the gradients'),
          counts,
        };
      });
      this.#trainers.set(batch, program);
    }
    return program;
  }

  #encodeLatents(frames: NdArray): { z: NdArray; codes: NdArray } {
    const batch = frames.shape[0]!;
    let program = this.#latents.get(batch);
    if (program === undefined) {
      program = this.#state.program(
        'latents',
        { frames: f32(batch, ...this.spec.frameShape) },
        ({ frames: x }, { parameters: p }) => {
          const z = reshape(encodeFrames(this.config, (p as Traced<VqvaeParameters>).encoder, x), [
            -1,
            this.spec.codeDim,
          ]);
          const { quantizer } = p as Traced<VqvaeParameters>;
          return { z, codes: gather(quantizer.codebook, this.quantizer.quantize(quantizer, z).tokens) };
        },
      );
      this.#latents.set(batch, program);
    }
    return program.run({ frames });
  }

  /** Lets codes that nothing has chosen for too long start again at vectors far from their codes. Returns how many. */
  #restartIdle(counts: Float32Array, frames: NdArray): number {
    const { restartAfter, restartUntil } = this.config.quantizer;
    for (let k = 0; k < counts.length; k++) this.#idle[k] = counts[k]! > 0 ? 0 : this.#idle[k]! + 1;
    if (restartAfter === 0 || this.#updates > restartUntil) return 0;
    const rows = [...this.#idle.keys()].filter((k) => this.#idle[k]! >= restartAfter);
    if (rows.length === 0) return 0;
    const { codeDim } = this.spec;
    const { z, codes } = this.#encodeLatents(frames);
    const vectors = vectorsFarFromCodes(
      this.#generators.get('restart'),
      { data: z.data as Float32Array, width: codeDim },
      {
        codes: codes.data as Float32Array,
        count: rows.length,
        tolerance: restartTolerance * spread(z.data as Float32Array, codeDim),
      },
    );
    const restarted = rows.slice(0, vectors.length / codeDim);
    if (restarted.length > 0) this.#replaceCodes(restarted, vectors);
    return restarted.length;
  }

  // New codes, with the statistics of the quantizer and the moments of the optimiser reset for their rows.
  #replaceCodes(rows: readonly number[], vectors: Float32Array): void {
    const values = this.#state.read();
    const under = (prefix: string) =>
      Object.fromEntries(
        Object.entries(values).flatMap(([name, array]) =>
          name.startsWith(prefix) ? [[name.slice(prefix.length), array]] : [],
        ),
      );
    this.quantizer.replace(under('parameters.quantizer.'), rows, vectors);
    const changed = Object.entries(values).filter(([name]) => name.startsWith('parameters.quantizer.'));
    for (const name of ['adam.first.quantizer/codebook', 'adam.second.quantizer/codebook']) {
      const moment = values[name];
      if (moment === undefined) continue;
      const width = this.spec.codeDim;
      for (const row of rows) moment.data.fill(0 as never, row * width, (row + 1) * width);
      changed.push([name, moment]);
    }
    this.#state.write(Object.fromEntries(changed));
    for (const row of rows) this.#idle[row] = 0;
  }
}

// The mean over vectors of the squared distance to their mean.
function spread(data: Float32Array, width: number): number {
  const rows = data.length / width;
  const sums = new Float64Array(width);
  let squares = 0;
  for (let i = 0; i < data.length; i++) {
    sums[i % width]! += data[i]!;
    squares += data[i]! * data[i]!;
  }
  return squares / rows - sums.reduce((total, sum) => total + (sum / rows) ** 2, 0);
}
