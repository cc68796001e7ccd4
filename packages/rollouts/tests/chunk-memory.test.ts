import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { ConfigError, npRandom, ShapeError } from '@tessera/core';
import { ChunkMemory } from '../src/chunk-memory.ts';
import { chunkBytes } from '../src/chunk.ts';
import { holdOutEvery } from '../src/held-out.ts';
import { testChunk } from './fixtures/chunks.ts';

const ends = fc.constantFrom('terminated' as const, 'truncated' as const, undefined);
const plans = fc.array(fc.record({ steps: fc.integer({ min: 1, max: 6 }), ends }), { minLength: 1, maxLength: 20 });

describe('ChunkMemory', () => {
  test.prop([plans, fc.integer({ min: 150, max: 700 })])(
    'holds the newest chunks that fit, in order, and counts bytes and frames',
    (plan, maxBytes) => {
      const memory = new ChunkMemory({ maxBytes });
      const all = plan.map((entry, sequence) => ({
        ...entry,
        chunk: testChunk({ steps: entry.steps, ends: entry.ends!, metadata: { sequence } }),
      }));
      for (const { chunk } of all) memory.add(chunk);
      // The longest tail that fits.
      const tail: typeof all = [];
      let bytes = 0;
      for (const entry of all.toReversed()) {
        bytes += chunkBytes(entry.chunk);
        if (bytes > maxBytes) break;
        tail.unshift(entry);
      }
      expect(memory.chunks).toEqual(tail.map(({ chunk }) => chunk));
      expect(memory.bytes).toBe(tail.reduce((sum, { chunk }) => sum + chunkBytes(chunk), 0));
      expect(memory.bytes).toBeLessThanOrEqual(maxBytes);
      const frames = tail.reduce((sum, entry) => sum + entry.steps + (entry.ends === undefined ? 0 : 1), 0);
      expect(memory.frameCount).toBe(frames);
    },
  );

  test.prop([fc.nat(), fc.integer({ min: 1, max: 7 })])(
    'the same generator and content give the same batch',
    (seed, batch) => {
      const memory = new ChunkMemory({ maxBytes: 1000 });
      memory.add(testChunk({ steps: 5 }));
      memory.add(testChunk({ steps: 5, firstFrame: 5, ends: 'terminated' }));
      const first = memory.sampleFrames(npRandom(seed), batch);
      expect(first.shape).toEqual([batch, 2, 2, 1]);
      expect(first.dtype).toBe('uint8');
      expect(memory.sampleFrames(npRandom(seed), batch)).toEqual(first);
      // Frames arrive whole.
      for (let row = 0; row < batch; row++) {
        expect(new Set(first.data.subarray(row * 4, (row + 1) * 4)).size).toBe(1);
      }
    },
  );

  test('draws every frame it holds equally often, shared frames once, evicted ones never', () => {
    const oldest = testChunk({ steps: 4, firstFrame: 200 });
    const memory = new ChunkMemory({ maxBytes: 4 * chunkBytes(oldest) - 1 });
    memory.add(oldest);
    memory.add(testChunk({ steps: 4, firstFrame: 0 }));
    memory.add(testChunk({ steps: 4, firstFrame: 4, ends: 'terminated' }));
    memory.add(testChunk({ steps: 4, firstFrame: 9 }));
    expect(memory.frameCount).toBe(13);
    const draws = 130_000;
    const { data } = memory.sampleFrames(npRandom(0), draws);
    const counts = new Uint32Array(256);
    for (let row = 0; row < draws; row++) counts[data[row * 4]!]!++;
    // Chi-square with 12 degrees of freedom: 32.9 is passed once in a thousand seeds, and this seed is fixed.
    const expected = draws / 13;
    const held = [...counts.subarray(0, 13)];
    expect(held.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)).toBeLessThan(32.9);
    expect(counts.slice(13).every((count) => count === 0)).toBe(true);
  });

  test('bad sizes, an empty memory, foreign frames, a chunk that is too large', () => {
    expect(() => new ChunkMemory({ maxBytes: 0 })).toThrow(ConfigError);
    expect(() => new ChunkMemory({ maxBytes: Number.NaN })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: ChunkMemory: expected maxBytes to be a whole number >= 1, got NaN.]`,
    );
    const memory = new ChunkMemory({ maxBytes: 100 });
    expect(() => memory.sampleFrames(npRandom(0), 1)).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: sampleFrames: the memory is empty. Add a chunk before sampling from it.]`,
    );
    const chunk = testChunk();
    memory.add(chunk);
    expect(() => memory.sampleFrames(npRandom(0), 0)).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: sampleFrames: expected batch to be a whole number >= 1, got 0.]`,
    );
    expect(() => memory.sampleFrames(npRandom(0), 1.5)).toThrow(ConfigError);
    expect(() => memory.add(testChunk({ frameShape: [2, 1, 2] }))).toThrow(ShapeError);
    expect(() => memory.add(testChunk({ frameShape: [2, 1, 2] }))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: ChunkMemory.add: expected frames of shape [2, 2, 1], like those held, got [2, 1, 2] from Test-v0. Use one memory for each frame shape, or resize.]`,
    );
    expect(() => memory.add(testChunk({ steps: 64 }))).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: ChunkMemory.add: a chunk of 1156 bytes does not fit into maxBytes 100. Raise maxBytes, or make chunks shorter.]`,
    );
    expect(memory.chunks).toEqual([chunk]);
  });
});

describe('holdOutEvery', () => {
  test.prop([fc.integer({ min: 2, max: 20 }), fc.nat({ max: 50 })])(
    'takes exactly one of `every` neighbours, and never the first chunk of a run',
    (every, envIndex) => {
      const isHeldOut = holdOutEvery(every);
      const taken = Array.from({ length: every * 3 }, (_, sequence) =>
        isHeldOut(testChunk({ metadata: { sequence, envIndex } }).metadata),
      );
      for (let start = 0; start <= every * 2; start++) {
        expect(taken.slice(start, start + every).filter(Boolean)).toHaveLength(1);
      }
      expect(isHeldOut(testChunk().metadata)).toBe(false);
    },
  );

  test('holding out everything is an error', () => {
    expect(() => holdOutEvery(1)).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: holdOutEvery: expected every to be a whole number >= 2, got 1.]`,
    );
  });
});
