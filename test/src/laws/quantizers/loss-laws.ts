// Laws 13 to 19 as one function of any implementation of the quantizer's losses, so that the suite can show that it tells a right one from famous wrong ones.
import { expect } from 'vitest';
import type { NdArray } from '@tessera/core';
import { constant, gradients, mul, nearestCode, read, sum } from '@tessera/engine';
import type { Engine, Tensor } from '@tessera/engine';
import type { Quantization } from '@tessera/vqvae';
import { floats } from './floats.ts';
import { row } from './samples.ts';
import type { Sample } from './samples.ts';

/** What an implementation computes of codes, vectors and beta. */
export type Losses = (codebook: Tensor, z: Tensor, beta: number) => Pick<Quantization, 'quantized' | 'losses' | 'loss'>;

const betas = [0, 0.25, 2];

type Numbers = readonly number[];

interface Slopes {
  readonly z: Numbers;
  readonly codebook: Numbers;
}

/** A sum in float64 and the sum of its terms' sizes, which is the scale of its rounding errors. */
class Total {
  value = 0;
  size = 0;

  add(term: number): void {
    this.value += term;
    this.size += Math.abs(term);
  }
}

function expectTotals(law: string, actual: Numbers, totals: readonly Total[], factor = 1): void {
  expect({ law, length: actual.length }).toEqual({ law, length: totals.length });
  for (const [i, { value, size }] of totals.entries()) {
    // 2^-140: where float32 itself runs out of digits.
    const bound = 1e-5 * factor * size + 2 ** -140;
    expect(Math.abs(actual[i]! - factor * value), `${law}, element ${i}`).toBeLessThanOrEqual(bound);
  }
}

/** Throws when an implementation breaks one of the laws 13 to 19 on a sample; the message names the law. */
export function checkLossLaws(engine: Engine, { z, codebook }: Sample, losses: Losses): void {
  const [rows, width] = z.shape as [number, number];
  const weights = floats(z.shape, rows * width);
  const numbers = (array: NdArray): Numbers => [...(array.data as Float32Array)];

  const measured = engine.eager(() => {
    const vectors = constant(z);
    const codes = constant(codebook);
    const slopesOf = (loss: Tensor): Slopes => {
      const [dz, dCodebook] = gradients(loss, [vectors, codes]);
      return { z: numbers(read(dz!)), codebook: numbers(read(dCodebook!)) };
    };
    const chosen = read(nearestCode(vectors, codes)).data as Int32Array;
    const byBeta = betas.map((beta) => {
      const { quantized, losses: parts, loss } = losses(codes, vectors, beta);
      const [codebookLoss, commitmentLoss] = [parts['codebook']!, parts['commitment']!];
      return {
        beta,
        quantized: numbers(read(quantized)),
        values: [codebookLoss, commitmentLoss, loss].map((scalar) => Number(read(scalar).data[0])),
        through: slopesOf(sum(mul(constant(weights), quantized))),
        codebook: slopesOf(codebookLoss),
        commitment: slopesOf(commitmentLoss),
        total: slopesOf(loss),
      };
    });
    return { chosen, byBeta };
  });

  // The closed forms: gradients by the codes, by the vectors, and the loss.
  const byCode = Array.from({ length: codebook.data.length }, () => new Total());
  const byVector = Array.from({ length: z.data.length }, () => new Total());
  const value = new Total();
  for (let i = 0; i < rows; i++) {
    const code = measured.chosen[i]!;
    for (let d = 0; d < width; d++) {
      const difference = codebook.data[code * width + d]! - z.data[i * width + d]!;
      byCode[code * width + d]!.add((2 / (rows * width)) * difference);
      byVector[i * width + d]!.add((-2 / (rows * width)) * difference);
      value.add(difference ** 2 / (rows * width));
    }
  }
  const zeros = (slopes: Numbers) => slopes.every((slope) => slope === 0);

  for (const { beta, quantized, values, through, ...slopes } of measured.byBeta) {
    const [codebookLoss, commitmentLoss, loss] = values as [number, number, number];
    const rowsOfCodes = [...measured.chosen].flatMap((code) => [...row(codebook, code)]);
    expect(quantized, 'law 13: the forward value is the code').toEqual(rowsOfCodes);
    expect(through.z, 'law 13: the gradient goes to z as it is').toEqual([...weights.data]);
    expect(zeros(through.codebook), 'law 13: and not to the codebook').toBe(true);

    expectTotals('law 14: the gradient of the codebook loss', slopes.codebook.codebook, byCode);
    expect(zeros(slopes.codebook.z), 'law 14: does not reach z').toBe(true);

    expectTotals('law 15: the gradient of the commitment loss', slopes.commitment.z, byVector);
    expect(zeros(slopes.commitment.codebook), 'law 15: does not reach the codebook').toBe(true);

    expectTotals('law 16: the value of the codebook loss', [codebookLoss], [value]);
    expect(Math.abs(codebookLoss - commitmentLoss), 'law 16: both losses are one number').toBeLessThanOrEqual(
      2 ** -22 * codebookLoss,
    );
    const expected = codebookLoss + beta * commitmentLoss;
    expect(Math.abs(loss - expected), 'law 17: loss = codebook loss + beta commitment loss').toBeLessThanOrEqual(
      2 ** -22 * expected,
    );

    const same = measured.byBeta[0]!.total.codebook;
    expect(slopes.total.codebook, 'law 17: beta does not touch the codebook').toEqual(same);
    expectTotals('law 17: the gradient by the codebook', slopes.total.codebook, byCode);
    expectTotals('law 17: the gradient by z is beta times that of the commitment', slopes.total.z, byVector, beta);

    const learns = byCode.some(({ value: slope }) => Math.abs(slope) > 1e-30);
    if (learns) expect(zeros(slopes.total.codebook), 'law 19: a codebook that errs learns').toBe(false);
  }
}
