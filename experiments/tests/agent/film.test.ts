import { Agent, dreamEpisode, playEpisode } from '@tessera/agent';
import { Catch } from '@tessera/env-arcade';
import { createEngine } from '@tessera/engine';
import { NearestTokenizer, toUnit } from '@tessera/vqvae';
import { ndarray } from '@tessera/core';
import { test } from '@fast-check/vitest';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { filmDreams, filmEpisode, filmPictures } from '../../src/agent/film.ts';
import { tiny } from './settings.ts';

let agent: Agent;

beforeAll(async () => {
  const engine = await createEngine({ backend: 'wasm' });
  const tokenizer = new NearestTokenizer({ frameShape: [40, 40, 3], vocabulary: 32 });
  const { worldModel, behaviour } = tiny;
  agent = new Agent(engine, { tokenizer, actions: { count: 3, first: 0 }, worldModel, behaviour });
});
afterAll(() => agent.engine.dispose());

/** Width, height, pictures and loop of a GIF. */
function look(gif: Uint8Array): { width: number; height: number; pictures: number } {
  const bytes = Buffer.from(gif);
  expect(bytes.toString('latin1', 0, 6)).toBe('GIF89a');
  // Each picture is announced by a graphic control extension: 21 f9 04.
  const pictures = bytes.toString('hex').match(/21f904..(....)..00/g)?.length ?? 0;
  return { width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8), pictures };
}

describe('films', () => {
  test('of an episode: four panels and what the policy thinks, a picture for every frame', () => {
    const episode = playEpisode(agent, new Catch(), { seed: 1 });
    (agent.tokenizer as NearestTokenizer).observe(toUnit(episode.frames));
    agent.refreshCodes();
    // Panels of four times 40 pixels and gaps; above titles of 10 pixels, below 72.
    expect(look(filmEpisode(agent, episode))).toEqual({ width: 664, height: 258, pictures: 10 });
  });

  test('show in each panel what belongs there', () => {
    const episode = playEpisode(agent, new Catch(), { seed: 2 });
    const dream = dreamEpisode(agent, episode, { lookEvery: 16 });
    const pictures = filmPictures(agent, episode, { names: ['left', 'stay', 'right'] });
    /** A pixel of a frame and where the film shows it, four times as large. */
    const same = (
      i: number,
      panel: number,
      { data }: { readonly data: Uint8Array },
      [y, x]: readonly [number, number],
    ) => {
      const film = pictures[i]!;
      const at = ((18 + 4 * y + 3) * film.shape[1]! + panel * 168 + 4 * x + 3) * 3;
      const from = ((i * 40 + y) * 40 + x) * 3;
      expect([...film.data.subarray(at, at + 3)]).toEqual([...data.subarray(from, from + 3)]);
    };
    for (let i = 0; i < 10; i++) {
      // The ball's cell and the paddle's row, where there is something to see.
      for (const place of [
        [4 * i, 8],
        [4 * i, 24],
        [38, 2],
        [38, 20],
        [0, 0],
      ] as const) {
        same(i, 0, episode.frames, [Math.min(39, place[0]), place[1]]);
        same(i, 1, dream.reconstruction, [Math.min(39, place[0]), place[1]]);
        same(i, 3, dream.imagined, [Math.min(39, place[0]), place[1]]);
      }
    }
    // The bars of every step are together as high as the room for them.
    const height = pictures[0]!.shape[0]!;
    const below = (i: number) => ({ data: pictures[i]!.data.subarray((height - 72) * 664 * 3), width: 664 });
    for (let i = 0; i < 9; i++) {
      const { data, width } = below(i);
      const count = (column: number) =>
        Array.from({ length: 59 }, (_, y) => data[(y * width + column) * 3 + 2]!).filter(
          (blue) => blue === 200 || blue === 40,
        ).length;
      const bars = [0, 1, 2].map((action) => count(action * 109 + 54));
      expect(Math.abs(bars.reduce((sum, bar) => sum + bar, 0) - 59)).toBeLessThanOrEqual(2);
    }
  });

  test('of dreams: a column an episode, the longest one decides', () => {
    const episodes = [3, 9].map((maxSteps) => playEpisode(agent, new Catch(), { seed: maxSteps, maxSteps }));
    expect(look(filmDreams(agent, episodes))).toEqual({ width: 328, height: 336, pictures: 10 });
  });

  test('of frames that do not divide: large ones stay as they are', () => {
    const tokenizer = new NearestTokenizer({ frameShape: [170, 90, 3], vocabulary: 4, tokenShape: [10, 9] });
    const { worldModel, behaviour } = tiny;
    const other = new Agent(agent.engine, { tokenizer, actions: { count: 2, first: 1 }, worldModel, behaviour });
    const frames = ndarray('uint8', [3, 170, 90, 3]);
    const episode = {
      frames,
      actions: Int32Array.of(1, 2),
      executedActions: Int32Array.of(1, 2),
      rewards: Float32Array.of(0, 1),
      totalReward: 1,
      probabilities: ndarray('float32', [2, 2], Float32Array.of(1, 0, 0.5, 0.5)),
      values: Float32Array.of(0, 1),
    };
    expect(look(filmEpisode(other, episode))).toEqual({ width: 384, height: 268, pictures: 3 });
    other.dispose();
  });
});
