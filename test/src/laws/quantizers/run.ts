// A quantizer run once on vectors, op by op, with everything read out; and vectors that have broken quantizers before.
import { fc } from '@fast-check/vitest';
import { ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { constant, gradients, mul, read, sum } from '@tessera/engine';
import type { Engine, Tensor } from '@tessera/engine';
import { createQuantizer, vqvaeConfig } from '@tessera/vqvae';
import type { Quantizer, QuantizerConfig, QuantizerState, TracedQuantizerState } from '@tessera/vqvae';
import { floats } from './floats.ts';

/** The quantizer that settings describe. */
export function quantizerOf(settings: Partial<QuantizerConfig>): Quantizer {
  return createQuantizer(vqvaeConfig({ quantizer: settings }).quantizer);
}

/** What a quantizer made of vectors. */
export interface Run {
  readonly tokens: NdArray<'int32'>;
  readonly quantized: NdArray<'float32'>;
  readonly decoded: NdArray<'float32'>;
  readonly losses: Readonly<Record<string, number>>;
  readonly loss: number;
  readonly statistics: Readonly<Record<string, NdArray<'float32'>>>;
  /** The state after the update, where it changes. */
  readonly update: Readonly<Record<string, NdArray<'float32'>>>;
}

interface Given {
  readonly z: NdArray<'float32'>;
  readonly state?: QuantizerState;
  readonly mask?: readonly number[];
  readonly key?: readonly [number, number];
}

const numbers = (tensor: Tensor) => read(tensor) as NdArray<'float32'>;
const all = (tensors: Readonly<Record<string, Tensor>>) =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, numbers(tensor)]));

function trace(state: QuantizerState): TracedQuantizerState {
  return Object.fromEntries(Object.entries(state).map(([name, array]) => [name, constant(array)]));
}

function optionsOf({ mask, key }: Given) {
  return {
    mask: mask && constant(ndarray('float32', [mask.length], Float32Array.from(mask))),
    random: key && constant(ndarray('int32', [2], Int32Array.from(key))),
  };
}

/** Everything that `quantize`, `update` and `decode` give. */
export function run(engine: Engine, quantizer: Quantizer, given: Given): Run {
  return engine.eager(() => {
    const traced = trace(given.state ?? quantizer.init(npRandom(0)));
    const out = quantizer.quantize(traced, constant(given.z), optionsOf(given));
    const scalar = (tensor: Tensor) => Number(read(tensor).data[0]);
    return {
      tokens: read(out.tokens) as NdArray<'int32'>,
      quantized: numbers(out.quantized),
      decoded: numbers(given.mask ? out.quantized : quantizer.decode(traced, out.tokens)),
      losses: Object.fromEntries(Object.entries(out.losses).map(([name, tensor]) => [name, scalar(tensor)])),
      loss: scalar(out.loss),
      statistics: all(out.statistics as Readonly<Record<string, Tensor>>),
      update: all(quantizer.update(traced, out.statistics)),
    };
  });
}

/** The codes of tokens. */
export function decode(
  engine: Engine,
  quantizer: Quantizer,
  { tokens, state = quantizer.init(npRandom(0)) }: { tokens: NdArray<'int32'>; state?: QuantizerState },
): NdArray<'float32'> {
  return engine.eager(() => numbers(quantizer.decode(trace(state), constant(tokens))));
}

/** The gradients of `pick`'s scalar, or of `<weights, quantized>`, by the vectors and by each array of the state. */
export function slopes(
  engine: Engine,
  quantizer: Quantizer,
  given: Given & { readonly weights?: NdArray<'float32'>; readonly of?: 'loss' },
): Readonly<Record<string, NdArray<'float32'>>> {
  return engine.eager(() => {
    const traced = trace(given.state ?? quantizer.init(npRandom(0)));
    const z = constant(given.z);
    const out = quantizer.quantize(traced, z, optionsOf(given));
    const scalar = given.of === 'loss' ? out.loss : sum(mul(constant(given.weights!), out.quantized));
    const names = Object.keys(traced);
    const found = gradients(scalar, [z, ...names.map((name) => traced[name]!)]);
    return Object.fromEntries(['z', ...names].map((name, i) => [name, numbers(found[i]!)]));
  });
}

/** Vectors [N, width] with N from 0, of any offset and scale, and with numbers that tie at 0, -0 and 1. */
export function vectors(width: number): fc.Arbitrary<NdArray<'float32'>> {
  return fc
    .record({
      rows: fc.constantFrom(0, 1, 2, 5, 9),
      seed: fc.noShrink(fc.nat(1e6)),
      offset: fc.constantFrom(0, 0, 1e3, -1e3),
      scale: fc.constantFrom(1, 1e-6, 1e3),
      ties: fc.boolean(),
    })
    .map(({ rows, seed, offset, scale, ties }) => {
      const { data, shape } = floats([rows, width], seed);
      const generator = npRandom(seed);
      return ndarray(
        'float32',
        shape,
        data.map((x) => (ties ? [-1, -0, 0, 1][generator.integers(4)]! : offset + scale * x)),
      );
    });
}

/** Some rows of an array. */
export function rowsOf<T extends 'float32' | 'int32'>(
  { shape, data }: NdArray<T>,
  keep: (row: number) => boolean,
): number[][] {
  const width = shape.slice(1).reduce((product, length) => product * length, 1);
  return Array.from({ length: shape[0]! }, (_, row) => row)
    .filter(keep)
    .map((row) => [...(data as Float32Array).subarray(row * width, (row + 1) * width)]);
}
