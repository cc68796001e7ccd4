import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { ConfigError, FileError, FormatError, npRandom, ShapeError } from '@tessera/core';
import type { Generator } from '@tessera/core';
import { injectFaults } from '@tessera/core/node';
import type { FileOperation } from '@tessera/core/node';
import { encodeChunkFile, encodeChunks } from '../src/chunk-file.ts';
import type { Chunk } from '../src/chunk.ts';
import { folderShards } from '../src/folder-shards.ts';
import { Replay } from '../src/replay.ts';
import type { ReplayState } from '../src/replay-state.ts';
import { memoryShards } from '../src/shard-store.ts';
import type { ShardStore } from '../src/shard-store.ts';
import { hasWindow, stepWindow } from '../src/step-window.ts';
import { VectorRollouts } from '../src/vector-rollouts.ts';
import { testChunk } from './fixtures/chunks.ts';
import { errorOf } from './fixtures/rollouts.ts';
import { readTally, tally, tallyActions, tallyReward } from './fixtures/tally-env.ts';
import { temporaryFolder } from './fixtures/temporary-folder.ts';

const shardPath = (folder: string, shard: number): string =>
  join(folder, `shard-${String(shard).padStart(6, '0')}.safetensors`);

/** Chunks of one endless episode. */
const chunkAt = (sequence: number, steps = 3): Chunk =>
  testChunk({ steps, firstFrame: sequence * steps, metadata: { sequence, firstStep: sequence * steps } });

/** A replay in a folder with `shards` shards of one chunk each. */
async function folderReplay(
  shards: number,
  maxBytes = 1e6,
): Promise<{ folder: string; store: ShardStore; replay: Replay }> {
  const folder = join(temporaryFolder(), 'replay');
  const store = await folderShards(folder);
  const replay = await Replay.create(store, { maxBytes });
  for (let shard = 0; shard < shards; shard++) await replay.append([chunkAt(shard)]);
  return { folder, store, replay };
}

/** Everything that can be seen of a replay. */
async function contents(replay: Replay): Promise<unknown> {
  const chunks = [];
  for (const chunk of replay.chunks()) {
    const { id, metadata, actions, rewards, terminated, truncated, previous } = chunk;
    const frames = await replay.frames(chunk);
    chunks.push({ id, metadata, actions, rewards, terminated, truncated, previous: previous?.id, frames });
  }
  return { state: replay.getState(), steps: replay.steps, bytes: replay.bytes, frameShape: replay.frameShape, chunks };
}

describe('sampleSteps', () => {
  test.prop([fc.integer({ min: 1, max: 9 }), fc.constantFrom(0, 500, 1e6)], { numRuns: 10 })(
    'and stepWindow agree with what happened in the environment, through files',
    async (context, cacheBytes) => {
      const rollouts = await VectorRollouts.create({
        env: tally({ endProbability: 0.07 }),
        numEnvs: 3,
        seed: context,
        chunkLength: 5,
        maxEpisodeSteps: 17,
      });
      const store = await folderShards(temporaryFolder());
      const options = { maxBytes: 8000, cacheBytes };
      let replay = await Replay.create(store, options);
      const generator = npRandom(context);
      const policy = (version: number) => ({
        version,
        act: (_frames: unknown, envIndices: readonly number[]) =>
          envIndices.map(() => generator.integers(tallyActions)),
      });
      for (let round = 0; round < 12; round++) await replay.append(await rollouts.collect(policy(round), 40));
      expect(replay.firstShard).toBeGreaterThan(2);
      replay = await Replay.resume(store, replay.getState(), options);
      let padded = 0;
      for (const reference of replay.sampleSteps(generator, 60, { context })) {
        const { frames, actions, known, reward, terminated, truncated } = stepWindow(reference, context);
        expect([frames.length, actions.length]).toEqual([context + 1, context]);
        expect(known).toBe(Math.min(context, reference.chunk.metadata.firstStep + reference.step + 1));
        expect(hasWindow(reference, context)).toBe(true);
        const tallies = [];
        for (const { chunk, frame } of frames) tallies.push(readTally((await replay.frames(chunk)).data, frame));
        const { metadata } = reference.chunk;
        const step = metadata.firstStep + reference.step;
        for (const [row, seen] of tallies.entries()) {
          const at = step - context + 1 + row;
          // Never across the start of an episode: there its first frame stands again.
          expect(seen.step).toBe(Math.max(0, at));
          expect(seen.episode).toBe(metadata.episode);
          if (at < 0) padded++;
          // The action of a row leads to the frame of the next.
          const action = tallies[row + 1]?.action;
          if (row < context) expect(actions[row]).toBe(at < 0 ? -1 : action);
        }
        expect(reward).toBe(tallyReward(step, actions.at(-1)!));
        const ends = reference.step === reference.chunk.steps - 1;
        expect([terminated, truncated]).toEqual(
          ends ? [reference.chunk.terminated.at(-1) === 1, reference.chunk.truncated.at(-1) === 1] : [false, false],
        );
        if (step === 16) expect(truncated).toBe(true);
      }
      expect(padded === 0 || context > 1).toBe(true);
    },
  );

  test('draws every candidate alike: one draw each, from all of them', async () => {
    const replay = await Replay.create(memoryShards(), { maxBytes: 1e6 });
    // The start of the first chunk's episode was never appended.
    await replay.append([chunkAt(1), testChunk({ steps: 2, metadata: { envIndex: 1 } }), chunkAt(2)]);
    for (const [context, expected] of [
      [1, ['0.0', '0.1', '0.2', '1.0', '1.1', '2.0', '2.1', '2.2']],
      [3, ['0.2', '1.0', '1.1', '2.0', '2.1', '2.2']],
      [5, ['1.0', '1.1', '2.1', '2.2']],
      [9, ['1.0', '1.1']],
    ] as const) {
      let draws = 0;
      const counting = {
        integers: (total: number): number => {
          expect(total).toBe(expected.length);
          return draws++;
        },
      };
      const drawn = replay.sampleSteps(counting as unknown as Generator, expected.length, { context });
      expect(drawn.map(({ chunk, step }) => `${chunk.id}.${step}`)).toEqual(expected);
    }
  });

  test('needs a step to draw and arguments that make sense', async () => {
    const replay = await Replay.create(memoryShards(), { maxBytes: 1e6 });
    const draw = (count: number, options?: { context: number }) => () =>
      replay.sampleSteps(npRandom(0), count, options);
    expect(draw(1)).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: sampleSteps: the replay is empty. Append chunks before sampling.]`,
    );
    await replay.append([chunkAt(1)]);
    expect(draw(1, { context: 4 })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: sampleSteps: no step held has its 4 frames. Append chunks before sampling.]`,
    );
    expect(draw(0)).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: sampleSteps: expected count to be a whole number >= 1, got 0.]`,
    );
    expect(draw(1, { context: 0 })).toThrow(ConfigError);
    expect(draw(1, { contxt: 2 } as never)).toThrow(/unknown option 'contxt'\. Did you mean 'context'\?/);
  });
});

describe('stepWindow', () => {
  test('refuses what is not there', async () => {
    const replay = await Replay.create(memoryShards(), { maxBytes: 1e6 });
    await replay.append([chunkAt(1)]);
    const chunk = replay.chunk(0);
    expect(() => stepWindow({ chunk, step: 3 }, 1)).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: stepWindow: expected a step from 0 to 2, as the chunk has, got 3.]`,
    );
    expect(() => stepWindow({ chunk, step: 0.5 }, 1)).toThrow(ConfigError);
    expect(() => stepWindow({ chunk, step: 0 }, 0)).toThrow(ConfigError);
    expect([1, 2, 3].map((context) => hasWindow({ chunk, step: 1 }, context))).toEqual([true, true, false]);
    expect(() => stepWindow({ chunk, step: 1 }, 3)).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: stepWindow: chunk 0 begins at step 3 of its episode, and the chunk before is not held. Draw steps with sampleSteps and context 3.]`,
    );
    expect(stepWindow({ chunk, step: 1 }, 2).frames.map(({ frame }) => frame)).toEqual([0, 1, 2]);
  });

  test('says so when the chunk before has left meanwhile', async () => {
    const bytes = encodeChunkFile([chunkAt(1)], { firstChunkId: 1 }).length;
    const replay = await Replay.create(memoryShards(), { maxBytes: 2 * bytes + 20 });
    await replay.append([chunkAt(0)]);
    await replay.append([chunkAt(1)]);
    const [reference] = replay.sampleSteps({ integers: () => 3 } as unknown as Generator, 1, { context: 2 });
    expect(stepWindow(reference!, 2).frames.map(({ chunk, frame }) => [chunk.id, frame])).toEqual([
      [0, 2],
      [1, 0],
      [1, 1],
    ]);
    await replay.append([chunkAt(2)]);
    expect(replay.firstShard).toBe(1);
    expect(hasWindow(reference!, 2)).toBe(false);
    expect(() => stepWindow(reference!, 2)).toThrow(/the chunk before is not held/);
  });
});

describe('previous', () => {
  test('is the chunk before in the same episode, while it is held', async () => {
    const bytes = encodeChunkFile([chunkAt(1)], { firstChunkId: 1 }).length;
    const replay = await Replay.create(memoryShards(), { maxBytes: 2 * bytes + 40 });
    await replay.append([chunkAt(0)]);
    await replay.append([chunkAt(1)]);
    const second = replay.chunk(1);
    expect(second.previous).toBe(replay.chunk(0));
    for (const sequence of [0, 1])
      await replay.append([testChunk({ metadata: { envIndex: 1, sequence, firstStep: 9 } })]);
    expect(second.previous).toBeUndefined();
    // The chunk before this one came, and has gone again.
    await replay.append([chunkAt(2)]);
    expect(replay.chunk(4).metadata).toMatchObject({ envIndex: 0, firstStep: 6 });
    expect(replay.chunk(4).previous).toBeUndefined();
  });

  test('never reaches over an end, a gap or into another environment', async () => {
    const replay = await Replay.create(memoryShards(), { maxBytes: 1e6 });
    const metadata = { sequence: 1, firstStep: 3 };
    await replay.append([
      testChunk({ ends: 'truncated' }),
      testChunk({ metadata }),
      testChunk({ metadata: { envIndex: 1 } }),
      testChunk({ metadata: { ...metadata, envIndex: 1, firstStep: 4 } }),
      testChunk({ metadata: { seed: 1 } }),
      testChunk({ metadata: { ...metadata, seed: 2 } }),
      testChunk({ metadata: { envId: 'Other-v0' } }),
      testChunk({ metadata: { ...metadata, envId: 'Other-v0', episode: 1 } }),
    ]);
    expect([...replay.chunks()].map(({ previous }) => previous)).toEqual(Array.from({ length: 8 }));
  });
});

describe('frames', () => {
  test('come from the store once, then from memory', async () => {
    const inner = memoryShards();
    const reads: number[] = [];
    const store: ShardStore = { ...inner, read: (shard) => (reads.push(shard), inner.read(shard)) };
    const first = await Replay.create(store, { maxBytes: 1e6 });
    for (let shard = 0; shard < 3; shard++) await first.append([chunkAt(2 * shard), chunkAt(2 * shard + 1)]);
    const chunks = [...first.chunks()];
    for (const chunk of chunks) await first.frames(chunk);
    expect(reads).toEqual([]);
    // Room for the frames of three chunks, 16 bytes each; after resuming, the newest.
    const small = await Replay.resume(store, first.getState(), { maxBytes: 1e6, cacheBytes: 48 });
    reads.length = 0;
    const ids = [0, 1, 1, 0, 5, 4, 0, 2, 3, 2, 5];
    for (const id of ids) expect(await small.frames(small.chunk(id))).toEqual(await first.frames(first.chunk(id)));
    expect(reads).toEqual([0, 2, 1, 2]);
    // Several that ask at once share one reading.
    reads.length = 0;
    await Promise.all([small.frames(small.chunk(0)), small.frames(small.chunk(1)), small.frames(small.chunk(0))]);
    expect(reads).toEqual([0]);
  });

  test('of a chunk that has left are there until commit', async () => {
    const bytes = encodeChunkFile([chunkAt(1)], { firstChunkId: 1 }).length;
    const replay = await Replay.create(memoryShards(), { maxBytes: bytes + 20 });
    await replay.append([chunkAt(0)]);
    const chunk = replay.chunk(0);
    await replay.append([chunkAt(1)]);
    expect(await replay.frames(chunk)).toEqual(chunkAt(0).frames);
    expect(() => replay.chunk(0)).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: Replay.chunk: there is no chunk 0; it holds 1 to 1.]`,
    );
    await replay.commit();
    await expect(replay.frames(chunk)).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: Replay.frames: chunk 0 has left the replay, and its shard was removed.]`,
    );
  });

  test('of another replay, or of a file that has changed, are refused', async () => {
    const { folder, store, replay } = await folderReplay(2);
    const other = await Replay.resume(store, replay.getState(), { maxBytes: 1e6, cacheBytes: 0 });
    await expect(other.frames(replay.chunk(0))).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: Replay.frames: expected a chunk of this replay, got another.]`,
    );
    const changed = chunkAt(0);
    changed.actions.data[1] = 1;
    writeFileSync(shardPath(folder, 0), encodeChunkFile([changed], { firstChunkId: 0 }));
    const failure = await errorOf(other.frames(other.chunk(0)));
    expect(failure).toBeInstanceOf(FormatError);
    expect(failure.message.replaceAll(folder, '.')).toMatchInlineSnapshot(
      `"Replay.frames: './shard-000000.safetensors' has changed: chunk 0 is not the one that was written. Resume from a checkpoint whose shards are whole."`,
    );
    expect(await other.frames(other.chunk(1))).toEqual(chunkAt(1).frames);
  });
});

describe('append', () => {
  test('refuses a chunk twice, one from before, foreign frames, bad chunks and too much at once; nothing changes', async () => {
    const { folder, replay } = await folderReplay(2, 3000);
    const before = await contents(replay);
    const bad = chunkAt(2);
    bad.rewards.data[0] = NaN;
    const refused: [Chunk[], new (message: string) => Error, string][] = [];
    for (const chunks of [
      [chunkAt(1)],
      [chunkAt(2), chunkAt(2)],
      [chunkAt(0)],
      [testChunk({ frameShape: [1, 2, 2], metadata: { sequence: 2 } })],
      [bad],
      [chunkAt(2, 200)],
    ]) {
      const failure = await errorOf(replay.append(chunks));
      refused.push([[], failure.constructor as never, failure.message]);
    }
    expect(refused.map(([, { name }, message]) => `${name}: ${message}`)).toMatchInlineSnapshot(`
      [
        "ConfigError: Replay.append: expected chunks of Test-v0 (environment 0) after number 1, got number 1. Append each chunk once, in order.",
        "ConfigError: Replay.append: expected chunks of Test-v0 (environment 0) after number 2, got number 2. Append each chunk once, in order.",
        "ConfigError: Replay.append: expected chunks of Test-v0 (environment 0) after number 1, got number 0. Append each chunk once, in order.",
        "ShapeError: Replay.append: expected frames of shape [2, 2, 1], like those held, got [1, 2, 2] from Test-v0. Use one replay for each frame shape, or resize.",
        "FormatError: Replay.append: chunk 0: expected finite rewards, got NaN at step 0 of the chunk.",
        "ConfigError: Replay.append: a shard of 1 chunks has 4328 bytes and does not fit into maxBytes 3000. Raise maxBytes, or append fewer chunks at once.",
      ]
    `);
    expect(refused.map(([, errorClass]) => errorClass)).toEqual([
      ConfigError,
      ConfigError,
      ConfigError,
      ShapeError,
      FormatError,
      ConfigError,
    ]);
    expect(await contents(replay)).toEqual(before);
    expect(readdirSync(folder)).toHaveLength(2);
    // Chunks may be missing, and each environment, seed and id counts for itself.
    await replay.append([chunkAt(7), testChunk({ metadata: { envIndex: 1 } }), testChunk({ metadata: { seed: 1 } })]);
    await replay.append([]);
    expect(replay.nextShard).toBe(3);
  });

  test('keeps what it needs of a chunk whose memory is used again', async () => {
    const replay = await Replay.create(memoryShards(), { maxBytes: 1e6, cacheBytes: 0 });
    const chunk = chunkAt(0);
    await replay.append([chunk]);
    for (const { data } of [chunk.frames, chunk.actions, chunk.rewards, chunk.terminated]) data.fill(1);
    expect(replay.chunk(0)).toMatchObject({
      actions: new Int32Array(3),
      rewards: new Float32Array(3),
      terminated: new Uint8Array(3),
    });
    expect(await replay.frames(replay.chunk(0))).toEqual(chunkAt(0).frames);
  });

  test('and commit and frames may overlap', async () => {
    const bytes = encodeChunkFile([chunkAt(1)], { firstChunkId: 1 }).length;
    const { folder, replay } = await folderReplay(1, 3 * bytes);
    const kept = replay.chunk(0);
    const work: Promise<unknown>[] = [];
    for (let shard = 1; shard < 8; shard++) {
      work.push(replay.append([chunkAt(shard)]), replay.frames(kept), replay.commit());
    }
    const failures = (await Promise.allSettled(work)).filter(({ status }) => status === 'rejected');
    expect(
      failures.every((failure) => /has left the replay/.test(String((failure as PromiseRejectedResult).reason))),
    ).toBe(true);
    await replay.commit();
    expect(readdirSync(folder)).toHaveLength(replay.nextShard - replay.firstShard);
    expect([...replay.chunks()].map(({ id }) => id)).toEqual(
      Array.from({ length: replay.nextShard - replay.firstShard }, (_, index) => replay.firstShard + index),
    );
    const again = await Replay.resume(await folderShards(folder), replay.getState(), { maxBytes: 1e6 });
    expect(await contents(again)).toEqual(await contents(replay));
  });
});

describe('commit', () => {
  test('with the state of the checkpoint keeps what that one needs', async () => {
    const bytes = encodeChunkFile([chunkAt(1)], { firstChunkId: 1 }).length;
    const { folder, store, replay } = await folderReplay(3, 2 * bytes + 20);
    const state = replay.getState();
    const before = await contents(replay);
    // The checkpoint is being written; the run goes on.
    for (let shard = 3; shard < 6; shard++) await replay.append([chunkAt(shard)]);
    expect(readdirSync(folder)).toHaveLength(6);
    await replay.commit(state);
    expect(readdirSync(folder)).toEqual([1, 2, 3, 4, 5].map((shard) => `shard-00000${shard}.safetensors`));
    const resumed = await Replay.resume(store, state, { maxBytes: 2 * bytes + 20 });
    expect(await contents(resumed)).toEqual(before);
    expect(readdirSync(folder)).toHaveLength(2);
    expect(() => replay.commit({ ...state, firstShard: -1 })).toThrow(FormatError);
  });
});

describe('resume', () => {
  test('does not double what comes again', async () => {
    const { store, replay } = await folderReplay(3);
    const state = JSON.parse(JSON.stringify(replay.getState())) as ReplayState;
    const after = async (going: Replay): Promise<unknown> => {
      await going.append([chunkAt(3), chunkAt(4)]);
      await going.append([chunkAt(5)]);
      return contents(going);
    };
    const expected = await after(replay);
    const resumed = await Replay.resume(store, state, { maxBytes: 1e6 });
    expect(resumed.steps).toBe(9);
    expect(await after(resumed)).toEqual(expected);
  });

  test('with a smaller cap lets the oldest go, and refuses one below the newest shard', async () => {
    const bytes = encodeChunkFile([chunkAt(1)], { firstChunkId: 1 }).length;
    const { store, replay, folder } = await folderReplay(3);
    const resumed = await Replay.resume(store, replay.getState(), { maxBytes: 2 * bytes + 20 });
    expect(resumed.getState()).toEqual({ formatVersion: 1, firstShard: 1, nextShard: 3, firstChunkId: 1 });
    expect(readdirSync(folder)).toHaveLength(3);
    const failure = await errorOf(Replay.resume(store, replay.getState(), { maxBytes: 100 }));
    expect(failure).toBeInstanceOf(ConfigError);
    expect(failure.message).toMatch(
      /shard-000000\.safetensors' has \d+ bytes and does not fit into maxBytes 100\. Raise maxBytes/,
    );
  });

  const damage: Record<string, { break: (path: (shard: number) => string) => void; message: RegExp }> = {
    'a missing shard': {
      break: (path) => rmSync(path(1)),
      message: /shard-000001\.safetensors' is missing\. The checkpoint needs the shards 0 to 2/,
    },
    'a shard cut short': {
      break: (path) => truncateSync(path(1), 600),
      message: /shard-000001\.safetensors': .*cut off/,
    },
    'an empty shard': { break: (path) => truncateSync(path(1), 0), message: /shard-000001\.safetensors': .*cut off/ },
    'a shard that is something else': {
      break: (path) => writeFileSync(path(1), 'PNG, or so it says'),
      message: /shard-000001\.safetensors': .*Is it a safetensors file/,
    },
    'two shards that changed places': {
      break: (path) => {
        renameSync(path(1), path(9));
        renameSync(path(2), path(1));
        renameSync(path(9), path(2));
      },
      message: /expected '.*shard-000001\.safetensors' to begin with chunk 1, got chunk 2\. Was it copied or renamed\?/,
    },
    'a shard that stands twice': {
      break: (path) => cpSync(path(0), path(1)),
      message: /shard-000001\.safetensors' to begin with chunk 1, got chunk 0/,
    },
    'chunks of no replay': {
      break: (path) => writeFileSync(path(1), encodeChunks([chunkAt(1)])),
      message: /shard-000001\.safetensors' to begin with chunk 1, got a file of no replay/,
    },
    'a chunk that stands twice': {
      break: (path) => writeFileSync(path(1), encodeChunkFile([chunkAt(0)], { firstChunkId: 1 })),
      message: /shard-000001\.safetensors': expected chunks of Test-v0 \(environment 0\) after number 0, got number 0/,
    },
    'frames of another shape': {
      break: (path) =>
        writeFileSync(
          path(1),
          encodeChunkFile([testChunk({ frameShape: [1, 1, 1], metadata: { sequence: 1 } })], { firstChunkId: 1 }),
        ),
      message: /shard-000001\.safetensors': expected frames of shape \[2, 2, 1\], like those held, got \[1, 1, 1\]/,
    },
    'more chunks than there were': {
      break: (path) =>
        writeFileSync(
          path(1),
          encodeChunkFile([chunkAt(1), testChunk({ metadata: { envIndex: 1 } })], { firstChunkId: 1 }),
        ),
      message: /shard-000002\.safetensors' to begin with chunk 3, got chunk 2/,
    },
  };
  for (const [name, { break: act, message }] of Object.entries(damage)) {
    test(`refuses ${name}, and removes nothing`, async () => {
      const { folder, store, replay } = await folderReplay(3);
      const state = replay.getState();
      await replay.append([chunkAt(3)]);
      act((shard) => shardPath(folder, shard));
      const before = readdirSync(folder);
      const failure = await errorOf(Replay.resume(store, state, { maxBytes: 1e6 }));
      expect(failure.message).toMatch(message);
      expect(failure).toBeInstanceOf(FormatError);
      expect(readdirSync(folder)).toEqual(before);
    });
  }

  for (const [name, change, message] of [
    ['no state', null, /^Replay\.resume: expected a state of getState\(\), got null/],
    ['a newer state', { formatVersion: 2 }, /format version 1, got 2\. It was written by a newer Tessera/],
    ['a state of no version', { formatVersion: undefined }, /format version 1, got undefined\.$/],
    [
      'shards that end before they begin',
      { firstShard: 4 },
      /firstShard <= nextShard, got \{"formatVersion":1,"firstShard":4/,
    ],
    ['a fraction', { firstChunkId: 0.5 }, /expected whole numbers/],
    ['a missing number', { nextShard: undefined }, /expected whole numbers/],
  ] as const) {
    test(`refuses ${name}`, async () => {
      const { store, replay } = await folderReplay(3);
      const state = (change && { ...replay.getState(), ...change }) as ReplayState;
      const failure = await errorOf(Replay.resume(store, state, { maxBytes: 1e6 }));
      expect(failure).toBeInstanceOf(FormatError);
      expect(failure.message).toMatch(message);
      expect(await store.list()).toHaveLength(3);
    });
  }
});

describe('create', () => {
  test('takes an empty store only', async () => {
    const { store, folder } = await folderReplay(1);
    const failure = await errorOf(Replay.create(store, { maxBytes: 1e6 }));
    expect(failure).toBeInstanceOf(ConfigError);
    expect(failure.message.replaceAll(folder, '.')).toMatchInlineSnapshot(
      `"Replay.create: expected an empty store, but there is './shard-000000.safetensors'. Go on with Replay.resume, or choose another place."`,
    );
    for (const options of [
      { maxBytes: 0 },
      { maxBytes: NaN },
      { maxBytes: 1, cacheBytes: -1 },
      { maxBytes: 1, cache: 1 },
    ]) {
      await expect(Replay.create(memoryShards(), options)).rejects.toThrow(ConfigError);
    }
  });
});

describe('folderShards', () => {
  test('leaves files of other names alone and tidies up after killed writes', async () => {
    const folder = temporaryFolder();
    const others = [
      'notes.txt',
      'shard-1.safetensors',
      'shard-0000001.safetensors',
      'shard-000001.safetensors.bak',
      'shard-00000x.safetensors',
    ];
    for (const name of others) writeFileSync(join(folder, name), 'mine');
    writeFileSync(join(folder, '.0123456789abcdef.tessera-tmp'), 'half a shard');
    mkdirSync(join(folder, 'shard'));
    const store = await folderShards(folder);
    expect(await store.list()).toEqual([]);
    const replay = await Replay.create(store, { maxBytes: 1e6 });
    await replay.append([chunkAt(0)]);
    await store.write(1_234_567, new Uint8Array(2));
    expect(await store.list()).toEqual([0, 1_234_567]);
    await Replay.resume(store, replay.getState(), { maxBytes: 1e6 });
    expect(readdirSync(folder).toSorted()).toEqual([...others, 'shard', 'shard-000000.safetensors'].toSorted());
    expect(store.describe(0)).toBe(shardPath(folder, 0));
  });

  test('looks at sizes before it takes memory, and writes nothing that it would not read', async () => {
    const folder = temporaryFolder();
    const store = await folderShards(folder, { maxShardBytes: 1000 });
    await expect(store.write(0, new Uint8Array(1001))).rejects.toThrow(
      /more than maxShardBytes 1000\. Append fewer chunks at once, or raise/,
    );
    expect(existsSync(shardPath(folder, 0))).toBe(false);
    writeFileSync(shardPath(folder, 0), new Uint8Array(1001));
    await expect(store.read(0)).rejects.toThrow(/it has 1001 bytes, more than the 1000 allowed/);
    await expect(folderShards(folder, { maxShardBytes: 0 })).rejects.toThrow(ConfigError);
    await expect(folderShards(shardPath(folder, 0))).rejects.toThrow(FileError);
  });
});

describe('when the file system fails', () => {
  const operations = fc.constantFrom<FileOperation>(
    'open',
    'read',
    'write',
    'sync',
    'close',
    'rename',
    'unlink',
    'stat',
    'readdir',
    'remove',
    'mkdir',
  );

  test.prop([operations, fc.nat({ max: 6 }), fc.constantFrom('ENOSPC', 'EIO', 'EACCES'), fc.boolean()], {
    numRuns: 120,
  })('what was saved is still there, and the run goes on afterwards', async (operation, after, code, retries) => {
    const bytes = encodeChunkFile([chunkAt(1)], { firstChunkId: 1 }).length;
    const options = { maxBytes: 3 * bytes + 20, cacheBytes: 0 };
    const { folder, replay: first } = await folderReplay(4, options.maxBytes);
    const checkpoint = first.getState();
    const saved = await contents(first);
    let replay = first;
    let calls = 0;
    const restore = injectFaults({ [operation]: () => (calls++ >= after ? code : undefined) });
    let failure: unknown;
    try {
      await replay.append([chunkAt(4)]);
      await replay.frames(replay.chunk(replay.firstShard));
      await replay.commit(checkpoint);
      replay = await Replay.resume(await folderShards(folder), checkpoint, options);
      await replay.append([chunkAt(4)]);
    } catch (error) {
      failure = error;
    } finally {
      restore();
    }
    if (failure !== undefined) expect(failure).toBeInstanceOf(FileError);
    if (retries) {
      // In the same process: the failed call again.
      if (replay.chunk(replay.nextShard - 1).metadata.sequence === 3) await replay.append([chunkAt(4)]);
    } else {
      replay = await Replay.resume(await folderShards(folder), checkpoint, options);
      expect(await contents(replay)).toEqual(saved);
      await replay.append([chunkAt(4)]);
    }
    await replay.commit(checkpoint);
    expect(replay.getState()).toEqual({ formatVersion: 1, firstShard: 2, nextShard: 5, firstChunkId: 2 });
    expect([...replay.chunks()].map(({ metadata }) => metadata.sequence)).toEqual([2, 3, 4]);
    for (const chunk of replay.chunks()) expect(await replay.frames(chunk)).toEqual(chunkAt(chunk.id).frames);
    expect(readdirSync(folder).filter((name) => !name.startsWith('.'))).toEqual(
      [1, 2, 3, 4].map((shard) => `shard-00000${shard}.safetensors`),
    );
    expect(readFileSync(shardPath(folder, 3))).toHaveLength(bytes);
  });
});
