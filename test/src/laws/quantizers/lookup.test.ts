// Laws of the nearest code, on every backend that runs anywhere.
import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { NonFiniteError, ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { constant, nearestCode, read } from '@tessera/engine';
import { createQuantizer, vqvaeConfig } from '@tessera/vqvae';
import {
  centre,
  distance,
  distancesOf,
  engines,
  regretBounds,
  row,
  sameNumbers,
  sampleOf,
  samples,
  take,
} from './samples.ts';
import { tensorFlow } from '../../support/tensorflow.ts';
import { clearRows, nearest } from './nearest.ts';
import { runs } from './runs.ts';
import type { Sample } from './samples.ts';

describe.skipIf(tensorFlow.engine === undefined)(`tensorflow${tensorFlow.skipped}`, () => {
  test.prop([samples()], { numRuns: 40 })('1: the chosen code is nearest up to the regret bound', (sample) => {
    const bounds = regretBounds(sample);
    for (const [i, code] of recorded(sample).entries()) {
      const distances = distancesOf(sample, i);
      expect(distances[code]! - Math.min(...distances)).toBeLessThanOrEqual(bounds[i]!);
    }
  });

  test.prop([samples()], { numRuns: 40 })('2: of equal codes the first is chosen', ({ z, codebook }) => {
    for (const code of recorded({ z, codebook })) {
      for (let k = 0; k < code; k++) expect(sameNumbers(row(codebook, k), row(codebook, code))).toBe(false);
    }
  });
});

const order = (count: number, seed: number): number[] => [...npRandom(seed).permutation(count)].map(Number);

describe.each(engines)('%s', (name, engine) => {
  test.prop([samples()], runs)('1: the chosen code is nearest up to the regret bound', (sample) => {
    const bounds = regretBounds(sample);
    for (const [i, code] of nearest(engine, sample).entries()) {
      const distances = distancesOf(sample, i);
      const regret = distances[code]! - Math.min(...distances);
      // The plain backend sums squared differences in float64.
      expect(regret).toBeLessThanOrEqual(name === 'cpu' ? 1e-12 * distances[code]! : bounds[i]!);
    }
  });

  test.prop([samples()], runs)('2: of equal codes the first is chosen', (sample) => {
    const { z, codebook } = sample;
    const codes = codebook.shape[0]!;
    const chosen = nearest(engine, sample);
    for (const code of chosen) {
      for (let k = 0; k < code; k++) expect(sameNumbers(row(codebook, k), row(codebook, code))).toBe(false);
    }
    const twice = take(
      codebook,
      [...Array(2 * codes).keys()].map((k) => k % codes),
    );
    for (const code of nearest(engine, { z, codebook: twice })) expect(code).toBeLessThan(codes);
  });

  test.prop([samples()], runs)('3: a code is its own nearest code', ({ codebook }) => {
    const sample = { z: codebook, codebook };
    const bounds = regretBounds(sample);
    for (const [k, code] of nearest(engine, sample).entries()) {
      const others = distancesOf(sample, k).filter((d) => d > 0);
      // Codes closer than rounding can tell apart may stand for each other on wasm, never on cpu.
      if (name === 'wasm' && others.some((d) => d <= bounds[k]!)) continue;
      let first = 0;
      while (!sameNumbers(row(codebook, first), row(codebook, k))) first++;
      expect(code).toBe(first);
    }
  });

  test.prop([samples()], runs)('4: quantizing twice is quantizing once', (sample) => {
    const { codebook } = sample;
    const once = take(codebook, nearest(engine, sample));
    const again = nearest(engine, { z: once, codebook });
    const bounds = regretBounds({ z: once, codebook });
    for (const [i, code] of again.entries()) {
      const others = distancesOf({ z: once, codebook }, i).filter((d) => d > 0);
      if (name === 'wasm' && others.some((d) => d <= bounds[i]!)) continue;
      expect(sameNumbers(row(codebook, code), row(once, i))).toBe(true);
    }
  });

  test.prop([samples({ minCodes: 2 }), fc.constantFrom('vq' as const, 'ema' as const)], runs)(
    '5: what comes out is the row of the code, bit for bit',
    ({ z, codebook }, kind) => {
      const [vocabulary, codeDim] = codebook.shape as [number, number];
      const quantizer = createQuantizer(vqvaeConfig({ quantizer: { kind, vocabulary, codeDim } }).quantizer);
      const [tokens, quantized] = engine.eager(() => {
        const out = quantizer.quantize({ codebook: constant(codebook) }, constant(z));
        return [read(out.tokens), read(out.quantized)] as [NdArray<'int32'>, NdArray<'float32'>];
      });
      expect(tokens.dtype).toBe('int32');
      expect(tokens.shape).toEqual([z.shape[0]]);
      for (const code of tokens.data) expect(code >= 0 && code < vocabulary).toBe(true);
      expect(new Uint32Array(quantized.data.slice().buffer)).toEqual(
        new Uint32Array(take(codebook, [...tokens.data]).data.buffer),
      );
      expect([...tokens.data]).toEqual(nearest(engine, { z, codebook }));
    },
  );

  test.prop([samples(), fc.nat(1e6)], runs)(
    '6: codes in another order change the indices and nothing else',
    (sample, seed) => {
      const { z, codebook } = sample;
      const from = order(codebook.shape[0]!, seed);
      const before = nearest(engine, sample);
      const after = nearest(engine, { z, codebook: take(codebook, from) });
      for (const i of clearRows(sample, regretBounds(sample))) expect(from[after[i]!]).toBe(before[i]);
    },
  );

  test.prop([samples(), fc.nat(1e6)], runs)('7: rows do not see each other: any order, any cut', (sample, seed) => {
    const { z, codebook } = sample;
    const rows = z.shape[0]!;
    const before = nearest(engine, sample);
    const from = order(rows, seed);
    expect(nearest(engine, { z: take(z, from), codebook })).toEqual(from.map((i) => before[i]));
    const cut = seed % (rows + 1);
    const parts = [from.slice(0, cut), from.slice(cut)].filter((part) => part.length > 0);
    expect(parts.flatMap((part) => nearest(engine, { z: take(z, part), codebook }))).toEqual(
      from.map((i) => before[i]),
    );
  });

  test.prop([samples({ minRows: 1 }), fc.boolean(), fc.constantFrom(NaN, Infinity, -Infinity), fc.nat(1e6)], runs)(
    'a number that is none is an error, never code 0',
    ({ z, codebook }, inCodebook, value, at) => {
      const broken = (array: NdArray<'float32'>) =>
        ndarray('float32', array.shape, array.data.with(at % array.data.length, value));
      const sample = inCodebook ? { z, codebook: broken(codebook) } : { z: broken(z), codebook };
      const [where, { data, shape }] = inCodebook ? ['the codebook', codebook] : ['the input', z];
      const bad = Math.floor((at % data.length) / shape[1]!);
      expect(() => nearest(engine, sample)).toThrow(NonFiniteError);
      expect(() => nearest(engine, sample)).toThrow(
        `nearestCode: expected finite numbers, got NaN or infinity in row ${bad} of ${where}.`,
      );
    },
  );
});

// Vectors of a random code plus noise of half a deviation. Comparing |z|^2 - 2 z.e + |e|^2 in float32 gets up to half of these wrong.
const around = { ties: false, repeated: false, noise: 0.5, scale: 1 };
const regimes: readonly (readonly [string, () => Sample])[] = [
  ...[0, 10, 100, 1000].map(
    (offset) =>
      [
        `D = 64, K = 512, offset ${offset}`,
        () => sampleOf({ ...around, rows: 512, codes: 512, width: 64, seed: 1, offset }),
      ] as const,
  ),
  ...[100, 1000].map(
    (offset) =>
      [
        `D = 4, K = 512, offset ${offset}`,
        () => sampleOf({ ...around, rows: 1024, codes: 512, width: 4, seed: 2, offset }),
      ] as const,
  ),
  [
    'codes uniform in 1 / K, vectors ten times normal, D = 256, K = 8192',
    () => {
      const generator = npRandom(3);
      const fill = (rows: number, next: () => number) =>
        ndarray('float32', [rows, 256], Float32Array.from({ length: rows * 256 }, next));
      return {
        z: fill(64, () => 10 * generator.normal()),
        codebook: fill(8192, () => generator.uniform(-1 / 8192, 1 / 8192)),
      };
    },
  ],
];

/** On TensorFlow programs are recorded: eager functions run in JavaScript there. */
function recorded({ z, codebook }: Sample): number[] {
  const program = tensorFlow.engine!.program('nearest', {}, () => ({
    codes: nearestCode(constant(z), constant(codebook)),
  }));
  const { codes } = program.run({});
  program.dispose();
  return [...(codes.data as Int32Array)];
}

describe.each(regimes)('%s', (_, make) => {
  const sample = make();
  const truth = regretBounds(sample).map((bound, i) => {
    const distances = distancesOf(sample, i);
    return { distances, least: Math.min(...distances), bound };
  });

  const expectNoneWrong = (tokens: readonly number[]) => {
    const wrong = tokens.filter((code, i) => {
      const { distances, least, bound } = truth[i]!;
      return distances[code]! > least + bound;
    });
    expect(wrong).toEqual([]);
  };

  test.each(engines)('no code is wrong beyond the regret bound on %s', (_name, engine) => {
    expectNoneWrong(nearest(engine, sample));
  });

  test.skipIf(tensorFlow.engine === undefined)(
    `no code is wrong beyond the regret bound on tensorflow${tensorFlow.skipped}`,
    () => {
      expectNoneWrong(recorded(sample));
    },
  );
});

test('the regimes are hard: the expanded distance in float32 fails at an offset of 1000', () => {
  const sample = regimes.find(([title]) => title === 'D = 4, K = 512, offset 1000')![1]();
  const { z, codebook } = sample;
  const bounds = regretBounds(sample);
  const f = Math.fround;
  const product = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, d) => f(sum + f(x * b[d]!)), 0);
  const wrong = bounds.filter((bound, i) => {
    const x = row(z, i);
    let [best, least] = [0, Infinity];
    for (let k = 0; k < codebook.shape[0]!; k++) {
      const e = row(codebook, k);
      const expanded = f(f(product(x, x) - f(2 * product(x, e))) + product(e, e));
      if (expanded < least) [best, least] = [k, expanded];
    }
    const distances = distancesOf(sample, i);
    return distances[best]! > Math.min(...distances) + bound;
  });
  expect(wrong.length / bounds.length).toBeGreaterThan(0.3);
  expect(distance(centre(codebook), new Float64Array(4).fill(1000))).toBeLessThan(1);
});
