import { describe, expect, test } from 'vitest';
import { ConfigError, NonFiniteError, ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import {
  Engine,
  adamUpdate,
  add,
  assign,
  biasAdd,
  checkFinite,
  constant,
  conv2d,
  conv2dTranspose,
  createEngine,
  f32,
  gather,
  gelu,
  gradients,
  i32,
  layerNorm,
  matMul,
  mean,
  mul,
  nearestCode,
  read,
  relu,
  reshape,
  softmax,
  softmaxCrossEntropy,
  square,
  stopGradient,
  straightThrough,
  sub,
} from '../../src/index.ts';
import type { Program, State, Tensor, Traced } from '../../src/index.ts';
import { TensorFlowExecutor, graphOptions } from '../../src/tensorflow/executor.ts';
import { available, skipped, tensorFlow } from './available.ts';

const cpu = await createEngine({ backend: 'cpu' });

// Made inside the tests, which are skipped without TensorFlow.
let engine: Engine | undefined;
function tf(): Engine {
  if (engine === undefined) {
    const executor = new TensorFlowExecutor({
      ...graphOptions(tensorFlow().binding, 'float32'),
      route: 'session',
    });
    const { eagerContext } = executor;
    engine = new Engine({ backend: 'tensorflow-cpu', note: '', executor, eagerContext });
  }
  return engine;
}

const generator = npRandom(3);
const normal = (...shape: number[]): NdArray<'float32'> =>
  ndarray(
    'float32',
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 0.5 * generator.normal()),
  );
const integers = (count: number, ...shape: number[]): NdArray<'int32'> =>
  ndarray(
    'int32',
    shape,
    Int32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => generator.integers(0, count)),
  );
const vector = (...values: number[]) => ndarray('float32', [values.length], Float32Array.from(values));

interface Trained<P> {
  readonly parameters: P;
  readonly first: P;
  readonly second: P;
}

type Parameters = Readonly<Record<string, NdArray<'float32'>>>;

const zerosLike = <P extends Parameters>(tree: P): P =>
  Object.fromEntries(Object.entries(tree).map(([name, { shape }]) => [name, ndarray('float32', shape)])) as P;
const fresh = <P extends Parameters>(parameters: P): Trained<P> => ({
  parameters,
  first: zerosLike(parameters),
  second: zerosLike(parameters),
});

const adamInputs = { rate: f32(), correction: f32(), decay: f32(), scale: f32() };
const settings = { beta1: 0.9, beta2: 0.999 };

// Adam on every parameter, with everything that the effect knows.
function train(
  loss: Tensor,
  { parameters, first, second }: Traced<Trained<Parameters>>,
  inputs: { readonly [K in keyof typeof adamInputs]: Tensor },
): void {
  const names = Object.keys(parameters);
  const slopes = gradients(
    loss,
    names.map((name) => parameters[name]!),
  );
  for (const [i, name] of names.entries()) {
    adamUpdate(parameters[name]!, {
      firstMoment: first[name]!,
      secondMoment: second[name]!,
      gradient: slopes[i]!,
      ...inputs,
      ...settings,
      epsilon: 1e-3,
    });
  }
}

function step(t: number, rate = 0.01) {
  const { beta1, beta2 } = settings;
  return { rate: rate / (1 - beta1 ** t), correction: 1 - beta2 ** t, decay: rate * 0.1, scale: 0.7 };
}

const convolutional = () => ({
  down: normal(4, 4, 3, 8),
  bias: normal(8),
  codebook: normal(16, 8),
  up: normal(4, 4, 3, 8),
});

function tokenizerProgram(state: State<Trained<ReturnType<typeof convolutional>>>) {
  return state.program('tokenizer', { frames: f32(2, 8, 8, 3), ...adamInputs }, ({ frames, ...inputs }, traced) => {
    const { down, bias, codebook, up } = traced.parameters;
    const z = biasAdd(conv2d(frames, down, { stride: 2 }), bias);
    const flat = reshape(z, [-1, 8]); // [B*h*w, D]
    const codes = nearestCode(flat, codebook);
    const quantized = gather(codebook, codes);
    const through = relu(reshape(straightThrough(flat, quantized), z.shape));
    const reconstruction = conv2dTranspose(through, up, { stride: 2 });
    const mse = (a: Tensor, b: Tensor) => mean(square(sub(a, b)));
    const loss = add(
      mse(reconstruction, frames),
      add(mse(quantized, stopGradient(flat)), mul(mse(flat, stopGradient(quantized)), 0.25)),
    );
    train(loss, traced, inputs);
    return { loss, codes };
  });
}

const attentive = () => ({
  embedding: normal(11, 8),
  qkv: normal(8, 8),
  out: normal(8, 8),
  scale: normal(8),
  bias: normal(8),
  head: normal(8, 11),
});

function languageProgram(state: State<Trained<ReturnType<typeof attentive>>>) {
  return state.program('language', { tokens: i32(3, 5), targets: i32(3, 5), ...adamInputs }, (all, traced) => {
    const { tokens, targets, ...inputs } = all;
    const { embedding, qkv, out, scale, bias, head } = traced.parameters;
    const mask = constant(
      ndarray(
        'float32',
        [5, 5],
        Float32Array.from({ length: 25 }, (_, i) => (i % 5 > Math.floor(i / 5) ? -1e9 : 0)),
      ),
    );
    const x = gather(embedding, tokens); // [3, 5, 8]
    const h = matMul(layerNorm(x, scale, bias), qkv);
    const weights = softmax(add(matMul(h, h, { transposeB: true }), mask)); // [3, 5, 5]
    const y = add(x, gelu(matMul(matMul(weights, h), out)));
    const loss = mean(softmaxCrossEntropy(matMul(y, head), targets));
    train(loss, traced, inputs);
    return { loss };
  });
}

/** Runs the same steps on both; the distances are the largest over the losses, and over all numbers of the state at the end. */
function trainOnBoth<P extends Parameters>(
  parameters: P,
  programOf: (state: State<Trained<P>>) => Program<never, { readonly loss: Tensor }>,
  inputs: Readonly<Record<string, NdArray>>,
  steps: number,
): { losses: number[]; lossDistance: number; stateDistance: number } {
  const [ours, theirs] = [tf(), cpu].map((on) => {
    const state = on.state(fresh(parameters));
    const program = programOf(state);
    const losses = Array.from({ length: steps }, (_, t) => {
      const { loss } = program.run({ ...inputs, ...step(t + 1) } as never);
      return loss.data[0] as number;
    });
    const values = Object.values(state.read()).flatMap(({ data }) => [...(data as Float32Array)]);
    program.dispose();
    state.dispose();
    return { losses, values };
  }) as [{ losses: number[]; values: number[] }, { losses: number[]; values: number[] }];
  const distance = (a: number[], b: number[]) => Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));
  return {
    losses: ours.losses,
    lossDistance: distance(ours.losses, theirs.losses),
    stateDistance: distance(ours.values, theirs.values),
  };
}

describe.skipIf(!available)(`programs on TensorFlow${skipped}`, () => {
  test('a convolutional tokenizer trains as on cpu for 10 steps', () => {
    const trained = trainOnBoth(convolutional(), tokenizerProgram as never, { frames: normal(2, 8, 8, 3) }, 10);
    expect(trained.losses.at(-1)).toBeLessThan(trained.losses[0]! * 0.9);
    expect(trained.lossDistance).toBeLessThan(1e-5);
    expect(trained.stateDistance).toBeLessThan(1e-4);
  });

  test('a transformer trains as on cpu for 20 steps', () => {
    const inputs = { tokens: integers(11, 3, 5), targets: integers(11, 3, 5) };
    const trained = trainOnBoth(attentive(), languageProgram as never, inputs, 20);
    expect(trained.losses.at(-1)).toBeLessThan(trained.losses[0]! * 0.9);
    expect(trained.lossDistance).toBeLessThan(1e-5);
    expect(trained.stateDistance).toBeLessThan(1e-4);
  });

  test('reads see the state before the step: a chain of assignments shifts by one', () => {
    const state = tf().state({ a: vector(1, 2), b: vector(3, 4), c: vector(5, 6) });
    const shift = state.program('shift', { x: f32(2) }, ({ x }, { a, b, c }) => {
      assign(a, x);
      assign(b, a);
      assign(c, b);
      return { sum: add(a, add(b, c)), a };
    });
    expect(shift.run({ x: vector(0, 0) })).toEqual({ sum: vector(9, 12), a: vector(1, 2) });
    expect(state.read()).toEqual({ a: vector(0, 0), b: vector(1, 2), c: vector(3, 4) });
    shift.run({ x: vector(7, 7) });
    expect(state.read()).toEqual({ a: vector(7, 7), b: vector(0, 0), c: vector(1, 2) });
  });

  test('Adam in place does not reach what was assigned or returned from the parameter', () => {
    const state = tf().state({ x: vector(1, 2), before: vector(0, 0), m: vector(0, 0), v: vector(0, 0) });
    const update = state.program('update', {}, (_, { x, before, m, v }) => {
      const one = constant(ndarray('float32', [], Float32Array.of(1)));
      assign(before, x);
      adamUpdate(x, {
        firstMoment: m,
        secondMoment: v,
        gradient: mul(x, 2),
        rate: one,
        correction: one,
        beta1: 0,
        beta2: 0,
        epsilon: 0,
      });
      return { x };
    });
    const values: number[][] = [];
    for (let i = 0; i < 20; i++) {
      const old = state.readOne('x');
      expect(update.run({}).x).toEqual(old);
      expect(state.readOne('before')).toEqual(old);
      values.push([...(state.readOne('x').data as Float32Array)]);
    }
    // With no memory Adam moves by the rate against the sign of the gradient.
    expect(values.slice(0, 3)).toEqual([
      [0, 1],
      [NaN, 0],
      [NaN, NaN],
    ]);
  });

  test('the values of inputs are not kept: changing the array afterwards changes no state', () => {
    const state = tf().state({ a: vector(0, 0) });
    const set = state.program('set', { x: f32(2) }, ({ x }, { a }) => {
      assign(a, x);
      return {};
    });
    const x = vector(1, 2);
    set.run({ x });
    x.data.fill(9);
    expect(state.readOne('a')).toEqual(vector(1, 2));
  });

  test('a further program gets the state as the runs before left it, and programs of one name and input live together', () => {
    const sessions = tensorFlow().binding.getNumOfSavedModels();
    const state = tf().state({ count: vector(0), n: integers(5, 2) });
    const before = state.readOne('n');
    const program = (by: number) =>
      state.program('add', { x: f32(1) }, ({ x }, { count }) => {
        const next = add(count, mul(x, by));
        assign(count, next);
        return { next };
      });
    const [one, ten] = [program(1), program(10)];
    one.run({ x: vector(1) });
    one.run({ x: vector(1) });
    expect(ten.run({ x: vector(1) }).next).toEqual(vector(12));
    expect(one.run({ x: vector(2) }).next).toEqual(vector(14));
    expect(state.readOne('n')).toEqual(before);
    state.write({ count: vector(100) });
    expect(ten.run({ x: vector(1) }).next).toEqual(vector(110));
    one.dispose();
    expect(program(100).run({ x: vector(1) }).next).toEqual(vector(210));
    expect(tensorFlow().binding.getNumOfSavedModels()).toBe(sessions + 1);
    state.dispose();
    expect(() => state.read()).toThrowErrorMatchingInlineSnapshot(`[ConfigError: state: used after dispose.]`);
  });

  test('a program that TensorFlow refuses leaves the others and the state as they were', () => {
    const state = tf().state({ count: vector(0) });
    const count = state.program('count', {}, (_, { count }) => {
      assign(count, add(count, 1));
      return { count };
    });
    count.run({});
    const broken = state.program('broken', {}, (_, { count }) => ({ y: refused(count) }));
    for (let i = 0; i < 2; i++) expect(() => broken.run({})).toThrow(/refused the graph|refused/);
    count.run({});
    expect(state.readOne('count')).toEqual(vector(2));
  });
});

// An op whose graph rule is wrong.
function refused(x: Tensor): Tensor {
  return x.recorder.apply(
    {
      name: 'refused',
      infer: ([spec]) => [spec!],
      kernel: (k, [input]) => [k.alias(input!)],
      graph: (g, [input]) => [g.node('NoSuchOp', [input!])],
    },
    [x],
    {},
  )[0]!;
}

describe.skipIf(!available)(`bad numbers on TensorFlow${skipped}`, () => {
  const make = () => {
    const state = tf().state({ count: vector(0), table: normal(4, 2) });
    const program = state.program('lookup', { rows: i32(2), x: f32(3, 2) }, ({ rows, x }, { count, table }) => {
      assign(count, add(count, 1));
      const found = gather(table, rows);
      return { found, codes: nearestCode(x, table), mean: checkFinite(mean(found), 'the mean') };
    });
    return { state, program };
  };
  /** The message, in which the line that called the op has no number. */
  const messageOf = (run: () => unknown): string => {
    try {
      run();
      return 'nothing was thrown';
    } catch (error) {
      return String(error)
        .replace(/\/\S+\/(?=[\w-]+\.test\.ts)/, '')
        .replace(/:\d+:\d+\)$/, ':LINE)');
    }
  };
  const rows = (...values: number[]) => ndarray('int32', [2], Int32Array.from(values));
  const nan = ndarray('float32', [3, 2], new Float32Array(6).fill(NaN));

  test('are errors that name the op and the line of the model, and change no state', () => {
    const { state, program } = make();
    const x = normal(3, 2);
    program.run({ rows: rows(0, 3), x });
    expect(() => program.run({ rows: rows(0, 1), x: nan })).toThrow(NonFiniteError);
    expect(messageOf(() => program.run({ rows: rows(0, 1), x: nan }))).toMatchInlineSnapshot(
      `"NonFiniteError: nearestCode: expected finite numbers, got NaN or infinity in the input. Lower the learning rate, or look for the step where the loss stopped being finite. (nearestCode at session-store.test.ts:LINE)"`,
    );
    expect(() => program.run({ rows: rows(0, 4), x })).toThrow(ConfigError);
    expect(messageOf(() => program.run({ rows: rows(0, 4), x }))).toMatchInlineSnapshot(
      `"ConfigError: gather: expected indices in [0, 4), got 4 at position 1. (gather at session-store.test.ts:LINE)"`,
    );
    expect(state.readOne('count')).toEqual(vector(1));
    state.write({ table: ndarray('float32', [4, 2], new Float32Array(8).fill(2e38)) });
    expect(() => program.run({ rows: rows(1, 1), x })).toThrow(/(checkFinite|nearestCode): expected/);
    expect(state.readOne('count')).toEqual(vector(1));
  });

  test('a label outside of the classes names the op', () => {
    const program = tf().program('loss', { x: f32(1, 3), label: i32(1) }, ({ x, label }) => ({
      loss: softmaxCrossEntropy(x, label),
    }));
    const label = ndarray('int32', [1], Int32Array.of(3));
    expect(messageOf(() => program.run({ x: normal(1, 3), label }))).toMatchInlineSnapshot(
      `"ConfigError: softmaxCrossEntropy: expected indices in [0, 3), got 3. (softmaxCrossEntropy at session-store.test.ts:LINE)"`,
    );
    program.dispose();
  });
});

describe.skipIf(!available)(`memory on TensorFlow${skipped}`, () => {
  test('200 runs, reads and writes leave no tensor, and disposing leaves no session', () => {
    const { binding } = tensorFlow();
    const sessions = binding.getNumOfSavedModels();
    const state = tf().state(fresh(convolutional()));
    const program = tokenizerProgram(state);
    const frames = normal(2, 8, 8, 3);
    const stateless = tf().program('double', { x: f32(2) }, ({ x }) => ({ y: mul(x, 2) }));
    const counts: number[] = [];
    for (let t = 1; t <= 200; t++) {
      program.run({ frames, ...step(t) });
      stateless.run({ x: vector(1, 2) });
      if (t % 50 === 1) state.write({ 'parameters.bias': state.readOne('parameters.bias') });
      counts.push(tf().tensorCount());
    }
    expect(new Set(counts).size).toBe(1);
    expect(binding.getNumOfSavedModels()).toBe(sessions + 2);
    state.dispose();
    stateless.dispose();
    expect(binding.getNumOfSavedModels()).toBe(sessions);
  });
});

describe.skipIf(!available)(`eager functions on TensorFlow${skipped}`, () => {
  test('read numbers, differentiate, look up and change the state, and leave no tensor', () => {
    const state = tf().state({ table: normal(4, 2), count: vector(1) });
    const table = state.readOne('table');
    const run = () =>
      state.eager(({ table: rows, count }) => {
        const found = gather(rows, nearestCode(rows, rows));
        const [slope] = gradients(mean(square(found)), [rows]);
        assign(count, add(count, read(count).data[0] as number));
        return { found: read(found), slope: read(slope!) };
      });
    const { found, slope } = run();
    expect(found).toEqual(table);
    for (const [i, value] of (slope.data as Float32Array).entries()) {
      expect(value).toBeCloseTo((table.data[i] as number) / 4, 5);
    }
    expect(state.readOne('count')).toEqual(vector(2));
    const before = tf().tensorCount();
    run();
    expect(tf().tensorCount()).toBe(before);
    expect(state.readOne('count')).toEqual(vector(4));
    state.dispose();
  });
});
