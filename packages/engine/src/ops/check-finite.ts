// A guard: the same numbers, or an error before the program has changed any state.
import { NonFiniteError } from '@tessera/core';
import { defineOp } from '../record/op.ts';
import type { Op } from '../record/op.ts';
import { applyOne } from '../record/recorder.ts';
import type { Tensor } from '../record/tensor.ts';
import { attr } from '../tensorflow/attributes.ts';
import { expectFloat, size } from './shapes.ts';

interface CheckAttrs {
  readonly what: string;
}

const checkFiniteOp: Op<CheckAttrs> = defineOp<CheckAttrs>({
  name: 'checkFinite',
  infer: ([x]) => {
    expectFloat('checkFinite', x!);
    return [{ shape: x!.shape, dtype: 'float32' }];
  },
  gradient: (_, [dy]) => [dy],
  kernel: (k, [x], { what }) => {
    const numbers = k.read(x!);
    for (let i = 0; i < numbers.length; i++) if (!Number.isFinite(numbers[i]!)) throw nonFinite(what, numbers[i]!);
    return [k.alias(x!)];
  },
  wasm: (k, [x], { what }) => {
    const position = k.kernels.firstNonFinite(k.pointer(x!), size(x!.shape));
    if (position >= 0) throw nonFinite(what, k.read(x!)[position]!);
    return [k.alias(x!)];
  },
  // The executor turns the failure of CheckNumerics into a NonFiniteError with this message.
  graph: (g, [x], { what }) => [
    g.node('CheckNumerics', [x!], {
      T: attr.type('float32'),
      message: attr.string(nonFiniteText(what, 'NaN or infinity')),
    }),
  ],
});

function nonFinite(what: string, value: number): NonFiniteError {
  return new NonFiniteError(nonFiniteText(what, String(value)));
}

function nonFiniteText(what: string, came: string): string {
  return `checkFinite: expected ${what} to be finite, got ${came}. The state is as it was before this step: lower the learning rate or clip the gradients.`;
}

/** `x` itself; when the program runs on NaN or infinity it throws NonFiniteError, which names `what`, and changes no state. */
export function checkFinite(x: Tensor, what: string): Tensor {
  return applyOne(checkFiniteOp, [x], { what });
}
