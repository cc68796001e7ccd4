import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { expectClose, kernelsOn, noise, TestMemory } from './test-memory.ts';

const memory = new TestMemory();
const kernels = await kernelsOn(memory);

const sizes = fc.record({
  rows: fc.integer({ min: 0, max: 9 }),
  n: fc.integer({ min: 1, max: 23 }),
  seed: fc.nat(1000),
});

/** Values of very different sizes, as attention scores and logits have. */
function spread(length: number, seed: number): Float32Array {
  const size = noise(length, seed + 1);
  return noise(length, seed).map((x, i) => x * 10 ** (3 * (size[i] as number)));
}

function rowsOf(x: ArrayLike<number>, n: number): number[][] {
  return Array.from({ length: n === 0 ? 0 : x.length / n }, (_, r) =>
    Array.from({ length: n }, (__, j) => x[r * n + j] as number),
  );
}

function add(values: readonly number[]): number {
  return values.reduce((total, x) => total + x, 0);
}

function addSizes(values: readonly number[]): number {
  return add(values.map(Math.abs));
}

function softmax(row: number[]): number[] {
  const top = Math.max(...row);
  const e = row.map((x) => Math.exp(x - top));
  return e.map((x) => x / add(e));
}

function logSoftmax(row: number[]): number[] {
  const top = Math.max(...row);
  const log = Math.log(add(row.map((x) => Math.exp(x - top))));
  return row.map((x) => x - top - log);
}

describe('softmax', () => {
  test.prop([sizes, fc.boolean()])('is the formula, also in place', ({ rows, n, seed }, inPlace) => {
    memory.reset();
    const values = spread(rows * n, seed);
    const x = memory.float32(values);
    const y = inPlace ? x : memory.allocate(rows * n * 4);
    kernels.softmax({ x, y, rows, n });
    const expected = rowsOf(values, n).flatMap(softmax);
    // exp(x - top) inherits the rounding of x - top
    expectClose(memory.readFloat32(y, rows * n), expected, 1, (i) => (expected[i] as number) * 2e-4 + 1e-30);
    expect(rowsOf(memory.readFloat32(y, rows * n), n).every((row) => Math.abs(add(row) - 1) < 1e-6)).toBe(true);
    memory.expectGuardsIntact();
  });

  test.prop([sizes, fc.integer({ min: 1, max: 4 })])(
    'scales, then adds the mask of its row',
    ({ rows, n, seed }, maskRows) => {
      memory.reset();
      const values = noise(rows * n, seed);
      const masks = noise(maskRows * n, seed + 1).map((m, i) => (i % n > 0 && m > 0.3 ? -Infinity : m));
      const y = memory.allocate(rows * n * 4);
      kernels.softmax({ x: memory.float32(values), y, rows, n, scale: 0.5, mask: memory.float32(masks), maskRows });
      const masked = rowsOf(values, n).map((row, r) =>
        row.map((v, j) => v * 0.5 + (masks[(r % maskRows) * n + j] as number)),
      );
      expectClose(memory.readFloat32(y, rows * n), masked.flatMap(softmax), 1e-6);
      memory.expectGuardsIntact();
    },
  );

  test('takes a mask for each row by default', () => {
    memory.reset();
    const [x, y] = [memory.float32([1, 1, 1, 1]), memory.allocate(16)];
    kernels.softmax({ x, y, rows: 2, n: 2, mask: memory.float32([-Infinity, 0, 0, -Infinity]) });
    expectClose(memory.readFloat32(y, 4), [0, 1, 1, 0], 0);
  });

  test('survives huge logits and shows NaN', () => {
    memory.reset();
    const x = memory.float32([3e38, 3e38, -3e38, 0, Number.NaN, 1, -Infinity, 5, 5]);
    kernels.softmax({ x, y: x, rows: 3, n: 3 });
    expectClose(memory.readFloat32(x, 9), [0.5, 0.5, 0, Number.NaN, Number.NaN, Number.NaN, 0, 0.5, 0.5], 0);
  });

  test.prop([sizes, fc.boolean()])('has the gradient of the formula', ({ rows, n, seed }, inPlace) => {
    memory.reset();
    const p = rowsOf(noise(rows * n, seed), n).map(softmax);
    const g = noise(rows * n, seed + 1);
    const dy = memory.float32(g);
    const dx = inPlace ? dy : memory.allocate(rows * n * 4);
    kernels.softmaxGrad(dy, memory.float32(p.flat()), dx, rows, n, 0.25);
    const expected = rowsOf(g, n).flatMap((row, r) => {
      const y = p[r] as number[];
      const total = add(row.map((d, j) => d * (y[j] as number)));
      return row.map((d, j) => 0.25 * (y[j] as number) * (d - total));
    });
    expectClose(memory.readFloat32(dx, rows * n), expected, 1e-6, () => 1);
    memory.expectGuardsIntact();
  });
});

describe('logSoftmax', () => {
  test.prop([sizes, fc.boolean()])('is the formula, also in place', ({ rows, n, seed }, inPlace) => {
    memory.reset();
    const values = spread(rows * n, seed);
    const x = memory.float32(values);
    const y = inPlace ? x : memory.allocate(rows * n * 4);
    kernels.logSoftmax(x, y, rows, n);
    const expected = rowsOf(values, n).flatMap(logSoftmax);
    expectClose(memory.readFloat32(y, rows * n), expected, 3e-7, (i) => Math.abs(expected[i] as number) + 1);
    memory.expectGuardsIntact();
  });

  test('keeps small differences between large logits', () => {
    memory.reset();
    const x = memory.float32([1e6, 1e6 + 1]);
    kernels.logSoftmax(x, x, 1, 2);
    expectClose(memory.readFloat32(x, 2), logSoftmax([1e6, 1e6 + 1]), 1e-6);
  });

  test.prop([sizes, fc.boolean()])('has the gradient of the formula', ({ rows, n, seed }, inPlace) => {
    memory.reset();
    const y = rowsOf(noise(rows * n, seed), n).map(logSoftmax);
    const g = noise(rows * n, seed + 1);
    const dy = memory.float32(g);
    const dx = inPlace ? dy : memory.allocate(rows * n * 4);
    kernels.logSoftmaxGrad(dy, memory.float32(y.flat()), dx, rows, n);
    const expected = rowsOf(g, n).flatMap((row, r) => row.map((d, j) => d - Math.exp(y[r]?.[j] as number) * add(row)));
    expectClose(memory.readFloat32(dx, rows * n), expected, 3e-7, () => n);
    memory.expectGuardsIntact();
  });
});

describe('softmaxCrossEntropy', () => {
  test.prop([sizes, fc.boolean()])(
    'gives the loss, the probabilities and the gradient',
    ({ rows, n, seed }, inPlace) => {
      memory.reset();
      const values = spread(rows * n, seed);
      const labels = Array.from({ length: rows }, (_, r) => (seed + 7 * r) % n);
      const weights = noise(rows, seed + 2);
      const x = memory.float32(values);
      const probabilities = inPlace ? x : memory.allocate(rows * n * 4);
      const loss = memory.allocate(rows * 4);
      const dx = memory.allocate(rows * n * 4);
      const at = memory.int32(labels);
      expect(kernels.softmaxCrossEntropy(x, at, loss, probabilities, rows, n)).toBe(-1);
      kernels.softmaxCrossEntropyGrad(probabilities, at, memory.float32(weights), dx, rows, n);
      const table = rowsOf(values, n);
      const losses = table.map((row, r) => -(logSoftmax(row)[labels[r] as number] as number));
      expectClose(memory.readFloat32(loss, rows), losses, 3e-7, (r) => Math.abs(losses[r] as number) + 1);
      const p = table.map(softmax);
      expectClose(
        memory.readFloat32(probabilities, rows * n),
        p.flat(),
        1,
        (i) => (p.flat()[i] as number) * 2e-4 + 1e-30,
      );
      const saved = rowsOf(memory.readFloat32(probabilities, rows * n), n);
      const expected = saved.flatMap((row, r) =>
        row.map((q, j) => (weights[r] as number) * (q - Number(j === labels[r]))),
      );
      expectClose(memory.readFloat32(dx, rows * n), expected, 2e-7, (i) => Math.abs(expected[i] as number) + 1e-36);
      memory.expectGuardsIntact();
    },
  );

  test('names the first row whose label is outside', () => {
    memory.reset();
    const x = memory.float32(noise(12, 1));
    const loss = memory.allocate(16);
    const y = memory.allocate(48);
    expect(kernels.softmaxCrossEntropy(x, memory.int32([0, 3, -1, 2]), loss, y, 4, 3)).toBe(1);
    expect([...memory.readFloat32(loss, 4)].map(Number.isNaN)).toEqual([false, true, true, false]);
  });
});

describe('layerNorm', () => {
  test.prop([sizes, fc.constantFrom(0, 1000)])('and its gradient are the formulas', ({ rows, n, seed }, offset) => {
    memory.reset();
    const epsilon = 1e-5;
    const values = noise(rows * n, seed).map((v) => v + offset);
    const [gamma, beta, g] = [noise(n, seed + 1), noise(n, seed + 2), noise(rows * n, seed + 3)];
    const x = memory.float32(values);
    const scale = memory.float32(gamma);
    const y = memory.allocate(rows * n * 4);
    const mean = memory.allocate(rows * 4);
    const rstd = memory.allocate(rows * 4);
    kernels.layerNorm({ x, gamma: scale, beta: memory.float32(beta), y, mean, rstd, rows, n, epsilon });

    const table = rowsOf(values, n);
    const means = table.map((row) => add(row) / n);
    const rstds = table.map(
      (row, r) => 1 / Math.sqrt(add(row.map((v) => (v - (means[r] as number)) ** 2)) / n + epsilon),
    );
    const normal = table.map((row, r) => row.map((v) => (v - (means[r] as number)) * (rstds[r] as number)));
    const scaleOf = (h: number): number => Math.abs(h) + 1;
    const outputs = normal.flatMap((row) => row.map((h, j) => h * (gamma[j] as number) + (beta[j] as number)));
    // a mean of 1000 is known to 3e-5, and rstd reaches 316 where a row is nearly constant
    const tolerance = offset > 0 ? 1e-2 : 2e-6;
    expectClose(memory.readFloat32(mean, rows), means, 1e-7, (r) => Math.abs(means[r] as number) + 1);
    expectClose(memory.readFloat32(y, rows * n), outputs, tolerance, (i) => scaleOf(normal.flat()[i] as number));

    const [dx, dgamma, dbeta] = [memory.allocate(rows * n * 4), memory.allocate(n * 4), memory.allocate(n * 4)];
    const dy = memory.float32(g);
    kernels.layerNormGrad({ dy, x, gamma: scale, mean, rstd, dx, dgamma, dbeta, rows, n });
    const gs = rowsOf(g, n);
    const columns = Array.from({ length: n }, (_, j) => j);
    const dbetas = columns.map((j) => add(gs.map((row) => row[j] as number)));
    const dgammas = columns.map((j) => add(gs.map((row, r) => (row[j] as number) * (normal[r]?.[j] as number))));
    const dxs = gs.flatMap((row, r) => {
      const h = normal[r] as number[];
      const scaled = row.map((d, j) => d * (gamma[j] as number));
      const both = add(scaled.map((d, j) => d * (h[j] as number))) / n;
      return scaled.map((d, j) => (rstds[r] as number) * (d - add(scaled) / n - (h[j] as number) * both));
    });
    const largest = Math.max(1, ...rstds);
    expectClose(memory.readFloat32(dbeta, n), dbetas, 1e-6, () => rows);
    expectClose(memory.readFloat32(dgamma, n), dgammas, tolerance, () => 2 * rows);
    expectClose(memory.readFloat32(dx, rows * n), dxs, tolerance, () => 4 * largest);
    kernels.layerNormGrad({ dy, x, gamma: scale, mean, rstd, dx: dy, dgamma, dbeta, rows, n });
    expectClose(memory.readFloat32(dy, rows * n), memory.readFloat32(dx, rows * n), 0);
    memory.expectGuardsIntact();
  });

  test('sums the parameter gradients of many rows exactly enough', () => {
    memory.reset();
    const [rows, n] = [1000, 6];
    const x = memory.float32(noise(rows * n, 1));
    const gamma = memory.float32([1, 1, 1, 1, 1, 1]);
    const beta = memory.float32([0, 0, 0, 0, 0, 0]);
    const [y, mean, rstd] = [memory.allocate(rows * n * 4), memory.allocate(rows * 4), memory.allocate(rows * 4)];
    kernels.layerNorm({ x, gamma, beta, y, mean, rstd, rows, n, epsilon: 0 });
    const g = noise(rows * n, 2);
    const [dx, dgamma, dbeta] = [memory.allocate(rows * n * 4), memory.allocate(n * 4), memory.allocate(n * 4)];
    kernels.layerNormGrad({ dy: memory.float32(g), x, gamma, mean, rstd, dx, dgamma, dbeta, rows, n });
    const normal = rowsOf(memory.readFloat32(y, rows * n), n);
    const expected = [0, 1, 2, 3, 4, 5].map((j) =>
      add(normal.map((row, r) => (row[j] as number) * (g[r * n + j] as number))),
    );
    expectClose(memory.readFloat32(dgamma, n), expected, 1e-7, () => 400);
  });
});

test('the bias gradient of ten thousand rows does not drift', () => {
  memory.reset();
  const [rows, n] = [10_000, 5];
  const dy = memory.float32(new Float32Array(rows * n).fill(0.1));
  const x = memory.float32(noise(rows * n, 1));
  const [mean, rstd] = [memory.float32(new Float32Array(rows)), memory.float32(new Float32Array(rows).fill(1))];
  const [dgamma, dbeta] = [memory.allocate(n * 4), memory.allocate(n * 4)];
  kernels.layerNormGrad({ dy, x, gamma: memory.float32([1, 1, 1, 1, 1]), mean, rstd, dx: dy, dgamma, dbeta, rows, n });
  expectClose(memory.readFloat32(dbeta, n), new Float64Array(n).fill(rows * Math.fround(0.1)), 3e-6);
  memory.expectGuardsIntact();
});

describe('sums', () => {
  test.prop([sizes])('of rows and columns, means and maxima', ({ rows, n, seed }) => {
    memory.reset();
    const values = spread(rows * n, seed);
    const x = memory.float32(values);
    const perRow = memory.allocate(rows * 4);
    const perColumn = memory.allocate(n * 4);
    const table = rowsOf(values, n);
    const scale = (r: number): number => addSizes(table[r] as number[]);
    kernels.rowSum(x, perRow, rows, n);
    expectClose(memory.readFloat32(perRow, rows), table.map(add), 1e-6, scale);
    kernels.rowMean(x, perRow, rows, n);
    expectClose(
      memory.readFloat32(perRow, rows),
      table.map((row) => add(row) / n),
      1e-6,
      (r) => scale(r) / n,
    );
    kernels.rowMax(x, perRow, rows, n);
    expectClose(
      memory.readFloat32(perRow, rows),
      table.map((row) => Math.max(...row)),
      0,
    );
    kernels.colSum(x, perColumn, rows, n);
    const columns = Array.from({ length: n }, (_, j) => table.map((row) => row[j] as number));
    expectClose(memory.readFloat32(perColumn, n), columns.map(add), 1e-6, (j) => addSizes(columns[j] as number[]));
    memory.expectGuardsIntact();
  });

  test.prop([fc.integer({ min: 0, max: 5000 }), fc.nat(1000)])('of whole arrays', (n, seed) => {
    memory.reset();
    const a = noise(n, seed);
    const b = noise(n, seed + 1);
    const [pa, pb] = [memory.float32(a), memory.float32(b)];
    const pairs = Array.from(a, (x, i): [number, number] => [x, b[i] as number]);
    expectClose(
      [
        kernels.sum(pa, n),
        kernels.sumOfSquares(pa, n),
        kernels.squaredDifferenceSum(pa, pb, n),
        kernels.dot(pa, pb, n),
      ],
      [
        add(pairs.map(([x]) => x)),
        add(pairs.map(([x]) => x * x)),
        add(pairs.map(([x, y]) => (x - y) ** 2)),
        add(pairs.map(([x, y]) => x * y)),
      ],
      1e-6,
      () => n,
    );
    expect(kernels.maximum(pa, n)).toBe(n === 0 ? -Infinity : Math.max(...a));
  });

  test('of a million equal numbers do not drift', () => {
    memory.reset();
    const n = 1_000_003;
    const x = memory.float32(new Float32Array(n).fill(0.1));
    expect(kernels.sum(x, n) / (n * Math.fround(0.1)) - 1).toBeCloseTo(0, 6);
  });

  test('find NaN', () => {
    memory.reset();
    for (let at = 0; at < 7; at++) {
      const values = new Float32Array(7).fill(-1);
      values[at] = Number.NaN;
      const x = memory.float32(values);
      expect(kernels.maximum(x, 7)).toBeNaN();
      expect(kernels.firstNonFinite(x, 7)).toBe(at);
    }
    expect(kernels.firstNonFinite(memory.float32([1, 2, 3e38, -3e38, 0]), 5)).toBe(-1);
    expect(kernels.firstNonFinite(memory.float32([1, 2, 3, 4, 5, -Infinity]), 6)).toBe(5);
  });

  test('of ten thousand rows do not drift', () => {
    memory.reset();
    const [rows, n] = [10_000, 13];
    const y = memory.allocate(n * 4);
    kernels.colSum(memory.float32(new Float32Array(rows * n).fill(0.1)), y, rows, n);
    expectClose(memory.readFloat32(y, n), new Float64Array(n).fill(rows * Math.fround(0.1)), 3e-6);
  });
});

describe('biasAdd', () => {
  test.prop([sizes, fc.constantFrom(0, 1), fc.boolean()])(
    'adds the bias to each row, then relu',
    ({ rows, n, seed }, relu, inPlace) => {
      memory.reset();
      const values = spread(rows * n, seed);
      const bias = noise(n, seed + 5);
      const x = memory.float32(values);
      const y = inPlace ? x : memory.allocate(rows * n * 4);
      kernels.biasAdd(x, memory.float32(bias), y, rows, n, relu as 0 | 1);
      const expected = Array.from(values, (v, i) => {
        const sum = Math.fround(v + (bias[i % n] as number));
        return relu === 1 ? Math.max(0, sum) : sum;
      });
      expectClose(memory.readFloat32(y, rows * n), expected, 0);
      memory.expectGuardsIntact();
    },
  );
});
