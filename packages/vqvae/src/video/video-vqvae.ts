// VQ-VAE of videos (VideoGPT, arXiv 2104.10157, section 3.1): the VQ-VAE of pictures around an encoder and decoder that are causal in time.
import type { Engine } from '@tessera/engine';
import type { VqvaeOptions } from '../config.ts';
import { VQVAE } from '../vqvae.ts';
import type { VqvaeCreateOptions } from '../vqvae.ts';
import type { VideoVqvaeConfig, VideoVqvaeOptions } from './config.ts';

/**
 * A tokenizer of videos, float32 [B, T, H, W, C] in [0, 1], to tokens, int32 [B, t, h, w], and back, with everything that `VQVAE` has.
 *
 * It is causal: tokens of time t depend on the frames before `(t + 1) T / t` alone, and decoded frames on the tokens of their own time and of those before, bit for bit.
 */
export class VideoVQVAE extends VQVAE<VideoVqvaeConfig> {
  constructor(engine: Engine, options: VideoVqvaeOptions = {}, create: VqvaeCreateOptions = {}) {
    // Without a shape of frames the base class would take the settings for those of pictures.
    const { frameShape = [4, 16, 16, 1] } = options;
    super(engine, { ...options, frameShape } as object as VqvaeOptions, create);
  }
}
