// The tokenizers of whole training runs: one that knows everything, one that is trained, one that collects patches.
import type { Engine } from '@tessera/engine';
import { NearestTokenizer, VQVAE } from '@tessera/vqvae';
import type { QuantizerConfig, Tokenizer } from '@tessera/vqvae';
import { PixelTokenizer } from './pixel-tokenizer.ts';

export type TokenizerKind = 'pixels' | 'vqvae' | 'nearest';

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
  // Patches share a code here until a nearer one comes.
  if (kind === 'nearest')
    return new NearestTokenizer({ frameShape: [4, 4, 1], tokenShape: [2, 2], vocabulary: 60, threshold: 0.1 });
  return new VQVAE(
    engine,
    { frameShape: [4, 4, 1], tokenShape: [2, 2], channels: 4, residualBlocks: 0, kernelSize: 2, quantizer },
    { seed },
  );
}
