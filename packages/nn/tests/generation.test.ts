// Generation with a cache is the whole pass over the sequence, at its last token, however the sequence was cut.
import { ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { concat, constant, createEngine, i32, read, slice } from '@tessera/engine';
import type { Engine, Tensor } from '@tessera/engine';
import { afterAll, describe, expect } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import { TokenGenerator, block, causalLogits, initCausalTransformer, nextBlocks, prefixBlocks } from '../src/index.ts';
import type { FreshLayers } from '../src/index.ts';
import { expectClose, floats } from './backends.ts';

const config = { vocabulary: 7, length: 12, width: 8, layers: 2, heads: 2 };
const parameters = initCausalTransformer(npRandom(1), config);
const batch = 3;

function sequences(seed: number, count: number): NdArray<'int32'> {
  const generator = npRandom(seed);
  const out = ndarray('int32', [batch, count]);
  for (let i = 0; i < out.data.length; i++) out.data[i] = generator.integers(config.vocabulary);
  return out;
}

function columns({ data, shape }: NdArray<'int32'>, from: number, to: number): NdArray<'int32'> {
  const out = ndarray('int32', [batch, to - from]);
  for (let row = 0; row < batch; row++) {
    out.data.set(data.subarray(row * shape[1]! + from, row * shape[1]! + to), row * (to - from));
  }
  return out;
}

/** The first class at which the sum of probabilities exceeds `chance`. */
function inverse(logits: readonly number[], temperature: number, chance: number): number {
  const weights = logits.map((logit) => Math.exp(logit / temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  return weights.findIndex((weight) => (sum += weight / total) > chance);
}

/** Logits after the last token, [batch * vocabulary]. */
function wholePass(engine: Engine, tokens: NdArray<'int32'>): number[] {
  const count = tokens.shape[1]!;
  const state = engine.state({ parameters });
  const program = state.program('whole', { tokens: i32(batch, count) }, (x, tree) => ({
    logits: causalLogits(tree.parameters, x.tokens, config),
  }));
  const { logits } = program.run({ tokens });
  program.dispose();
  state.dispose();
  const { vocabulary } = config;
  return Array.from({ length: batch }, (_, row) => {
    const start = (row * count + count - 1) * vocabulary;
    return [...(logits.data as Float32Array).subarray(start, start + vocabulary)];
  }).flat();
}

const engines = await Promise.all(
  (['cpu', 'wasm'] as const).map(async (backend) => ({ backend, engine: await createEngine({ backend }) })),
);
afterAll(() => {
  for (const { engine } of engines) engine.dispose();
});

for (const { backend, engine } of engines) {
  describe(`generation on ${backend}`, () => {
    test.prop([fc.nat(1000), fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 6 })], {
      numRuns: 12,
    })('is the whole pass at its last token, however it is cut', (seed, cuts) => {
      const generator = new TokenGenerator(engine, parameters, config, { batch });
      const tokens = sequences(seed, config.length);
      let at = 0;
      for (const count of cuts) {
        if (at + count > config.length) break;
        const logits = generator.append(columns(tokens, at, at + count));
        at += count;
        const whole = wholePass(engine, columns(tokens, 0, at));
        for (const [i, logit] of [...logits.data].entries()) expect(logit).toBeCloseTo(whole[i]!, 4);
      }
      expect(generator.position).toBe(at);
      generator.dispose();
    });

    test('begins anew: what was there before is not looked at', () => {
      const generator = new TokenGenerator(engine, parameters, config, { batch });
      const [first, second] = [sequences(1, 6), sequences(2, 2)];
      for (let i = 0; i < 6; i++) generator.append(columns(first, i, i + 1));
      generator.rewind();
      const logits = generator.append(second);
      const whole = wholePass(engine, second);
      for (const [i, logit] of [...logits.data].entries()) expect(logit).toBeCloseTo(whole[i]!, 4);
      generator.dispose();
    });

    test.prop(
      [fc.nat(1000), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 5 }), fc.constantFrom(0.5, 1, 3)],
      { numRuns: 12 },
    )('a frame of tokens is what token by token draws from the same chances', (seed, first, count, temperature) => {
      const generator = new TokenGenerator(engine, parameters, config, { batch });
      const start = sequences(seed, first);
      const drawn = generator.generate(start, { count, temperature, generator: npRandom(seed) });
      expect(generator.position).toBe(first + count - 1);

      generator.rewind();
      const chances = npRandom(seed);
      let logits = generator.append(start);
      for (let i = 0; i < count; i++) {
        const token = ndarray('int32', [batch, 1]);
        for (let row = 0; row < batch; row++) {
          const at = row * config.vocabulary;
          token.data[row] = inverse(
            [...logits.data.subarray(at, at + config.vocabulary)],
            temperature,
            chances.random(),
          );
        }
        expect([...columns(drawn, i, i + 1).data]).toEqual([...token.data]);
        if (i < count - 1) logits = generator.append(token);
      }
      generator.dispose();
    });

    test.prop(
      [
        fc.nat(1000),
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 }),
      ],
      {
        numRuns: 12,
      },
    )('a beginning in one pass and then a few at a time, in one program, is the whole pass', (seed, first, cuts) => {
      const count = first + cuts.reduce((sum, cut) => sum + cut, 0);
      const x = floats([batch, count, config.width], seed);
      const state = engine.state({ blocks: parameters.blocks });
      const given = state.eager(({ blocks }) => {
        const { heads, width } = config;
        const part = (from: number, size: number) => slice(constant(x), [0, from, 0], [batch, size, width]);
        const begun = prefixBlocks(blocks, part(0, first), { heads });
        const position = constant(ndarray('int32', [], Int32Array.of(first)));
        const parts = [begun.hidden];
        let fresh: FreshLayers | undefined;
        let at = first;
        for (const cut of cuts) {
          const next = nextBlocks(blocks, begun.fresh, part(at, cut), { heads, position, fresh });
          parts.push(next.hidden);
          fresh = next.fresh;
          at += cut;
        }
        return read(concat(parts, { axis: 1 }));
      });
      const whole = state.eager(({ blocks }) => {
        let hidden: Tensor = constant(x);
        for (const weights of blocks) hidden = block(weights, hidden, { heads: config.heads, causal: true });
        return read(hidden);
      });
      expectClose(given, { shape: whole.shape, data: [...whole.data].map(Number) });
      state.dispose();
    });

    test('tokens that are only read are not predicted: the logits of the others are as before', () => {
      const tokens = sequences(3, 4);
      const logitsOf = (predicted?: number) => {
        const settings = predicted === undefined ? config : { ...config, predicted };
        const generator = new TokenGenerator(engine, parameters, settings, { batch });
        const logits = generator.append(tokens);
        generator.dispose();
        return logits;
      };
      const [all, some] = [logitsOf(), logitsOf(4)];
      expect(some.shape).toEqual([batch, 4]);
      for (let row = 0; row < batch; row++) {
        for (let k = 0; k < 4; k++)
          expect(some.data[row * 4 + k]).toBeCloseTo(all.data[row * config.vocabulary + k]!, 6);
      }
    });

    test('goes back to where it was told', () => {
      const generator = new TokenGenerator(engine, parameters, config, { batch });
      const [first, second, third] = [sequences(1, 4), sequences(2, 3), sequences(3, 2)];
      generator.append(first);
      generator.append(second);
      generator.rewind(4);
      const logits = generator.append(third);
      const joined = ndarray('int32', [batch, 6]);
      for (let row = 0; row < batch; row++) {
        joined.data.set(first.data.subarray(row * 4, (row + 1) * 4), row * 6);
        joined.data.set(third.data.subarray(row * 2, (row + 1) * 2), row * 6 + 4);
      }
      const whole = wholePass(engine, joined);
      for (const [i, logit] of [...logits.data].entries()) expect(logit).toBeCloseTo(whole[i]!, 4);
      for (const position of [-1, 7, 1.5, NaN]) expect(() => generator.rewind(position)).toThrow(/from 0 to 6/);
      generator.dispose();
    });

    test('leaves no tensor behind', () => {
      const before = engine.tensorCount();
      const generator = new TokenGenerator(engine, parameters, config, { batch });
      const play = () => {
        generator.rewind();
        for (let i = 0; i < 12; i++) generator.append(sequences(i, 1));
      };
      play();
      const after = engine.tensorCount();
      for (let i = 0; i < 5; i++) play();
      expect(engine.tensorCount()).toBe(after);
      generator.dispose();
      expect(engine.tensorCount()).toBe(before);
    });
  });
}

test.each([0, 8, 2.5, NaN])('a causal transformer of 7 tokens cannot predict %d of them', (predicted) => {
  expect(() => initCausalTransformer(npRandom(1), { ...config, predicted })).toThrow(
    `causal transformer: expected 1 to 7 predicted tokens, got ${predicted}.`,
  );
});

describe('generation refuses', () => {
  const { engine } = engines[0]!;
  const generator = new TokenGenerator(engine, parameters, config, { batch });

  test('another batch, no tokens, tokens out of range, and more than there is room for', () => {
    expect(() => generator.append(ndarray('int32', [2, 1]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: TokenGenerator.append: expected tokens of shape [3, 1 or more], got [2, 1].]`,
    );
    expect(() => generator.append(ndarray('int32', [3, 0]))).toThrow(/got \[3, 0\]/);
    expect(() => generator.append(ndarray('int32', [3, 1], Int32Array.of(0, 7, 0)))).toThrow(
      /expected indices in \[0, 7\)/,
    );
    expect(generator.position).toBe(0);
    for (let i = 0; i < 12; i++) generator.append(ndarray('int32', [3, 1]));
    expect(() => generator.append(ndarray('int32', [3, 1]))).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: TokenGenerator.append: 1 tokens after 12 are more than the 12 that there is room for. Go back with rewind.]`,
    );
    generator.rewind();
    const draw = { count: 1, generator: npRandom(0) };
    const tokens = ndarray('int32', [3, 1]);
    for (const count of [0, -1, 1.5, NaN])
      expect(() => generator.generate(tokens, { ...draw, count })).toThrow(/expected a whole count > 0/);
    for (const temperature of [0, -1, NaN])
      expect(() => generator.generate(tokens, { ...draw, temperature })).toThrow(/expected a temperature > 0/);
    expect(() => generator.generate(tokens, { ...draw, count: 13 })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: TokenGenerator.generate: 13 tokens after 0 are more than the 12 that there is room for. Go back with rewind.]`,
    );
    expect(() => generator.generate(ndarray('int32', [2, 1]), draw)).toThrow(
      /expected tokens of shape \[3, 1 or more\]/,
    );
    expect(generator.position).toBe(0);
    generator.dispose();
  });
});
