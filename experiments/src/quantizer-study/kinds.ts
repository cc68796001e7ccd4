// The quantizers that the study compares, each with the settings that give it the same rate.
import type { QuantizerConfig } from '@tessera/vqvae';

/** A way to make tokens: settings of a VQ-VAE's quantizer, or patches that are remembered. */
export interface QuantizerKind {
  /** As the table calls it. */
  readonly name: string;
  /** Of a VQ-VAE; absent for `NearestTokenizer`, which has no network. */
  readonly quantizer?: Partial<QuantizerConfig>;
}

/** Every kind with `2^bits` codes for a place, in the order of the table; `bits` is a multiple of 4. */
export function quantizerKinds({
  bits,
  codeDim,
}: {
  readonly bits: number;
  readonly codeDim: number;
}): QuantizerKind[] {
  const vocabulary = 2 ** bits;
  const [half, quarter] = [2 ** (bits / 2), 2 ** (bits / 4)];
  const one = { vocabulary, codeDim };
  return [
    { name: 'vq', quantizer: { ...one, kind: 'vq' } },
    { name: 'vq, rotation trick', quantizer: { ...one, kind: 'vq', gradient: 'rotation' } },
    { name: 'ema', quantizer: { ...one, kind: 'ema' } },
    { name: 'ema, cosine', quantizer: { ...one, kind: 'ema', distance: 'cosine' } },
    { name: 'ema, projection to 4', quantizer: { ...one, kind: 'ema', projection: 4 } },
    // What fails elsewhere: codes start anywhere, and one that nothing chooses is lost.
    { name: 'ema, plain (control)', quantizer: { ...one, kind: 'ema', initialisation: 'uniform', restart: 'off' } },
    { name: `residual 2 x ${half}`, quantizer: { kind: 'residual', vocabulary: half, codeDim, stages: 2 } },
    { name: `product 2 x ${half}`, quantizer: { kind: 'product', vocabulary: half, codeDim, groups: 2 } },
    {
      name: `grouped-residual 4 x ${quarter}`,
      quantizer: { kind: 'grouped-residual', vocabulary: quarter, codeDim, groups: 2, stages: 2 },
    },
    { name: `fsq ${fsqLevels(bits).join(' x ')}`, quantizer: { kind: 'fsq', levels: fsqLevels(bits) } },
    { name: 'lfq', quantizer: { kind: 'lfq', bits } },
    { name: 'lfq, spherical', quantizer: { kind: 'lfq', bits, spherical: true } },
    { name: 'simvq', quantizer: { ...one, kind: 'simvq' } },
    { name: 'gumbel', quantizer: { ...one, kind: 'gumbel' } },
    { name: 'nearest' },
  ];
}

/** Levels that are powers of two, at most eight, as even as they can be: 256 codes are [8, 8, 4]. */
function fsqLevels(bits: number): number[] {
  const count = Math.ceil(bits / 3);
  return Array.from({ length: count }, (_, i) => 2 ** Math.floor((bits + count - 1 - i) / count));
}
