import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ndarray } from '@tessera/core';
import { injectFaults } from '@tessera/core/node';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { RunFolder } from '../src/run-folder.ts';
import { messageOf, runOptions, temporaryFolder } from './temporary-folder.ts';

const tensors = (value: number) => ({
  weights: ndarray('float32', [2, 2], Float32Array.of(value, 1, 2, 3)),
  steps: ndarray('int64', [1], BigInt64Array.of(BigInt(value))),
});

async function withTwo(): Promise<{ root: string; run: RunFolder; newest: string }> {
  const root = temporaryFolder();
  const run = await RunFolder.create(runOptions(root));
  await run.writeCheckpoint('step-100', tensors(100), { step: 100 });
  const newest = await run.writeCheckpoint('step-200', tensors(200), { step: 200 });
  return { root, run, newest };
}

describe('checkpoints', () => {
  test('come back as they went in, newest first', async () => {
    const { run } = await withTwo();
    const again = await RunFolder.open(run.directory);
    expect((await again.listCheckpoints()).map(({ name }) => name)).toEqual(['step-200', 'step-100']);
    expect(await again.readCheckpoint()).toMatchObject({
      name: 'step-200',
      tensors: tensors(200),
      meta: { step: 200 },
    });
    expect(await again.readCheckpoint('step-100')).toMatchObject({ tensors: tensors(100), meta: { step: 100 } });
  });

  test.prop([fc.dictionary(fc.string(), fc.oneof(fc.jsonValue(), fc.constantFrom(NaN, Infinity, -Infinity)))], {
    numRuns: 30,
  })('keep their JSON, non-finite numbers included', async (meta) => {
    const run = await RunFolder.create(runOptions(temporaryFolder()));
    const plain = Object.fromEntries(Object.entries(meta));
    await run.writeCheckpoint('x', {}, plain);
    // JSON has one zero.
    const expected: unknown = JSON.parse(JSON.stringify(plain));
    const read = (await run.readCheckpoint()).meta;
    for (const [key, value] of Object.entries(plain)) {
      if (typeof value === 'number' && !Number.isFinite(value)) expect(read[key]).toBe(value);
      else expect(read[key]).toEqual((expected as Record<string, unknown>)[key]);
    }
  });

  test('one of the same name takes the place of the older', async () => {
    const { run } = await withTwo();
    await run.writeCheckpoint('step-100', tensors(101), { step: 101 });
    expect((await run.listCheckpoints()).map(({ name }) => name)).toEqual(['step-100', 'step-200']);
    expect((await run.readCheckpoint('step-100')).meta).toEqual({ step: 101 });
  });

  test.prop(
    [
      fc.constantFrom('mkdir', 'open', 'write', 'sync', 'rename'),
      fc.nat({ max: 8 }),
      fc.constantFrom('ENOSPC', 'EACCES'),
    ],
    { numRuns: 40 },
  )(
    'when a call fails at any call, the new one is there complete or not at all, and the older ones stay',
    async (operation, after, code) => {
      const { run } = await withTwo();
      let calls = 0;
      const restore = injectFaults({ [operation]: () => (calls++ >= after ? code : undefined) });
      await run.writeCheckpoint('step-300', tensors(300), { step: 300 }).catch(() => undefined);
      restore();
      const names = (await run.listCheckpoints()).map(({ name }) => name);
      expect(names.slice(-2)).toEqual(['step-200', 'step-100']);
      for (const name of names)
        expect((await run.readCheckpoint(name)).tensors.steps).toEqual(tensors(Number(name.slice(5))).steps);
      expect(readdirSync(join(run.directory, 'checkpoints')).filter((name) => name.startsWith('.'))).toEqual([]);
    },
  );

  test('a full disk is said in words', async () => {
    const { root, run } = await withTwo();
    const restore = injectFaults({ write: () => 'ENOSPC' });
    const message = await messageOf(run.writeCheckpoint('step-300', tensors(300), {}), root);
    restore();
    expect(message.replace(/writing-[0-9a-f-]+/, 'writing-*')).toMatchInlineSnapshot(
      `"FileError: files: cannot write '<root>/tokenizer-Breakout-v0-s0-20260131T120000Z/checkpoints/.writing-*/tensors.safetensors': the disk is full. Free some space and try again; what was saved before is intact (ENOSPC)."`,
    );
  });

  test.prop(
    [
      fc.constantFrom('tensors.safetensors', 'checkpoint.json'),
      fc.nat(),
      fc.boolean(),
      fc.integer({ min: 1, max: 255 }),
    ],
    { numRuns: 40 },
  )(
    'a truncated or altered file is a FormatError that names the others, which stay readable',
    async (file, position, cut, change) => {
      const { run, newest } = await withTwo();
      const path = join(newest, file);
      const bytes = readFileSync(path);
      const at = position % (bytes.length - 2);
      if (cut) writeFileSync(path, bytes.subarray(0, at));
      else writeFileSync(path, bytes.with(at, bytes[at]! ^ change));
      const read = await run.readCheckpoint().catch((error: unknown) => error);
      // A change inside the JSON's free text (name, meta, white space) can be valid again.
      if (cut || file === 'tensors.safetensors') {
        expect(read).toMatchObject({
          name: 'FormatError',
          message: expect.stringContaining('Other checkpoints of this run, newest first: 000001-step-100.') as unknown,
        });
      } else if (read instanceof Error) {
        expect(read.name).toBe('FormatError');
      }
      expect((await run.readCheckpoint('step-100')).meta).toEqual({ step: 100 });
    },
  );

  test('messages of damage', async () => {
    const { root, run, newest } = await withTwo();
    const path = join(newest, 'tensors.safetensors');
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, 30));
    expect(await messageOf(run.readCheckpoint(), root)).toMatchInlineSnapshot(
      `"FormatError: <root>/tokenizer-Breakout-v0-s0-20260131T120000Z/checkpoints/000002-step-200/tensors.safetensors: expected 152 bytes, got 30. It was cut short. Other checkpoints of this run, newest first: 000001-step-100. To go on from 000001-step-100, move the folder 000002-step-200 out of the way."`,
    );
    writeFileSync(path, bytes.with(-1, bytes.at(-1)! ^ 1));
    expect(await messageOf(run.readCheckpoint(), root)).toMatchInlineSnapshot(
      `"FormatError: <root>/tokenizer-Breakout-v0-s0-20260131T120000Z/checkpoints/000002-step-200/tensors.safetensors: its content is not what was written (SHA-256 differs). It was altered. Other checkpoints of this run, newest first: 000001-step-100. To go on from 000001-step-100, move the folder 000002-step-200 out of the way."`,
    );
    renameSync(path, `${path}.bak`);
    expect(await messageOf(run.readCheckpoint(), root)).toMatchInlineSnapshot(
      `"FormatError: <root>/tokenizer-Breakout-v0-s0-20260131T120000Z/checkpoints/000002-step-200/tensors.safetensors: is missing, so this checkpoint cannot be read. Other checkpoints of this run, newest first: 000001-step-100. To go on from 000001-step-100, move the folder 000002-step-200 out of the way."`,
    );
    rmSync(join(newest, 'checkpoint.json'));
    expect(await messageOf(run.readCheckpoint(), root)).toMatchInlineSnapshot(
      `"FormatError: <root>/tokenizer-Breakout-v0-s0-20260131T120000Z/checkpoints/000002-step-200/checkpoint.json: is missing, so this checkpoint cannot be read. Other checkpoints of this run, newest first: 000001-step-100. To go on from 000001-step-100, move the folder 000002-step-200 out of the way."`,
    );
  });

  test('of one name, the newest `keep` stay; others are not touched', async () => {
    const { run } = await withTwo();
    for (const step of [1, 2, 3, 4]) await run.writeCheckpoint('latest', tensors(step), { step }, { keep: 2 });
    const folders = async (): Promise<string[]> =>
      (await run.listCheckpoints()).map(({ directory }) => basename(directory));
    expect(await folders()).toEqual(['000006-latest', '000005-latest', '000002-step-200', '000001-step-100']);
    expect((await run.readCheckpoint('latest')).meta).toEqual({ step: 4 });
    await run.writeCheckpoint('latest', tensors(5), { step: 5 });
    expect(await folders()).toEqual(['000007-latest', '000002-step-200', '000001-step-100']);
  });

  test('the one before a damaged newest one can be used as the message says', async () => {
    const root = temporaryFolder();
    const run = await RunFolder.create(runOptions(root));
    await run.writeCheckpoint('latest', tensors(1), { step: 1 }, { keep: 2 });
    const newest = await run.writeCheckpoint('latest', tensors(2), { step: 2 }, { keep: 2 });
    writeFileSync(join(newest, 'checkpoint.json'), '{');
    expect(await messageOf(run.readCheckpoint(), root)).toMatchInlineSnapshot(
      `"FormatError: <root>/tokenizer-Breakout-v0-s0-20260131T120000Z/checkpoints/000002-latest/checkpoint.json: it is cut short or damaged, and no longer JSON. Restore it from a copy, or leave this run out. Other checkpoints of this run, newest first: 000001-latest. To go on from 000001-latest, move the folder 000002-latest out of the way."`,
    );
    renameSync(newest, join(run.directory, basename(newest)));
    expect((await run.readCheckpoint()).meta).toEqual({ step: 1 });
  });

  test('one that is replaced while it is read is passed over for the newer one', async () => {
    const { run, newest } = await withTwo();
    const restore = injectFaults({
      open: ({ path }) => {
        if (path.startsWith(newest)) rmSync(newest, { recursive: true, force: true });
        return undefined;
      },
    });
    expect((await run.readCheckpoint()).meta).toEqual({ step: 100 });
    restore();
  });

  test('keep below one is refused', async () => {
    const { root, run } = await withTwo();
    expect(await messageOf(run.writeCheckpoint('latest', {}, {}, { keep: 0 }), root)).toMatchInlineSnapshot(
      `"ConfigError: writeCheckpoint: expected keep to be a whole number >= 1, got 0."`,
    );
    expect(await messageOf(run.writeCheckpoint('latest', {}, {}, { keep: 1.5 }), root)).toMatch(/got 1\.5\.$/);
    expect((await run.listCheckpoints()).length).toBe(2);
  });

  test('a name that is unknown, none yet, or no name', async () => {
    const { root, run } = await withTwo();
    expect(await messageOf(run.readCheckpoint('step-20'), root)).toMatchInlineSnapshot(
      `"ConfigError: readCheckpoint: no checkpoint 'step-20'. Did you mean 'step-200'? There are: step-200, step-100."`,
    );
    expect(await messageOf(run.writeCheckpoint('../x', {}, {}), root)).toMatchInlineSnapshot(
      `"ConfigError: writeCheckpoint: expected a name of letters, digits, '.', '_' and '-' that starts with a letter or digit, got "../x"."`,
    );
    const empty = await RunFolder.create(runOptions(root));
    expect(await messageOf(empty.readCheckpoint(), root)).toMatchInlineSnapshot(
      `"FileError: <root>/tokenizer-Breakout-v0-s0-20260131T120000Z-2/checkpoints: no checkpoint yet. The run ended before it wrote one."`,
    );
  });
});
