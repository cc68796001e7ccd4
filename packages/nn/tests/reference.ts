// What the layers mean, written as their definitions in float64: sums over indices and nothing clever.
import type { NdArray } from '@tessera/core';
import type { Attention, Block, Linear, Norm } from '../src/index.ts';

/** Numbers in row-major order. */
export interface Values {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** The array whose element at each index is `value(index)`. */
export function tabulate(shape: readonly number[], value: (index: readonly number[]) => number): Values {
  const data = new Float64Array(shape.reduce((product, n) => product * n, 1));
  const index = shape.map(() => 0);
  for (let i = 0; i < data.length; i++) {
    data[i] = value(index);
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis]! === shape[axis]; axis--) index[axis] = 0;
  }
  return { shape, data };
}

/** The element at an index. */
export function at({ shape, data }: Values, index: readonly number[]): number {
  return data[index.reduce((position, i, axis) => position * shape[axis]! + i, 0)]!;
}

export function total(count: number, term: (i: number) => number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += term(i);
  return sum;
}

const values = (array: NdArray): Values => array as Values;

export function dense({ kernel, bias }: Linear, x: Values): Values {
  const [inputs, outputs] = kernel.shape as [number, number];
  return tabulate([...x.shape.slice(0, -1), outputs], (index) => {
    const row = index.slice(0, -1);
    const o = index.at(-1)!;
    return bias.data[o]! + total(inputs, (i) => at(x, [...row, i]) * at(values(kernel), [i, o]));
  });
}

/** How many rows of zeros `same` padding puts before the first: the larger share goes behind the last. */
function before(inputs: number, outputs: number, { size, stride }: { size: number; stride: number }): number {
  return Math.floor(Math.max(0, (outputs - 1) * stride + size - inputs) / 2);
}

export function conv(
  { kernel, bias }: Linear,
  x: Values,
  { stride, padding }: { stride: number; padding: 'same' | 'valid' },
): Values {
  const [size, , inputs, outputs] = kernel.shape as [number, number, number, number];
  const [batch, height, width] = x.shape as [number, number, number, number];
  const out = (n: number) => (padding === 'same' ? Math.ceil(n / stride) : Math.floor((n - size) / stride) + 1);
  const pad = (n: number) => (padding === 'same' ? before(n, out(n), { size, stride }) : 0);
  return tabulate([batch, out(height), out(width), outputs], ([n, row, column, o]) => {
    let sum = bias.data[o!]!;
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        const y = row! * stride + i - pad(height);
        const z = column! * stride + j - pad(width);
        if (y < 0 || z < 0 || y >= height || z >= width) continue;
        sum += total(inputs, (c) => at(x, [n!, y, z, c]) * at(values(kernel), [i, j, c, o!]));
      }
    }
    return sum;
  });
}

/** The transpose of `conv`: each input pixel is spread over the outputs that it would have been read from. */
export function convTranspose({ kernel, bias }: Linear, x: Values, { stride }: { stride: number }): Values {
  const [size, , outputs, inputs] = kernel.shape as [number, number, number, number];
  const [batch, height, width] = x.shape as [number, number, number, number];
  const shape = [batch, height * stride, width * stride, outputs];
  const padRow = before(height * stride, height, { size, stride });
  const padColumn = before(width * stride, width, { size, stride });
  return tabulate(shape, ([n, y, z, o]) => {
    let sum = bias.data[o!]!;
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const i = y! + padRow - row * stride;
        const j = z! + padColumn - column * stride;
        if (i < 0 || j < 0 || i >= size || j >= size) continue;
        sum += total(inputs, (c) => at(x, [n!, row, column, c]) * at(values(kernel), [i, j, o!, c]));
      }
    }
    return sum;
  });
}

export function layerNorm({ scale, bias }: Norm, x: Values, epsilon = 1e-5): Values {
  const width = x.shape.at(-1)!;
  return tabulate(x.shape, (index) => {
    const row = index.slice(0, -1);
    const mean = total(width, (i) => at(x, [...row, i])) / width;
    const variance = total(width, (i) => (at(x, [...row, i]) - mean) ** 2) / width;
    const i = index.at(-1)!;
    return ((at(x, index) - mean) / Math.sqrt(variance + epsilon)) * scale.data[i]! + bias.data[i]!;
  });
}

export function groupNorm({ scale, bias }: Norm, x: Values, groups: number, epsilon = 1e-5): Values {
  const [, height, width, channels] = x.shape as [number, number, number, number];
  const depth = channels / groups;
  const count = height * width * depth;
  return tabulate(x.shape, ([n, y, z, c]) => {
    const first = Math.floor(c! / depth) * depth;
    const member = (i: number) =>
      at(x, [n!, Math.floor(i / (width * depth)), Math.floor(i / depth) % width, first + (i % depth)]);
    const mean = total(count, member) / count;
    const variance = total(count, (i) => (member(i) - mean) ** 2) / count;
    return ((at(x, [n!, y!, z!, c!]) - mean) / Math.sqrt(variance + epsilon)) * scale.data[c!]! + bias.data[c!]!;
  });
}

/** `bias(query, key)` is added to the scores. */
export function attention(
  { qkv, output }: Attention,
  x: Values,
  { heads, bias = () => 0 }: { heads: number; bias?: (query: number, key: number) => number },
): Values {
  const [, tokens, width] = x.shape as [number, number, number];
  const depth = width / heads;
  const joined = dense(qkv, x); // [batch, tokens, 3 width]: queries, keys, values
  const mixed = tabulate(x.shape, ([n, query, channel]) => {
    const head = Math.floor(channel! / depth);
    const part = (which: number, token: number, i: number) => at(joined, [n!, token, which * width + head * depth + i]);
    const scores = Array.from(
      { length: tokens },
      (_, key) => total(depth, (i) => part(0, query!, i) * part(1, key, i)) / Math.sqrt(depth) + bias(query!, key),
    );
    const highest = Math.max(...scores);
    const weights = scores.map((score) => Math.exp(score - highest));
    const sum = weights.reduce((a, b) => a + b, 0);
    return total(tokens, (key) => (weights[key]! / sum) * part(2, key, channel! % depth));
  });
  return dense(output, mixed);
}

export function block(
  parameters: Block,
  x: Values,
  options: { heads: number; bias?: (query: number, key: number) => number; activation?: (x: number) => number },
): Values {
  const attended = plus(x, attention(parameters.attention, layerNorm(parameters.attentionNorm, x), options));
  const hidden = dense(parameters.up, layerNorm(parameters.mlpNorm, attended));
  const active = tabulate(hidden.shape, (index) => (options.activation ?? gelu)(at(hidden, index)));
  return plus(attended, dense(parameters.down, active));
}

function plus(a: Values, b: Values): Values {
  return tabulate(a.shape, (index) => at(a, index) + at(b, index));
}

/** `x Phi(x)`, the normal distribution by the series of erf. */
export function gelu(x: number): number {
  const u = x / Math.SQRT2;
  if (Math.abs(u) > 4) return x > 0 ? x : 0;
  let term = u;
  let sum = u;
  for (let n = 1; n < 100; n++) {
    term *= (-u * u) / n;
    sum += term / (2 * n + 1);
  }
  return (x / 2) * (1 + (2 / Math.sqrt(Math.PI)) * sum);
}
