// Bit for bit against NumPy: the golden data and the calls that made them are in golden/make.py, `random_of_seed`.
import { describe, expect } from 'vitest';
import { test } from '@fast-check/vitest';
import { Generators, npRandom, SeedSequence } from '@tessera/core';
import type { GeneratorState, IntegerDType } from '@tessera/core';
import { expectFloats, expectIntegers, golden, hexOf } from './golden.ts';
import type { Stream } from './golden.ts';

type Streams = Record<string, Stream>;
type OfSeed = Streams & { gumbel: string[]; stateAfterHalf: GeneratorState; stateAtEnd: GeneratorState };

const times = (count: number, draw: () => number): number[] => Array.from({ length: count }, draw);

describe.each(Object.entries(golden<Record<string, OfSeed>>('random.json')))('seed %s', (seed, expected) => {
  const fresh = () => npRandom(BigInt(seed));

  test('random, uniform', () => {
    const g = fresh();
    expectFloats(expected['random']!, () => g.random());
    const h = fresh();
    expectFloats(expected['uniform']!, () => h.uniform(-0.05, 0.05));
  });

  test('normal and exponential, down to the tail', () => {
    const [a, b, c, d] = [fresh(), fresh(), fresh(), fresh()];
    expectFloats(expected['normal']!, () => a.normal(3, 2));
    expectFloats(expected['standardNormal']!, () => b.standardNormal());
    expectFloats(expected['standardExponential']!, () => c.standardExponential());
    expectFloats(expected['exponential']!, () => d.exponential(0.3));
  });

  test('geometric on both sides of p = 1/3', () => {
    const [a, b] = [fresh(), fresh()];
    expectIntegers(
      expected['geometricInversion']!,
      times(2000, () => a.geometric(0.25)),
    );
    expectIntegers(
      expected['geometricSearch']!,
      times(2000, () => b.geometric(0.6)),
    );
  });

  // Its logarithms are V8's and NumPy's own, which differ in the last bits.
  test('gumbel within 1e-14', () => {
    const g = fresh();
    for (const hex of expected.gumbel) {
      const value = Buffer.from(hex, 'hex').readDoubleLE();
      expect(Math.abs(g.gumbel(1, 2) - value)).toBeLessThan(1e-14 * Math.max(1, Math.abs(value)));
    }
  });

  test('integers, mixed with random: the waiting half of a draw is kept', () => {
    const g = fresh();
    expectIntegers(
      expected['integers2']!,
      times(2001, () => g.integers(2)),
    );
    expectFloats(expected['randomAfterHalf']!, () => g.random());
    expectIntegers(
      expected['integers7AfterHalf']!,
      times(5, () => g.integers(7)),
    );
    expect(g.getState()).toEqual(expected.stateAfterHalf);
  });

  test('integers over wide ranges', () => {
    const [a, b, c, d, e, f] = [fresh(), fresh(), fresh(), fresh(), fresh(), fresh()];
    const rejecting = [fresh().integers(0, 3 * 2 ** 30), ...times(500, () => a.integers(0, 3 * 2 ** 30))];
    expectIntegers(expected['integersRejecting']!, rejecting);
    expectIntegers(
      expected['integersWide']!,
      times(500, () => b.integers(0, 2 ** 50 + 3)),
    );
    expectIntegers(
      expected['integersWidest']!,
      times(100, () => c.integers(-(2 ** 53) + 1, 2 ** 53 - 1)),
    );
    // One draw in 2^12 is rejected.
    expectIntegers(
      expected['integersWideRejecting']!,
      times(20_000, () => f.integers(-3 * 2 ** 51, 3 * 2 ** 51)),
    );
    expectIntegers(
      expected['integers32']!,
      times(100, () => d.integers(-5, 2 ** 32 - 5)),
    );
    expectIntegers(
      expected['integersRange32']!,
      times(100, () => e.integers(0, 2 ** 32 + 1)),
    );
  });

  test('integersArray of every dtype, one after the other', () => {
    const g = fresh();
    const draws: [IntegerDType, number, number, number][] = [
      ['int8', 0, 2, 37],
      ['uint8', 0, 200, 50],
      ['bool', 0, 2, 45],
      ['int16', -5, 300, 51],
      ['uint16', 0, 2 ** 16, 3],
      ['int32', -(2 ** 31), 2 ** 31, 20],
      ['uint32', 1, 2 ** 32 - 1, 20],
      ['int64', -(2 ** 40), 2 ** 50, 20],
    ];
    for (const [dtype, low, high, size] of draws) {
      expectIntegers(expected[`array_${dtype}`]!, g.integersArray(low, high, size, dtype));
    }
    expectIntegers(expected['array_constant']!, g.integersArray(7, 8, 5, 'int8'));
    expectIntegers(expected['array_byte']!, g.integersArray(-128, 128, 9, 'int8'));
    expectFloats(expected['array_after']!, () => g.random());
  });

  test('integersArray of 64 bits beyond what numbers hold', () => {
    const draws: [IntegerDType, string, bigint, bigint][] = [
      ['int64', 'all', -(2n ** 63n), 2n ** 63n],
      ['int64', 'wide', -(2n ** 62n), 2n ** 63n - 5n],
      ['int64', '32bits', 2n ** 60n, 2n ** 60n + 2n ** 32n],
      ['uint64', 'all', 0n, 2n ** 64n],
      ['uint64', 'wide', 5n, 2n ** 63n + 9n],
      ['uint64', '32bits', 2n ** 63n, 2n ** 63n + 2n ** 32n],
    ];
    for (const [dtype, name, low, high] of draws) {
      expectIntegers(expected[`array_${dtype}_${name}`]!, fresh().integersArray(low, high, 50, dtype));
    }
  });

  test('choice, permutation, shuffle', () => {
    const g = fresh();
    expectIntegers(
      expected['choice']!,
      times(500, () => g.choice(13)),
    );
    expectIntegers(
      expected['choiceP']!,
      times(500, () => g.choice(3, { p: [0.2, 0.3, 0.5] })),
    );
    expectIntegers(
      expected['choiceZeros']!,
      times(100, () => g.choice(4, { p: [0, 0.5, 0, 0.5] })),
    );
    expectIntegers(expected['permutation']!, g.permutation(50));
    const deck = Int32Array.from({ length: 1000 }, (_, i) => i);
    g.shuffle(deck);
    expectIntegers(expected['shuffle']!, deck);
    expect(g.getState()).toEqual(expected.stateAtEnd);
  });

  test('choice of many, independent and different, permutation of an array, spawn', () => {
    const g = fresh();
    const p = [0, 1, 2, 3, 0, 4, 5, 6, 7, 8].map((weight) => weight / 36);
    const different = (n: number, size: number, options = {}) => [
      ...g.choiceArray(n, size, { replace: false, ...options }),
    ];
    expectIntegers(expected['choiceArray']!, g.choiceArray(13, 50));
    expectIntegers(expected['choiceArrayP']!, g.choiceArray(10, 500, { p }));
    expectIntegers(
      expected['choiceDistinct']!,
      [1, 7, 29, 30].flatMap((size) => different(30, size)),
    );
    expectIntegers(expected['choiceDistinctInOrder']!, different(1000, 80, { shuffle: false }));
    expectIntegers(expected['choiceDistinctFew']!, different(2 ** 40, 20));
    expectIntegers(expected['choiceDistinctTail']!, different(12_000, 300));
    expectIntegers(expected['choiceDistinctTailInOrder']!, different(12_000, 700, { shuffle: false }));
    expectIntegers(expected['choiceDistinctAll']!, different(10_001, 10_001));
    expectIntegers(
      expected['choiceDistinctP']!,
      [1, 3, 8].flatMap((size) => different(10, size, { p })),
    );
    expectIntegers(expected['permutationOf']!, g.permutation(Array.from({ length: 40 }, (_, i) => i * i)));
    g.integers(2);
    const children = [...g.spawn(2), ...g.spawn(1)];
    children.push(children[1]!.spawn(2)[1]!);
    const draws = children.flatMap((child) => times(3, () => child.random()));
    expectFloats(expected['spawned']!, () => draws.shift()!);
    expectIntegers(
      expected['afterSpawn']!,
      times(5, () => g.integers(7)),
    );
  });
});

interface SeedSequences {
  readonly states: readonly { seed: string; spawnKey: string[]; words: number[] }[];
  readonly spawned: readonly number[][];
  readonly named: Record<string, string[]>;
}

describe('SeedSequence', () => {
  const { states, spawned, named } = golden<SeedSequences>('seed-sequence.json');

  test.each(states)('seed $seed, spawn key $spawnKey', ({ seed, spawnKey, words }) => {
    const sequence = new SeedSequence(BigInt(seed), { spawnKey: spawnKey.map(BigInt) });
    expect([...sequence.generateState(11)]).toEqual(words);
    expect([...sequence.generateState(4)]).toEqual(words.slice(0, 4));
  });

  test('spawn goes on where it stopped', () => {
    const parent = new SeedSequence(42);
    const children = [...parent.spawn(2), ...parent.spawn(1)];
    const grandchildren = children[2]!.spawn(2);
    expect(parent.childrenSpawned).toBe(3);
    expect(grandchildren[1]!.spawnKey).toEqual([2, 1]);
    expect([...children, ...grandchildren].map((child) => [...child.generateState(4)])).toEqual(spawned);
  });

  test.each(Object.entries(named))('the generator named %s', (name, expected) => {
    const g = new Generators(7).get(name);
    expect(times(3, () => g.random()).map(hexOf)).toEqual(expected);
  });
});
