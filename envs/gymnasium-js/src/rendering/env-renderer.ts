// `render` for environments that draw themselves: the options renderMode and renderSize, the picture and its background, Gymnasium's warning.
import { ConfigError } from '@tessera/core';
import { warn } from '../logger.ts';
import type { RenderFrame } from '../types.ts';
import { Raster } from './raster.ts';

/** Pixels of a picture: one number for both sides, or `[height, width]`. */
export type RenderSize = number | readonly [height: number, width: number];

export interface RenderOptions {
  /** One of the environment's modes: `rgb_array` for pictures, `ansi` for text. None by default. */
  readonly renderMode?: string | undefined;
  /** Pixels of a picture, 1 to 4096 a side; 64 by default. The scene is stretched to it, as a resized frame of Gymnasium would be. */
  readonly renderSize?: RenderSize | undefined;
}

/** The modes that an environment has, the coordinates that it draws in, and what never changes in its pictures. */
export interface PictureLayout {
  readonly modes: readonly string[];
  readonly viewHeight: number;
  readonly viewWidth: number;
  readonly yUp?: boolean;
  readonly drawBackground: (raster: Raster) => void;
}

/** What is to be shown. */
export interface Scene {
  /** The environment's id, for the warning. */
  readonly id: string;
  /** Whether there is a state yet; without one there is no picture. */
  readonly hasState: boolean;
  /** Draws over the background. */
  readonly draw: (raster: Raster) => void;
  /** The text of the mode `ansi`. */
  readonly text?: () => string;
}

/** Draws for one environment. Costs nothing until the first picture. */
export class EnvRenderer {
  readonly mode: string | undefined;
  readonly #layout: PictureLayout;
  readonly #size: readonly [height: number, width: number];
  #background: Raster | undefined;
  #raster: Raster | undefined;

  /** Throws ConfigError for a mode that is not in the layout and for a size out of range. */
  constructor(owner: string, options: RenderOptions, layout: PictureLayout) {
    this.mode = checkMode(owner, options.renderMode, layout.modes);
    this.#size = checkSize(owner, options.renderSize);
    this.#layout = layout;
  }

  /** What `render` returns: the picture, the text in the mode ansi, undefined before the first reset, and with a warning when there is no mode. */
  render({ id, hasState, draw, text }: Scene): RenderFrame | undefined {
    if (this.mode === undefined) {
      warn(
        'You are calling render method without specifying any render mode. You can specify the renderMode at initialization, ' +
          `e.g. make('${id}', { renderMode: 'rgb_array' })`,
      );
      return undefined;
    }
    if (!hasState) return undefined;
    if (this.mode === 'ansi') return text?.();
    this.#raster ??= this.#newRaster();
    this.#raster.copyFrom((this.#background ??= this.#drawBackground()));
    draw(this.#raster);
    return this.#raster.toFrame();
  }

  /** Forgets the background, for environments in which it has changed. */
  invalidateBackground(): void {
    this.#background = undefined;
  }

  #drawBackground(): Raster {
    const background = this.#newRaster();
    this.#layout.drawBackground(background);
    return background;
  }

  #newRaster(): Raster {
    const { viewHeight, viewWidth, yUp = false } = this.#layout;
    const [height, width] = this.#size;
    return new Raster({ height, width, viewHeight, viewWidth, yUp });
  }
}

function checkMode(owner: string, mode: unknown, modes: readonly string[]): string | undefined {
  if (mode === undefined || (typeof mode === 'string' && modes.includes(mode))) return mode;
  throw new ConfigError(`${owner}: expected a renderMode out of ${modes.join(', ')}, got ${JSON.stringify(mode)}.`);
}

function checkSize(owner: string, size: unknown = 64): readonly [height: number, width: number] {
  const sides: readonly unknown[] = Array.isArray(size) ? size : [size, size];
  const isSide = (side: unknown): side is number => Number.isInteger(side) && Number(side) >= 1 && Number(side) <= 4096;
  const [height, width] = sides;
  if (sides.length === 2 && isSide(height) && isSide(width)) return [height, width];
  throw new ConfigError(
    `${owner}: expected a whole number from 1 to 4096 or two of them, [height, width], as renderSize, got ${JSON.stringify(size)}.`,
  );
}
