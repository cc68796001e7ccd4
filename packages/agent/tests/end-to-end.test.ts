// Tokenizer and world model on one loss: what each term of the loss moves, how much, and what it leaves alone.
import { ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { gradients } from '@tessera/engine';
import type { Engine, NamedArrays } from '@tessera/engine';
import { VQVAE, toUnit } from '@tessera/vqvae';
import type { QuantizerConfig } from '@tessera/vqvae';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, onTestFinished } from 'vitest';
import { balancedKl, codeFeatures, trainingSchema, WorldModel } from '../src/index.ts';
import type { EndToEndConfig, Pictures, TrainingConfig, WorldModelOptions } from '../src/index.ts';
import { tokensOf } from '../src/preprocess.ts';
import { PixelTokenizer } from './pixel-tokenizer.ts';
import { cpu, integers, smallWorldModel, wasm } from './toy.ts';

const defaults = (trainingSchema.parse({}) as TrainingConfig).endToEnd;
/** Weights of 0: what is left are the losses of reward and end. */
const none: EndToEndConfig = {
  ...defaults,
  tokenizerWeight: 0,
  dynamicsWeight: 0,
  representationWeight: 0,
  freeNats: 0,
  temperature: 0.5,
  clipNorm: 1e9,
};

const logits = fc.array(fc.double({ min: -8, max: 8, noNaN: true }), { minLength: 12, maxLength: 12 });
const shape = [2, 2, 3];

/** Softmax of rows of 3, in double precision. */
function rowsOf(values: readonly number[]): number[][] {
  return [0, 3, 6, 9].map((at) => {
    const row = values.slice(at, at + 3);
    const most = Math.max(...row);
    const powers = row.map((x) => Math.exp(x - most));
    const total = powers.reduce((a, b) => a + b, 0);
    return powers.map((x) => x / total);
  });
}

/** Values of the balance and the gradients of both terms by both sides. */
function balance(posterior: readonly number[], prior: readonly number[], freeNats: number) {
  const array = (values: readonly number[]) => ndarray('float32', shape, Float32Array.from(values));
  const state = cpu.state({ q: array(posterior), p: array(prior) });
  const program = state.program('balance', {}, (_, { q, p }) => {
    const { dynamics, representation, kl } = balancedKl(q, p, freeNats);
    const [dq, dp] = gradients(dynamics, [q, p]);
    const [rq, rp] = gradients(representation, [q, p]);
    return { dynamics, representation, kl, dq: dq!, dp: dp!, rq: rq!, rp: rp! };
  });
  const out = program.run({});
  program.dispose();
  state.dispose();
  return out;
}

const near = (got: NdArray, wanted: readonly number[]) => {
  expect(got.data).toHaveLength(wanted.length);
  for (const [i, x] of wanted.entries()) expect(Math.abs((got.data[i] as number) - x)).toBeLessThan(1e-4 + 1e-4 * Math.abs(x)); // prettier-ignore
};

describe('the balanced divergence', () => {
  test.prop([logits, logits])('is that of the closed form, and each term moves its own side alone', (a, b) => {
    const [q, p] = [rowsOf(a), rowsOf(b)];
    const perToken = q.map((row, i) => row.reduce((sum, x, k) => sum + x * Math.log(x / p[i]![k]!), 0));
    const kl = perToken.reduce((x, y) => x + y, 0) / 2;
    const out = balance(a, b, 0);
    for (const name of ['dynamics', 'representation', 'kl'] as const) near(out[name], [kl]);
    // d KL / d prior logits = p - q; d KL / d posterior logits = q (ln q / p - KL); a mean over two frames.
    near(out.dp, p.flatMap((row, i) => row.map((x, k) => (x - q[i]![k]!) / 2))); // prettier-ignore
    near(
      out.rq,
      q.flatMap((row, i) => row.map((x, k) => (x * (Math.log(x / p[i]![k]!) - perToken[i]!)) / 2)),
    );
    for (const name of ['dq', 'rp'] as const) expect(out[name].data.every((x) => x === 0)).toBe(true);
  });

  test.prop([logits, logits, fc.double({ min: 0.1, max: 5, noNaN: true })])(
    'counts for its free nats below them, and moves nothing there',
    (a, b, free) => {
      const kl = balance(a, b, 0).kl.data[0] as number;
      fc.pre(Math.abs(kl - free) > 1e-3);
      const out = balance(a, b, free);
      near(out.kl, [kl]);
      near(out.dynamics, [Math.max(kl, free)]);
      near(out.representation, [Math.max(kl, free)]);
      const { dp, rq } = balance(a, b, 0);
      const share = kl < free ? 0 : 1;
      near(
        out.dp,
        Array.from(dp.data as Float32Array, (x) => share * x),
      );
      near(
        out.rq,
        Array.from(rq.data as Float32Array, (x) => share * x),
      );
      const largest = Math.max(
        ...[out.dp, out.rq].flatMap(({ data }) => Array.from(data as Float32Array, (x) => Math.abs(x))),
      );
      expect(share * largest).toBe(largest);
    },
  );
});

interface Pair {
  readonly tokenizer: VQVAE;
  readonly worldModel: WorldModel;
}

function pairOn(
  engine: Engine,
  {
    quantizer = { vocabulary: 4, codeDim: 2, restart: 'off' },
    worldModel = {},
  }: { quantizer?: Partial<QuantizerConfig>; worldModel?: WorldModelOptions } = {},
): Pair {
  const tokenizer = new VQVAE(
    engine,
    {
      frameShape: [4, 4, 1],
      tokenShape: [2, 2],
      channels: 4,
      residualBlocks: 0,
      kernelSize: 2,
      quantizer,
    },
    { seed: 3 },
  );
  const options = { ...smallWorldModel, context: 2, ...worldModel };
  const model = new WorldModel(engine, options, { tokenizer: tokenizer.spec, actionCount: 3, seed: 5 });
  onTestFinished(() => {
    model.dispose();
    tokenizer.dispose();
  });
  return { tokenizer, worldModel: model };
}

/** Frames of noise, and what was done at them. */
function noise(rows: number, context: number, seed: number): Pictures {
  return {
    frames: ndarray('uint8', [rows, context + 1, 4, 4, 1], Uint8Array.from(integers([rows * (context + 1) * 16], 256, seed).data)), // prettier-ignore
    actions: integers([rows, context], 3, seed + 1),
    rewards: ndarray('float32', [rows], Float32Array.from(integers([rows], 3, seed + 2).data, (x) => x - 1)), // prettier-ignore
    terminated: ndarray('uint8', [rows], Uint8Array.from(integers([rows], 2, seed + 3).data)),
  };
}

const framesOf = ({ frames }: Pictures) =>
  toUnit({ ...frames, shape: [frames.shape[0]! * frames.shape[1]!, 4, 4, 1] } as NdArray<'uint8'>);

/** One update of a fresh pair that changes no parameter; the first moments of Adam are then a tenth of the gradient. */
function slopesOf(
  settings: Partial<EndToEndConfig>,
  { batch = noise(4, 2, 1), ...pair }: Parameters<typeof pairOn>[1] & { batch?: Pictures } = {},
): { tokenizer: NamedArrays; worldModel: NamedArrays; kl: number } {
  const { tokenizer, worldModel } = pairOn(cpu, { ...pair, worldModel: { learningRate: 1e-30 } });
  tokenizer.seedCodebook(framesOf(batch));
  const { kl } = worldModel
    .endToEnd(tokenizer, { ...none, ...settings })
    .trainStep(batch, { progress: 0, learningRate: 0 });
  const moments = (state: NamedArrays) =>
    Object.fromEntries(
      Object.entries(state).flatMap(([name, { shape: own, data }]) =>
        name.startsWith('adam.first.')
          ? [
              [
                name.slice('adam.first.'.length),
                ndarray(
                  'float32',
                  own,
                  (data as Float32Array).map((x) => 10 * x),
                ),
              ],
            ]
          : [],
      ),
    );
  return { tokenizer: moments(tokenizer.state()), worldModel: moments(worldModel.state()), kl };
}

/** The largest difference between two gradients in parameters whose names begin so; 0 where there are none. */
function apart(a: NamedArrays, b: NamedArrays, prefix = ''): number {
  const names = Object.keys(a).filter((name) => name.startsWith(prefix));
  return Math.max(
    0,
    ...names.map((name) =>
      (a[name]!.data as Float32Array).reduce((most, x, i) => Math.max(most, Math.abs(x - Number(b[name]!.data[i]))), 0),
    ),
  );
}

describe.each<Partial<QuantizerConfig>>([
  { kind: 'vq', restart: 'off', vocabulary: 4, codeDim: 2 },
  { kind: 'ema', restart: 'off', vocabulary: 4, codeDim: 2 },
  { kind: 'simvq', vocabulary: 4, codeDim: 2 },
  { kind: 'fsq', vocabulary: 9 },
  { kind: 'lfq', bits: 3 },
])('with the quantizer %j', (settings) => {
  const own = { quantizer: settings };

  test('the dynamics reach encoder and world model, and neither decoder nor codes', () => {
    const [still, dynamics] = [slopesOf({}, own), slopesOf({ dynamicsWeight: 1 }, own)];
    expect(apart(dynamics.tokenizer, still.tokenizer, 'encoder')).toBeGreaterThan(1e-5);
    expect(apart(dynamics.worldModel, still.worldModel, 'tokenHead')).toBeGreaterThan(1e-3);
    expect(apart(dynamics.tokenizer, still.tokenizer, 'decoder')).toBe(0);
    expect(apart(dynamics.tokenizer, still.tokenizer, 'quantizer')).toBe(0);
    // Its weight is a factor.
    const half = slopesOf({ dynamicsWeight: 0.5 }, own);
    const first = Object.keys(half.tokenizer).find((name) => name.startsWith('encoder'))!;
    for (const [i, x] of half.tokenizer[first]!.data.entries()) {
      const middle = (Number(still.tokenizer[first]!.data[i]) + Number(dynamics.tokenizer[first]!.data[i])) / 2;
      expect(Math.abs(Number(x) - middle)).toBeLessThan(1e-4);
    }
  });

  test('the representation reaches the encoder alone', () => {
    const [still, moved] = [slopesOf({}, own), slopesOf({ representationWeight: 1 }, own)];
    expect(apart(moved.tokenizer, still.tokenizer, 'encoder')).toBeGreaterThan(1e-5);
    expect(apart(moved.worldModel, still.worldModel)).toBe(0);
    expect(apart(moved.tokenizer, still.tokenizer, 'decoder')).toBe(0);
    expect(apart(moved.tokenizer, still.tokenizer, 'quantizer')).toBe(0);
  });
});

test('free nats stop both terms', () => {
  const free = slopesOf({ dynamicsWeight: 1, representationWeight: 1, freeNats: 1e3 });
  const still = slopesOf({});
  expect(apart(free.tokenizer, still.tokenizer)).toBe(0);
  expect(apart(free.worldModel, still.worldModel)).toBe(0);
});

test("the tokenizer's own losses count as sums over the numbers of a frame", () => {
  const batch = noise(4, 2, 1);
  const [still, own] = [slopesOf({}, { batch }), slopesOf({ tokenizerWeight: 1 }, { batch })];
  const { tokenizer } = pairOn(cpu);
  tokenizer.seedCodebook(framesOf(batch));
  tokenizer.trainStep(framesOf(batch), { learningRate: 0 });
  const alone = tokenizer.state();
  for (const [name, { data }] of Object.entries(own.tokenizer)) {
    for (const [i, x] of data.entries()) {
      const wanted = 16 * 10 * Number(alone[`adam.first.${name}`]!.data[i]);
      expect(Math.abs(Number(x) - Number(still.tokenizer[name]!.data[i]) - wanted)).toBeLessThan(1e-3);
    }
  }
});

test('gradients are those of finite differences: of the encoder through the posterior, of the world model through the prior', () => {
  const batch = noise(4, 2, 1);
  const klAt = (change?: { part: 'tokenizer' | 'worldModel'; name: string; index: number; by: number }) => {
    const pair = pairOn(cpu, { worldModel: { learningRate: 1e-30 } });
    pair.tokenizer.seedCodebook(framesOf(batch));
    if (change !== undefined) {
      const state = pair[change.part].state();
      state[change.name]!.data[change.index] = Number(state[change.name]!.data[change.index]) + change.by;
      pair[change.part].loadState(state);
    }
    return pair.worldModel.endToEnd(pair.tokenizer, none).trainStep(batch, { progress: 0, learningRate: 0 }).kl;
  };
  const still = slopesOf({}, { batch });
  const slopes = {
    tokenizer: slopesOf({ representationWeight: 1 }, { batch }).tokenizer,
    worldModel: slopesOf({ dynamicsWeight: 1 }, { batch }).worldModel,
  };
  const by = 2e-3;
  for (const [part, name] of [
    ['tokenizer', 'encoder.output.kernel'],
    ['tokenizer', 'encoder.down.0.bias'],
    ['worldModel', 'tokenHead.kernel'],
    ['worldModel', 'positions'],
  ] as const) {
    const flat = name.replaceAll('.', '/');
    for (const index of [0, 1, 3]) {
      const at = (sign: number) => klAt({ part, name: `parameters.${name}`, index, by: sign * by });
      const slope = Number(slopes[part][flat]!.data[index]) - Number(still[part][flat]!.data[index]);
      expect(Math.abs((at(1) - at(-1)) / (2 * by) - slope)).toBeLessThan(0.02 + 0.02 * Math.abs(slope));
    }
  }
});

/** A block of light in one of four corners, which an action carries to the next one, leaves there, or carries back; a reward where it comes to the first. */
function corners(rows: number, seed: number): Pictures {
  const generator = npRandom(seed);
  const frames = ndarray('uint8', [rows, 2, 4, 4, 1]);
  const batch = {
    frames,
    actions: ndarray('int32', [rows, 1]),
    rewards: ndarray('float32', [rows]),
    terminated: ndarray('uint8', [rows]),
  };
  const draw = (frame: number, corner: number) => {
    for (const pixel of [0, 1, 4, 5]) frames.data[frame * 16 + pixel + [0, 2, 10, 8][corner]!] = 255;
  };
  for (let row = 0; row < rows; row++) {
    const [corner, action] = [generator.integers(4), generator.integers(3)];
    const next = (corner + action + 3) % 4;
    draw(2 * row, corner);
    draw(2 * row + 1, next);
    batch.actions.data[row] = action;
    batch.rewards.data[row] = next === 0 ? 1 : 0;
    batch.terminated.data[row] = next === 3 ? 1 : 0;
  }
  return batch;
}

test('both learn a block of light that actions carry from corner to corner', () => {
  const { tokenizer, worldModel } = pairOn(wasm, {
    quantizer: { vocabulary: 2, codeDim: 2 },
    worldModel: { context: 1, learningRate: 1e-2 },
  });
  const both = worldModel.endToEnd(tokenizer, { ...defaults, freeNats: 0.1 });
  const losses = Array.from({ length: 250 }, (_, step) =>
    both.trainStep(corners(32, step), { progress: 0, learningRate: 5e-3 }),
  );
  const [first, last] = [losses[0]!, losses.at(-1)!];
  expect(last.kl).toBeLessThan(first.kl / 5);
  expect(last.rewardLoss).toBeLessThan(first.rewardLoss / 5);
  expect(last.endLoss).toBeLessThan(first.endLoss / 5);
  expect(last.tokenizer.reconstructionLoss).toBeLessThan(first.tokenizer.reconstructionLoss / 5);
  expect([tokenizer.updates, worldModel.updates]).toEqual([250, 250]);
  // Asked as in every other mode, both know what they have learned.
  worldModel.setCodes(codeFeatures(tokenizer));
  const fresh = corners(64, 1000);
  const frame = (which: number) => {
    const data = Uint8Array.from({ length: 64 * 16 }, (_, i) => fresh.frames.data[(2 * Math.floor(i / 16) + which) * 16 + (i % 16)]!); // prettier-ignore
    return tokensOf(tokenizer, ndarray('uint8', [64, 4, 4, 1], data));
  };
  const said = worldModel.predict({ tokens: { ...frame(0), shape: [64, 1, 4] }, actions: fresh.actions });
  expect(said.tokens.data).toEqual(frame(1).data);
  expect([...said.rewards]).toEqual([...fresh.rewards.data]);
  expect([...said.ends]).toEqual([...fresh.terminated.data]);
});

test('a step that fails leaves both as they were', () => {
  const { tokenizer, worldModel } = pairOn(cpu, {});
  const both = worldModel.endToEnd(tokenizer, defaults);
  const batch = noise(4, 2, 1);
  both.trainStep(batch, { progress: 0, learningRate: 1e-3 });
  const before = [tokenizer.state(), worldModel.state()];
  const rewards = ndarray('float32', [4], Float32Array.of(0, NaN, 0, 0));
  expect(() => both.trainStep({ ...batch, rewards }, { progress: 0, learningRate: 1e-3 })).toThrow(
    'WorldModel.endToEnd: expected rewards, got NaN in row 1.',
  );
  expect(() => both.trainStep({ ...batch, actions: integers([4, 3], 3, 0) }, { progress: 0, learningRate: 1e-3 })).toThrow('expected actions of shape [4, 2], got [4, 3]'); // prettier-ignore
  const broken = tokenizer.state();
  broken['parameters.encoder.output.bias']!.data[0] = 1e30;
  tokenizer.loadState(broken);
  expect(() => both.trainStep(batch, { progress: 0, learningRate: 1e-3 })).toThrow(/to be finite/);
  expect([tokenizer.state(), worldModel.state()]).toEqual([broken, before[1]]);
});

test('says which tokenizers and world models cannot', () => {
  const messageOf = (work: () => unknown) => {
    try {
      work();
    } catch (error) {
      return `${(error as Error).name}: ${(error as Error).message}`;
    }
    return 'no error';
  };
  const refused = (options: Parameters<typeof pairOn>[1]) => {
    const { tokenizer, worldModel } = pairOn(cpu, options);
    return messageOf(() => worldModel.endToEnd(tokenizer, defaults));
  };
  const messages = [
    refused({ worldModel: { kind: 'causal' } }),
    refused({ worldModel: { kind: 'maskgit' } }),
    refused({ quantizer: { kind: 'residual', stages: 2 } }),
    refused({ quantizer: { gradient: 'none' } }),
    messageOf(() => pairOn(cpu).worldModel.endToEnd(new PixelTokenizer(), defaults)),
  ];
  expect(messages.join('\n')).toMatchInlineSnapshot(`
    "ConfigError: end-to-end training: expected a world model of kind 'parallel', whose prediction depends on the frames before alone, got 'causal'. Set worldModel.kind=parallel, or training.mode to alternating or interleaved.
    ConfigError: end-to-end training: expected a world model of kind 'parallel', whose prediction depends on the frames before alone, got 'maskgit'. Set worldModel.kind=parallel, or training.mode to alternating or interleaved.
    ConfigError: end-to-end training: the quantizer 'residual' does not choose one nearest code for each vector. Those of kind vq, ema, simvq, fsq and lfq do.
    ConfigError: end-to-end training: quantizer.gradient 'none' lets no gradient through to the encoder. Choose straight-through or rotation.
    ConfigError: end-to-end training: expected a tokenizer with a gradient, the VQ-VAE with a quantizer of kind vq, ema, simvq, fsq or lfq, got one without. Set tokenizer.kind=vqvae, or training.mode to alternating or interleaved."
  `);
});
