// Comparisons at a rate, and verdicts that follow from units.
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { judgeClaims } from '../../src/study/claims.ts';
import { atRate, lower, spreadOf } from '../../src/study/compare.ts';
import { studySchema } from '../../src/study/config.ts';
import type { CollapseUnit, MatchedUnit, StudyUnit } from '../../src/study/units.ts';

describe('atRate', () => {
  test.prop([
    fc.double({ min: -2, max: -0.1, noNaN: true }),
    fc.double({ min: 0.01, max: 10, noNaN: true }),
    fc.double({ min: 10, max: 100, noNaN: true }),
  ])('a power law is met exactly between its points, and nothing is said beyond them', (power, scale, rate) => {
    const points = [100, 10, 40].map((r) => ({ rate: r, value: scale * r ** power }));
    expect(atRate(points, rate) / (scale * rate ** power)).toBeCloseTo(1, 9);
    expect(atRate(points, 9.9)).toBeNaN();
    expect(atRate(points, 101)).toBeNaN();
  });

  test('values that are not positive are joined by straight lines; points without a number are left out', () => {
    const points = [
      { rate: 10, value: 0 },
      { rate: 1000, value: 1 },
      { rate: 100, value: NaN },
    ];
    expect(atRate(points, 100)).toBeCloseTo(0.5, 9);
    expect(atRate([], 1)).toBeNaN();
    expect(atRate([{ rate: 48, value: 3 }], 48)).toBe(3);
  });
});

test('only ranges that do not overlap differ', () => {
  expect(lower(spreadOf([1, 2]), spreadOf([3, 4]))).toBe('first');
  expect(lower(spreadOf([3, 4]), spreadOf([1, 2]))).toBe('second');
  expect(lower(spreadOf([1, 3]), spreadOf([2, 4]))).toBe('neither');
  expect(lower(spreadOf([null, NaN]), spreadOf([1]))).toBe('unknown');
});

const config = studySchema.parse({});
const collapseUnit = (unit: Partial<CollapseUnit>) => ({ part: 'collapse', seed: 0, ...unit }) as StudyUnit;
const matchedUnit = (unit: Partial<MatchedUnit>) =>
  ({ part: 'matched', data: 'sprite-world', sharpnessMean: 1, samples: {}, ...unit }) as StudyUnit;
const verdicts = (units: readonly StudyUnit[], part: string) =>
  judgeClaims(units, config).filter(({ claim }) => claim.startsWith(part));

test('part B counts both kinds of collapse', () => {
  const vae = { model: 'VAE', kind: 'vae', beta: 1, units: 100 } as const;
  const vq = { model: 'VQ', kind: 'vq', rateBits: 96 } as const;
  const units = (active: number, gap: number, usage: number, vqGap: number) => [
    collapseUnit({ ...vae, decoder: 'weak', activeUnits: 90, gapBits: 1000 }),
    collapseUnit({ ...vae, decoder: 'strong', activeUnits: active, gapBits: gap }),
    collapseUnit({ ...vq, decoder: 'weak', usage: 1, gapBits: 1000 }),
    collapseUnit({ ...vq, decoder: 'strong', usage, gapBits: vqGap }),
  ];
  const [collapsed, alive] = verdicts(units(24, 49, 0.9, 500), 'B');
  expect([collapsed!.verdict, alive!.verdict]).toEqual(['held', 'held']);
  expect(verdicts(units(26, 49, 0.9, 500), 'B')[0]!.verdict).toBe('did not hold');
  expect(verdicts(units(24, 51, 0.9, 500), 'B')[0]!.verdict).toBe('did not hold');
  const [, dead] = verdicts(units(24, 49, 0.89, 500), 'B');
  expect(dead!.verdict).toBe('did not hold');
  expect(dead!.evidence).toContain('1 of 1 VAEs (posterior), 1 of 1 VQ-VAEs (codebook)');
  expect(verdicts(units(24, 49, 0.9, 499), 'B')[1]!.verdict).toBe('did not hold');
});

test('part C compares at the same rate, whichever way it goes', () => {
  const vae = (seed: number, rateBits: number, mse: number) =>
    matchedUnit({ kind: 'vae', model: `VAE ${rateBits}`, seed, rateBits, mse });
  const vq = (seed: number, mse: number) => matchedUnit({ kind: 'vq', model: 'VQ', seed, rateBits: 96, mse });
  const vaes = [0, 1].flatMap((seed) => [vae(seed, 48, 0.04), vae(seed, 192, 0.01)]);
  const claim = (mses: readonly number[]) =>
    verdicts([...vaes, ...mses.map((mse, seed) => vq(seed, mse))], 'C').find(
      ({ rateBits, claim: text }) => rateBits === 96 && text.includes('smaller squared error'),
    )!;
  // At 96 bits the VAE is at 0.02.
  expect(claim([0.01, 0.015]).verdict).toBe('held');
  expect(claim([0.03, 0.05]).verdict).toBe('did not hold');
  expect(claim([0.01, 0.03]).verdict).toBe('no difference beyond the seeds');
  expect(claim([]).verdict).toBe('not measured');
  expect(claim([0.01, 0.015]).evidence).toContain('VQ-VAE 0.0125 (0.01 to 0.015), VAE 0.02');
});

test('part D takes the model nearest the middle rate', () => {
  const sample = (invalid: number) => ({ invalid, modes: Math.round(640 * (1 - invalid)) }) as never;
  const units = [
    matchedUnit({
      kind: 'vq',
      model: 'VQ',
      seed: 0,
      rateBits: 96,
      samples: { 'learned prior': sample(0.2), 'uniform codes': sample(0.9) },
    }),
    matchedUnit({
      kind: 'vae',
      model: 'far',
      seed: 0,
      rateBits: 300,
      samples: { 'N(0, I)': sample(0.01), 'learned prior': sample(0.01) },
    }),
    matchedUnit({
      kind: 'vae',
      model: 'near',
      seed: 0,
      rateBits: 90,
      samples: { 'N(0, I)': sample(0.8), 'learned prior': sample(0.1) },
    }),
  ];
  expect(verdicts(units, 'D').map(({ verdict }) => verdict)).toEqual(['held', 'held', 'did not hold', 'held']);
});

test('a sharpness is better the nearer it is to that of real frames, from either side', () => {
  const model = (kind: 'vq' | 'vae', sharpnessMean: number) =>
    matchedUnit({ kind, model: kind, seed: 0, rateBits: 96, sharpnessMean });
  const verdict = (vq: number, vae: number) =>
    verdicts([model('vq', vq), model('vae', vae)], 'C').find(
      ({ rateBits, claim }) => rateBits === 96 && claim.includes('sharpness'),
    )!.verdict;
  expect(verdict(0.9, 0.6)).toBe('held');
  expect(verdict(1.5, 0.9)).toBe('did not hold');
  expect(verdict(1.1, 1.5)).toBe('held');
});

test("a VAE's means are held against the VQ-VAE as well", () => {
  const means = (mse: number) => ({ mse }) as never;
  const units = [
    matchedUnit({ kind: 'vq', model: 'VQ', seed: 0, rateBits: 96, mse: 0.01 }),
    matchedUnit({ kind: 'vae', model: 'VAE', seed: 0, rateBits: 96, mse: 0.02, ofMeans: means(0.005) }),
  ];
  const [draws, ofMeans] = verdicts(units, 'C').filter(
    ({ rateBits, evidence }) => rateBits === 96 && evidence.startsWith('MSE'),
  );
  expect([draws!.verdict, ofMeans!.verdict]).toEqual(['held', 'did not hold']);
});
