// The table of all ops: the tests of values, gradients and leaks go through it.
import type { OpCase } from '../support/op-case.ts';
import { elementwiseCases } from './elementwise-cases.ts';
import { generationCases } from './generation-cases.ts';
import { productCases } from './product-cases.ts';
import { rowCases } from './row-cases.ts';
import { shapeCases } from './shape-cases.ts';

export const cases: readonly OpCase[] = [
  ...elementwiseCases,
  ...shapeCases,
  ...productCases,
  ...rowCases,
  ...generationCases,
];
