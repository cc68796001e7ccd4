// The simplest Adam step, for tests that look at what it is applied to.
import { fill } from '../../src/index.ts';
import type { AdamUpdate, Tensor } from '../../src/index.ts';

/** An Adam step whose second moment stays 1 and whose first moment becomes the gradient: `x <- x - g`. */
export function plainStep(firstMoment: Tensor, secondMoment: Tensor, gradient: Tensor): AdamUpdate {
  return {
    firstMoment,
    secondMoment,
    gradient,
    rate: fill([], 1),
    correction: fill([], 1),
    beta1: 0,
    beta2: 1,
    epsilon: 0,
  };
}
