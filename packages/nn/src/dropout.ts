// Dropout (Srivastava et al. 2014, JMLR 15, section 4), reproducible: what is dropped is a function of a key.
import { ConfigError, ndarray } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';
import { greaterEqual, mul, randomUniform } from '@tessera/engine';
import type { Tensor } from '@tessera/engine';

/**
 * Zeros for a share `rate` of the numbers, `1 / (1 - rate)` times the others, so that the expectation stays. `key` int32 [2] says which: draw one for each step with
 * `randomKey`. Without `rate` there is nothing to do: evaluate with rate 0. Throws ConfigError unless rate lies in [0, 1).
 */
export function dropout(x: Tensor, { rate, key }: { readonly rate: number; readonly key: Tensor }): Tensor {
  if (!(rate >= 0 && rate < 1)) throw new ConfigError(`dropout: expected a rate in [0, 1), got ${rate}.`);
  if (rate === 0) return x;
  return mul(x, mul(greaterEqual(randomUniform(key, x.shape), rate), 1 / (1 - rate)));
}

/** A key for the random ops of one run of a program: int32 [2], 64 bits of the generator. */
export function randomKey(generator: Generator): NdArray<'int32'> {
  return ndarray('int32', [2], generator.integersArray(-(2 ** 31), 2 ** 31, 2, 'int32'));
}
