// A linear VAE, whose optimum is known in closed form (Lucas et al. 2019, arXiv 1911.02469; Tipping and Bishop 1999): it checks the instruments that measure others.
import { ConfigError, Generators, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { add, broadcastTo, f32, i32, matMul, mean, mul, square, sub, sum } from '@tessera/engine';
import type { Engine, Program, State, Tensor } from '@tessera/engine';
import { adamStep, initAdam, normal, randomKey, zeros } from '@tessera/nn';
import type { AdamState } from '@tessera/nn';
import { reparametrise, standardNormalKl } from './gaussian.ts';
import type { Posteriors } from './latent-statistics.ts';

/**
 * The optimum on data of a Gaussian with these eigenvalues under a decoder of noise `variance`: unit i is active iff `lambda_i > variance`, with
 * `KL_i = 1/2 ln(lambda_i / variance)` nats and activity `1 - variance / lambda_i`; all else is 0.
 */
export function linearVaeOptimum(
  eigenvalues: readonly number[],
  variance: number,
): { readonly kl: readonly number[]; readonly activity: readonly number[]; readonly activeUnits: number } {
  const ratios = eigenvalues.map((lambda) => Math.max(1, lambda / variance));
  return {
    kl: ratios.map((ratio) => Math.log(ratio) / 2),
    activity: ratios.map((ratio) => 1 - 1 / ratio),
    activeUnits: ratios.filter((ratio) => ratio > 1).length,
  };
}

interface LinearParameters {
  /** [D, units]. */
  readonly encoder: NdArray<'float32'>;
  /** [units]: linear decoders leave the posterior's variance the same for every x. */
  readonly logVariance: NdArray<'float32'>;
  /** [units, D]. */
  readonly decoder: NdArray<'float32'>;
}

type TrainInputs = Record<'x' | 'key' | 'learningRate', ReturnType<typeof f32>>;

/** `q(z|x) = N(x W, diag(s^2))`, `p(x|z) = N(z V, variance I)`, for data of mean 0. */
export class LinearVae {
  readonly units: number;
  readonly #state: State<{ parameters: LinearParameters; adam: AdamState }>;
  readonly #generators: Generators;
  readonly #dimensions: number;
  readonly #variance: number;
  #trainer: { readonly rows: number; readonly program: Program<TrainInputs, { loss: Tensor }> } | undefined;

  /** Throws ConfigError for a variance that is not positive. */
  constructor(
    engine: Engine,
    {
      dimensions,
      units,
      variance,
      seed = 0,
    }: { readonly dimensions: number; readonly units: number; readonly variance: number; readonly seed?: number },
  ) {
    if (!(variance > 0)) throw new ConfigError(`LinearVae: expected a variance above 0, got ${variance}.`);
    this.units = units;
    this.#dimensions = dimensions;
    this.#variance = variance;
    this.#generators = new Generators(seed);
    const init = this.#generators.get('init');
    const parameters = {
      encoder: normal(init, [dimensions, units], dimensions ** -0.5),
      logVariance: zeros([units]),
      decoder: normal(init, [units, dimensions], units ** -0.5),
    };
    this.#state = engine.state({ parameters, adam: initAdam(parameters) });
  }

  /** One step of Adam on the evidence lower bound of x, float32 [N, D]; returns its negative in nats without the constant. */
  trainStep(x: NdArray, { learningRate }: { readonly learningRate: number }): number {
    const rows = x.shape[0]!;
    if (this.#trainer?.rows !== rows) {
      this.#trainer?.program.dispose();
      this.#trainer = { rows, program: this.#record(rows) };
    }
    const key = randomKey(this.#generators.get('noise'));
    return Number(this.#trainer.program.run({ x, key, learningRate }).loss.data[0]);
  }

  /** The posteriors of x, float32 [N, D]. */
  posterior({ shape, data }: NdArray<'float32'>): Posteriors {
    const { encoder, logVariance } = Object.fromEntries(
      ['encoder', 'logVariance'].map((name) => [name, this.#state.readOne(`parameters.${name}`).data]),
    ) as Record<string, Float32Array>;
    const rows = shape[0]!;
    const means = ndarray('float32', [rows, this.units]);
    const deviation = ndarray('float32', [rows, this.units]);
    for (let i = 0; i < means.data.length; i++) {
      const [row, unit] = [Math.floor(i / this.units), i % this.units];
      let total = 0;
      for (let d = 0; d < this.#dimensions; d++)
        total += data[row * this.#dimensions + d]! * encoder![d * this.units + unit]!;
      means.data[i] = total;
      deviation.data[i] = Math.exp(logVariance![unit]! / 2);
    }
    return { mean: means, deviation };
  }

  dispose(): void {
    this.#trainer?.program.dispose();
    this.#state.dispose();
  }

  #record(rows: number): Program<TrainInputs, { loss: Tensor }> {
    const inputs = { x: f32(rows, this.#dimensions), key: i32(2), learningRate: f32() };
    return this.#state.program('train', inputs, ({ x, key, learningRate }, { parameters: p, adam }) => {
      const mu = matMul(x, p.encoder); // [N, units]
      const posterior = { mean: mu, logVariance: broadcastTo(p.logVariance, mu.shape) };
      const decoded = matMul(reparametrise(posterior, key), p.decoder); // [N, D]
      const errors = mean(sum(square(sub(decoded, x)), { axes: [1] }));
      const kl = mean(sum(standardNormalKl(posterior), { axes: [1] }));
      const loss = add(mul(errors, 1 / (2 * this.#variance)), kl);
      adamStep(loss, p, adam, { learningRate });
      return { loss };
    });
  }
}
