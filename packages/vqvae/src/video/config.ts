// The settings of a VQ-VAE of videos: those of pictures, with a time axis.
import { ConfigError } from '@tessera/core';
import { z } from 'zod';
import { checkSettings } from '../check-settings.ts';
import { vqvaeSchema } from '../config.ts';
import type { VqvaeConfig, VqvaeOptions } from '../config.ts';
import { settleQuantizer } from '../quantizers/settings.ts';

const positive = (meaning: string) => z.number().int().min(1).describe(meaning);

/** The schema of `VideoVqvaeConfig`. */
export const videoVqvaeSchema: z.ZodType<VideoVqvaeConfig, VideoVqvaeOptions> & z.ZodObject = (
  vqvaeSchema as z.ZodObject
)
  .omit({ network: true, vqgan: true })
  .extend({
    frameShape: z
      .tuple([positive('frames'), positive('height'), positive('width'), positive('channels')])
      .default([4, 16, 16, 1])
      .describe('frames, height, width and channels of a video'),
    tokenShape: z
      .tuple([positive('times'), positive('rows'), positive('columns')])
      .default([2, 4, 4])
      .describe(
        'times, rows and columns of tokens; the video is a power of two times as long, and another as high and wide',
      ),
    residualChannels: positive('feature maps inside of a residual block').default(32),
  }) as never;

/** Settings of a VQ-VAE of videos, defaults filled in. */
export interface VideoVqvaeConfig extends Omit<VqvaeConfig, 'frameShape' | 'tokenShape' | 'network' | 'vqgan'> {
  readonly frameShape: readonly [frames: number, height: number, width: number, channels: number];
  readonly tokenShape: readonly [times: number, rows: number, columns: number];
  readonly residualChannels: number;
}

/** Settings of a VQ-VAE of videos; what is left out takes its default. */
export type VideoVqvaeOptions = Partial<Omit<VideoVqvaeConfig, 'quantizer' | 'reconstruction'>> &
  Pick<VqvaeOptions, 'quantizer' | 'reconstruction'>;

/** Fills in defaults and checks. Throws ConfigError that names the field, what was expected and what came. */
export function videoVqvaeConfig(options: VideoVqvaeOptions = {}): VideoVqvaeConfig {
  const config = checkSettings('video VQVAE settings', videoVqvaeSchema, options);
  videoHalvings(config);
  return { ...config, quantizer: settleQuantizer(config.quantizer) };
}

/** How often the encoder halves time and space. Throws ConfigError when the video is not powers of two times the tokens, or not larger at all. */
export function videoHalvings({
  frameShape: [frames, height, width],
  tokenShape: [times, rows, columns],
}: Pick<VideoVqvaeConfig, 'frameShape' | 'tokenShape'>): { readonly time: number; readonly space: number } {
  const [time, space] = [Math.log2(frames / times), Math.log2(height / rows)];
  const whole = [time, space].every((count) => Number.isInteger(count) && count >= 0);
  if (!whole || height / rows !== width / columns || time + space === 0) {
    throw new ConfigError(
      `video VQVAE: ${frames} frames of ${height} x ${width} pixels do not halve down to ${times} x ${rows} x ${columns} tokens. Choose tokenShape so that frames / times is a power of two, height / rows = width / columns another, and one of them more than 1.`,
    );
  }
  return { time, space };
}
