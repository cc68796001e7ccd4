// The Gaussian VAE on the VQ-VAE's trunks, with its optimiser on one engine: what a VQ-VAE is compared with. With `beta: 0, noise: false` it is the plain autoencoder.
import { ConfigError, Generators, ShapeError, ndarray } from '@tessera/core';
import type { Generator, GeneratorState, NdArray } from '@tessera/core';
import { BatchedProgram, checkFinite, exp, f32, flatten, i32, maximum, minimum, mul } from '@tessera/engine';
import type { Engine, NamedArrays, Program, State, Tensor, Traced } from '@tessera/engine';
import { adamStep, initAdam, normal, randomKey } from '@tessera/nn';
import type { AdamState } from '@tessera/nn';
import { decodeTrunk } from '../autoencoder.ts';
import { checkFrames, checkLearningRate } from '../frames.ts';
import { startingBias } from '../starting-output.ts';
import type { TrainStepOptions } from '../tokenizer.ts';
import { vaeConfig } from './config.ts';
import type { VaeConfig, VaeOptions } from './config.ts';
import type { Posteriors } from './latent-statistics.ts';
import { encodePosterior, initVae, vaeForward } from './model.ts';
import type { VaeParameters } from './model.ts';

interface VaeState {
  readonly parameters: VaeParameters;
  readonly adam: AdamState;
}

type TrainOutputs = Record<'loss' | 'reconstruction' | 'kl' | 'gradientNorm', Tensor>;
type TrainInputs = Record<'frames' | 'key' | 'learningRate', ReturnType<typeof f32>>;

/** What one training step of a VAE reports. */
export interface VaeMetrics {
  /** What training lowers: `(reconstruction + beta kl) / (H W C)`. */
  readonly loss: number;
  /** `-ln p(x | z)` without its constant, nats a frame. */
  readonly reconstructionLoss: number;
  /** `KL(q(z | x) || N(0, I))`, nats a frame: the rate. */
  readonly kl: number;
  /** Global norm of the gradients before clipping. */
  readonly gradientNorm: number;
}

/** A VAE with its optimiser. */
export class VAE {
  readonly config: VaeConfig;
  readonly #state: State<VaeState>;
  readonly #trainers = new Map<number, Program<TrainInputs, TrainOutputs>>();
  readonly #encoders: BatchedProgram<'x', { mean: Tensor; deviation: Tensor }>;
  readonly #decoders: BatchedProgram<'x', { frames: Tensor }>;
  readonly #generators: Generators;
  readonly #parameterCount: number;
  readonly #outputLayer: number;

  constructor(engine: Engine, options: VaeOptions = {}, { seed = 0 }: { readonly seed?: number } = {}) {
    const config = vaeConfig(options);
    this.config = config;
    this.#generators = new Generators(seed);
    const parameters = initVae(this.#generators.get('init'), config);
    this.#outputLayer = parameters.decoder.up.length - 1;
    // Asked for now, so that saved states hold it.
    this.#generators.get('noise');
    this.#state = engine.state({ parameters, adam: initAdam(parameters) });
    this.#parameterCount = [...flatten<NdArray>(parameters)].reduce((count, [, { data }]) => count + data.length, 0);
    this.#encoders = new BatchedProgram((batch) =>
      this.#state.program(`encode ${batch}`, { x: f32(batch, ...config.frameShape) }, ({ x }, { parameters: p }) => {
        const { mean, logVariance } = encodePosterior(config, p.encoder, x);
        return { mean, deviation: exp(mul(logVariance, 0.5)) };
      }),
    );
    this.#decoders = new BatchedProgram((batch) =>
      this.#state.program(`decode ${batch}`, { x: f32(batch, ...this.latentShape) }, ({ x }, { parameters: p }) => ({
        frames: minimum(maximum(decodeTrunk(config, p.decoder, x), 0), 1),
      })),
    );
  }

  /** [h, w, D]. */
  get latentShape(): readonly [number, number, number] {
    const { tokenShape, latentDim } = this.config;
    return [...tokenShape, latentDim];
  }

  /** Updates made so far. */
  get updates(): number {
    return Number(this.#state.readOne('adam.step').data[0]);
  }

  /** Trainable numbers. */
  get parameterCount(): number {
    return this.#parameterCount;
  }

  /**
   * One step of training on a batch, float32 [B, ...frameShape] in [0, 1].
   *
   * Throws ConfigError for a learning rate below 0, NonFiniteError when the loss is no number; the weights are then as before.
   */
  trainStep(frames: NdArray, { learningRate = this.config.learningRate }: TrainStepOptions = {}): VaeMetrics {
    checkFrames('trainStep', frames, this.config);
    checkLearningRate('trainStep', learningRate);
    if (this.updates === 0) this.#startAtMean(frames as NdArray<'float32'>);
    const key = randomKey(this.#generators.get('noise'));
    const out = this.#trainer(frames.shape[0]!).run({ frames, key, learningRate });
    const value = ({ data }: NdArray) => data[0] as number;
    return {
      loss: value(out.loss),
      reconstructionLoss: value(out.reconstruction),
      kl: value(out.kl),
      gradientNorm: value(out.gradientNorm),
    };
  }

  /** Mean and deviation of the posterior of each frame's latents, each float32 [B, h, w, D]. */
  posterior(frames: NdArray): Posteriors {
    checkFrames('posterior', frames, this.config);
    return this.#encoders.run({ x: frames }) as Posteriors;
  }

  /** Latents, float32 [B, h, w, D], to frames, float32 [B, ...frameShape] in [0, 1]. */
  decode(latents: NdArray): NdArray<'float32'> {
    const [batch = 0, ...shape] = latents.shape;
    if (String(shape) !== String(this.latentShape) || latents.dtype !== 'float32' || batch === 0) {
      throw new ShapeError(
        `decode: expected latents float32 [B, ${this.latentShape.join(', ')}] with B >= 1, got ${latents.dtype} [${latents.shape.join(', ')}].`,
      );
    }
    return this.#decoders.run({ x: latents }).frames as NdArray<'float32'>;
  }

  /** Frames by way of the means of their posteriors. */
  reconstruct(frames: NdArray): NdArray<'float32'> {
    return this.decode(this.posterior(frames).mean);
  }

  /** Frames decoded from latents of the standard normal distribution, the prior of the VAE. */
  sample(count: number, generator: Generator): NdArray<'float32'> {
    return this.decode(normal(generator, [count, ...this.latentShape], 1));
  }

  /** Copies of everything that training needs to go on. */
  state(): NamedArrays {
    return this.#state.read();
  }

  /** Takes over a state; throws before anything has changed when an array is missing, unknown or of another shape. */
  loadState(state: NamedArrays): void {
    const missing = this.#state.names.filter((name) => state[name] === undefined);
    if (missing.length > 0) throw new ConfigError(`loadState: '${missing[0]}' is missing.`);
    this.#state.write(state);
  }

  /** The position of the generator of the noise, for exact resumption. */
  generatorState(): Record<string, GeneratorState> {
    return this.#generators.getState();
  }

  /** Takes over states of `generatorState`. */
  loadGeneratorState(state: Record<string, GeneratorState>): void {
    this.#generators.setState(state);
  }

  dispose(): void {
    for (const program of this.#trainers.values()) program.dispose();
    for (const batches of [this.#encoders, this.#decoders]) batches.dispose();
    this.#state.dispose();
  }

  // As VQVAE.seedCodebook does.
  #startAtMean(frames: NdArray<'float32'>): void {
    const bias = ndarray('float32', [this.config.frameShape[2]], startingBias(frames, { kind: 'mse' }));
    this.#state.write({ [`parameters.decoder.up.${this.#outputLayer}.bias`]: bias });
  }

  #trainer(batch: number): Program<TrainInputs, TrainOutputs> {
    let program = this.#trainers.get(batch);
    if (program === undefined) {
      const inputs = { frames: f32(batch, ...this.config.frameShape), key: i32(2), learningRate: f32() };
      program = this.#state.program('train', inputs, ({ frames, key, learningRate }, { parameters, adam }) => {
        const { losses } = vaeForward(this.config, parameters as Traced<VaeParameters>, { frames, key });
        const loss = checkFinite(losses.total, 'the loss');
        const { gradientNorm } = adamStep(loss, parameters, adam as Traced<AdamState>, {
          learningRate,
          clipNorm: this.config.clipNorm,
        });
        return {
          loss,
          reconstruction: losses.reconstruction,
          kl: losses.kl,
          gradientNorm: checkFinite(gradientNorm, 'the norm of the gradients'),
        };
      });
      this.#trainers.set(batch, program);
    }
    return program;
  }
}
