// Whose random numbers the rows of a batch are drawn with.
import type { Generator } from '@tessera/core';

/** One generator for all rows, in their order, or one of its own for each. */
export type RowGenerators = Generator | readonly Generator[];

/** The generator of a row. */
export function generatorOf(generators: RowGenerators, row: number): Generator {
  return isOneEach(generators) ? generators[row]! : generators;
}

/** Whether each row has its own. */
export function isOneEach(generators: RowGenerators): generators is readonly Generator[] {
  return Array.isArray(generators);
}
