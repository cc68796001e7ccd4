// Random starting values of parameters, drawn from an explicit generator.
import { ConfigError, elementCount, ndarray } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';

/** float32 zeros. */
export function zeros(shape: readonly number[]): NdArray<'float32'> {
  return ndarray('float32', shape);
}

/** float32 ones. */
export function ones(shape: readonly number[]): NdArray<'float32'> {
  return ndarray('float32', shape, new Float32Array(elementCount(shape)).fill(1));
}

/** Normal of mean 0 and the given standard deviation. */
export function normal(generator: Generator, shape: readonly number[], deviation: number): NdArray<'float32'> {
  return draw(shape, () => generator.normal(0, deviation));
}

/** Uniform in [-limit, limit). */
export function uniform(generator: Generator, shape: readonly number[], limit: number): NdArray<'float32'> {
  return draw(shape, () => generator.uniform(-limit, limit));
}

/**
 * A matrix [rows, columns] whose rows or columns, whichever are fewer, are orthogonal and of length `gain` (Saxe et al. 2014, arXiv 1312.6120): Gram-Schmidt on
 * normal vectors. What PPO's networks start from.
 */
export function orthogonal(
  generator: Generator,
  [rows, columns]: readonly [rows: number, columns: number],
  gain: number,
): NdArray<'float32'> {
  const [count, length] = [Math.min(rows, columns), Math.max(rows, columns)];
  const vectors: Float64Array[] = [];
  while (vectors.length < count) {
    const vector = Float64Array.from({ length }, () => generator.standardNormal());
    // Twice, because what rounding leaves of the earlier ones after the first time is not small beside a short remainder.
    for (let pass = 0; pass < 2; pass++) {
      for (const earlier of vectors) {
        const along = dot(vector, earlier);
        for (let i = 0; i < length; i++) vector[i]! -= along * earlier[i]!;
      }
    }
    const norm = Math.sqrt(dot(vector, vector));
    vectors.push(vector.map((x) => x / norm));
  }
  const out = zeros([rows, columns]);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const value = rows <= columns ? vectors[row]![column]! : vectors[column]![row]!;
      out.data[row * columns + column] = gain * value;
    }
  }
  return out;
}

function dot(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i]! * b[i]!;
  return total;
}

/** How many inputs an output of a layer sums over. */
export interface FanIn {
  readonly fanIn: number;
}

/** Normal of deviation `sqrt(2 / fanIn)`, which keeps the variance through a ReLU (He et al. 2015, arXiv 1502.01852, equation 10). */
export function heNormal(generator: Generator, shape: readonly number[], { fanIn }: FanIn): NdArray<'float32'> {
  return normal(generator, shape, Math.sqrt(2 / checkedFan(fanIn)));
}

/** Normal of deviation `sqrt(1 / fanIn)`, which keeps the variance through a linear layer (LeCun et al. 1998, Efficient BackProp, section 4.6). */
export function lecunNormal(generator: Generator, shape: readonly number[], { fanIn }: FanIn): NdArray<'float32'> {
  return normal(generator, shape, Math.sqrt(1 / checkedFan(fanIn)));
}

/** Uniform of limit `sqrt(6 / (fanIn + fanOut))` (Glorot and Bengio 2010, equation 16). */
export function glorotUniform(
  generator: Generator,
  shape: readonly number[],
  { fanIn, fanOut }: FanIn & { readonly fanOut: number },
): NdArray<'float32'> {
  return uniform(generator, shape, Math.sqrt(6 / (checkedFan(fanIn) + checkedFan(fanOut))));
}

function draw(shape: readonly number[], next: () => number): NdArray<'float32'> {
  const array = zeros(shape);
  for (let i = 0; i < array.data.length; i++) array.data[i] = next();
  return array;
}

function checkedFan(fan: number): number {
  if (fan > 0 && Number.isFinite(fan)) return fan;
  throw new ConfigError(`initialiser: expected a fan of at least 1, got ${fan}.`);
}
