// What drawing must never do, and random numbers against those of the paper.
import { ndarray, npRandom } from '@tessera/core';
import { describe, expect } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import { categorical, decodeAttention, f32, fill, i32, randomUniform } from '../../src/index.ts';
import { backends, engineOf, runsOn } from '../support/backends.ts';
import { cpu } from '../support/cpu.ts';

const key = (low: number, high: number) => ndarray('int32', [2], Int32Array.of(low, high));

for (const backend of backends) {
  describe.skipIf(backend.engine === undefined)(`generation on ${backend.name}${backend.skipped}`, () => {
    // Random123's known answers: philox4x32 10 rounds, counter 0, key 0.
    test('the first numbers of key 0 are those of the paper', () => {
      const program = engineOf(backend).program('paper', { key: i32(2) }, (x) => ({ u: randomUniform(x.key, [4]) }));
      const words = [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8];
      expect([...program.run({ key: key(0, 0) }).u.data]).toEqual(words.map((word) => (word & 0x7fffff) / 2 ** 23));
      program.dispose();
    });

    test('uses in one program differ, runs with one key do not', () => {
      const program = engineOf(backend).program('twice', { key: i32(2) }, (x) => ({
        a: randomUniform(x.key, [1000]),
        b: randomUniform(x.key, [1000]),
      }));
      const first = program.run({ key: key(1, 2) });
      expect(program.run({ key: key(1, 2) })).toEqual(first);
      expect(first.a).not.toEqual(first.b);
      expect(program.run({ key: key(2, 2) }).a).not.toEqual(first.a);
      for (const { data } of [first.a, first.b]) {
        const numbers = [...data] as number[];
        const mean = numbers.reduce((sum, x) => sum + x, 0) / 1000;
        // Five standard errors.
        expect(Math.abs(mean - 0.5)).toBeLessThan(5 / Math.sqrt(12 * 1000));
        expect(numbers.every((x) => x >= 0 && x < 1)).toBe(true);
      }
      program.dispose();
    });

    test.prop([fc.nat(1000), fc.integer({ min: 1, max: 40 })], { numRuns: runsOn(backend, 12) })(
      'a class without probability never comes, whatever the chance',
      (seed, classes) => {
        const generator = npRandom(seed);
        const possible = generator.integers(0, classes);
        const rows = 64;
        const logits = ndarray('float32', [rows, classes]);
        for (let i = 0; i < logits.data.length; i++) {
          const k = i % classes;
          logits.data[i] =
            k === possible || (k < possible && generator.random() < 0.5) ? generator.normal() : -Infinity;
        }
        const chances = ndarray('float32', [rows]);
        for (let row = 0; row < rows; row++) chances.data[row] = generator.random();
        chances.data[0] = 0;
        chances.data[1] = 1 - 2 ** -23;
        const program = engineOf(backend).program('draw', { x: f32(rows, classes), u: f32(rows) }, ({ x, u }) => ({
          drawn: categorical(x, u),
        }));
        const { drawn } = program.run({ x: logits, u: chances });
        for (const [row, k] of drawn.data.entries()) expect(logits.data[row * classes + Number(k)]).not.toBe(-Infinity);
        program.dispose();
      },
    );

    test('a position outside of the cache is an error', () => {
      const program = engineOf(backend).program('look', { at: i32(), x: f32(1, 1, 2) }, ({ at, x }) => {
        const cache = { keys: fill([1, 3, 2], 1), values: fill([1, 3, 2], 1), position: at };
        return { y: decodeAttention(x, cache, { keys: x, values: x }) };
      });
      const x = ndarray('float32', [1, 1, 2]);
      expect(program.run({ at: 3, x }).y.shape).toEqual([1, 1, 2]);
      for (const at of [-1, 4]) {
        expect(() => program.run({ at, x })).toThrow(`expected indices in [0, 4), got ${at} at position 0.`);
      }
      program.dispose();
    });
  });
}

describe('ops of generation refuse', () => {
  const recording = (body: (x: { a: ReturnType<typeof fill>; n: ReturnType<typeof fill> }) => void) => () =>
    cpu.program('p', { a: f32(2, 3), n: i32(2) }, (x) => {
      body(x);
      return {};
    });

  test('what does not fit', () => {
    expect(recording(({ a }) => categorical(a, fill([3], 0)))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: categorical: expected logits [N, K] with K > 0 and a number for each row, got [2, 3] and [3].]`,
    );
    expect(recording(({ n }) => randomUniform(n, [-1]))).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: randomUniform: expected a shape of whole numbers >= 0, got [-1].]`,
    );
    expect(recording(({ a }) => randomUniform(a, [1]))).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: randomUniform: expected int32 the key, got float32[2, 3].]`,
    );
    expect(
      recording(({ n }) => {
        const x = fill([1, 2, 2], 0);
        decodeAttention(x, { keys: x, values: x, position: n }, { keys: x, values: x });
      }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: decodeAttention: queries [1, 2, 2] do not fit a cache [1, 2, 2], [1, 2, 2] and new tokens [1, 2, 2], [1, 2, 2] at [2].]`,
    );
  });
});
