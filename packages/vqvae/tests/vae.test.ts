// The VAE as a whole: its losses, what beta, free bits and noise do, exact resumption, and that it learns.
import { ConfigError, NonFiniteError, ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { constant, flatten, gradients, read } from '@tessera/engine';
import type { Traced } from '@tessera/engine';
import { randomKey } from '@tessera/nn';
import { fc, test } from '@fast-check/vitest';
import { expect, onTestFinished } from 'vitest';
import { VAE, activeUnits, initVae, reconstructionQuality, vaeConfig, vaeForward } from '../src/index.ts';
import type { VaeOptions, VaeParameters } from '../src/index.ts';
import { noise, squares, wasm } from './toy.ts';

const tiny: VaeOptions = { frameShape: [8, 8, 1], tokenShape: [2, 2], channels: 4, latentDim: 3 };
const pixels = 64;

function vae(options: VaeOptions = {}, seed = 0): VAE {
  const model = new VAE(wasm, { ...tiny, ...options }, { seed });
  onTestFinished(() => model.dispose());
  return model;
}

/**
 * Losses and the gradients of the total by encoder and decoder, flat. Away from the start, where the decoder sees no latents and gives the encoder no gradient;
 * with ELU, since four ReLUs can all be dead, and then no loss moves the encoder.
 */
function pass(options: VaeOptions, seed: number): Record<'losses' | 'encoder' | 'decoder', number[]> {
  const config = vaeConfig({ ...tiny, activation: 'elu', ...options });
  const generator = npRandom(seed);
  const parameters = initVae(generator, config);
  for (const [, { data }] of flatten<NdArray<'float32'>>(parameters)) {
    for (let i = 0; i < data.length; i++) data[i]! += 0.1 * generator.normal();
  }
  const state = wasm.state(parameters);
  const frames = noise(3, seed);
  const key = randomKey(npRandom(seed));
  try {
    return state.eager((traced) => {
      const p = traced as Traced<VaeParameters>;
      const { losses } = vaeForward(config, p, { frames: constant(frames), key: constant(key) });
      const slopes = (part: 'encoder' | 'decoder') =>
        gradients(
          losses.total,
          [...flatten<(typeof losses)['total']>(p[part])].map(([, leaf]) => leaf),
        ).flatMap((slope) => Array.from(read(slope).data as Float32Array));
      return {
        losses: [losses.total, losses.reconstruction, losses.kl].map((loss) => Number(read(loss).data[0])),
        encoder: slopes('encoder'),
        decoder: slopes('decoder'),
      };
    });
  } finally {
    state.dispose();
  }
}

const expectClose = (actual: readonly number[], expected: readonly number[]) => {
  const scale = Math.max(...expected.map(Math.abs), 1e-6);
  for (const [i, value] of expected.entries()) expect(Math.abs(actual[i]! - value) / scale).toBeLessThan(2e-4);
};

const seeds = fc.noShrink(fc.nat(1e4));
const few = { numRuns: 5 };

test.prop([fc.constantFrom(0.25, 1, 4), seeds], few)(
  'the total is (reconstruction + beta kl) / (H W C)',
  (beta, seed) => {
    const [total, reconstruction, kl] = pass({ beta }, seed).losses as [number, number, number];
    expect(total / ((reconstruction + beta * kl) / pixels)).toBeCloseTo(1, 4);
    expect(kl).toBeGreaterThan(0);
  },
);

test.prop([seeds], few)('beta moves the encoder alone, and its gradient is affine in beta', (seed) => {
  const [zero, one, three] = [0, 1, 3].map((beta) => pass({ beta }, seed));
  expectClose(one!.decoder, zero!.decoder);
  expectClose(three!.decoder, zero!.decoder);
  expectClose(
    three!.encoder,
    zero!.encoder.map((g, i) => g + 3 * (one!.encoder[i]! - g)),
  );
  expect(zero!.encoder.some((g) => Math.abs(g) > 1e-5)).toBe(true);
  expect(one!.encoder.some((g, i) => Math.abs(g - zero!.encoder[i]!) > 1e-5)).toBe(true);
});

test.prop([seeds], few)('KL within the free bits has no gradient; without free bits it has', (seed) => {
  const [free, charged, none] = [{ freeBits: 1e9 }, {}, { beta: 0 }].map((options) => pass(options, seed));
  expectClose(free!.encoder, none!.encoder);
  expect(charged!.encoder).not.toEqual(none!.encoder);
  // The reported KL is what it is all the same.
  expect(free!.losses[2]).toBe(charged!.losses[2]);
});

test('a plain autoencoder draws nothing: its training is the same whatever the noise', () => {
  const [first, second] = [vae({ beta: 0, noise: false }), vae({ beta: 0, noise: false })];
  second.loadGeneratorState({ ...second.generatorState(), noise: npRandom(9).getState() });
  const frames = noise(4, 1);
  for (let step = 0; step < 3; step++) expect(second.trainStep(frames)).toEqual(first.trainStep(frames));
  const [noisy, other] = [vae(), vae()];
  other.loadGeneratorState({ ...other.generatorState(), noise: npRandom(9).getState() });
  // The decoder starts at its bias: its first output does not depend on the latents.
  expect(other.trainStep(frames).loss).toBe(noisy.trainStep(frames).loss);
  expect(other.trainStep(frames).loss).not.toBe(noisy.trainStep(frames).loss);
});

test('a loaded state goes on bit for bit', () => {
  const model = vae({}, 3);
  for (let step = 0; step < 3; step++) model.trainStep(noise(4, step));
  const other = vae({}, 8);
  other.loadState(model.state());
  other.loadGeneratorState(model.generatorState());
  expect(other.updates).toBe(3);
  for (let step = 3; step < 6; step++) expect(other.trainStep(noise(4, step))).toEqual(model.trainStep(noise(4, step)));
  expect(other.state()).toEqual(model.state());
  expect(other.reconstruct(noise(2, 9))).toEqual(model.reconstruct(noise(2, 9)));
});

test('it learns squares, with fewer units and larger errors at a larger beta', () => {
  const test1 = squares(64, 99);
  const results = [0.3, 300].map((beta) => {
    const model = vae({ beta, channels: 16, latentDim: 4, learningRate: 5e-3, activation: 'elu' });
    for (let step = 0; step < 120; step++) model.trainStep(squares(16, step));
    const posterior = model.posterior(test1);
    return { units: activeUnits(posterior), ...reconstructionQuality(test1, model.decode(posterior.mean)) };
  });
  expect(results[0]!.nmse).toBeLessThan(0.2);
  expect(results[1]!.nmse).toBeGreaterThan(results[0]!.nmse);
  expect(results[1]!.units).toBeLessThan(results[0]!.units);
});

test('samples are a function of the generator, in [0, 1]', () => {
  const model = vae();
  const sample = model.sample(3, npRandom(5));
  expect(sample.shape).toEqual([3, 8, 8, 1]);
  expect(sample.data.every((x) => x >= 0 && x <= 1)).toBe(true);
  expect(model.sample(3, npRandom(5))).toEqual(sample);
});

test('what is wrong is said, and nothing has changed then', () => {
  const model = vae();
  const before = model.state();
  expect(() => model.trainStep(noise(2, 0), { learningRate: -1 })).toThrowErrorMatchingInlineSnapshot(
    `[ConfigError: trainStep: expected a learning rate >= 0, got -1.]`,
  );
  expect(() => model.decode(ndarray('float32', [2, 2, 2, 4]))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: decode: expected latents float32 [B, 2, 2, 3] with B >= 1, got float32 [2, 2, 2, 4].]`,
  );
  expect(() => model.loadState({})).toThrow(ConfigError);
  expect(() => new VAE(wasm, { ...tiny, latentDim: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[ConfigError: VAE settings: latentDim: expected number to be >=1, got 0.]`,
  );
  expect(() => new VAE(wasm, { ...tiny, bta: 1 } as never)).toThrow(/Did you mean 'beta'/);
  expect(model.state()).toEqual(before);
  const broken = model.state();
  (broken['parameters.encoder.output.bias']!.data as Float32Array).fill(NaN);
  model.loadState(broken);
  expect(() => model.trainStep(noise(2, 0))).toThrow(NonFiniteError);
});
