import { Agent, playEpisode } from '@tessera/agent';
import { Catch } from '@tessera/env-arcade';
import { createEngine } from '@tessera/engine';
import { NearestTokenizer, toUnit } from '@tessera/vqvae';
import { ndarray } from '@tessera/core';
import { test } from '@fast-check/vitest';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { filmDreams, filmEpisode } from '../../src/agent/film.ts';
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
  test('of an episode: four panels, a picture for every frame', () => {
    const episode = playEpisode(agent, new Catch(), { seed: 1 });
    (agent.tokenizer as NearestTokenizer).observe(toUnit(episode.frames));
    agent.refreshCodes();
    // Panels of four times 40 pixels, and a gap.
    expect(look(filmEpisode(agent, episode))).toEqual({ width: 328, height: 328, pictures: 10 });
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
    };
    expect(look(filmEpisode(other, episode))).toEqual({ width: 188, height: 348, pictures: 3 });
    other.dispose();
  });
});
