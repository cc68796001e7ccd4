import { describe } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import { expectClose, kernelsOn, noise, TestMemory } from './test-memory.ts';

const memory = new TestMemory();
const kernels = await kernelsOn(memory);

interface Case {
  batch: number;
  m: number;
  k: number;
  n: number;
  transposeA: boolean;
  transposeB: boolean;
  accumulate: boolean;
  shareA: boolean;
  shareB: boolean;
}

const size = fc.integer({ min: 0, max: 40 });
const cases = fc.record({
  batch: fc.integer({ min: 0, max: 3 }),
  m: size,
  k: size,
  n: size,
  transposeA: fc.boolean(),
  transposeB: fc.boolean(),
  accumulate: fc.boolean(),
  shareA: fc.boolean(),
  shareB: fc.boolean(),
});

/** The definition in float64, with the sum of the terms' sizes, which bounds the rounding error. */
function reference(
  c: Case,
  a: Float32Array,
  b: Float32Array,
  start: Float32Array,
): { value: Float64Array; size: Float64Array } {
  const { batch, m, k, n } = c;
  const value = new Float64Array(batch * m * n);
  const sizes = new Float64Array(batch * m * n);
  for (let i = 0; i < batch; i++) {
    const ai = c.shareA ? 0 : i * m * k;
    const bi = c.shareB ? 0 : i * k * n;
    for (let r = 0; r < m; r++) {
      for (let q = 0; q < n; q++) {
        const at = (i * m + r) * n + q;
        let sum = c.accumulate ? (start[at] as number) : 0;
        let total = Math.abs(sum);
        for (let p = 0; p < k; p++) {
          const term =
            (a[ai + (c.transposeA ? p * m + r : r * k + p)] as number) *
            (b[bi + (c.transposeB ? q * k + p : p * n + q)] as number);
          sum += term;
          total += Math.abs(term);
        }
        value[at] = sum;
        sizes[at] = total;
      }
    }
  }
  return { value, size: sizes };
}

function check(c: Case): void {
  const { batch, m, k, n, transposeA, transposeB, accumulate, shareA, shareB } = c;
  memory.reset();
  const aValues = noise((shareA ? 1 : batch) * m * k, 1);
  const bValues = noise((shareB ? 1 : batch) * k * n, 2);
  const start = noise(batch * m * n, 3);
  const scratch = memory.allocate(kernels.gemmScratchBytes);
  const a = memory.float32(aValues);
  const b = memory.float32(bValues);
  const out = memory.float32(start);
  kernels.batchMatMul({
    a,
    b,
    c: out,
    m,
    k,
    n,
    batch,
    ...(shareA ? { strideA: 0 } : {}),
    ...(shareB ? { strideB: 0 } : {}),
    transposeA,
    transposeB,
    accumulate,
    scratch,
  });
  const expected = reference(c, aValues, bValues, start);
  expectClose(memory.readFloat32(out, batch * m * n), expected.value, 1e-6, (i) => expected.size[i] as number);
  expectClose(memory.readFloat32(a, aValues.length), aValues, 0);
  expectClose(memory.readFloat32(b, bValues.length), bValues, 0);
  memory.expectGuardsIntact();
}

const plain: Case = {
  batch: 1,
  m: 1,
  k: 1,
  n: 1,
  transposeA: false,
  transposeB: false,
  accumulate: false,
  shareA: false,
  shareB: false,
};
const flags = [false, true].flatMap((transposeA) => [false, true].map((transposeB) => ({ transposeA, transposeB })));

describe('batchMatMul', () => {
  test.prop([cases], { numRuns: 1000 })('is the definition for every flag and m, n, k from 0 to 40', check);

  test.each(flags)('handles every edge tile with %o', (flag) => {
    for (let m = 0; m <= 13; m++) {
      for (let n = 0; n <= 17; n++) for (const k of [0, 1, 2, 3, 4, 5, 8, 9]) check({ ...plain, ...flag, m, k, n });
    }
  });

  test.each(flags)('crosses every cache block with %o', (flag) => {
    for (const accumulate of [false, true]) {
      check({ ...plain, ...flag, accumulate, m: 131, k: 517, n: 45 });
      check({ ...plain, ...flag, accumulate, m: 7, k: 257, n: 1031 });
      check({ ...plain, ...flag, accumulate, batch: 3, shareB: true, m: 5, k: 300, n: 20 });
      check({ ...plain, ...flag, accumulate, batch: 3, shareB: true, m: 66, k: 30, n: 520 });
    }
  });

  test.each(flags)('carries NaN and infinity of one row and one column only, with %o', ({ transposeA, transposeB }) => {
    memory.reset();
    const [m, k, n] = [6, 5, 11];
    const a = new Float32Array(m * k).fill(1);
    const b = new Float32Array(k * n).fill(1);
    a[transposeA ? 2 * m + 4 : 4 * k + 2] = Number.NaN;
    b[transposeB ? 9 * k + 3 : 3 * n + 9] = Number.POSITIVE_INFINITY;
    const scratch = memory.allocate(kernels.gemmScratchBytes);
    const c = memory.allocate(m * n * 4);
    kernels.batchMatMul({ a: memory.float32(a), b: memory.float32(b), c, m, k, n, transposeA, transposeB, scratch });
    const expected = Array.from({ length: m * n }, (_, i) => {
      if (Math.floor(i / n) === 4) return Number.NaN;
      return i % n === 9 ? Number.POSITIVE_INFINITY : k;
    });
    expectClose(memory.readFloat32(c, m * n), expected, 0);
  });

  test('keeps batches apart when their strides leave gaps', () => {
    memory.reset();
    const a = noise(40, 1);
    const b = noise(40, 2);
    const scratch = memory.allocate(kernels.gemmScratchBytes);
    const c = memory.float32(new Float32Array(20).fill(9));
    const [pa, pb] = [memory.float32(a), memory.float32(b)];
    kernels.batchMatMul({
      a: pa,
      b: pb,
      c,
      m: 2,
      k: 3,
      n: 4,
      batch: 2,
      strideA: 20,
      strideB: 15,
      strideC: 12,
      scratch,
    });
    const first = reference({ ...plain, m: 2, k: 3, n: 4 }, a, b, a).value;
    const second = reference({ ...plain, m: 2, k: 3, n: 4 }, a.subarray(20), b.subarray(15), a).value;
    expectClose(memory.readFloat32(c, 20), [...first, 9, 9, 9, 9, ...second], 1e-6, () => 3);
  });
});
