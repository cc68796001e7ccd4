// Options that all games of this package share.
import { ConfigError } from '@tessera/core';

/** Returns the render mode when the game has it; throws ConfigError otherwise. */
export function checkRenderMode(game: string, mode: unknown, modes: readonly string[]): string | undefined {
  if (mode === undefined || (typeof mode === 'string' && modes.includes(mode))) return mode;
  throw new ConfigError(`${game}: expected a renderMode out of ${modes.join(', ')}, got ${JSON.stringify(mode)}.`);
}

/** Returns the pixels of a cell's side, 2 where it is left out; throws ConfigError for what is no whole number from 1 to 64. */
export function checkCellSize(where: string, cellSize: unknown = 2): number {
  if (typeof cellSize === 'number' && Number.isInteger(cellSize) && cellSize >= 1 && cellSize <= 64) return cellSize;
  throw new ConfigError(`${where}: expected a whole number from 1 to 64 as cellSize, got ${String(cellSize)}.`);
}
