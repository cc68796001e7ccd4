// Options that all games of this package share.
import { ConfigError } from '@tessera/core';

/** Returns the render mode when the game has it; throws ConfigError otherwise. */
export function checkRenderMode(game: string, mode: unknown, modes: readonly string[]): string | undefined {
  if (mode === undefined || (typeof mode === 'string' && modes.includes(mode))) return mode;
  throw new ConfigError(`${game}: expected a renderMode out of ${modes.join(', ')}, got ${JSON.stringify(mode)}.`);
}

/** Returns the pixels of a cell's side, 2 where it is left out; throws ConfigError for what is no whole number from 1 to 64. */
export function checkCellSize(where: string, cellSize: unknown = 2): number {
  return checkWhole(where, { name: 'cellSize', value: cellSize, low: 1, high: 64 });
}

/** Returns the pixels of the side of a frame of 10 x 10 cells, from `frameSize` or `cellSize`. Throws ConfigError for values out of range, and when both are there. */
export function checkFramePixels(where: string, options: { cellSize?: unknown; frameSize?: unknown }): number {
  const { cellSize, frameSize } = options;
  if (frameSize === undefined) return 10 * checkCellSize(where, cellSize);
  if (cellSize !== undefined) {
    throw new ConfigError(
      `${where}: expected cellSize or frameSize, got both. Leave one out: frameSize is the size of ten cells.`,
    );
  }
  return checkWhole(where, { name: 'frameSize', value: frameSize, low: 10, high: 640 });
}

/** Returns what observations are, `rgb` where it is left out; throws ConfigError for other names than `rgb` and `channels`. */
export function checkObsType(where: string, obsType: unknown = 'rgb'): 'rgb' | 'channels' {
  if (obsType === 'rgb' || obsType === 'channels') return obsType;
  throw new ConfigError(`${where}: expected an obsType out of rgb, channels, got ${JSON.stringify(obsType)}.`);
}

/** Returns the probability of a sticky action, 0.1 where it is left out; throws ConfigError for what is no number from 0 to 1. */
export function checkStickyActions(where: string, stickyActions: unknown = 0.1): number {
  if (typeof stickyActions === 'number' && stickyActions >= 0 && stickyActions <= 1) return stickyActions;
  throw new ConfigError(`${where}: expected a probability from 0 to 1 as stickyActions, got ${String(stickyActions)}.`);
}

/** Returns whether the game grows harder, true where it is left out; throws ConfigError for what is no boolean. */
export function checkRamping(where: string, difficultyRamping: unknown = true): boolean {
  if (typeof difficultyRamping === 'boolean') return difficultyRamping;
  throw new ConfigError(
    `${where}: expected true or false as difficultyRamping, got ${JSON.stringify(difficultyRamping)}.`,
  );
}

function checkWhole(where: string, option: { name: string; value: unknown; low: number; high: number }): number {
  const { name, value, low, high } = option;
  if (typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high) return value;
  throw new ConfigError(`${where}: expected a whole number from ${low} to ${high} as ${name}, got ${String(value)}.`);
}
