// Settings with a name: pictures from a size for tests to the tokenizer of IRIS, videos of a small size and VideoGPT's.
import type { VqvaeOptions } from './config.ts';
import type { VideoVqvaeOptions } from './video/config.ts';

/** Names of the presets for pictures. */
export type VqvaePreset = 'tiny' | 'small' | 'cifar10' | 'iris';

/** Settings of VQ-VAEs by name, to be spread into settings of your own. */
export const vqvaePresets: Readonly<Record<VqvaePreset, VqvaeOptions>> = {
  /** 20 x 20 pixels in 5 x 5 tokens: games of the arcade. */
  tiny: {
    frameShape: [20, 20, 3],
    tokenShape: [5, 5],
    channels: 16,
    quantizer: { vocabulary: 64, codeDim: 16 },
  },
  /** 64 x 64 pixels in 8 x 8 tokens. */
  small: {
    frameShape: [64, 64, 3],
    tokenShape: [8, 8],
    channels: 32,
    residualBlocks: 2,
    quantizer: { vocabulary: 256, codeDim: 32 },
  },
  /** The widths of arXiv 1711.00937, section 4.1: 256 channels, two residual blocks, 32 x 32 pixels in 8 x 8 tokens. */
  cifar10: {
    frameShape: [32, 32, 3],
    tokenShape: [8, 8],
    channels: 256,
    residualBlocks: 2,
    quantizer: { vocabulary: 512, codeDim: 64 },
    learningRate: 2e-4,
  },
  /**
   * The tokenizer of IRIS (arXiv 2209.00588, appendix A): 64 x 64 pixels in 4 x 4 tokens, 512 codes of 512 numbers, beta 1, absolute error, no restarts. Two
   * differences: the perceptual loss is left out, for the weights of its network are not ours to ship, and codes start as all of ours do.
   */
  iris: {
    frameShape: [64, 64, 3],
    tokenShape: [4, 4],
    network: 'vqgan',
    channels: 64,
    residualBlocks: 2,
    vqgan: { multipliers: [1, 1, 1, 1, 1], attentionAt: [8, 16], groups: 32 },
    quantizer: { vocabulary: 512, codeDim: 512, commitment: 1, restartAfter: 0 },
    reconstruction: { kind: 'l1' },
    learningRate: 1e-4,
    clipNorm: 10,
  },
};

/** Names of the presets for videos. */
export type VideoVqvaePreset = 'tiny' | 'moving-mnist';

/** Settings of VQ-VAEs of videos by name. */
export const videoVqvaePresets: Readonly<Record<VideoVqvaePreset, VideoVqvaeOptions>> = {
  /** 4 frames of 16 x 16 pixels in 2 x 4 x 4 tokens: a step takes a fraction of a second anywhere. */
  tiny: {
    frameShape: [4, 16, 16, 1],
    tokenShape: [2, 4, 4],
    channels: 8,
    residualChannels: 8,
    quantizer: { vocabulary: 16, codeDim: 8 },
  },
  /** Of arXiv 2104.10157 for Moving MNIST: 16 frames of 64 x 64 pixels in 4 x 16 x 16 tokens. */
  'moving-mnist': {
    frameShape: [16, 64, 64, 1],
    tokenShape: [4, 16, 16],
    channels: 240,
    residualChannels: 128,
    residualBlocks: 2,
    quantizer: { vocabulary: 512, codeDim: 64 },
    learningRate: 7e-4,
  },
};
