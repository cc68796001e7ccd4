// A program that uses every op, forwards and backwards, for counts of what is left behind.
import * as fc from 'fast-check';
import type { NdArray } from '@tessera/core';
import { add, gradients } from '../../src/index.ts';
import type { Spec, Tensor } from '../../src/index.ts';
import { cases } from '../ops/cases.ts';
import { differentiable, lossOf, specOf } from './evaluate.ts';

const samples = cases.map((op, i) => fc.sample(op.samples('smooth'), { seed: 2024 + i, numRuns: 1 })[0]!);

const named = samples.flatMap(({ inputs }, k) => inputs.map((array, i) => [`x${k}_${i}`, array] as const));

/** Inputs of the program. */
export const everyInput: Record<string, NdArray> = Object.fromEntries(named);

export const everyInputSpec: Record<string, Spec> = Object.fromEntries(
  named.map(([name, array]) => [name, specOf(array)]),
);

/** The value of every case, and all gradients of the sum of their losses. */
export function everyOp(inputs: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
  const results: Record<string, Tensor> = {};
  const wrt: Tensor[] = [];
  let loss: Tensor | undefined;
  for (const [k, op] of cases.entries()) {
    const sample = samples[k]!;
    const tensors = sample.inputs.map((_, i) => inputs[`x${k}_${i}`]!);
    const y = op.call(tensors, sample.attrs);
    results[`y${k}`] = y;
    const positions = differentiable(op, sample);
    if (positions.length === 0) continue;
    wrt.push(...positions.map((i) => tensors[i]!));
    loss = loss === undefined ? lossOf(y) : add(loss, lossOf(y));
  }
  for (const [i, slope] of gradients(loss!, wrt).entries()) results[`d${i}`] = slope;
  return results;
}
