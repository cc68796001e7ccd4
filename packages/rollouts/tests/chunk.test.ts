import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { DTypeError, FormatError, InternalError, ndarray, ShapeError } from '@tessera/core';
import { ChunkBuilder } from '../src/chunk-builder.ts';
import { chunkBytes, chunkSteps, endsEpisode, truncateChunk, validateChunk } from '../src/chunk.ts';
import type { Chunk } from '../src/chunk.ts';
import { testChunk } from './fixtures/chunks.ts';

describe('validateChunk', () => {
  test('takes chunks of every length, ended or not', () => {
    for (const steps of [1, 2, 64]) {
      for (const chunk of [
        testChunk({ steps }),
        testChunk({ steps, ends: 'terminated' }),
        testChunk({ steps, ends: 'truncated' }),
      ]) {
        expect(validateChunk(chunk)).toBe(chunk);
      }
    }
  });

  const damaged: Record<string, { chunk: Chunk; error: new (message: string) => Error; message: RegExp }> = {
    'as many frames as actions': {
      chunk: { ...testChunk(), frames: ndarray('uint8', [3, 2, 2, 1]) },
      error: ShapeError,
      message:
        /^shard 7: expected frames of shape \[4, height, width, channels\], one more than the 3 actions, got \[3, 2, 2, 1\]\.$/,
    },
    'frames without channels': {
      chunk: { ...testChunk(), frames: ndarray('uint8', [4, 2, 2]) },
      error: ShapeError,
      message: /expected frames of shape \[4, height, width, channels\], .* got \[4, 2, 2\]/,
    },
    'frames of no pixels': {
      chunk: { ...testChunk(), frames: ndarray('uint8', [4, 0, 2, 1]) },
      error: ShapeError,
      message: /got \[4, 0, 2, 1\]/,
    },
    'float frames': {
      chunk: { ...testChunk(), frames: ndarray('float32', [4, 2, 2, 1]) as never },
      error: DTypeError,
      message: /^shard 7: expected frames of dtype uint8, got float32\.$/,
    },
    'no steps': { chunk: testChunk({ steps: 0 }), error: ShapeError, message: /expected at least one step/ },
    'data that does not fill its shape': {
      chunk: { ...testChunk(), actions: { dtype: 'int32', shape: [3], data: new Int32Array(2) } },
      error: ShapeError,
      message: /actions of shape \[3\] has 3 elements, but its data has 2/,
    },
    'rewards of another length': {
      chunk: { ...testChunk(), rewards: ndarray('float32', [2]) },
      error: ShapeError,
      message: /expected rewards of shape \[3\], one for each action, got \[2\]/,
    },
    'a column of actions': {
      chunk: { ...testChunk(), actions: ndarray('int32', [3, 1]) },
      error: ShapeError,
      message: /expected actions of shape \[steps\], got \[3, 1\]/,
    },
    'an end in the middle': {
      chunk: { ...testChunk(), terminated: ndarray('uint8', [3], Uint8Array.of(0, 1, 0)) },
      error: FormatError,
      message:
        /terminated is 1 at step 1 of 3, but an episode may end only at the last step of a chunk\. End the chunk there/,
    },
    'a flag that is no flag': {
      chunk: { ...testChunk(), truncated: ndarray('uint8', [3], Uint8Array.of(0, 0, 2)) },
      error: FormatError,
      message: /expected 0 or 1 in truncated, got 2 at step 2/,
    },
    'a reward that is no number': {
      chunk: { ...testChunk(), rewards: ndarray('float32', [3], Float32Array.of(0, Number.NaN, 0)) },
      error: FormatError,
      message: /expected finite rewards, got NaN at step 1/,
    },
    'a missing tensor': {
      chunk: { ...testChunk(), rewards: undefined as never },
      error: FormatError,
      message: /expected an array named rewards in the chunk, got none/,
    },
    'a newer format': {
      chunk: testChunk({ metadata: { formatVersion: 3 } }),
      error: FormatError,
      message: /expected a chunk of format version 2, got 3\. It was written by a newer Tessera/,
    },
    'no environment': {
      chunk: testChunk({ metadata: { envId: '' } }),
      error: FormatError,
      message: /expected an environment id in metadata\.envId, got ""/,
    },
    'a negative sequence number': {
      chunk: testChunk({ metadata: { sequence: -1 } }),
      error: FormatError,
      message: /expected a whole number >= 0 in metadata\.sequence, got -1/,
    },
    'no metadata': {
      chunk: { ...testChunk(), metadata: undefined as never },
      error: FormatError,
      message: /expected a chunk with metadata, got undefined/,
    },
  };
  for (const [name, { chunk, error, message }] of Object.entries(damaged)) {
    test(`refuses ${name}`, () => {
      expect(() => validateChunk(chunk, { where: 'shard 7' })).toThrow(error);
      expect(() => validateChunk(chunk, { where: 'shard 7' })).toThrow(message);
    });
  }
});

describe('truncateChunk', () => {
  test.prop([fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })])(
    'keeps the first rows in memory of their own, and is valid',
    (steps, keep) => {
      fc.pre(keep <= steps);
      const chunk = testChunk({ steps, ends: 'terminated' });
      const cut = validateChunk(truncateChunk(chunk, keep));
      expect(chunkSteps(cut)).toBe(keep);
      expect([...cut.frames.data]).toEqual([...chunk.frames.data.subarray(0, (keep + 1) * 4)]);
      expect(endsEpisode(cut)).toBe(keep === steps);
      expect(cut.frames.data.buffer.byteLength).toBe(cut.frames.data.byteLength);
      expect(chunkBytes(cut)).toBe((keep + 1) * 4 + keep * (4 + 4 + 4 + 1 + 1));
    },
  );

  test('refuses to keep nothing, and more than there is', () => {
    expect(() => truncateChunk(testChunk(), 0)).toThrow(ShapeError);
    expect(() => truncateChunk(testChunk(), 4)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: truncateChunk: expected 1 to 3 steps, as the chunk has, got 4.]`,
    );
  });
});

describe('ChunkBuilder', () => {
  /** Lengths of episodes, each step's frame carrying the number of the frame in its episode. */
  const episodes = fc.array(fc.record({ steps: fc.integer({ min: 1, max: 12 }), truncates: fc.boolean() }), {
    minLength: 1,
    maxLength: 6,
  });

  test.prop([episodes, fc.integer({ min: 1, max: 5 })])(
    'cuts episodes into valid chunks from which they can be put together again',
    (plan, chunkLength) => {
      const builder = new ChunkBuilder({ envId: 'Plan-v0', envIndex: 2, seed: 5, frameShape: [1, 1, 2], chunkLength });
      const chunks: Chunk[] = [];
      for (const { steps, truncates } of plan) {
        // One buffer for ever: the builder must copy.
        const frame = new Uint8Array(2);
        for (let step = 0; step < steps; step++) {
          if (step % chunkLength === 0) {
            frame.fill(step);
            builder.begin(frame, { policyVersion: 9 });
          }
          const last = step === steps - 1;
          frame.fill(step + 1);
          builder.add({
            action: step,
            reward: -step,
            frame,
            terminated: last && !truncates,
            truncated: last && truncates,
          });
          expect(builder.isComplete).toBe(last || step % chunkLength === chunkLength - 1);
          if (builder.isComplete) chunks.push(builder.finish());
          expect(builder.needsReset).toBe(last);
        }
      }
      expect(chunks.map(({ metadata }) => metadata.sequence)).toEqual(chunks.map((_, index) => index));
      for (const [episode, { steps, truncates }] of plan.entries()) {
        const own = chunks.filter(({ metadata }) => metadata.episode === episode);
        for (const chunk of own) {
          validateChunk(chunk);
          const { firstStep } = chunk.metadata;
          expect(chunk.metadata).toMatchObject({ envId: 'Plan-v0', envIndex: 2, seed: 5, policyVersion: 9 });
          const rows = Array.from({ length: chunkSteps(chunk) }, (_, row) => firstStep + row);
          // actions[t] was taken at frames[t] and led to rewards[t] and frames[t + 1].
          expect([...chunk.actions.data]).toEqual(rows);
          expect([...chunk.rewards.data]).toEqual(rows.map((row) => Math.fround(-row)));
          expect([...chunk.frames.data]).toEqual([...rows, firstStep + rows.length].flatMap((row) => [row, row]));
          expect(chunk.frames.data.buffer.byteLength).toBe(chunk.frames.data.byteLength);
        }
        expect(own.reduce((sum, chunk) => sum + chunkSteps(chunk), 0)).toBe(steps);
        expect(own.map(endsEpisode)).toEqual(own.map((_, index) => index === own.length - 1));
        expect(own.at(-1)!.truncated.data.at(-1)).toBe(truncates ? 1 : 0);
      }
    },
  );

  test('calls out of turn are defects', () => {
    const builder = new ChunkBuilder({ envId: 'Plan-v0', envIndex: 0, seed: 0, frameShape: [1, 1, 1], chunkLength: 1 });
    const frame = new Uint8Array(1);
    const row = { action: 0, reward: 0, frame, terminated: false, truncated: false };
    expect(() => builder.add(row)).toThrow(InternalError);
    expect(() => builder.finish()).toThrow(InternalError);
    builder.begin(frame, { policyVersion: 0 });
    expect(() => builder.begin(frame, { policyVersion: 0 })).toThrow(InternalError);
    expect(() => builder.finish()).toThrow(InternalError);
    builder.add(row);
    expect(() => builder.add(row)).toThrow(InternalError);
  });
});
