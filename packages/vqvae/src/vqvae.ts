// The VQ-VAE tokenizer (van den Oord et al. 2017, arXiv 1711.00937): encoder, codebook and decoder with their optimiser on one engine.
import { ConfigError, Generators, ndarray } from '@tessera/core';
import type { GeneratorState, NdArray } from '@tessera/core';
import { BatchedProgram, checkFinite, f32, flatten, i32, reshape } from '@tessera/engine';
import type { Engine, NamedArrays, InputSpecs, Program, Spec, State, Tensor, Traced } from '@tessera/engine';
import { adamStep, initAdam, randomKey } from '@tessera/nn';
import type { AdamState } from '@tessera/nn';
import { CodeLife, spread } from './code-life.ts';
import type { CodeLifeOptions } from './code-life.ts';
import { vqvaeConfig } from './config.ts';
import type { VqvaeConfig, VqvaeOptions } from './config.ts';
import { checkFrames, checkLearningRate, checkTokens } from './frames.ts';
import { checkJointQuantizer, jointProgram } from './joint-training.ts';
import type { JointPartner, JointTokenizer, JointTrainer } from './joint-training.ts';
import { forward, initVqvae, toFrames } from './model.ts';
import type { Forward, VqvaeParameters } from './model.ts';
import { decodeCodes, encodeFrames } from './networks/networks.ts';
import type { AutoencoderConfig } from './networks/networks.ts';
import { createQuantizer } from './quantizers/create-quantizer.ts';
import { quantizeAnyRank } from './quantizers/any-rank.ts';
import type { Codebook, QuantizeOptions, Quantizer } from './quantizers/quantizer.ts';
import { embedTokens, joinSlots, splitSlots, vocabularyOf } from './slots.ts';
import { startingBias } from './starting-output.ts';
import type { TokenizerMetrics, TokenizerSpec, TrainStepOptions } from './tokenizer.ts';
import { finishStep, trainedPart, valueOf } from './training-step.ts';
import type { StepResults, VqvaeState } from './training-step.ts';
import { codeUsage } from './usage.ts';
import { videoVqvaeConfig } from './video/config.ts';

type LookUps = Program<{ frames: Spec }, { vectors: Tensor; codes: Tensor }>;
interface TrainInputs extends InputSpecs {
  readonly frames: Spec;
  readonly learningRate: Spec;
}
type TrainProgram = Program<TrainInputs, StepResults<Tensor>>;

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

/** A VQ-VAE tokenizer with its optimiser. */
export class VQVAE<C extends AutoencoderConfig = VqvaeConfig> implements JointTokenizer {
  readonly spec: TokenizerSpec;
  readonly config: C;
  readonly quantizer: Quantizer;
  readonly #engine: Engine;
  readonly #state: State<VqvaeState>;
  readonly #trainers = new Map<number, TrainProgram>();
  readonly #lookUps = new Map<string, LookUps>();
  readonly #codes: CodeLife;
  readonly #encoders: BatchedProgram<'x', { tokens: Tensor }>;
  readonly #embedders: BatchedProgram<'x', { vectors: Tensor }>;
  readonly #decoders: BatchedProgram<'x', { frames: Tensor }>;
  readonly #generators: Generators;
  readonly #tree: VqvaeState;
  #updates = 0;
  #seeded = false;

  constructor(engine: Engine, options: VqvaeOptions = {}, { seed = 0 }: VqvaeCreateOptions = {}) {
    // The rank of the frames tells pictures from videos, whose options are the constructor's of VideoVQVAE.
    const video = (options.frameShape as readonly number[] | undefined)?.length === 4;
    const config = (video ? videoVqvaeConfig(options as object) : vqvaeConfig(options)) as C;
    const {
      frameShape,
      quantizer: { codeDim },
    } = config;
    this.config = config;
    this.#engine = engine;
    this.quantizer = createQuantizer(config.quantizer);
    const { slots } = this.quantizer;
    const grid = [...config.tokenShape.slice(0, -1), config.tokenShape.at(-1)! * slots.length];
    this.spec = {
      frameShape,
      tokenShape: grid,
      vocabulary: vocabularyOf(slots),
      codeDim,
      ...(slots.length > 1 && { slots }),
    };
    this.#generators = new Generators(seed);
    // Saved states hold the generators that were asked for, and not the seed from which others would start.
    for (const name of generatorNames) this.#generators.get(name);
    if (this.quantizer.random) this.#generators.get('quantizer');
    const parameters = initVqvae(this.#generators.get('init'), config, this.quantizer);
    this.#tree = { parameters, adam: initAdam(trainedPart(this.quantizer, parameters)) };
    this.#state = engine.state(this.#tree);
    this.#codes = new CodeLife({
      settings: config.quantizer,
      codebooks: this.#codebooks,
      generators: this.#generators,
      lookUp: (codebook, x) => this.#lookUp(codebook, x),
      read: () => this.#quantizerArrays(),
      write: (arrays, replaced) => this.#writeCodes(arrays, replaced),
    });
    this.#encoders = new BatchedProgram((batch) =>
      this.#state.program(`encode ${batch}`, { x: f32(batch, ...frameShape) }, ({ x }, { parameters: p }) => {
        const { tokens } = quantizeAnyRank(this.quantizer, p.quantizer, encodeFrames(config, p.encoder, x));
        return { tokens: reshape(joinSlots(tokens, slots), [batch, ...grid]) };
      }),
    );
    this.#embedders = new BatchedProgram((batch) =>
      this.#state.program(`embed ${batch}`, { x: i32(batch, ...grid) }, ({ x }, { parameters: p }) => ({
        vectors: embedTokens(this.quantizer, p.quantizer, x),
      })),
    );
    this.#decoders = new BatchedProgram((batch) =>
      this.#state.program(`decode ${batch}`, { x: i32(batch, ...grid) }, ({ x }, { parameters: p }) => {
        const codes = this.quantizer.decode(p.quantizer, splitSlots(x, slots)); // [N*h*w, D]
        const output = decodeCodes(config, p.decoder, reshape(codes, [batch, ...config.tokenShape, codeDim]));
        return { frames: toFrames(output, config.reconstruction) };
      }),
    );
  }

  get #codebooks(): readonly Codebook[] {
    return this.quantizer.codebooks ?? [];
  }

  /** Updates made so far. */
  get updates(): number {
    return this.#updates;
  }

  /** Trainable numbers. */
  get parameterCount(): number {
    return [...flatten<NdArray>(trainedPart(this.quantizer, this.#tree.parameters))].reduce(
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

  /** How far what is looked up of these frames' vectors is from its codes, summed over codebooks; NaN where there are none. */
  quantizationError(frames: NdArray): QuantizationError {
    checkFrames('quantizationError', frames, this.spec);
    let [mean, deviations] = [0, 0];
    for (const [index, { width }] of this.#codebooks.entries()) {
      const found = this.#lookUp(index, frames);
      const [vectors, codes] = [found.vectors.data as Float32Array, found.codes.data as Float32Array];
      let squares = 0;
      for (let i = 0; i < vectors.length; i++) squares += (vectors[i]! - codes[i]!) ** 2;
      mean += (squares * width) / vectors.length;
      deviations += spread(vectors, width);
    }
    return { mean, relative: mean / deviations };
  }

  parameters(): VqvaeParameters {
    return this.#state.readTree().parameters;
  }

  forward(parameters: Traced<VqvaeParameters>, frames: Tensor, options: Pick<QuantizeOptions, 'random'> = {}): Forward {
    return forward(this, parameters, frames, options);
  }

  /**
   * Chooses starting codes among the encoder's vectors of these frames by k-means++; before the first update the decoder's output starts at their mean colour as
   * well. The first training step does it by itself on its own batch; more frames see more.
   */
  seedCodebook(frames: NdArray): void {
    checkFrames('seedCodebook', frames, this.spec);
    this.#codes.seed(frames);
    if (this.#updates === 0) {
      const bias = ndarray('float32', [frames.shape.at(-1)!], startingBias(frames, this.config.reconstruction));
      this.#state.write({ [`parameters.decoder.up.${this.#tree.parameters.decoder.up.length - 1}.bias`]: bias });
    }
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
    const program = this.#trainer(frames.shape[0]!);
    const out = this.#seededRun(frames, () =>
      program.run({
        frames,
        learningRate,
        ...(this.quantizer.random && { key: randomKey(this.#generators.get('quantizer')) }),
      }),
    );
    return this.#report(out, frames);
  }

  checkJoint(): void {
    checkJointQuantizer(this.quantizer);
  }

  jointTrainer<S extends object, I extends InputSpecs>(partner: JointPartner<S, I>): JointTrainer<I> {
    this.checkJoint();
    const run = jointProgram(this, {
      states: this.#engine.join({ tokenizer: this.#state, partner: partner.state }),
      partner,
    });
    return {
      flops: run.flops,
      step: (frames, { inputs, learningRate }) => {
        checkFrames('jointTrainer', frames, this.spec);
        checkLearningRate('jointTrainer', learningRate);
        const { tokenizer, outputs } = this.#seededRun(frames, () => run.step(frames, { inputs, learningRate }));
        return { metrics: this.#report(tokenizer, frames), outputs };
      },
      dispose: () => run.dispose(),
    };
  }

  // What an update reports; codes that nothing has chosen for too long start again.
  #report(out: StepResults<NdArray>, frames: NdArray): TokenizerMetrics {
    this.#updates++;
    const { slots } = this.quantizer;
    const all = out.counts.data as Float32Array;
    const counts = slots.map((vocabulary, q) => all.subarray((q * all.length) / slots.length).subarray(0, vocabulary));
    const { perplexity, usage } = codeUsage(counts.flatMap((row) => [...row]));
    return {
      loss: valueOf(out.loss),
      reconstructionLoss: valueOf(out.reconstruction),
      codebookLoss: valueOf(out['codebook']),
      commitmentLoss: valueOf(out['commitment']),
      perplexity,
      usage,
      gradientNorm: valueOf(out.gradientNorm),
      restarted: this.#codes.restart(counts, { updates: this.#updates, batch: frames }),
    };
  }

  state(): NamedArrays {
    return {
      ...this.#state.read(),
      'counters.updates': ndarray('int32', [], Int32Array.of(this.#updates)),
      'counters.seeded': ndarray('int32', [], Int32Array.of(this.#seeded ? 1 : 0)),
      'counters.idle': ndarray('int32', [this.#codes.idle.length], this.#codes.idle.slice()),
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
      const length = name === 'counters.idle' ? this.#codes.idle.length : 1;
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
    this.#codes.idle = Int32Array.from(idle.data as Int32Array);
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
    for (const program of [...this.#trainers.values(), ...this.#lookUps.values()]) program.dispose();
    for (const batches of [this.#encoders, this.#embedders, this.#decoders]) batches.dispose();
    this.#state.dispose();
  }

  // The first step seeds the codebook; when it then fails, that is undone as well.
  #seededRun<T>(frames: NdArray, run: () => T): T {
    if (this.#seeded) return run();
    const before = { state: this.state(), generators: this.generatorState() };
    try {
      this.seedCodebook(frames);
      return run();
    } catch (error) {
      this.loadState(before.state);
      this.loadGeneratorState(before.generators);
      throw error;
    }
  }

  #lookUp(codebook: number, frames: NdArray): ReturnType<LookUps['run']> {
    const [batch] = frames.shape;
    const key = `${codebook} ${batch}`;
    let program = this.#lookUps.get(key);
    if (program === undefined) {
      const inputs = { frames: f32(batch!, ...this.spec.frameShape) };
      program = this.#state.program('latents', inputs, ({ frames: x }, { parameters }) => {
        const { encoder, quantizer } = parameters as Traced<VqvaeParameters>;
        const z = reshape(encodeFrames(this.config, encoder, x), [-1, this.spec.codeDim]);
        return this.#codebooks[codebook]!.lookUp(quantizer, z);
      });
      this.#lookUps.set(key, program);
    }
    return program.run({ frames });
  }

  #quantizerArrays(): Record<string, NdArray<'float32'>> {
    const names = Object.keys(this.#tree.parameters.quantizer);
    const array = (name: string) => this.#state.readOne(`parameters.quantizer.${name}`) as NdArray<'float32'>;
    return Object.fromEntries(names.map((name) => [name, array(name)]));
  }

  // New codes, with the moments of the optimiser reset for their rows.
  #writeCodes(...[arrays, { codebook, rows }]: Parameters<CodeLifeOptions['write']>): void {
    const changed: NamedArrays = {};
    for (const [name, array] of Object.entries(arrays)) changed[`parameters.quantizer.${name}`] = array;
    const { name, width } = codebook;
    for (const moment of this.quantizer.trainable.includes(name) ? ['first', 'second'] : []) {
      const path = `adam.${moment}.quantizer/${name}`;
      const values = this.#state.readOne(path);
      for (const row of rows) values.data.fill(0 as never, row * width, (row + 1) * width);
      changed[path] = values;
    }
    this.#state.write(changed);
  }

  #trainer(batch: number): TrainProgram {
    let program = this.#trainers.get(batch);
    if (program === undefined) {
      const { random = false } = this.quantizer;
      const inputs: TrainInputs = {
        frames: f32(batch, ...this.spec.frameShape),
        learningRate: f32(),
        ...(random && { key: i32(2) }),
      };
      program = this.#state.program('train', inputs, ({ frames, learningRate, key }, { parameters, adam }) => {
        const p = parameters as Traced<VqvaeParameters>;
        const { losses, statistics } = this.forward(p, frames, { random: key });
        const total = checkFinite(losses.total, 'the loss');
        const { gradientNorm } = adamStep(total, trainedPart(this.quantizer, p), adam as Traced<AdamState>, {
          learningRate,
          clipNorm: this.config.clipNorm,
        });
        return finishStep(this.quantizer, p, { losses: { ...losses, total }, statistics, gradientNorm });
      });
      this.#trainers.set(batch, program);
    }
    return program;
  }
}
