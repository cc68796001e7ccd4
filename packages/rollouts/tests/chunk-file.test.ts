import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { decodeSafetensors, encodeSafetensors, FormatError, ndarray, ShapeError } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { decodeChunks, encodeChunks } from '../src/chunk-file.ts';
import { testChunk } from './fixtures/chunks.ts';

const plans = fc.array(
  fc.record({
    steps: fc.integer({ min: 1, max: 7 }),
    firstFrame: fc.nat({ max: 255 }),
    ends: fc.constantFrom('terminated' as const, 'truncated' as const, undefined),
  }),
  { minLength: 1, maxLength: 6 },
);
const chunksOf = (
  plan: readonly { steps: number; firstFrame: number; ends: 'terminated' | 'truncated' | undefined }[],
) =>
  plan.map(({ ends, ...rest }, sequence) => {
    const chunk = testChunk({
      ...rest,
      ...(ends && { ends }),
      metadata: { sequence, envId: 'Größe-v0', policyVersion: 9 },
    });
    for (let step = 0; step < rest.steps; step++) {
      chunk.actions.data[step] = step - 2 ** 31;
      chunk.rewards.data[step] = sequence + step / 8;
    }
    return chunk;
  });

describe('a file of chunks', () => {
  test.prop([plans])('gives them back, each in memory of its own', (plan) => {
    const chunks = chunksOf(plan);
    const bytes = encodeChunks(chunks);
    const read = decodeChunks(bytes);
    expect(read).toEqual(chunks);
    for (const { frames } of read) expect(frames.data.buffer.byteLength).toBe(frames.data.byteLength);
    expect(encodeChunks(read)).toEqual(bytes);
  });

  test.prop([plans, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })])(
    'cut short is refused',
    (plan, part) => {
      const bytes = encodeChunks(chunksOf(plan));
      expect(() => decodeChunks(bytes.subarray(0, Math.floor(part * bytes.length)), { source: 'x' })).toThrow(
        FormatError,
      );
    },
  );

  test.prop([plans, fc.nat(), fc.integer({ min: 1, max: 255 })], { numRuns: 300 })(
    'with a changed byte is refused or well-formed: never anything else',
    (plan, position, change) => {
      const bytes = encodeChunks(chunksOf(plan));
      bytes[position % bytes.length]! ^= change;
      try {
        expect(decodeChunks(bytes).length).toBeGreaterThan(0);
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError);
      }
    },
  );

  test('is read by whoever reads safetensors', () => {
    const { tensors, metadata } = decodeSafetensors(encodeChunks([testChunk({ steps: 2 }), testChunk({ steps: 3 })]));
    expect(
      Object.fromEntries(Object.entries(tensors).map(([name, { dtype, shape }]) => [name, [dtype, ...shape]])),
    ).toEqual({
      steps: ['int32', 2],
      frames: ['uint8', 7, 2, 2, 1],
      actions: ['int32', 5],
      executedActions: ['int32', 5],
      rewards: ['float32', 5],
      terminated: ['uint8', 5],
      truncated: ['uint8', 5],
    });
    expect(metadata).toMatchObject({ format: 'tessera-chunks', formatVersion: '2' });
    expect(JSON.parse(metadata['chunks']!)).toEqual([testChunk().metadata, testChunk().metadata]);
  });

  test('is not written of no chunks, of bad ones, or of frames of two shapes', () => {
    expect(() => encodeChunks([])).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: encodeChunks: expected at least one chunk, got none.]`,
    );
    expect(() => encodeChunks([testChunk(), testChunk({ frameShape: [1, 2, 1] })])).toThrow(ShapeError);
    expect(() => encodeChunks([testChunk(), testChunk({ frameShape: [1, 2, 1] })])).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: encodeChunks: expected frames of one shape, [2, 2, 1], got [1, 2, 1] in chunk 1.]`,
    );
    const bad = testChunk();
    bad.rewards.data[1] = NaN;
    expect(() => encodeChunks([testChunk(), bad])).toThrowErrorMatchingInlineSnapshot(
      `[FormatError: encodeChunks: chunk 1: expected finite rewards, got NaN at step 1 of the chunk.]`,
    );
  });
});

interface File {
  tensors: Record<string, NdArray>;
  metadata: Record<string, string>;
}

const list = (change: object): string => JSON.stringify([0, 1].map(() => ({ ...testChunk().metadata, ...change })));
const damaged: Record<string, { damage: (file: File) => void; message: RegExp }> = {
  'another kind of file': {
    damage: ({ metadata }) => delete metadata['format'],
    message: /expected a file of chunks, got one of format undefined/,
  },
  'a newer format': {
    damage: ({ metadata }) => (metadata['formatVersion'] = '3'),
    message: /format version 2, got "3"\. It was written by a newer Tessera: update/,
  },
  'a missing tensor': { damage: ({ tensors }) => delete tensors['rewards'], message: /the tensor rewards is missing/ },
  'an extra tensor': {
    damage: ({ tensors }) => (tensors['codes'] = ndarray('int32', [1])),
    message: /expected the tensors frames, .* got "codes" besides/,
  },
  'rewards of another dtype': {
    damage: ({ tensors }) => (tensors['rewards'] = ndarray('float64', [6])),
    message: /expected rewards float32 \[6\], .* got float64 \[6\]/,
  },
  'frames of another dtype': {
    damage: ({ tensors }) => (tensors['frames'] = ndarray('int8', [8, 2, 2, 1])),
    message: /expected frames uint8 \[8, height, width, channels\], .* got int8 \[8, 2, 2, 1\]/,
  },
  'frames of no pixels': {
    damage: ({ tensors }) => (tensors['frames'] = ndarray('uint8', [8, 0, 2, 1])),
    message: /got uint8 \[8, 0, 2, 1\]/,
  },
  'too few frames': {
    damage: ({ tensors }) => (tensors['frames'] = ndarray('uint8', [6, 2, 2, 1])),
    message: /expected frames uint8 \[8, .* one more than its steps for each chunk, got uint8 \[6, 2, 2, 1\]/,
  },
  'too many frames': {
    damage: ({ tensors }) => (tensors['frames'] = ndarray('uint8', [9, 2, 2, 1])),
    message: /expected frames uint8 \[8, .* got uint8 \[9, 2, 2, 1\]/,
  },
  'steps that add up to more': {
    damage: ({ tensors }) => (tensors['steps'] = ndarray('int32', [2], Int32Array.of(3, 4))),
    message: /expected actions int32 \[7\], as the steps of the chunks add up to, got int32 \[6\]/,
  },
  'steps below one': {
    damage: ({ tensors }) => (tensors['steps'] = ndarray('int32', [2], Int32Array.of(7, -1))),
    message: /expected at least one step in chunk 1, got -1/,
  },
  'steps of another number of chunks': {
    damage: ({ tensors }) => (tensors['steps'] = ndarray('int32', [3], Int32Array.of(2, 2, 2))),
    message: /expected steps int32 \[2\], got int32 \[3\]/,
  },
  'a column of actions': {
    damage: ({ tensors }) => (tensors['actions'] = ndarray('int32', [6, 1])),
    message: /expected actions int32 \[6\], .* got int32 \[6, 1\]/,
  },
  'a reward that is no number': {
    damage: ({ tensors }) => (tensors['rewards']!.data[4] = NaN),
    message: /chunk 1: expected finite rewards, got NaN at step 1 of the chunk/,
  },
  'an end in the middle': {
    damage: ({ tensors }) => (tensors['truncated']!.data[1] = 1),
    message: /chunk 0: truncated is 1 at step 1 of 3/,
  },
  'no metadata': {
    damage: ({ metadata }) => delete metadata['chunks'],
    message: /expected metadata of the chunks as JSON, got undefined/,
  },
  'metadata that is no JSON': { damage: ({ metadata }) => (metadata['chunks'] = '[{'), message: /as JSON, got "\[\{"/ },
  'metadata that is no list': {
    damage: ({ metadata }) => (metadata['chunks'] = '{}'),
    message: /expected a list of metadata, one for each chunk, got \{\}/,
  },
  'metadata of nobody': {
    damage: ({ metadata }) => (metadata['chunks'] = '[null, null]'),
    message: /list of metadata/,
  },
  'metadata of no environment': {
    damage: ({ metadata }) => (metadata['chunks'] = list({ envId: '' })),
    message: /chunk 0: expected an environment id/,
  },
  'chunks of a newer format': {
    damage: ({ metadata }) => (metadata['chunks'] = list({ formatVersion: 3 })),
    message: /expected a chunk of format version 2, got 3\. It was written by a newer Tessera/,
  },
  'a place that is no number': {
    damage: ({ metadata }) => (metadata['firstChunkId'] = '-1'),
    message: /expected a whole number in firstChunkId, got "-1"/,
  },
};

describe('a file is refused for', () => {
  for (const [name, { damage, message }] of Object.entries(damaged)) {
    test(name, () => {
      const file: File = decodeSafetensors(encodeChunks([testChunk(), testChunk()]));
      damage(file);
      const bytes = encodeSafetensors(file.tensors, file.metadata);
      const read = (): unknown => decodeChunks(bytes, { source: 'replay/shard-000007.safetensors' });
      expect(read).toThrow(FormatError);
      expect(read).toThrow(message);
      expect(read).toThrow(/^chunks 'replay\/shard-000007\.safetensors': /);
    });
  }

  test('being no safetensors file', () => {
    const bytes = new TextEncoder().encode('<html>not found</html>');
    expect(() => decodeChunks(bytes, { source: 'shard-000007.safetensors' })).toThrowErrorMatchingInlineSnapshot(
      `[FormatError: safetensors 'shard-000007.safetensors': the header claims 8029423821061908540 bytes, more than the 100000000 allowed. Is it a safetensors file?]`,
    );
  });
});
