// The laws of a distribution over tokens: nothing depends on what comes later, all sequences together are certain, samples come as often as they are likely, and what
// can be learned is learned down to its entropy.
import { describe, expect, onTestFinished } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { ConfigError, DTypeError, NonFiniteError, ShapeError, elementCount, ndarray, npRandom } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';
import { constant, i32, mean, softmaxCrossEntropy } from '@tessera/engine';
import type { Engine } from '@tessera/engine';
import { checkSettings, createPrior, priorSchema } from '../src/index.ts';
import type { Prior, PriorOptions, PriorSpec } from '../src/index.ts';
import { pixelcnn } from '../src/priors/pixelcnn.ts';
import { TokenPrior } from '../src/priors/token-prior.ts';
import type { PriorNetwork } from '../src/priors/token-prior.ts';
import { transformer } from '../src/priors/transformer.ts';
import { expectSlopes } from './slopes.ts';
import { engines, wasm } from './toy.ts';

const kinds = ['pixelcnn', 'transformer'] as const;
const small: PriorOptions = {
  pixelcnn: { channels: 6, layers: 3, firstKernelSize: 3 },
  transformer: { width: 8, layers: 2, heads: 2 },
};
const pairs: PriorSpec = { tokenShape: [2, 2], vocabulary: 2 };

function made(engine: Engine, options: PriorOptions, spec: PriorSpec = pairs, seed = 0): Prior {
  const prior = createPrior(engine, { ...small, ...options }, { spec, seed });
  onTestFinished(() => prior.dispose());
  return prior;
}

function random(rows: number, { tokenShape, vocabulary }: PriorSpec, seed: number): NdArray<'int32'> {
  const shape = [rows, ...tokenShape];
  return ndarray('int32', shape, npRandom(seed).integersArray(0, vocabulary, elementCount(shape), 'int32'));
}

/** All K^N rows of tokens, in the order of the numbers that they spell. */
function everything({ tokenShape, vocabulary }: PriorSpec): NdArray<'int32'> {
  const count = tokenShape.reduce((a, b) => a * b, 1);
  const rows = vocabulary ** count;
  const digit = (row: number, i: number) => Math.floor(row / vocabulary ** (count - 1 - i)) % vocabulary;
  const data = Int32Array.from({ length: rows * count }, (_, i) => digit(Math.floor(i / count), i % count));
  return ndarray('int32', [rows, ...tokenShape], data);
}

/** A few steps away from the starting values, so that no distribution is nearly uniform. */
function stirred(prior: Prior, labels?: NdArray<'int32'>): Prior {
  const rows = labels?.shape[0] ?? 8;
  const tokens = random(rows, prior.spec, 3);
  for (let i = 0; i < 6; i++) prior.trainStep(tokens, { learningRate: 0.05, ...(labels && { labels }) });
  return prior;
}

function network(kind: (typeof kinds)[number], spec: PriorSpec, options: PriorOptions = {}): PriorNetwork<object> {
  const config = checkSettings('prior', priorSchema, { ...small, ...options, kind });
  return (kind === 'pixelcnn' ? pixelcnn(config, spec) : transformer(config, spec)) as PriorNetwork<object>;
}

/** Logits of batches of tokens [1, count], each [count * K]. */
function logitsOf(
  engine: Engine,
  net: PriorNetwork<object>,
  spec: PriorSpec,
  batches: readonly Int32Array[],
): Float32Array[] {
  const state = engine.state({ parameters: net.init(npRandom(5)) });
  const count = batches[0]!.length;
  const program = state.program('logits', { tokens: i32(1, count), labels: i32(1) }, (x, { parameters }) => ({
    logits: net.logits(parameters, x.tokens, x.labels),
  }));
  const out = batches.map((data) => {
    const { logits } = program.run({
      tokens: ndarray('int32', [1, count], data),
      labels: ndarray('int32', [1], Int32Array.of(net.firstLabel)),
    });
    expect(logits.shape).toEqual([1, count, spec.vocabulary]);
    return logits.data as Float32Array;
  });
  program.dispose();
  state.dispose();
  return out;
}

const grids = fc.record({
  tokenShape: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
  vocabulary: fc.integer({ min: 2, max: 5 }),
});

describe.each(engines)('on %s', (_, engine) => {
  describe.each(kinds)('%s', (kind) => {
    test.prop([grids, fc.nat(15), fc.nat(4), fc.nat(1000)], { numRuns: 8 })(
      'a token changes no logit of its own place and of those before it, bit for bit',
      (spec, which, step, seed) => {
        const before = random(1, spec, seed).data;
        const place = which % before.length;
        const after = before.slice();
        after[place] = (after[place]! + 1 + (step % (spec.vocabulary - 1))) % spec.vocabulary;
        for (let i = place + 1; i < after.length; i++) after[i] = (after[i]! + step) % spec.vocabulary;
        const [a, b] = logitsOf(engine, network(kind, spec), spec, [before, after]) as [Float32Array, Float32Array];
        const same = (place + 1) * spec.vocabulary;
        expect(b.slice(0, same)).toEqual(a.slice(0, same));
      },
    );

    test('every token changes the logits of the last place: there is no blind spot', () => {
      const spec = { tokenShape: [4, 4], vocabulary: 3 };
      const tokens = random(1, spec, 1).data;
      const others = Array.from({ length: 15 }, (__, i) => tokens.with(i, (tokens[i]! + 1) % 3));
      const [base, ...changed] = logitsOf(engine, network(kind, spec), spec, [tokens, ...others]);
      for (const logits of changed) expect(logits.slice(-3)).not.toEqual(base!.slice(-3));
    });

    test.each([0, 2])('all sequences together are certain, of each of %d classes', (classes) => {
      const label = (value: number, rows: number) => ndarray('int32', [rows], new Int32Array(rows).fill(value));
      const prior = stirred(made(engine, { kind, classes }), classes === 0 ? undefined : label(1, 8));
      const all = everything(pairs);
      const masses = Array.from({ length: Math.max(1, classes) }, (__, value) => {
        const { rows, natsPerToken, bitsPerDimension } = prior.nll(
          all,
          classes === 0 ? {} : { labels: label(value, 16) },
        );
        expect(natsPerToken).toBeCloseTo(rows.reduce((a, b) => a + b, 0) / 64, 10);
        expect(bitsPerDimension).toBeCloseTo(natsPerToken / Math.LN2, 10);
        expect(rows.reduce((total, nats) => total + Math.exp(-nats), 0)).toBeCloseTo(1, 5);
        return rows;
      });
      // Neither uniform, nor the same for each class.
      expect(new Set(masses.flatMap((rows) => [...rows])).size).toBeGreaterThan(8 * masses.length);
    });

    test('a state that is loaded goes on bit for bit', () => {
      const [first, second] = [stirred(made(engine, { kind })), made(engine, { kind }, pairs, 1)];
      const tokens = random(5, pairs, 9);
      expect(second.nll(tokens)).not.toEqual(first.nll(tokens));
      second.loadState(first.state());
      expect(second.state()).toEqual(first.state());
      expect(second.nll(tokens)).toEqual(first.nll(tokens));
      expect(second.sample(3, npRandom(2))).toEqual(first.sample(3, npRandom(2)));
      expect(second.trainStep(tokens)).toEqual(first.trainStep(tokens));
      expect(second.state()).toEqual(first.state());
    });

    test('leaves no tensor behind', () => {
      const before = engine.tensorCount();
      const prior = createPrior(engine, { ...small, kind }, { spec: pairs });
      const use = () => {
        prior.trainStep(random(2, pairs, 1));
        prior.nll(random(2, pairs, 1));
        prior.sample(2, npRandom(0));
      };
      use();
      const after = engine.tensorCount();
      use();
      expect(engine.tensorCount()).toBe(after);
      prior.dispose();
      expect(engine.tensorCount()).toBe(before);
    });
  });
});

describe('sampling', () => {
  test.each(kinds)('%s: samples come as often as they are likely', (kind) => {
    const prior = stirred(made(wasm, { kind }));
    const { rows } = prior.nll(everything(pairs));
    const count = 3000;
    const { data, shape } = prior.sample(count, npRandom(11));
    expect(shape).toEqual([count, 2, 2]);
    const hits = rows.map(() => 0);
    for (let n = 0; n < count; n++)
      hits[data[4 * n]! * 8 + data[4 * n + 1]! * 4 + data[4 * n + 2]! * 2 + data[4 * n + 3]!]!++;
    let chiSquare = 0;
    for (const [i, nats] of rows.entries()) {
      const expected = count * Math.exp(-nats);
      chiSquare += (hits[i]! - expected) ** 2 / expected;
    }
    // The 99.9th percentile of 15 degrees of freedom: scipy.stats.chi2.ppf(0.999, 15) = 37.697.
    expect(chiSquare).toBeLessThan(37.697);
  });

  test('what the cache draws is what whole passes draw from the same chances', () => {
    const spec = { tokenShape: [3, 2, 3], vocabulary: 5 }; // more tokens than one program draws
    const plain = { ...network('transformer', spec, { classes: 2 }) };
    expect(plain).toHaveProperty('sampler');
    delete plain.sampler;
    const config = checkSettings('prior', priorSchema, { ...small, classes: 2 });
    const labels = ndarray(
      'int32',
      [70],
      Int32Array.from({ length: 70 }, (__, i) => i % 2),
    ); // two blocks of rows
    const [cached, whole] = [made(wasm, { classes: 2 }, spec), new TokenPrior(wasm, plain, { config, spec, seed: 1 })];
    stirred(cached, ndarray('int32', [8]));
    whole.loadState(cached.state());
    for (const temperature of [1, 0.3]) {
      const draw = (prior: Prior) => prior.sample(70, npRandom(4), { labels, temperature });
      expect(draw(cached)).toEqual(draw(whole));
    }
    whole.dispose();
  });
});

describe('learning', () => {
  /** The first token is 0 or 1, 2 or 3 with chances 1/8, 1/8, 1/4, 1/2; each further one is the token before it or, one time in four, the next code. */
  function draw(rows: number, generator: Generator): NdArray<'int32'> {
    const out = ndarray('int32', [rows, 2, 3]);
    for (let n = 0; n < rows; n++) {
      const u = generator.random();
      let token = u < 1 / 8 ? 0 : u < 1 / 4 ? 1 : u < 1 / 2 ? 2 : 3;
      for (let i = 0; i < 6; i++) {
        if (i > 0 && generator.random() < 1 / 4) token = (token + 1) % 4;
        out.data[6 * n + i] = token;
      }
    }
    return out;
  }
  const binary = (...chances: readonly number[]) => -chances.reduce((total, p) => total + p * Math.log(p), 0);
  const entropy = (binary(1 / 8, 1 / 8, 1 / 4, 1 / 2) + 5 * binary(1 / 4, 3 / 4)) / 6;

  test.each(kinds)('%s comes down to the entropy of what it sees', (kind) => {
    const spec = { tokenShape: [2, 3], vocabulary: 4 };
    const prior = made(
      wasm,
      { kind, pixelcnn: { channels: 16, layers: 3 }, transformer: { width: 32, layers: 1, heads: 2 } },
      spec,
    );
    const generator = npRandom(1);
    for (let step = 0; step < 160; step++)
      prior.trainStep(draw(64, generator), { learningRate: step < 110 ? 1e-2 : 2e-3 });
    const { natsPerToken } = prior.nll(draw(4000, npRandom(2)));
    expect(natsPerToken).toBeGreaterThan(entropy - 0.02); // what 4000 rows can be off by chance
    expect(natsPerToken).toBeLessThan(entropy + 0.03);
    // Near zero temperature draws the likeliest sequence: one that begins with 3 and stays.
    expect(prior.sample(2, npRandom(0), { temperature: 0.01 }).data).toEqual(new Int32Array(12).fill(3));
  });

  test.each(kinds)('%s: a class says which token it is', (kind) => {
    const spec = { tokenShape: [1, 2], vocabulary: 3 };
    const prior = made(wasm, { kind, classes: 3 }, spec);
    const labels = ndarray('int32', [6], Int32Array.of(0, 1, 2, 0, 1, 2));
    const tokens = ndarray('int32', [6, 1, 2], Int32Array.of(0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2));
    for (let step = 0; step < 80; step++) prior.trainStep(tokens, { labels, learningRate: 0.03 });
    expect(prior.nll(tokens, { labels }).natsPerToken).toBeLessThan(0.05);
    expect(prior.sample(6, npRandom(0), { labels, temperature: 0.1 })).toEqual(tokens);
  });

  test.each(kinds)('%s: the gradient of the loss is its slope by every parameter', (kind) => {
    const spec = { tokenShape: [3, 3], vocabulary: 4 };
    const net = network(kind, spec, { classes: 2 });
    const rows = ndarray('int32', [2, 9], random(2, spec, 2).data);
    const labels = ndarray('int32', [2], Int32Array.of(net.firstLabel, net.firstLabel + 1));
    expectSlopes(wasm, net.init(npRandom(1)), (p) =>
      mean(softmaxCrossEntropy(net.logits(p, constant(rows), constant(labels)), constant(rows))),
    );
  });
});

describe('refuses', () => {
  const spec: PriorSpec = { tokenShape: [2, 2], vocabulary: 3 };
  const tokens = ndarray('int32', [2, 2, 2]);

  test('settings and tokens that make no prior', () => {
    const make =
      (options: object, changed: Partial<PriorSpec> = {}) =>
      () =>
        createPrior(wasm, options, { spec: { ...spec, ...changed } });
    expect(make({ kind: 'pixelcnn' }, { tokenShape: [2, 2, 2] })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: prior: a PixelCNN needs a grid of tokens [rows, columns], got [2, 2, 2]. Choose kind 'transformer', which takes any shape.]`,
    );
    expect(make({ kind: 'pixelCNN' })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: prior: kind: expected one of "transformer"|"pixelcnn", got 'pixelCNN'. Did you mean 'pixelcnn'?]`,
    );
    expect(make({ pixelcnn: { kernelSize: 4 } })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: prior: pixelcnn.kernelSize: expected an odd number, got 4.]`,
    );
    expect(make({ transformer: { width: 10, heads: 4 } })).toThrow(ConfigError);
    expect(make({ classes: -1 })).toThrow(ConfigError);
    expect(make({}, { vocabulary: 1 })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: prior: expected a vocabulary of at least 2 codes, got 1.]`,
    );
    expect(make({}, { tokenShape: [2, 0] })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: prior: expected a token shape of whole numbers > 0, got [2, 0].]`,
    );
  });

  test.each(kinds)('%s: tokens, labels and numbers that do not fit', (kind) => {
    const prior = made(wasm, { kind }, spec);
    const labelled = made(wasm, { kind, classes: 2 }, spec);
    for (const act of [(x: NdArray) => prior.trainStep(x), (x: NdArray) => prior.nll(x)]) {
      expect(() => act(ndarray('int32', [2, 4]))).toThrow(ShapeError);
      expect(() => act(ndarray('float32', [2, 2, 2]))).toThrow(DTypeError);
      expect(() => act(ndarray('int32', [0, 2, 2]))).toThrow(ConfigError);
      expect(() => act(ndarray('int32', [1, 2, 2], Int32Array.of(0, 3, 0, 0)))).toThrow(
        /\[0, 3\), got 3 at position 1/,
      );
    }
    const labels = ndarray('int32', [2]);
    expect(() => prior.trainStep(tokens, { labels })).toThrow(/built without classes/);
    expect(() => labelled.trainStep(tokens)).toThrow(/expected labels in \[0, 2\), int32 \[2\], got none/);
    expect(() => labelled.nll(tokens, { labels: ndarray('int32', [3]) })).toThrow(ShapeError);
    expect(() => labelled.nll(tokens, { labels: ndarray('float32', [2]) })).toThrow(DTypeError);
    expect(() => labelled.sample(1, npRandom(0), { labels: ndarray('int32', [1], Int32Array.of(2)) })).toThrow(/got 2/);
    for (const count of [0, -1, 1.5, NaN]) expect(() => prior.sample(count, npRandom(0))).toThrow(ConfigError);
    for (const temperature of [0, -1, NaN])
      expect(() => prior.sample(1, npRandom(0), { temperature })).toThrow(ConfigError);
    for (const dimensions of [0, -1, NaN, Infinity])
      expect(() => prior.nll(tokens, { dimensions })).toThrow(ConfigError);
    for (const learningRate of [-1, NaN, Infinity])
      expect(() => prior.trainStep(tokens, { learningRate })).toThrow(ConfigError);
  });

  test('states that do not fit, and a loss that is no number: nothing has changed', () => {
    const prior = made(wasm, {}, spec);
    const before = prior.state();
    const { 'counters.updates': updates, ...rest } = before;
    expect(() => prior.loadState(rest)).toThrow(/'counters.updates' is missing/);
    const { 'parameters.tokens': table, ...others } = before;
    expect(() => prior.loadState({ ...others, 'counters.updates': updates! })).toThrow(
      /'parameters.tokens' is missing/,
    );
    expect(() => prior.loadState({ ...before, extra: table! })).toThrow(ConfigError);
    expect(() => prior.loadState({ ...before, 'counters.updates': ndarray('int32', [], Int32Array.of(-1)) })).toThrow(
      /as a count/,
    );
    expect(prior.state()).toEqual(before);
    prior.loadState({
      ...before,
      'parameters.tokens': ndarray('float32', table!.shape, new Float32Array(table!.data.length).fill(NaN)),
    });
    const broken = prior.state();
    expect(() => prior.trainStep(tokens)).toThrow(NonFiniteError);
    expect(prior.state()).toEqual(broken);
  });

  test('bits per dimension count the dimensions that they are given', () => {
    const prior = made(wasm, {}, spec);
    const { rows, bitsPerDimension } = prior.nll(tokens, { dimensions: 12 });
    expect(bitsPerDimension).toBeCloseTo((rows[0]! + rows[1]!) / 2 / 12 / Math.LN2, 12);
  });
});
