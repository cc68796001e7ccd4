// Reads frames of sprite world back: the nearest of the 640 templates with what is left over, and where the ball is.
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import {
  backgroundColour,
  backgrounds,
  cellColumns,
  cells,
  cellSide,
  modes,
  side,
  spriteColours,
  spriteMasks,
  sprites,
} from './sprite-world.ts';

/** The nearest template of each frame. */
export interface ParsedFrames {
  readonly modes: Int32Array;
  /** The squared distance to it, summed over the frame: templates have no ball, so real frames leave about one ball's worth. */
  readonly residuals: Float64Array;
}

/** The nearest templates of frames, float32 [N, 32, 32, 3] in [0, 1]. */
export function parseFrames({ shape, data }: NdArray<'float32'>): ParsedFrames {
  const count = shape[0]!;
  const found = new Int32Array(count);
  const residuals = new Float64Array(count);
  const sums = cellSums();
  for (let n = 0; n < count; n++) {
    sums.read(data, n * side * side * 3);
    let best = Infinity;
    for (let background = 0; background < backgrounds; background++) {
      const total = sums.emptyError(background);
      for (let sprite = 0; sprite < sprites; sprite++) {
        for (let cell = 0; cell < cells; cell++) {
          const residual = total + sums.spriteChange(background, sprite, cell);
          if (residual >= best) continue;
          best = residual;
          found[n] = (background * sprites + sprite) * cells + cell;
        }
      }
    }
    residuals[n] = Math.max(0, best);
  }
  return { modes: found, residuals };
}

/** The cell of each pixel of a frame, and its place in that cell. */
const cellOf = Uint8Array.from({ length: side * side }, (_, pixel) => {
  const [x, y] = [pixel % side, Math.floor(pixel / side)];
  return Math.floor(y / cellSide) * cellColumns + Math.floor(x / cellSide);
});
const withinOf = Uint8Array.from({ length: side * side }, (_, pixel) => {
  const [x, y] = [pixel % side, Math.floor(pixel / side)];
  return (y % cellSide) * cellSide + (x % cellSide);
});

// Squared distances to flat colours follow from sums over the regions that have one: `sum (x - c)^2 = sum x^2 - 2 c sum x + n c^2`.
function cellSums(): {
  read(data: Float32Array, at: number): void;
  emptyError(background: number): number;
  /** How much a sprite in a cell changes the squared distance. */
  spriteChange(background: number, sprite: number, cell: number): number;
} {
  // Four numbers a region: the sum of each channel, and that of all squares.
  const whole = new Float64Array(cells * 4);
  const masked = new Float64Array(sprites * cells * 4);
  const sizes = spriteMasks.map((mask) => mask.reduce((size, pixel) => size + pixel, 0));
  const colours = Array.from({ length: 2 * backgrounds }, (_, i) => backgroundColour(i >> 1, i % 2 === 1));
  const colourOf = (background: number, cell: number) => colours[2 * background + (cell < cells / 2 ? 0 : 1)]!;
  const distance = (region: Float64Array, at: number, colour: readonly number[], size: number): number => {
    let total = region[at + 3]!;
    for (let c = 0; c < 3; c++) total += size * colour[c]! ** 2 - 2 * colour[c]! * region[at + c]!;
    return total;
  };
  return {
    read(data, at) {
      whole.fill(0);
      masked.fill(0);
      for (let pixel = 0; pixel < side * side; pixel++) {
        const r = data[at + 3 * pixel]!;
        const g = data[at + 3 * pixel + 1]!;
        const b = data[at + 3 * pixel + 2]!;
        const cell = cellOf[pixel]!;
        addTo(whole, cell * 4, r, g, b);
        for (let sprite = 0; sprite < sprites; sprite++) {
          if (spriteMasks[sprite]![withinOf[pixel]!] === 1) addTo(masked, (sprite * cells + cell) * 4, r, g, b);
        }
      }
    },
    emptyError(background) {
      let total = 0;
      for (let cell = 0; cell < cells; cell++)
        total += distance(whole, cell * 4, colourOf(background, cell), cellSide * cellSide);
      return total;
    },
    spriteChange(background, sprite, cell) {
      const at = (sprite * cells + cell) * 4;
      const size = sizes[sprite]!;
      return (
        distance(masked, at, spriteColours[sprite]!, size) - distance(masked, at, colourOf(background, cell), size)
      );
    },
  };
}

// A loop over thousands of frames: no arrays are made on the way.
function addTo(target: Float64Array, at: number, r: number, g: number, b: number): void {
  target[at]! += r;
  target[at + 1]! += g;
  target[at + 2]! += b;
  target[at + 3]! += r * r + g * g + b * b;
}

/** How many of a list of modes there are, and how evenly. */
export interface ModeCoverage {
  /** Distinct modes among the valid frames, of 640. */
  readonly modes: number;
  /** `KL(frequencies of the valid frames || uniform)` in nats. A sample of n uniform frames shows about `639 / (2 n)`. */
  readonly klToUniform: number;
  /** Share of frames whose residual is above the threshold. */
  readonly invalid: number;
}

/** Coverage of the modes by frames that were parsed; frames beyond `threshold` are invalid. With no valid frame the KL is NaN. */
export function modeCoverage({ modes: found, residuals }: ParsedFrames, threshold: number): ModeCoverage {
  const counts = new Float64Array(modes);
  let valid = 0;
  for (const [n, mode] of found.entries()) {
    if (residuals[n]! > threshold) continue;
    counts[mode]!++;
    valid++;
  }
  let kl = 0;
  for (const hits of counts) if (hits > 0) kl += (hits / valid) * Math.log((hits / valid) * modes);
  return {
    modes: counts.reduce((sum, hits) => sum + (hits > 0 ? 1 : 0), 0),
    klToUniform: valid === 0 ? NaN : kl,
    invalid: 1 - valid / found.length,
  };
}

/** The residual that all but one in a thousand frames stay at or below: the 99.9th percentile. */
export function validityThreshold({ residuals }: ParsedFrames): number {
  const sorted = residuals.toSorted();
  return sorted[Math.min(sorted.length - 1, Math.ceil(0.999 * sorted.length) - 1)]!;
}

// Nothing but the ball is brighter than 3/7 in all three channels.
const darkest = 0.45;
const window = 3;

/** The share of frames, float32 [N, 32, 32, 3], in which the ball is found within a pixel of where it is. `balls` as of `SpriteFrames`. */
export function ballRecall(frames: NdArray<'float32'>, balls: Float64Array): number {
  const count = frames.shape[0]!;
  const white = whiteness(frames);
  let found = 0;
  for (let n = 0; n < count; n++) {
    let best = { mass: 0, x: 0, y: 0 };
    for (let top = 0; top <= side - window; top++) {
      for (let left = 0; left <= side - window; left++) {
        let mass = 0;
        let x = 0;
        let y = 0;
        for (let py = top; py < top + window; py++) {
          for (let px = left; px < left + window; px++) {
            const value = white.data[(n * side + py) * side + px]!;
            mass += value;
            x += value * (px + 0.5);
            y += value * (py + 0.5);
          }
        }
        if (mass > best.mass) best = { mass, x: x / mass, y: y / mass };
      }
    }
    const off = Math.max(Math.abs(best.x - balls[2 * n]! - 1), Math.abs(best.y - balls[2 * n + 1]! - 1));
    if (best.mass >= 0.5 && off <= 1) found++;
  }
  return found / count;
}

function whiteness({ shape, data }: NdArray<'float32'>): NdArray<'float32'> {
  const out = ndarray('float32', shape.slice(0, 3));
  for (let i = 0; i < out.data.length; i++) {
    const darkestChannel = Math.min(data[3 * i]!, data[3 * i + 1]!, data[3 * i + 2]!);
    out.data[i] = Math.max(0, darkestChannel - darkest) / (1 - darkest);
  }
  return out;
}
