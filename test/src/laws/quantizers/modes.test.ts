// Codebooks on latents that do not move: 128 Gaussian modes in 16 dimensions for 128 codes. Seeding and restarts decide how many modes get a code; that all codes
// are in use says little, so the error is asked for as well. The best possible NMSE is about 0.0011. Codes start at 2,048 points: of 512, the size of one batch, two
// modes are missing as a rule.
import { describe, expect, test } from 'vitest';
import { Generators, ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { assign, createEngine, f32 } from '@tessera/engine';
import { CodeLife, codeUsage, countCodes, createQuantizer, vqvaeConfig } from '@tessera/vqvae';
import type { QuantizerConfig } from '@tessera/vqvae';
import type { Floats } from './quantizing.ts';

const [modes, width, seedSize, batchSize, testSize] = [128, 16, 2048, 512, 8192];
const engine = await createEngine({ backend: 'wasm' });

/** Trains an EMA codebook for `steps` batches and measures it on fresh points. */
function learn(seed: number, steps: number, settings: Partial<QuantizerConfig>) {
  const generator = npRandom(seed);
  const centres = Float32Array.from({ length: modes * width }, () => 3 * generator.normal());
  const draw = (count: number): Floats => {
    const points = ndarray('float32', [count, width]);
    for (let i = 0; i < count; i++) {
      const mode = generator.integers(modes) * width;
      for (let d = 0; d < width; d++) points.data[i * width + d] = centres[mode + d]! + 0.1 * generator.normal();
    }
    return points;
  };
  const quantizer = createQuantizer(
    vqvaeConfig({ quantizer: { kind: 'ema', vocabulary: modes, codeDim: width, ...settings } }).quantizer,
  );
  const state = engine.state(quantizer.init(npRandom(seed + 1000)));
  const train = state.program('train', { z: f32(batchSize, width) }, ({ z }, traced) => {
    const { statistics } = quantizer.quantize(traced, z);
    for (const [name, value] of Object.entries(quantizer.update(traced, statistics))) assign(traced[name]!, value);
    return { counts: statistics.counts };
  });
  const [whole, lookUp] = [seedSize, batchSize].map((size) =>
    state.program('look up', { z: f32(size, width) }, ({ z }, traced) => quantizer.codebooks![0]!.lookUp(traced, z)),
  );
  const life = new CodeLife({
    settings: quantizer.config,
    codebooks: quantizer.codebooks!,
    generators: new Generators(seed),
    lookUp: (_, z) => (z.shape[0] === seedSize ? whole! : lookUp!).run({ z }),
    read: () => state.read() as Record<string, Floats>,
    write: (arrays) => state.write(arrays),
  });
  life.seed(draw(seedSize));
  for (let step = 1; step <= steps; step++) {
    const z = draw(batchSize);
    const { counts } = train.run({ z });
    life.restart([counts.data as Float32Array], { updates: step, batch: z });
  }
  const points = draw(testSize);
  const measure = state.program('measure', { z: f32(testSize, width) }, ({ z }, traced) => {
    const { tokens, quantized } = quantizer.quantize(traced, z);
    return { tokens, quantized };
  });
  const { tokens, quantized } = measure.run({ z: points });
  for (const program of [train, whole!, lookUp!, measure]) program.dispose();
  state.dispose();
  return { ...codeUsage(countCodes(tokens.data as Int32Array, modes)), nmse: nmse(points, quantized) };
}

/** Squared errors over squared deviations from the mean point. */
function nmse({ data }: Floats, quantized: NdArray): number {
  const mean = new Float64Array(width);
  for (let i = 0; i < data.length; i++) mean[i % width]! += (data[i]! * width) / data.length;
  let [errors, deviations] = [0, 0];
  for (let i = 0; i < data.length; i++) {
    errors += (data[i]! - (quantized.data[i] as number)) ** 2;
    deviations += (data[i]! - mean[i % width]!) ** 2;
  }
  return errors / deviations;
}

const seeds = Array.from({ length: 10 }, (_, seed) => seed);

describe('128 modes', () => {
  test.each(seeds)('with the defaults every code finds its mode, seed %i', (seed) => {
    const { usage, perplexity, nmse: error } = learn(seed, 300, {});
    expect(usage).toBeGreaterThanOrEqual(0.99);
    expect(perplexity).toBeGreaterThanOrEqual(121);
    expect(error).toBeLessThanOrEqual(0.01);
  });

  // Plain averages from the original starting range, nothing restarted: the test can fail.
  test.each(seeds)('without seeding and restarts many never do, seed %i', (seed) => {
    const { usage, nmse: error } = learn(seed, 300, { initialisation: 'uniform', restart: 'off' });
    expect(usage).toBeLessThanOrEqual(0.7);
    expect(error).toBeGreaterThan(0.1);
  });
});
