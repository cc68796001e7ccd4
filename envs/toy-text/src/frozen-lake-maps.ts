// Maps of FrozenLake: Gymnasium's two, and random ones with a way from start to goal.
import { ConfigError } from '@tessera/core';
import { npRandom } from 'gymnasium-js';
import type { Seed } from 'gymnasium-js';

/** S start, F frozen, H hole, G goal. */
export const frozenLakeMaps: Readonly<Record<'4x4' | '8x8', readonly string[]>> = {
  '4x4': ['SFFF', 'FHFH', 'FFFH', 'HFFG'],
  '8x8': ['SFFFFFFF', 'FFFFFFFF', 'FFFHFFFF', 'FFFFFHFF', 'FFFHFFFF', 'FHHFFFHF', 'FHFFHFHF', 'FFFHFFFG'],
};

export interface RandomMapOptions {
  /** Rows and columns, 2 to 256; 8 by default. */
  readonly size?: number;
  /** Probability that a tile is frozen, above 0; 0.8 by default, 1 where it is more. */
  readonly p?: number;
  /** By default from the operating system's entropy. */
  readonly seed?: Seed | undefined;
}

// Tiles that are drawn before it gives up: less than a second.
const mostTiles = 4_000_000;

/**
 * A random map with a path from the start at the upper left to the goal at the lower right, as Gymnasium's `generate_random_map` draws it from this seed.
 *
 * Throws ConfigError for options out of range, and where no map of many has a path (Gymnasium would go on for ever).
 */
export function generateRandomMap(options: RandomMapOptions = {}): string[] {
  const { size = 8, p = 0.8, seed } = options;
  if (!(Number.isInteger(size) && size >= 2 && size <= 256)) {
    throw new ConfigError(`generateRandomMap: expected a whole number from 2 to 256 as size, got ${String(size)}.`);
  }
  if (!(typeof p === 'number' && p > 0)) {
    throw new ConfigError(`generateRandomMap: expected a probability above 0 as p, got ${String(p)}.`);
  }
  const { generator } = npRandom(seed);
  const frozen = Math.min(1, p);
  // NumPy's choice divides by the sum of the probabilities, which rounds.
  const border = frozen / (frozen + (1 - frozen));
  const tries = Math.floor(mostTiles / (size * size));
  for (let i = 0; i < tries; i++) {
    const board = Array.from({ length: size }, () =>
      Array.from({ length: size }, (): string => (generator.random() < border ? 'F' : 'H')),
    );
    board[0]![0] = 'S';
    board[size - 1]![size - 1] = 'G';
    if (hasPath(board)) return board.map((row) => row.join(''));
  }
  throw new ConfigError(
    `generateRandomMap: none of ${tries} maps of size ${size} with p ${p} has a path from start to goal. Choose a larger p.`,
  );
}

// Whether the goal can be reached from the upper left.
function hasPath(board: readonly (readonly string[])[]): boolean {
  const size = board.length;
  const seen = new Set<number>();
  const frontier = [0];
  for (let at = frontier.pop(); at !== undefined; at = frontier.pop()) {
    if (seen.has(at)) continue;
    seen.add(at);
    const [row, column] = [Math.floor(at / size), at % size];
    for (const [r, c] of [
      [row + 1, column],
      [row, column + 1],
      [row - 1, column],
      [row, column - 1],
    ] as const) {
      const tile = board[r]?.[c];
      if (tile === 'G') return true;
      if (tile !== undefined && tile !== 'H') frontier.push(r * size + c);
    }
  }
  return false;
}

/** Returns the rows of a map of one's own; throws ConfigError unless they are equally long texts of S, F, H and G with a start in them. */
export function checkMap(owner: string, desc: unknown): readonly string[] {
  const rows = Array.isArray(desc) ? (desc as readonly unknown[]) : [];
  const isText = rows.every((row): row is string => typeof row === 'string' && /^[SFHG]+$/.test(row));
  if (rows.length === 0 || !isText) {
    throw new ConfigError(
      `${owner}: expected an array of texts of S (start), F (frozen), H (hole) and G (goal) as desc, got ${JSON.stringify(desc)}.`,
    );
  }
  const texts = rows as readonly string[];
  if (texts.some((row) => row.length !== texts[0]!.length)) {
    throw new ConfigError(
      `${owner}: expected rows of equal length as desc, got lengths ${texts.map((row) => row.length).join(', ')}.`,
    );
  }
  if (!texts.some((row) => row.includes('S'))) throw new ConfigError(`${owner}: expected a start S in desc.`);
  return [...texts];
}
