import { readFileSync } from 'node:fs';
import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { ConfigError, ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { add, constant, f32, matMul, mean, mul, read, square, sub, sum } from '@tessera/engine';
import type { Engine, Tensor, Traced } from '@tessera/engine';
import { adamStep, adamStepOfGroups, globalNorm, initAdam } from '../src/index.ts';
import type { AdamOptions } from '../src/index.ts';
import { engines, floats } from './backends.ts';

type Settings = Omit<AdamOptions, 'learningRate'>;

const target = floats([4, 2], 11);
const inputs = floats([4, 3], 12);

interface Model {
  readonly kernel: NdArray<'float32'>;
  readonly nested: { readonly bias: NdArray<'float32'> };
}

const start = (seed: number): Model => ({ kernel: floats([3, 2], seed), nested: { bias: floats([2], seed + 1) } });

/** `mean((x kernel + bias - target)^2)` times `weight`. */
function loss({ kernel, nested }: Traced<Model>, weight: Tensor): Tensor {
  const out = add(matMul(constant(inputs), kernel), nested.bias);
  return mul(mean(square(sub(out, constant(target)))), weight);
}

/** The same gradient by hand, kernel and bias in one list. */
function slopes(weights: Float64Array, weight: number): Float64Array {
  const out = new Float64Array(8);
  for (let n = 0; n < 4; n++) {
    for (let o = 0; o < 2; o++) {
      let y = weights[6 + o]! - target.data[n * 2 + o]!;
      for (let i = 0; i < 3; i++) y += inputs.data[n * 3 + i]! * weights[i * 2 + o]!;
      const slope = (2 * y * weight) / 8;
      for (let i = 0; i < 3; i++) out[i * 2 + o]! += slope * inputs.data[n * 3 + i]!;
      out[6 + o]! += slope;
    }
  }
  return out;
}

/** Kingma and Ba 2015, algorithm 1, with decoupled decay and clipping, line by line. */
function reference(
  weights: Float64Array,
  { steps, weight, rate }: { steps: number; weight: number; rate: (step: number) => number },
  { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0, clipNorm = Infinity }: Settings,
): { weights: Float64Array; norms: number[] } {
  const first = new Float64Array(weights.length);
  const second = new Float64Array(weights.length);
  const norms: number[] = [];
  for (let t = 1; t <= steps; t++) {
    const gradient = slopes(weights, weight);
    const norm = Math.hypot(...gradient);
    norms.push(norm);
    const learningRate = rate(t);
    for (let i = 0; i < weights.length; i++) {
      const g = gradient[i]! * Math.min(1, clipNorm / norm);
      first[i] = beta1 * first[i]! + (1 - beta1) * g;
      second[i] = beta2 * second[i]! + (1 - beta2) * g * g;
      const unbiased = first[i]! / (1 - beta1 ** t);
      const scale = Math.sqrt(second[i]! / (1 - beta2 ** t)) + epsilon;
      weights[i]! -= learningRate * weightDecay * weights[i]! + (learningRate * unbiased) / scale;
    }
  }
  return { weights, norms };
}

function train(
  engine: Engine,
  model: Model,
  { steps, weight, rate }: { steps: number; weight: number; rate: (step: number) => number },
  settings: Settings,
): { weights: number[]; norms: number[]; step: number } {
  const state = engine.state({ model, adam: initAdam(model) });
  const program = state.program(
    'train',
    { weight: f32(), learningRate: f32() },
    ({ weight: w, learningRate }, { model: traced, adam }) =>
      adamStep(loss(traced, w), traced, adam, { learningRate, ...settings }),
  );
  const norms = Array.from({ length: steps }, (_, i) =>
    Number(program.run({ weight, learningRate: rate(i + 1) }).gradientNorm.data[0]),
  );
  const at = (name: string) => [...(state.readOne(name).data as Float32Array)];
  const result = { weights: [...at('model.kernel'), ...at('model.nested.bias')], norms, step: at('adam.step')[0]! };
  program.dispose();
  state.dispose();
  return result;
}

const settings = fc.record({
  beta1: fc.constantFrom(0, 0.9),
  beta2: fc.constantFrom(0.9, 0.999, 0.99999),
  epsilon: fc.constantFrom(1e-8, 1e-3),
  weightDecay: fc.constantFrom(0, 0.3),
  clipNorm: fc.option(fc.constantFrom(1e-3, 0.5, 1e6), { nil: undefined }),
});

describe.each(engines)('%s', (_, engine) => {
  test.prop([settings, fc.constantFrom(0.03, 1, 50), fc.noShrink(fc.nat(1e6))], { numRuns: 15 })(
    'thirty steps are those of the algorithm in float64',
    ({ clipNorm, ...options }, weight, seed) => {
      const run = { steps: 30, weight, rate: (step: number) => 0.02 / Math.sqrt(step) };
      const chosen = clipNorm === undefined ? options : { ...options, clipNorm };
      const model = start(seed);
      const expected = reference(Float64Array.of(...model.kernel.data, ...model.nested.bias.data), run, chosen);
      const actual = train(engine, model, run, chosen);
      expect(actual.step).toBe(30);
      for (const [i, value] of actual.weights.entries()) {
        expect(Math.abs(value - expected.weights[i]!)).toBeLessThan(2e-4);
      }
      for (const [i, norm] of actual.norms.entries()) {
        expect(Math.abs(norm / expected.norms[i]! - 1)).toBeLessThan(5e-3);
      }
    },
  );

  test('the first step moves each weight by the learning rate, whatever the betas and the size of the gradient', () => {
    for (const weight of [1e-3, 1, 1e3]) {
      for (const beta2 of [0.9, 0.999, 0.999999]) {
        const model = start(5);
        const before = [...model.kernel.data, ...model.nested.bias.data];
        const { weights } = train(engine, model, { steps: 1, weight, rate: () => 0.01 }, { beta2, epsilon: 0 });
        for (const [i, value] of weights.entries()) {
          expect(Math.abs(Math.abs(value - before[i]!) / 0.01 - 1)).toBeLessThan(1e-4);
        }
      }
    }
  });

  test('groups share one clipping and differ in all else', () => {
    const { kernel, nested } = start(5);
    const both = { kernel: { kernel }, bias: { nested } };
    const state = engine.state({ model: both, first: initAdam(both.kernel), second: initAdam(both.bias) });
    const program = state.program('groups', { rate: f32() }, ({ rate }, { model, first, second }) =>
      adamStepOfGroups(
        loss({ ...model.kernel, ...model.bias }, constant(ndarray('float32', [], Float32Array.of(1)))),
        [
          { parameters: model.kernel, state: first, learningRate: rate, beta1: 0, weightDecay: 0.3 },
          { parameters: model.bias, state: second, learningRate: 0.01, beta2: 0.9 },
        ],
        { clipNorm: 0.5 },
      ),
    );
    const steps = 10;
    // Their gradients meet in the loss: every step takes the other group as it is by then.
    let weights = Float64Array.of(...kernel.data, ...nested.bias.data);
    const moments = [0, 1].map(() => ({ first: new Float64Array(8), second: new Float64Array(8) }));
    for (let t = 1; t <= steps; t++) {
      const { data } = program.run({ rate: 0.02 }).gradientNorm;
      const gradient = slopes(weights, 1);
      const norm = Math.hypot(...gradient);
      expect(Math.abs(Number(data[0]) / norm - 1)).toBeLessThan(5e-3);
      weights = weights.map((x, i) => {
        const [beta1, beta2, rate, decay] = i < 6 ? [0, 0.999, 0.02, 0.3] : [0.9, 0.9, 0.01, 0];
        const own = moments[i < 6 ? 0 : 1]!;
        const g = gradient[i]! * Math.min(1, 0.5 / norm);
        own.first[i] = beta1 * own.first[i]! + (1 - beta1) * g;
        own.second[i] = beta2 * own.second[i]! + (1 - beta2) * g * g;
        const unbiased = own.first[i]! / (1 - beta1 ** t);
        return x - rate * decay * x - (rate * unbiased) / (Math.sqrt(own.second[i]! / (1 - beta2 ** t)) + 1e-8);
      });
    }
    const at = (name: string) => [...(state.readOne(name).data as Float32Array)];
    const got = [...at('model.kernel.kernel'), ...at('model.bias.nested.bias')];
    for (const [i, x] of got.entries()) expect(Math.abs(x - weights[i]!)).toBeLessThan(2e-4);
    expect([at('first.step'), at('second.step')]).toEqual([[steps], [steps]]);
    program.dispose();
    state.dispose();
  });

  test('a learning rate of 0 changes nothing but the moments', () => {
    const model = start(5);
    const { weights } = train(engine, model, { steps: 3, weight: 1, rate: () => 0 }, { weightDecay: 0.5 });
    expect(weights).toEqual([...model.kernel.data, ...model.nested.bias.data]);
  });

  test.prop(
    [fc.array(fc.array(fc.constantFrom(1, 2, 3), { maxLength: 2 }), { minLength: 1, maxLength: 4 }), fc.nat(1e6)],
    {
      numRuns: 30,
    },
  )('globalNorm: sqrt of the sum of all squares', (shapes, seed) => {
    const arrays = shapes.map((shape, i) => floats(shape, seed + i));
    const norm = engine.eager(() => read(globalNorm(arrays.map((array) => constant(array)))));
    expect(norm.shape).toEqual([]);
    expect(Number(norm.data[0])).toBeCloseTo(Math.hypot(...arrays.flatMap(({ data }) => [...data])), 4);
  });

  test('parameters that the loss does not depend on stay where they are', () => {
    const model = { used: floats([2], 1), unused: floats([2], 2) };
    const state = engine.state({ model, adam: initAdam(model) });
    const program = state.program('train', {}, (_inputs, { model: traced, adam }) =>
      adamStep(sum(square(traced.used)), traced, adam, { learningRate: 0.1 }),
    );
    program.run({});
    expect(state.readOne('model.unused').data).toEqual(model.unused.data);
    expect(state.readOne('model.used').data).not.toEqual(model.used.data);
  });
});

describe('wrong settings', () => {
  const engine = engines[0]![1];
  const attempt = (options: Partial<AdamOptions>, adamOf: (model: Model) => object = initAdam) => {
    const model = start(1);
    const state = engine.state({ model, adam: adamOf(model) as ReturnType<typeof initAdam> });
    return () =>
      state.program('train', {}, (_inputs, { model: traced, adam }) =>
        adamStep(loss(traced, constant(ndarray('float32', []))), traced, adam, { learningRate: 0.1, ...options }),
      );
  };

  test('betas, norms and rates out of range', () => {
    expect(attempt({ beta1: 1 })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: adam: expected beta1 in [0, 1), got 1.]`,
    );
    expect(attempt({ clipNorm: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: adam: expected a clip norm above 0, got 0.]`,
    );
    expect(attempt({ learningRate: NaN })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: adam: expected learningRate >= 0, got NaN.]`,
    );
    for (const options of [
      { beta2: -0.1 },
      { beta2: NaN },
      { clipNorm: NaN },
      { learningRate: -1 },
      { weightDecay: -1 },
      { epsilon: NaN },
    ]) {
      expect(attempt(options)).toThrow(ConfigError);
    }
  });

  test('a state that belongs to other parameters', () => {
    const other = () => initAdam({ weights: floats([2], npRandom(1).integers(5)) });
    expect(attempt({}, other)).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: adam: the state has no moments of 'kernel'. Make it of the same parameters with initAdam.]`,
    );
  });

  test('nothing to take the norm of', () => {
    expect(() => engine.eager(() => globalNorm([]))).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: globalNorm: expected at least one tensor, got none.]`,
    );
  });
});

const text = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8');

test("the README's example is example.ts, and learns XOR", async () => {
  expect(text('../README.md')).toContain(`\`\`\`ts\n${text('example.ts').replaceAll('export ', '')}\`\`\``);
  const { loss } = await import('./example.ts');
  expect(loss).toBeLessThan(0.01);
});
