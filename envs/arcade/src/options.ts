// Options that all games of this package share.
import { ConfigError } from '@tessera/core';

/** Returns the render mode when the game has it; throws ConfigError otherwise. */
export function checkRenderMode(game: string, mode: unknown, modes: readonly string[]): string | undefined {
  if (mode === undefined || (typeof mode === 'string' && modes.includes(mode))) return mode;
  throw new ConfigError(`${game}: expected a renderMode out of ${modes.join(', ')}, got ${JSON.stringify(mode)}.`);
}
