// The tokenizers of whole training runs: one that knows everything, one that is trained, and two that collect patches.
import type { Engine } from '@tessera/engine';
import { NearestTokenizer, VQVAE } from '@tessera/vqvae';
import type { QuantizerConfig, Tokenizer } from '@tessera/vqvae';
import { PixelTokenizer } from './pixel-tokenizer.ts';

/** Patches share a code of `nearest` until a nearer one comes; each has its own of `patches`. */
export type TokenizerKind = 'pixels' | 'vqvae' | 'nearest' | 'patches';

export interface TokenizerOptions {
  readonly kind: TokenizerKind;
  readonly seed: number;
  /** Settings of the VQ-VAE's quantizer; a codebook of eight codes by default. */
  readonly quantizer?: Partial<QuantizerConfig> | undefined;
}

/** A tokenizer of 4 x 4 grey pixels. */
export function tokenizerOf(
  engine: Engine,
  { kind, seed, quantizer = { vocabulary: 8, codeDim: 3, restartAfter: 2 } }: TokenizerOptions,
): Tokenizer {
  if (kind === 'pixels') return new PixelTokenizer();
  if (kind === 'nearest' || kind === 'patches') {
    const patches = { frameShape: [4, 4, 1], tokenShape: [2, 2], vocabulary: 60 } as const;
    return new NearestTokenizer({ ...patches, ...(kind === 'nearest' && { threshold: 0.1 }) });
  }
  return new VQVAE(
    engine,
    { frameShape: [4, 4, 1], tokenShape: [2, 2], channels: 4, residualBlocks: 0, kernelSize: 2, quantizer },
    { seed },
  );
}
