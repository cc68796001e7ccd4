// The models of part B: encoder and decoder of the trunks with a VAE's or a VQ-VAE's latents between them, and for the strong decoder the true frame too, by way of masked
// convolutions. Frames are grey levels, each number one of 8 classes, so likelihoods are exact and every model's the same.
import { Generators, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import {
  add,
  checkFinite,
  concat,
  exp,
  f32,
  fill,
  gather,
  i32,
  mean,
  mul,
  nearestCode,
  relu,
  reshape,
  segmentSum,
  slice,
  softmaxCrossEntropy,
  straightThrough,
  sub,
  sum,
  toFloat,
} from '@tessera/engine';
import type { Engine, Program, Spec, State, Tensor, Traced } from '@tessera/engine';
import { adamStep, conv, initAdam, initConv, initMaskedConv, maskedConv, randomKey, uniform } from '@tessera/nn';
import type { AdamState, Linear } from '@tessera/nn';
import {
  codebookLoss,
  commitmentLoss,
  decodeTrunk,
  encodeTrunk,
  gaussianOf,
  initTrunks,
  kMeansPlusPlus,
  reparametrise,
  standardNormalKl,
} from '@tessera/vqvae';
import type { DecoderTrunk, EncoderTrunk, Posteriors, TrunkConfig } from '@tessera/vqvae';
import { levels, side } from './sprite-world.ts';

/** Which latents. */
export type CollapseLatents =
  { readonly kind: 'vae'; readonly beta: number } | { readonly kind: 'vq'; readonly vocabulary: number };

/** What a model of part B is made of. */
export interface CollapseOptions {
  readonly latents: CollapseLatents;
  readonly decoder: 'weak' | 'strong';
  readonly channels: number;
  readonly latentDim: number;
  readonly features: number;
  readonly batch: number;
  readonly seed: number;
}

/** Measures of frames, one number a frame where it says so. */
export interface CollapseEvaluation {
  /** `-ln p(x | z)` of each frame in nats, z its own. */
  readonly nll: Float64Array;
  /** The same with the latents of another frame. */
  readonly nllOfOther: Float64Array;
  /** Of a VAE. */
  readonly posteriors: Posteriors | undefined;
  /** Of a VQ-VAE. */
  readonly tokens: Int32Array | undefined;
}

const grid = 4;
const dimensions = side * side * 3;
const commitment = 0.25;

interface Parameters {
  readonly encoder: EncoderTrunk;
  readonly decoder: DecoderTrunk;
  readonly context: { readonly [layer: string]: Linear };
  readonly output: Linear;
  readonly codebook: NdArray<'float32'>;
}

type Model = State<{ parameters: Parameters; adam: AdamState }>;
type Inputs = Record<'x' | 'key' | 'learningRate', Spec>;

/** A model with its optimiser. */
export class CollapseModel {
  readonly options: CollapseOptions;
  readonly #trunk: TrunkConfig;
  readonly #state: Model;
  readonly #generators: Generators;
  readonly #trainer: Program<Inputs, { nll: Tensor; counts: Tensor }>;
  readonly #evaluator: Program<
    Pick<Inputs, 'x' | 'key'>,
    Record<'nll' | 'other' | 'mean' | 'deviation' | 'tokens', Tensor>
  >;
  readonly #unused: Int32Array;
  #seeded = false;

  constructor(engine: Engine, options: CollapseOptions) {
    this.options = options;
    const { latents, decoder, channels, latentDim, features, batch, seed } = options;
    this.#trunk = {
      frameShape: [side, side, 3],
      tokenShape: [grid, grid],
      channels,
      residualBlocks: 0,
      activation: 'elu',
      kernelSize: 4,
    };
    this.#generators = new Generators(seed);
    const init = this.#generators.get('init');
    const encoded = latents.kind === 'vae' ? 2 * latentDim : latentDim;
    const masked = (size: number, inputs: number, mask: 'A' | 'B') =>
      initMaskedConv(init, { size, inputs, outputs: features, mask, groups: 3 });
    const outputs = 3 * levels;
    const parameters: Parameters = {
      ...initTrunks(init, this.#trunk, { encoded, decoded: latentDim, outputs: features }),
      context: decoder === 'weak' ? {} : { first: masked(5, 3, 'A'), second: masked(3, features, 'B') },
      output:
        decoder === 'weak'
          ? initConv(init, { size: 1, inputs: features, outputs })
          : initMaskedConv(init, { size: 1, inputs: features, outputs, mask: 'B', groups: 3 }),
      codebook: uniform(init, [latents.kind === 'vq' ? latents.vocabulary : 1, latentDim], 1),
    };
    this.#state = engine.state({ parameters, adam: initAdam(parameters) });
    this.#unused = new Int32Array(parameters.codebook.shape[0]!);
    const inputs = { x: i32(batch, side, side, 3), key: i32(2) };
    this.#trainer = this.#state.program('train', { ...inputs, learningRate: f32() }, (input, state) =>
      this.#step(input, state as never),
    );
    this.#evaluator = this.#state.program('evaluate', inputs, ({ x, key }, { parameters: p }) => {
      const encoding = this.#encode(p as Traced<Parameters>, x, key);
      const [, ...rest] = encoding.z.shape as [number, ...number[]];
      const whole = rest.map(() => 0);
      // Every frame gets the latents of the one before it.
      const others = concat(
        [
          slice(encoding.z, [batch - 1, ...whole], [1, ...rest]),
          slice(encoding.z, [0, ...whole], [batch - 1, ...rest]),
        ],
        { axis: 0 },
      );
      return {
        nll: this.#nll(p as Traced<Parameters>, encoding.z, x),
        other: this.#nll(p as Traced<Parameters>, others, x),
        mean: encoding.mean,
        deviation: encoding.deviation,
        tokens: encoding.tokens,
      };
    });
  }

  /** One step on a batch of levels, int32 [batch, 32, 32, 3]; returns the mean `-ln p(x | z)` in nats. */
  trainStep(x: NdArray<'int32'>, { learningRate }: { readonly learningRate: number }): number {
    if (this.options.latents.kind === 'vq' && !this.#seeded) this.#seed(x);
    const key = randomKey(this.#generators.get('noise'));
    const out = this.#trainer.run({ x, key, learningRate });
    if (this.options.latents.kind === 'vq') {
      for (let k = 0; k < this.#unused.length; k++)
        this.#unused[k] = Number(out.counts.data[k]) > 0 ? 0 : this.#unused[k]! + 1;
    }
    return Number(out.nll.data[0]);
  }

  /** Lets codes that nothing has chosen for `after` steps start again at vectors of these frames. Returns how many. */
  restartUnused(x: NdArray<'int32'>, { after }: { readonly after: number }): number {
    const rows = [...this.#unused.keys()].filter((k) => this.#unused[k]! >= after);
    if (rows.length > 0) this.#replaceCodes(x, rows);
    return rows.length;
  }

  /** Measures levels, int32 [N, 32, 32, 3]; frames that fill no batch are left out. */
  evaluate(x: NdArray<'int32'>): CollapseEvaluation {
    const { batch, latents, latentDim } = this.options;
    const used = Math.floor(x.shape[0]! / batch) * batch;
    const places = grid * grid;
    const nll = new Float64Array(used);
    const nllOfOther = new Float64Array(used);
    const posteriors = {
      mean: ndarray('float32', [used, places * latentDim]),
      deviation: ndarray('float32', [used, places * latentDim]),
    };
    const tokens = new Int32Array(used * places);
    for (let start = 0; start < used; start += batch) {
      const out = this.#evaluator.run({
        x: ndarray('int32', [batch, side, side, 3], x.data.slice(start * dimensions, (start + batch) * dimensions)),
        key: randomKey(this.#generators.get('evaluation')),
      });
      nll.set(out.nll.data as Float32Array, start);
      nllOfOther.set(out.other.data as Float32Array, start);
      posteriors.mean.data.set(out.mean.data as Float32Array, start * places * latentDim);
      posteriors.deviation.data.set(out.deviation.data as Float32Array, start * places * latentDim);
      tokens.set(out.tokens.data as Int32Array, start * places);
    }
    return latents.kind === 'vae'
      ? { nll, nllOfOther, posteriors, tokens: undefined }
      : { nll, nllOfOther, posteriors: undefined, tokens };
  }

  dispose(): void {
    this.#trainer.dispose();
    this.#evaluator.dispose();
    this.#state.dispose();
  }

  #step(
    { x, key, learningRate }: { readonly x: Tensor; readonly key: Tensor; readonly learningRate: Tensor },
    { parameters, adam }: { readonly parameters: Traced<Parameters>; readonly adam: Traced<AdamState> },
  ): { nll: Tensor; counts: Tensor } {
    const { latents } = this.options;
    const encoding = this.#encode(parameters, x, key);
    const nll = mean(this.#nll(parameters, encoding.z, x));
    // Both models pay for their frames in nats a number; the VAE for its latents too, the VQ-VAE's losses of the codebook are what they are.
    const scaled = mul(nll, 1 / dimensions);
    const loss =
      latents.kind === 'vae' ? add(scaled, mul(encoding.cost, latents.beta / dimensions)) : add(scaled, encoding.cost);
    adamStep(checkFinite(loss, 'the loss'), parameters, adam, { learningRate, clipNorm: 10 });
    const flat = reshape(encoding.tokens, [-1]);
    const ones = fill([flat.shape[0]!, 1], 1);
    const counts = reshape(segmentSum(ones, flat, parameters.codebook.shape[0]!), [-1]);
    return { nll, counts };
  }

  // Levels to latents [N, h, w, D]; the cost is the KL in nats a frame, or the losses of codebook and encoder.
  #encode(
    { encoder, codebook }: Traced<Parameters>,
    x: Tensor,
    key: Tensor,
  ): { z: Tensor; cost: Tensor; mean: Tensor; deviation: Tensor; tokens: Tensor } {
    const encoded = encodeTrunk(this.#trunk, encoder, mul(toFloat(x), 1 / (levels - 1)));
    if (this.options.latents.kind === 'vae') {
      const posterior = gaussianOf(encoded);
      const cost = mean(sum(standardNormalKl(posterior), { axes: [1, 2, 3] }));
      const deviation = exp(mul(posterior.logVariance, 0.5));
      const tokens = nearestCode(reshape(posterior.mean, [-1, this.options.latentDim]), codebook);
      return { z: reparametrise(posterior, key), cost, mean: posterior.mean, deviation, tokens };
    }
    const vectors = reshape(encoded, [-1, this.options.latentDim]);
    const tokens = nearestCode(vectors, codebook);
    const codes = gather(codebook, tokens);
    const cost = add(codebookLoss(vectors, codes), mul(commitmentLoss(vectors, codes), commitment));
    return {
      z: reshape(straightThrough(vectors, codes), encoded.shape),
      cost,
      mean: encoded,
      deviation: encoded,
      tokens,
    };
  }

  // `-ln p(x | z)` of each frame in nats, [N].
  #nll({ decoder, context, output }: Traced<Parameters>, z: Tensor, x: Tensor): Tensor {
    const drawn = decodeTrunk(this.#trunk, decoder, z); // [N, H, W, features]
    const batch = x.shape[0]!;
    let logits: Tensor;
    if (this.options.decoder === 'weak') logits = conv(output, relu(drawn));
    else {
      const seen = sub(mul(toFloat(x), 2 / (levels - 1)), 1);
      const first = relu(add(drawn, maskedConv(context['first']!, seen, { mask: 'A', groups: 3 })));
      const second = relu(add(first, maskedConv(context['second']!, first, { mask: 'B', groups: 3 })));
      logits = maskedConv(output, second, { mask: 'B', groups: 3 }); // [N, H, W, 3 * levels]
    }
    const surprise = softmaxCrossEntropy(reshape(logits, [-1, levels]), reshape(x, [-1]));
    return sum(reshape(surprise, [batch, dimensions]), { axes: [1] });
  }

  #seed(x: NdArray<'int32'>): void {
    this.#replaceCodes(x, [...this.#unused.keys()]);
    this.#seeded = true;
  }

  // Codes become vectors of these frames, far from one another; their moments start anew.
  #replaceCodes(x: NdArray<'int32'>, rows: readonly number[]): void {
    const { latentDim } = this.options;
    const key = randomKey(this.#generators.get('noise'));
    const { data } = this.#evaluator.run({ x, key }).mean;
    const vectors = kMeansPlusPlus(
      this.#generators.get('seeding'),
      { data: data as Float32Array, width: latentDim },
      rows.length,
    );
    const names = ['parameters.codebook', 'adam.first.codebook', 'adam.second.codebook'];
    const changed = Object.fromEntries(names.map((name) => [name, this.#state.readOne(name)]));
    for (const [i, row] of rows.entries()) {
      for (const name of names) {
        const values =
          name === names[0] ? vectors.subarray(i * latentDim, (i + 1) * latentDim) : new Float32Array(latentDim);
        (changed[name]!.data as Float32Array).set(values, row * latentDim);
      }
      this.#unused[row] = 0;
    }
    this.#state.write(changed);
  }
}
