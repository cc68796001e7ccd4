// One pass of a quantizer on arrays, op by op: what it gives, the gradients of it, and the state after an update.
import { ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { add, constant, gradients, mul, read, sum } from '@tessera/engine';
import type { Engine, Tensor } from '@tessera/engine';
import { createQuantizer, vqvaeConfig } from '@tessera/vqvae';
import type { Quantizer, QuantizerConfig, QuantizerState } from '@tessera/vqvae';
import type { Sample } from './samples.ts';

export type Floats = NdArray<'float32'>;

/** A quantizer for vectors as wide as those of a sample; what is left out of the settings takes its default. */
export function quantizerFor({ codebook }: Sample, settings: Partial<QuantizerConfig>): Quantizer {
  const [vocabulary, codeDim] = codebook.shape as [number, number];
  return createQuantizer(vqvaeConfig({ quantizer: { vocabulary, codeDim, ...settings } }).quantizer);
}

/** A state of it with the sample's codes, or normal ones where a projection makes them of another width. */
export function stateFor(quantizer: Quantizer, { codebook }: Sample, seed = 0): QuantizerState {
  const generator = npRandom(seed);
  const state = quantizer.init(generator);
  const [table] = quantizer.codebooks!;
  const rows = [...Array(table!.vocabulary).keys()];
  const fits = table!.width === codebook.shape[1];
  const codes = fits
    ? codebook.data
    : Float32Array.from({ length: rows.length * table!.width }, () => generator.normal());
  table!.replace(state, rows, codes);
  return state;
}

/** What a pass gives, as arrays. */
export interface Pass {
  readonly tokens: NdArray<'int32'>;
  readonly quantized: Floats;
  readonly losses: Readonly<Record<string, number>>;
  readonly loss: number;
  readonly counts: Floats;
  /** `decode` of the tokens; where vectors are masked there is none. */
  readonly decoded: Floats | undefined;
  /** The gradient by the vectors of `sum(weights * quantized) + loss`. */
  readonly slope: Floats;
  /** The same by each array of the state. */
  readonly stateSlopes: Readonly<Record<string, Floats>>;
  /** The state after an update. */
  readonly next: QuantizerState;
}

/** Runs one pass on vectors [N, D]; `weights` [N, D] are zeros when left out, so that gradients are those of the loss. */
export function pass(
  engine: Engine,
  quantizer: Quantizer,
  state: QuantizerState,
  { z, mask, weights }: { readonly z: Floats; readonly mask?: Floats; readonly weights?: Floats },
): Pass {
  return engine.eager(() => {
    const traced = Object.fromEntries(Object.entries(state).map(([name, array]) => [name, constant(array)]));
    const vectors = constant(z);
    const out = quantizer.quantize(traced, vectors, { mask: mask && constant(mask) });
    const goal = weights === undefined ? out.loss : add(out.loss, sum(mul(out.quantized, constant(weights))));
    const names = Object.keys(state);
    const [slope, ...others] = gradients(goal, [vectors, ...names.map((name) => traced[name]!)]);
    const floats = (tensor: Tensor) => read(tensor) as Floats;
    const updated = quantizer.update(traced, out.statistics);
    return {
      tokens: read(out.tokens) as NdArray<'int32'>,
      quantized: floats(out.quantized),
      losses: Object.fromEntries(Object.entries(out.losses).map(([name, loss]) => [name, floats(loss).data[0]!])),
      loss: floats(out.loss).data[0]!,
      counts: floats(out.statistics.counts),
      decoded: mask === undefined ? floats(quantizer.decode(traced, out.tokens)) : undefined,
      slope: floats(slope!),
      stateSlopes: Object.fromEntries(names.map((name, i) => [name, floats(others[i]!)])),
      next: Object.fromEntries(
        names.map((name) => [name, updated[name] === undefined ? state[name]! : floats(updated[name])]),
      ),
    };
  });
}

/** The bits of numbers, so that NaN is NaN and -0 is not 0. */
export function bits({ data }: Floats): Uint32Array {
  return new Uint32Array(data.slice().buffer);
}

/** An array of rows out of numbers. */
export function rowsOf(width: number, numbers: ArrayLike<number>): Floats {
  return ndarray('float32', [numbers.length / width, width], Float32Array.from(numbers));
}
