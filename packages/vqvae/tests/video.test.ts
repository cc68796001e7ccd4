// The laws of a tokenizer of videos: it is a tokenizer, and time goes one way.
import { describe, expect, onTestFinished } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { ConfigError, ShapeError, ndarray, npRandom } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';
import { concat, constant, flatten, mean, read, slice, square, sub, zeros } from '@tessera/engine';
import type { Engine } from '@tessera/engine';
import {
  VideoVQVAE,
  codeTable,
  createPrior,
  decodeCodes,
  encodeFrames,
  evaluateTokenizer,
  initAutoencoder,
  videoVqvaeConfig,
  videoVqvaePresets,
} from '../src/index.ts';
import type { VideoVqvaeOptions } from '../src/index.ts';
import { expectSlopes } from './slopes.ts';
import { engines, noise, wasm } from './toy.ts';

/** 4 frames of 8 x 8 pixels in 2 x 2 x 2 tokens. */
const small: VideoVqvaeOptions = {
  frameShape: [4, 8, 8, 1],
  tokenShape: [2, 2, 2],
  channels: 6,
  residualChannels: 4,
  quantizer: { vocabulary: 8, codeDim: 3 },
};

function made(engine: Engine, options: VideoVqvaeOptions = small, seed = 0): VideoVQVAE {
  const vqvae = new VideoVQVAE(engine, options, { seed });
  onTestFinished(() => vqvae.dispose());
  return vqvae;
}

/** A bright square of 3 x 3 pixels that moves by a pixel a frame. */
function moving(batch: number, seed: number): NdArray<'float32'> {
  const generator = npRandom(seed);
  const out = ndarray('float32', [batch, 4, 8, 8, 1]);
  for (let n = 0; n < batch; n++) {
    const [top, left] = [generator.integers(6), generator.integers(3)];
    for (let t = 0; t < 4; t++) {
      for (let y = top; y < top + 3; y++) {
        const from = ((n * 4 + t) * 8 + y) * 8 + left + t;
        out.data.fill(1, from, from + 3);
      }
    }
  }
  return out;
}

const shapes = fc.constantFrom(
  { frameShape: [4, 8, 8, 1], tokenShape: [2, 2, 2] },
  { frameShape: [4, 4, 8, 2], tokenShape: [1, 2, 4] },
  { frameShape: [3, 8, 4, 1], tokenShape: [3, 4, 2] },
  { frameShape: [6, 2, 2, 1], tokenShape: [3, 2, 2] },
) as fc.Arbitrary<Required<Pick<VideoVqvaeOptions, 'frameShape' | 'tokenShape'>>>;

describe.each(engines)('on %s', (_, engine) => {
  test.prop([shapes, fc.nat(5), fc.nat(1000)], { numRuns: 8 })(
    'no token and no decoded frame changes by what comes later, bit for bit',
    (shape, which, seed) => {
      const vqvae = new VideoVQVAE(engine, { ...small, ...shape, quantizer: { vocabulary: 64, codeDim: 3 } }, { seed });
      const [times] = shape.tokenShape;
      const kept = which % times; // times before it stay
      const changed = <T extends 'float32' | 'int32'>(before: NdArray<T>, after: NdArray<T>): NdArray<T> => {
        const data = before.data.slice() as Float32Array;
        const from = (kept * data.length) / times;
        data.set((after.data as Float32Array).subarray(from), from);
        return { ...before, data } as NdArray<T>;
      };
      const same = (a: NdArray, b: NdArray) => {
        const until = (kept * a.data.length) / times;
        expect(b.data.slice(0, until)).toEqual(a.data.slice(0, until));
      };
      const seen = noise(1, seed, shape.frameShape);
      vqvae.seedCodebook(noise(8, seed + 1, shape.frameShape));
      const tokens = vqvae.encode(seen);
      expect(tokens.shape).toEqual([1, ...shape.tokenShape]);
      const other = vqvae.encode(changed(seen, noise(1, seed + 2, shape.frameShape)));
      same(tokens, other);
      const drawn = npRandom(seed).integersArray(0, 64, tokens.data.length, 'int32');
      const decoded = vqvae.decode(tokens);
      expect(decoded.shape).toEqual([1, ...shape.frameShape]);
      const dreamed = vqvae.decode(changed(tokens, ndarray('int32', tokens.shape, drawn)));
      same(decoded, dreamed);
      vqvae.dispose();
    },
  );

  test('is a tokenizer: rows are independent, codes have a table, an evaluation takes it, and nothing leaks', () => {
    const before = engine.tensorCount();
    const vqvae = new VideoVQVAE(engine, small);
    vqvae.trainStep(moving(4, 1));
    const videos = moving(9, 2); // blocks of 8 and 1
    const tokens = vqvae.encode(videos);
    const last = ndarray('float32', [1, 4, 8, 8, 1], videos.data.slice(-256));
    expect(vqvae.encode(last).data).toEqual(tokens.data.slice(-8));
    expect(codeTable(vqvae).shape).toEqual([8, 3]);
    const { evaluation } = evaluateTokenizer(vqvae, videos);
    expect(evaluation.usage).toBe(new Set(tokens.data).size / 8);
    vqvae.dispose();
    expect(engine.tensorCount()).toBe(before);
  });
});

test('what came before is heard: the first frame reaches the last codes, the first codes the last frame', () => {
  const config = videoVqvaeConfig(small);
  const [video, other] = [noise(1, 1, [4, 8, 8, 1]), noise(1, 1, [4, 8, 8, 1])];
  other.data.fill(0, 0, 64); // the first frame
  const state = wasm.state(initAutoencoder(npRandom(1), config));
  const run = (frames: NdArray) =>
    state.eager(({ encoder, decoder }) => {
      const codes = encodeFrames(config, encoder, constant(frames)); // [1, 2, 2, 2, 3]
      const blind = concat([zeros({ shape: [1, 1, 2, 2, 3] }), slice(codes, [0, 1, 0, 0, 0], [1, 1, 2, 2, 3])], {
        axis: 1,
      });
      const decoded = [codes, blind].map((z) => read(decodeCodes(config, decoder, z)).data.slice(-64));
      return { last: read(codes).data.slice(-12), decoded };
    });
  const [a, b] = [run(video), run(other)];
  expect(b.last).not.toEqual(a.last);
  expect(a.decoded[0]).not.toEqual(a.decoded[1]);
  state.dispose();
});

test('gradients are slopes, by every parameter', () => {
  const config = videoVqvaeConfig(small);
  const frames = noise(2, 1, config.frameShape);
  expectSlopes(wasm, initAutoencoder(npRandom(1), config), ({ encoder, decoder }) =>
    mean(square(sub(decodeCodes(config, decoder, encodeFrames(config, encoder, constant(frames))), constant(frames)))),
  );
});

test('learns, and its state goes on bit for bit', () => {
  const vqvae = made(wasm, { ...small, learningRate: 5e-3 });
  const first = vqvae.trainStep(moving(8, 0)).reconstructionLoss;
  for (let step = 1; step < 100; step++) vqvae.trainStep(moving(8, step));
  const { reconstructionLoss, usage } = vqvae.trainStep(moving(8, 100));
  expect(reconstructionLoss).toBeLessThan(first / 2);
  expect(usage).toBeGreaterThan(0.2);
  const again = made(wasm, { ...small, learningRate: 5e-3 }, 1);
  again.loadState(vqvae.state());
  again.loadGeneratorState(vqvae.generatorState());
  expect(again.trainStep(moving(8, 101))).toEqual(vqvae.trainStep(moving(8, 101)));
  expect(again.state()).toEqual(vqvae.state());
});

test('a prior over the tokens of videos draws videos', () => {
  const vqvae = made(wasm);
  for (let step = 0; step < 5; step++) vqvae.trainStep(moving(8, step));
  const prior = createPrior(wasm, { transformer: { width: 16, layers: 1, heads: 2 } }, { spec: vqvae.spec });
  onTestFinished(() => prior.dispose());
  const tokens = vqvae.encode(moving(16, 9));
  const before = prior.nll(tokens).natsPerToken;
  for (let step = 0; step < 20; step++) prior.trainStep(tokens, { learningRate: 1e-2 });
  expect(prior.nll(tokens).natsPerToken).toBeLessThan(before);
  expect(vqvae.decode(prior.sample(2, npRandom(0))).shape).toEqual([2, 4, 8, 8, 1]);
});

describe('presets', () => {
  test('tiny is what it says', () => {
    const vqvae = made(wasm, videoVqvaePresets.tiny);
    expect(vqvae.encode(noise(1, 0, [4, 16, 16, 1])).shape).toEqual([1, 2, 4, 4]);
    expect(new VideoVQVAE(wasm).spec.frameShape).toEqual([4, 16, 16, 1]);
  });

  test("VideoGPT's for Moving MNIST has its layers", () => {
    const config = videoVqvaeConfig(videoVqvaePresets['moving-mnist']);
    const arrays = initAutoencoder({ normal: () => 0 } as Partial<Generator> as Generator, config);
    const [hidden, inner, d] = [240, 128, 64];
    const conv = (taps: number, inputs: number, outputs: number) => taps * inputs * outputs + outputs;
    const blocks = 2 * (conv(27, hidden, inner) + conv(1, inner, hidden));
    const encoder =
      conv(64, 1, hidden) + conv(64, hidden, hidden) + conv(27, hidden, hidden) + blocks + conv(1, hidden, d);
    const decoder = conv(1, d, hidden) + blocks + conv(64, hidden, hidden) + conv(64, hidden, 1);
    const count = [...flatten<NdArray>(arrays)].reduce((total, [, { data }]) => total + data.length, 0);
    expect(count).toBe(encoder + decoder);
    expect(config).toMatchObject({
      frameShape: [16, 64, 64, 1],
      tokenShape: [4, 16, 16],
      quantizer: { vocabulary: 512 },
    });
  });
});

test('refuses sizes and frames that do not fit', () => {
  const make = (options: VideoVqvaeOptions) => () => new VideoVQVAE(wasm, options);
  expect(make({ frameShape: [6, 8, 8, 1], tokenShape: [2, 4, 4] })).toThrowErrorMatchingInlineSnapshot(
    `[ConfigError: video VQVAE: 6 frames of 8 x 8 pixels do not halve down to 2 x 4 x 4 tokens. Choose tokenShape so that frames / times is a power of two, height / rows = width / columns another, and one of them more than 1.]`,
  );
  expect(make({ frameShape: [2, 8, 4, 1], tokenShape: [1, 4, 4] })).toThrow(ConfigError);
  expect(make({ frameShape: [2, 4, 4, 1], tokenShape: [2, 4, 4] })).toThrow(ConfigError);
  expect(make({ network: 'vqgan' } as object)).toThrowErrorMatchingInlineSnapshot(
    `[ConfigError: video VQVAE settings: unknown field 'network'.]`,
  );
  const vqvae = made(wasm);
  expect(() => vqvae.encode(ndarray('float32', [1, 8, 8, 1]))).toThrow(ShapeError);
  expect(() => vqvae.encode(ndarray('float32', [1, 2, 8, 8, 1]))).toThrow(/expected frames of shape \[B, 4, 8, 8, 1\]/);
});
