// The encoder and decoder that the settings describe, whichever network they name. Every decoder ends in the last layer of `up`, whose outputs are the pixels.
import type { Generator } from '@tessera/core';
import type { Tensor, Traced } from '@tessera/engine';
import * as strided from '../autoencoder.ts';
import type { VqvaeConfig } from '../config.ts';
import type { VideoVqvaeConfig } from '../video/config.ts';
import { decodeVideo, encodeVideo, initVideo } from './video.ts';
import type { VideoDecoder, VideoEncoder } from './video.ts';
import { decodeVqgan, encodeVqgan, initVqgan } from './vqgan.ts';
import type { VqganDecoder, VqganEncoder } from './vqgan.ts';

/** Settings of a VQ-VAE of pictures or of videos; the rank of `frameShape` tells them apart. */
export type AutoencoderConfig = VqvaeConfig | VideoVqvaeConfig;

/** Parameters of the encoder: those of the network that the settings name. */
export type Encoder = strided.EncoderTrunk | VqganEncoder | VideoEncoder;

/** Parameters of the decoder. */
export type Decoder = strided.DecoderTrunk | VqganDecoder | VideoDecoder;

/** Whether the settings are those of videos. */
export function isVideo(config: AutoencoderConfig): config is VideoVqvaeConfig {
  return config.frameShape.length === 4;
}

/** Starting values of both. */
export function initAutoencoder(
  generator: Generator,
  config: AutoencoderConfig,
): { encoder: Encoder; decoder: Decoder } {
  if (isVideo(config)) return initVideo(generator, config);
  if (config.network === 'vqgan') return initVqgan(generator, config);
  const { codeDim } = config.quantizer;
  return strided.initTrunks(generator, config, { encoded: codeDim, decoded: codeDim });
}

/** Frames [N, H, W, C] or videos [N, T, H, W, C] to vectors [N, ...tokenShape, D]. */
export function encodeFrames(config: AutoencoderConfig, encoder: Traced<Encoder>, frames: Tensor): Tensor {
  if (isVideo(config)) return encodeVideo(config, encoder as Traced<VideoEncoder>, frames);
  return config.network === 'vqgan'
    ? encodeVqgan(config, encoder as Traced<VqganEncoder>, frames)
    : strided.encodeTrunk(config, encoder as Traced<strided.EncoderTrunk>, frames);
}

/** Codes [N, ...tokenShape, D] to pixels or logits [N, H, W, C] or [N, T, H, W, C], not limited to any range. */
export function decodeCodes(config: AutoencoderConfig, decoder: Traced<Decoder>, codes: Tensor): Tensor {
  if (isVideo(config)) return decodeVideo(config, decoder as Traced<VideoDecoder>, codes);
  return config.network === 'vqgan'
    ? decodeVqgan(config, decoder as Traced<VqganDecoder>, codes)
    : strided.decodeTrunk(config, decoder as Traced<strided.DecoderTrunk>, codes);
}
