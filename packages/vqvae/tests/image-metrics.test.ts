// Measures of pictures against closed forms and one golden number.
import { ShapeError, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import {
  foregroundPsnr,
  highFrequencyShare,
  laplacianVariance,
  radialSpectrum,
  reconstructionQuality,
  sharpnessRatio,
  ssim,
} from '../src/index.ts';
import { noise } from './toy.ts';

function frames(shape: readonly number[], value: (i: number) => number): NdArray<'float32'> {
  const array = ndarray('float32', shape);
  array.data.forEach((_, i) => (array.data[i] = value(i)));
  return array;
}

const seeds = fc.noShrink(fc.nat(1e6));

describe('ssim', () => {
  test('agrees with an independent implementation', () => {
    // python - <<'E'
    // import torch, torch.nn.functional as F
    // i = torch.arange(2*16*14, dtype=torch.float64).reshape(2, 1, 16, 14)
    // x, y = (i * 37 % 101) / 101, (i * 53 % 97) / 97
    // t = torch.arange(11, dtype=torch.float64) - 5; g = torch.exp(-t*t / 4.5); w = torch.outer(g, g); w = (w / w.sum())[None, None]
    // m = lambda a: F.conv2d(a, w)
    // vx, vy, c = m(x*x) - m(x)**2, m(y*y) - m(y)**2, m(x*y) - m(x)*m(y)
    // print(float(((2*m(x)*m(y) + 1e-4) * (2*c + 9e-4) / ((m(x)**2 + m(y)**2 + 1e-4) * (vx + vy + 9e-4))).mean()))
    // E
    const x = frames([2, 16, 14, 1], (i) => ((i * 37) % 101) / 101);
    const y = frames([2, 16, 14, 1], (i) => ((i * 53) % 97) / 97);
    expect(ssim(x, y)).toBeCloseTo(-0.02556171113635207, 6);
  });

  test.prop([seeds], { numRuns: 10 })('is 1 for equal frames, symmetric, and less for others', (seed) => {
    const [a, b] = [noise(2, seed, [12, 13, 3]), noise(2, seed + 1, [12, 13, 3])];
    expect(ssim(a, a)).toBeCloseTo(1, 12);
    expect(ssim(a, b)).toBeCloseTo(ssim(b, a), 12);
    expect(ssim(a, b)).toBeLessThan(0.5);
  });

  test('flat frames differ by their brightness alone', () => {
    const flat = (value: number) => frames([1, 11, 11, 3], () => value);
    const [a, b] = [0.25, 0.75];
    expect(ssim(flat(a), flat(b))).toBeCloseTo((2 * a * b + 1e-4) / (a * a + b * b + 1e-4), 6);
  });

  test('frames below the window, and of two shapes, are errors', () => {
    expect(() => ssim(noise(1, 0), noise(1, 0))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: ssim: expected frames of one shape, at least 11 x 11 pixels, got [1, 8, 8, 1] and [1, 8, 8, 1].]`,
    );
    expect(() => ssim(noise(1, 0, [12, 12, 1]), noise(1, 0, [12, 12, 3]))).toThrow(ShapeError);
  });
});

describe('sharpness', () => {
  test.prop([fc.double({ min: -1, max: 1, noNaN: true }), fc.double({ min: -1, max: 1, noNaN: true })])(
    'planes have no Laplacian',
    (a, b) => {
      const plane = frames([1, 6, 7, 1], (i) => a * (i % 7) + b * Math.floor(i / 7));
      expect(laplacianVariance(plane)[0]).toBeCloseTo(0, 9);
    },
  );

  test('a chess board of contrast c has variance (4 c)^2, and frames are measured one by one', () => {
    const board = frames([2, 6, 6, 1], (i) => ((i + Math.floor(i / 6)) % 2) * (i < 36 ? 0.5 : 1));
    // Around 1 there are four zeros and the other way round: -4 c and 4 c, as often.
    const [first, second] = laplacianVariance(board);
    expect(first).toBeCloseTo((4 * 0.5) ** 2, 6);
    expect(second).toBeCloseTo(4 ** 2, 6);
    const ratio = sharpnessRatio(
      board,
      frames([1, 6, 6, 1], (i) => (i + Math.floor(i / 6)) % 2),
    );
    expect(ratio.mean).toBeCloseTo((4 + 16) / 2 / 16, 6);
    expect(ratio.min).toBeCloseTo(4 / 16, 6);
  });

  test.prop([fc.integer({ min: 0, max: 8 }), fc.integer({ min: 0, max: 8 })], { numRuns: 30 })(
    'a wave has its energy where it is',
    (u, v) => {
      const size = 16;
      const wave = frames([1, size, size, 1], (i) =>
        Math.cos((2 * Math.PI * (u * (i % size) + v * Math.floor(i / size))) / size),
      );
      const spectrum = radialSpectrum(wave);
      const total = spectrum.reduce((sum, x) => sum + x, 0);
      expect(spectrum[Math.round(Math.hypot(u, v))]! / total).toBeCloseTo(1, 9);
      if (u + v > 0) expect(highFrequencyShare(wave)).toBeCloseTo(Math.hypot(u, v) > size / 4 + 1e-9 ? 1 : 0, 6);
    },
  );

  test.prop([seeds], { numRuns: 10 })("the spectrum's sum is the energy of the pixels (Parseval)", (seed) => {
    const image = noise(3, seed, [6, 10, 1]);
    const energy = image.data.reduce((sum, x) => sum + x * x, 0) / 3;
    const total = radialSpectrum(image).reduce((sum, x) => sum + x, 0);
    expect(total / (60 * energy)).toBeCloseTo(1, 6);
  });
});

describe('foregroundPsnr', () => {
  test.prop([seeds], { numRuns: 15 })(
    'of a mask of everything is the PSNR, and background errors do not count',
    (seed) => {
      const [a, b] = [noise(3, seed), noise(3, seed + 1)];
      const all = ndarray('uint8', [3, 8, 8], new Uint8Array(192).fill(1));
      expect(foregroundPsnr(a, b, all)).toBeCloseTo(reconstructionQuality(a, b).psnr, 9);
      const some = ndarray(
        'uint8',
        [3, 8, 8],
        Uint8Array.from({ length: 192 }, (_, i) => (i % 3 === 0 ? 1 : 0)),
      );
      const repaired = frames(a.shape, (i) => (i % 3 === 0 ? b.data[i]! : 0));
      expect(foregroundPsnr(a, repaired, some)).toBeCloseTo(foregroundPsnr(a, b, some), 9);
    },
  );

  test('frames without foreground are left out; without any there is no number', () => {
    const a = frames([2, 2, 2, 1], () => 0);
    const b = frames([2, 2, 2, 1], (i) => (i === 0 ? 0.1 : 1));
    const first = ndarray('uint8', [2, 2, 2], Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0));
    expect(foregroundPsnr(a, b, first)).toBeCloseTo(20, 4);
    expect(foregroundPsnr(a, b, ndarray('uint8', [2, 2, 2]))).toBeNaN();
    expect(() => foregroundPsnr(a, b, ndarray('uint8', [2, 2, 1]))).toThrow(ShapeError);
  });
});
