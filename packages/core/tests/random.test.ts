import { describe, expect } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import { ConfigError, FormatError, Generators, npRandom, PCG64, SeedSequence } from '@tessera/core';
import type { Generator, GeneratorState, IntegerDType } from '@tessera/core';

const seed = fc.oneof(fc.maxSafeNat(), fc.bigInt({ min: 0n, max: 2n ** 200n }));
const json = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** Calls that leave the generator in all its states, the waiting half among them. */
const moves: ((g: Generator) => unknown)[] = [
  (g) => g.random(),
  (g) => g.integers(10),
  (g) => g.normal(),
  (g) => g.integersArray(0, 5, 3, 'int8')[2],
  (g) => g.permutation(5),
];
const walk = fc.array(fc.constantFrom(...moves), { maxLength: 12 });

describe('seeds', () => {
  test.prop([fc.maxSafeNat()])('a number and the same bigint are one seed', (n) => {
    expect(npRandom(n).random()).toBe(npRandom(BigInt(n)).random());
    expect(npRandom(new SeedSequence(n)).random()).toBe(npRandom(n).random());
  });

  test.each([-1, -1n, 0.5, NaN, Infinity, 2 ** 53, '5', null, undefined, [1], {}])('%s is no seed', (bad) => {
    expect(() => npRandom(bad as number)).toThrow(ConfigError);
    expect(() => new Generators(bad as number)).toThrow(ConfigError);
    expect(() => new SeedSequence(1, { spawnKey: [bad as number] })).toThrow(ConfigError);
  });

  test('the message says what a seed is', () => {
    expect(() => npRandom(-1)).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: SeedSequence: expected the seed to be a whole number >= 0 (a bigint above 2^53 - 1), got -1.]`,
    );
    expect(() => npRandom('5' as never)).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: SeedSequence: expected the seed to be a whole number >= 0 (a bigint above 2^53 - 1), got "5".]`,
    );
    expect(() => new SeedSequence(1).spawn(-1)).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: SeedSequence.spawn: expected a whole number of children >= 0, got -1.]`,
    );
  });
});

describe('state', () => {
  test.prop([seed, walk, walk])('survives JSON at any point of a stream', (s, before, after) => {
    const g = npRandom(s);
    for (const move of before) move(g);
    const h = npRandom(0);
    h.setState(json(g.getState()));
    expect(h.getState()).toEqual(g.getState());
    expect(after.map((move) => move(h))).toEqual(after.map((move) => move(g)));
  });

  const good = npRandom(1).getState();
  const hostile: [string, unknown][] = [
    ['nothing', null],
    ['a list', []],
    ['a missing field', { ...good, inc: undefined }],
    ['another generator', { ...good, bitGenerator: 'MT19937' }],
    ['a field too many', { ...good, extra: 1 }],
    ['a short state', { ...good, state: good.state.slice(1) }],
    ['a state that is no hex', { ...good, state: 'g'.repeat(32) }],
    ['a number for a state', { ...good, state: 5 }],
    ['a line break in the state', { ...good, state: `${good.state}\n` }],
    ['an even increment', { ...good, inc: '0'.repeat(32) }],
    ['has_uint32 as a number', { ...good, hasUint32: 1 }],
    ['a half beyond 32 bits', { ...good, uinteger: 2 ** 32 }],
    ['a negative half', { ...good, uinteger: -1 }],
    ['a half that is NaN', { ...good, uinteger: NaN }],
  ];
  test.each(hostile)('%s is refused and moves nothing', (_, state) => {
    const g = npRandom(5);
    const before = g.getState();
    expect(() => g.setState(state as GeneratorState)).toThrow(FormatError);
    expect(g.getState()).toEqual(before);
    const all = new Generators(3);
    all.get('a').random();
    const kept = all.getState();
    expect(() => all.setState({ b: good, a: state as GeneratorState })).toThrow(FormatError);
    expect(all.getState()).toEqual(kept);
  });

  test('the message shows what came', () => {
    const state = { ...good, state: 'x' };
    expect(() => new PCG64(1).setState(state)).toThrowErrorMatchingInlineSnapshot(
      `[FormatError: generator state: expected state as 32 hexadecimal digits, got {"bitGenerator":"PCG64","state":"x","inc":"922af2da2645f895a19857b95740937b","hasUint32":false,"uinteger":0}. Use what getState() gave.]`,
    );
  });
});

describe('draws', () => {
  const finite = fc.double({ noNaN: true, min: -1e100, max: 1e100 });

  test.prop([seed, finite, finite])('uniform stays within its bounds', (s, a, b) => {
    const x = npRandom(s).uniform(Math.min(a, b), Math.max(a, b));
    expect(x).toBeGreaterThanOrEqual(Math.min(a, b));
    expect(x).toBeLessThanOrEqual(Math.max(a, b));
  });

  test.prop([seed, fc.maxSafeInteger(), fc.maxSafeInteger()])('integers stay within theirs', (s, a, b) => {
    const [low, high] = [Math.min(a, b), Math.max(a, b)];
    fc.pre(low < high);
    const x = npRandom(s).integers(low, high);
    expect(Number.isSafeInteger(x) && x >= low && x < high).toBe(true);
    expect(npRandom(s).integersArray(low, high, 1, 'int64')).toEqual(BigInt64Array.of(BigInt(x)));
  });

  test.prop([seed, fc.constantFrom<IntegerDType>('int8', 'uint8', 'int16', 'uint16'), fc.nat(127), fc.nat(127)])(
    'small integers stay within theirs',
    (s, dtype, a, b) => {
      const [low, high] = [Math.min(a, b), Math.max(a, b) + 1];
      for (const x of npRandom(s).integersArray(low, high, 20, dtype)) {
        expect(x >= low && x < high).toBe(true);
      }
    },
  );

  test.prop([seed, fc.nat(50)])('a permutation has each number once', (s, n) => {
    expect(
      npRandom(s)
        .permutation(n)
        .toSorted((a, b) => a - b),
    ).toEqual(Array.from({ length: n }, (_, i) => i));
  });

  test.prop([seed, fc.integer({ min: 1, max: 20_000 }), fc.nat(60), fc.boolean()])(
    'a choice without replacement has each index at most once',
    (s, n, size, shuffle) => {
      const chosen = npRandom(s).choiceArray(n, Math.min(n, size), { replace: false, shuffle });
      expect(new Set(chosen).size).toBe(Math.min(n, size));
      expect(chosen.every((index) => Number.isInteger(index) && index >= 0 && index < n)).toBe(true);
    },
  );

  test.prop([seed, walk, walk, fc.nat(3)])(
    'a clone goes on alone, with the same children to come',
    (s, before, after, spawned) => {
      const g = npRandom(s);
      for (const move of before) move(g);
      g.spawn(spawned);
      const [copy, untouched] = [g.clone(), g.clone()];
      const state = g.getState();
      expect(after.map((move) => move(copy))).toEqual(after.map((move) => move(g)));
      expect(g.spawn(2)[1]!.random()).toBe(copy.spawn(2)[1]!.random());
      expect(untouched.getState()).toEqual(state);
    },
  );

  test.prop([seed, fc.nat(5)])(
    'spawned generators are new at each call and draw nothing from their parent',
    (s, count) => {
      const g = npRandom(s);
      const before = g.getState();
      const draws = [...g.spawn(count), ...g.spawn(count), g].map((child) => child.random());
      expect(new Set(draws).size).toBe(2 * count + 1);
      g.setState(before);
      expect(g.random()).toBe(draws.at(-1));
    },
  );

  test('a permutation of an array leaves it as it is', () => {
    const array = Object.freeze(['a', 'b', 'c']);
    expect(npRandom(3).permutation(array).toSorted()).toEqual(['a', 'b', 'c']);
  });

  test.prop([seed, fc.array(fc.nat(9), { minLength: 1, maxLength: 8 })])(
    'an index of probability 0 is never chosen',
    (s, weights) => {
      const total = weights.reduce((a, b) => a + b, 0);
      fc.pre(total > 0);
      const p = weights.map((w) => w / total);
      const g = npRandom(s);
      for (let i = 0; i < 20; i++) expect(weights[g.choice(p.length, { p })]).toBeGreaterThan(0);
    },
  );

  test('the moments are those of the distributions', () => {
    const g = npRandom(2024);
    const n = 20_000;
    const mean = (draw: () => number): number => Array.from({ length: n }, draw).reduce((a, b) => a + b, 0) / n;
    // Six standard errors.
    const near = (value: number, expected: number, deviation: number) =>
      expect(Math.abs(value - expected)).toBeLessThan((6 * deviation) / Math.sqrt(n));
    near(
      mean(() => g.gumbel(1, 2)),
      1 + 2 * 0.5772156649015329,
      (2 * Math.PI) / Math.sqrt(6),
    );
    near(
      mean(() => g.standardNormal() ** 2),
      1,
      Math.SQRT2,
    );
    near(
      mean(() => g.geometric(0.1)),
      10,
      Math.sqrt(90),
    );
    near(
      mean(() => g.geometric(1)),
      1,
      1e-9,
    );
    near(
      mean(() => g.exponential(3)),
      3,
      3,
    );
  });

  test('nothing is drawn where nothing is to be chosen', () => {
    const g = npRandom(1);
    const before = g.getState();
    expect(g.integers(5, 6)).toBe(5);
    expect(g.choice(1)).toBe(0);
    expect(g.permutation(1)).toEqual([0]);
    expect(g.permutation(0)).toEqual([]);
    expect(g.integersArray(-3, -2, 2, 'int16')).toEqual(Int16Array.of(-3, -3));
    expect(g.getState()).toEqual(before);
  });

  test('a draw of exactly 0 chooses no index of probability 0, and gumbel draws again', () => {
    // The state whose next one is 0: its step, `state * multiplier + 1`, must be 0 modulo 2^128.
    const state = 'f8225dd46c68679f6754374f8e915373';
    const zero = (): Generator => {
      const h = npRandom(0);
      h.setState({ bitGenerator: 'PCG64', state, inc: '1'.padStart(32, '0'), hasUint32: false, uinteger: 0 });
      return h;
    };
    expect(zero().random()).toBe(0);
    expect(zero().choice(3, { p: [0, 0.5, 0.5] })).toBe(1);
    expect(zero().gumbel()).toBeLessThan(Infinity);
  });

  const g = npRandom(0);
  const wrong: [string, () => unknown][] = [
    ['uniform', () => g.uniform(1, 0)],
    ['uniform of NaN', () => g.uniform(NaN, 0)],
    ['uniform beyond float64', () => g.uniform(-1e308, 1e308)],
    ['integers of an empty range', () => g.integers(0)],
    ['integers of no whole number', () => g.integers(0, 1.5)],
    ['integers beyond 2^53', () => g.integers(0, 2 ** 53)],
    ['integersArray beyond its dtype', () => g.integersArray(0, 130, 2, 'int8')],
    ['integersArray of floats', () => g.integersArray(0, 2, 2, 'float32' as IntegerDType)],
    ['integersArray of a negative size', () => g.integersArray(0, 2, -2, 'int8')],
    ['normal', () => g.normal(0, -1)],
    ['exponential', () => g.exponential(NaN)],
    ['gumbel', () => g.gumbel(0, -0)],
    ['geometric', () => g.geometric(0)],
    ['choice of nothing', () => g.choice(0)],
    ['choice with too few probabilities', () => g.choice(3, { p: [0.5, 0.5] })],
    ['choice with probabilities that do not sum to 1', () => g.choice(2, { p: [0.5, 0.4] })],
    ['choice with a negative probability', () => g.choice(2, { p: [1.5, -0.5] })],
    ['choice with NaN', () => g.choice(2, { p: [NaN, 1] })],
    ['permutation', () => g.permutation(-1)],
    ['choiceArray of nothing', () => g.choiceArray(0, 1)],
    ['choiceArray of a negative size', () => g.choiceArray(3, -1)],
    ['choiceArray of more than there are', () => g.choiceArray(3, 4, { replace: false })],
    ['choiceArray of more than are possible', () => g.choiceArray(3, 2, { replace: false, p: [1, 0, 0] })],
    ['choiceArray beyond memory', () => g.choiceArray(3, 2 ** 52)],
    ['integersArray beyond int64', () => g.integersArray(0, 2n ** 63n + 1n, 2, 'int64')],
    ['integersArray beyond uint64', () => g.integersArray(-1, 2n ** 64n, 2, 'uint64')],
    ['integersArray beyond memory', () => g.integersArray(0, 2, 2 ** 52, 'int8')],
    ['spawn', () => g.spawn(-1)],
  ];
  test.each(wrong)('wrong: %s', (_, call) => {
    const before = g.getState();
    expect(call).toThrow(ConfigError);
    expect(call).toThrowErrorMatchingSnapshot();
    expect(g.getState()).toEqual(before);
  });
});

describe('Generators', () => {
  const names = fc.uniqueArray(
    fc.oneof(
      fc.string({ minLength: 1, unit: 'grapheme' }),
      fc.constantFrom('__proto__', 'constructor', 'a', 'a\0', 'a\0\0\0'),
    ),
    { minLength: 1, maxLength: 6 },
  );

  test.prop([seed, names, names])('a new consumer shifts nobody, whatever the order', (s, some, more) => {
    const alone = new Generators(s);
    const crowd = new Generators(s);
    for (const name of more) crowd.get(name).random();
    const fresh = some.filter((name) => !more.includes(name));
    expect(fresh.toReversed().map((name) => crowd.get(name).random())).toEqual(
      fresh.toReversed().map((name) => alone.get(name).random()),
    );
  });

  test.prop([seed, names])('a name is one object and one stream; two names are two', (s, some) => {
    const all = new Generators(s);
    for (const name of some) expect(all.get(name)).toBe(all.get(name));
    expect(new Set(some.map((name) => all.get(name).random())).size).toBe(some.length);
  });

  test.prop([seed, names, names])(
    'going back brings every stream back, also of names asked for later',
    (s, some, later) => {
      const all = new Generators(s);
      for (const name of some) all.get(name).normal();
      const saved = json(all.getState());
      const draw = (from: Generators) => [...some, ...later].map((name) => from.get(name).random());
      const drawn = draw(all);
      all.setState(saved);
      expect(draw(all)).toEqual(drawn);
      const other = new Generators(s);
      other.setState(saved);
      expect(draw(other)).toEqual(drawn);
    },
  );

  test('children of a spawned sequence are their own', () => {
    const [a, b] = new SeedSequence(5).spawn(2);
    expect(new Generators(a!).get('x').random()).not.toBe(new Generators(b!).get('x').random());
    expect(new Generators(new SeedSequence(5)).get('x').random()).toBe(new Generators(5).get('x').random());
  });

  test.each(['', '\ud800', 'a\udfffb'])('%j is no name', (name) => {
    expect(() => new Generators(1).get(name)).toThrow(ConfigError);
  });

  test('the message says what a name is', () => {
    expect(() => new Generators(1).get('\ud800')).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: Generators: expected a name of Unicode text that is not empty, got "\\ud800".]`,
    );
    expect(() => new Generators(1).setState([] as never)).toThrowErrorMatchingInlineSnapshot(
      `[FormatError: Generators.setState: expected an object of states by name. Use what getState() gave.]`,
    );
  });
});
