import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import { ConfigError, FileError, FormatError } from '@tessera/core';
import {
  appendLines,
  appendToFile,
  injectFaults,
  listDirectory,
  makeDirectory,
  pathInfo,
  readFileBounded,
  readFileRange,
  readTextBounded,
  removePath,
  removeTemporaryFiles,
  renamePath,
  writeFileAtomic,
} from '@tessera/core/node';
import type { Faults } from '@tessera/core/node';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tessera-files-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const at = (name: string): string => join(folder, name);
const text = (path: string): Promise<string> => readFile(path, 'utf8');

/** The error of a call that must fail, its folder written as `<folder>`. */
async function failure(run: () => Promise<unknown>, faults: Faults = {}): Promise<FileError> {
  const restore = injectFaults(faults);
  try {
    await run();
  } catch (error) {
    if (error instanceof Error) error.message = error.message.replaceAll(folder, '<folder>');
    return error as FileError;
  } finally {
    restore();
  }
  return expect.unreachable('it did not fail');
}

describe('writing and reading', () => {
  test.prop([fc.uint8Array({ maxLength: 120 }), fc.integer({ min: 1, max: 70 })])(
    'bytes come back, however short the writes and reads are',
    async (bytes, step) => {
      const restore = injectFaults({ write: () => step, read: () => step });
      try {
        await writeFileAtomic(at('a'), bytes);
        expect(await readFileBounded(at('a'))).toEqual(bytes);
      } finally {
        restore();
      }
      expect(await readdir(folder)).toEqual(['a']);
    },
  );

  test('text is UTF-8; a file is replaced as a whole', async () => {
    await writeFileAtomic(at('a'), 'long long text');
    await writeFileAtomic(at('a'), 'Größe 猫');
    expect(await readTextBounded(at('a'))).toBe('Größe 猫');
    await writeFileAtomic(at('a'), Uint8Array.of(0xff, 0xfe));
    const error = await failure(() => readTextBounded(at('a')));
    expect(error).toBeInstanceOf(FormatError);
    expect(error.message).toMatchInlineSnapshot(
      `"files: expected '<folder>/a' to be UTF-8 text, but its bytes are not. Is it the right file?"`,
    );
  });

  test.prop([fc.uint8Array({ minLength: 1, maxLength: 50 }), fc.nat(60), fc.nat(60)])(
    'a range is a slice, or an error when the file ends before',
    async (bytes, offset, length) => {
      await writeFileAtomic(at('a'), bytes);
      const read = readFileRange(at('a'), { offset, length });
      if (offset + length <= bytes.length) expect(await read).toEqual(bytes.slice(offset, offset + length));
      else await expect(read).rejects.toThrow(/up to byte \d+: it ends at byte \d+\. It was cut off/);
    },
  );

  test('a range is two counts', async () => {
    await expect(readFileRange(at('a'), { offset: -1, length: 2 })).rejects.toThrow(ConfigError);
    await expect(readFileRange(at('a'), { offset: 0, length: NaN })).rejects.toThrow(ConfigError);
  });

  test('a file that is too large is refused before it is read', async () => {
    await writeFileAtomic(at('a'), 'x'.repeat(11));
    expect(await readTextBounded(at('a'), { maxBytes: 11 })).toBe('x'.repeat(11));
    const error = await failure(() => readFileBounded(at('a'), { maxBytes: 10 }), { open: () => 'EIO' });
    expect(error.code).toBe('EFBIG');
    expect(error.message).toMatchInlineSnapshot(
      `"files: cannot read '<folder>/a': it has 11 bytes, more than the 10 allowed here. Is it the right file?"`,
    );
  });

  test('appending', async () => {
    await appendLines(at('log'), 'one\n');
    await appendLines(at('log'), 'two\nthree\n');
    await appendLines(at('log'), '');
    await appendToFile(at('log'), Uint8Array.of(33));
    expect(await text(at('log'))).toBe('one\ntwo\nthree\n!');
    const error = await failure(() => appendLines(at('log'), 'half a line'));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toMatchInlineSnapshot(
      `"appendLines: expected lines that end in a line break, got "half a line"."`,
    );
  });

  test('folders, names and what is there', async () => {
    await makeDirectory(at('x/y/z'));
    await makeDirectory(at('x/y/z'));
    await writeFileAtomic(at('x/b'), 'hello');
    await writeFileAtomic(at('x/B'), '');
    await writeFileAtomic(at('x/a'), '');
    expect(await listDirectory(at('x'))).toEqual(['B', 'a', 'b', 'y']);
    expect(await pathInfo(at('x/b'))).toMatchObject({ kind: 'file', bytes: 5 });
    expect((await pathInfo(at('x')))?.kind).toBe('directory');
    expect(await pathInfo(at('nothing'))).toBeUndefined();
    await renamePath(at('x/y'), at('x/w'));
    await renamePath(at('x/a'), at('x/b'));
    expect(await listDirectory(at('x'))).toEqual(['B', 'b', 'w']);
    expect(await text(at('x/b'))).toBe('');
    await removePath(at('x'));
    await removePath(at('x'));
    expect(await listDirectory(folder)).toEqual([]);
  });

  test('what a killed process left half-written is not listed, and is cleared away on request', async () => {
    await writeFile(at('.0123456789abcdef.tessera-tmp'), 'half');
    await writeFile(at('.mine.tmp'), 'kept');
    expect(await listDirectory(folder)).toEqual(['.mine.tmp']);
    expect(await removeTemporaryFiles(folder)).toBe(1);
    expect(await readdir(folder)).toEqual(['.mine.tmp']);
  });
});

describe('when the system fails', () => {
  const old = 'the old content, which must not be lost';
  const fresh = 'the new content, which must be there as a whole or not at all';
  const codes = fc.constantFrom('ENOSPC', 'EACCES', 'EIO', 'EMFILE', 'EROFS', 'EDQUOT');
  const operations = fc.constantFrom('open', 'write', 'sync', 'close', 'rename');

  test.prop([operations, codes, fc.nat(70), fc.integer({ min: 1, max: 9 }), fc.nat(2), fc.boolean()])(
    'at any operation and any byte: the old file is intact or the new one is complete, and nothing else is there',
    async (operation, code, byte, step, call, exists) => {
      await rm(at('file'), { force: true });
      if (exists) await writeFile(at('file'), old);
      let written = 0;
      let calls = 0;
      const faults: Faults = {
        // The disk is full after `byte` bytes, and takes `step` at a time.
        write: ({ bytes }) => {
          if (operation === 'write' && written >= byte) return code;
          const moved = Math.min(bytes, step, operation === 'write' ? byte - written : bytes);
          written += moved;
          return moved;
        },
      };
      const failing =
        operation === 'write' ? faults : { ...faults, [operation]: () => (calls++ === call ? code : undefined) };
      const restore = injectFaults(failing);
      const error: unknown = await writeFileAtomic(at('file'), fresh).then(
        () => undefined,
        (e: unknown) => e,
      );
      restore();
      expect(await readdir(folder)).toEqual((await pathInfo(at('file'))) === undefined ? [] : ['file']);
      const content = await text(at('file')).catch(() => undefined);
      expect([exists ? old : undefined, fresh]).toContain(content);
      expect(error === undefined || (error instanceof FileError && error.code === code)).toBe(true);
      // Success is never claimed for the old content.
      expect(error === undefined && content !== fresh).toBe(false);
    },
  );

  test.prop([codes, fc.nat(20), fc.integer({ min: 1, max: 5 })])(
    'an append that fails at any byte leaves the file as it was',
    async (code, byte, step) => {
      await writeFile(at('log'), 'one\n');
      let written = 0;
      const restore = injectFaults({
        write: ({ bytes }) => {
          if (written >= byte) return code;
          const moved = Math.min(bytes, step, byte - written);
          written += moved;
          return moved;
        },
      });
      const error: unknown = await appendLines(at('log'), 'two, three, four, and five\n').catch((e: unknown) => e);
      restore();
      expect(error).toMatchObject({ name: 'FileError', code });
      expect(await text(at('log'))).toBe('one\n');
    },
  );

  test('a file is flushed before its name is changed, and its folder after', async () => {
    const seen: string[] = [];
    const note = (operation: string) => (call: { path: string }) => {
      seen.push(`${operation} ${call.path === folder ? 'folder' : call.path === at('a') ? 'file' : 'temporary'}`);
      return undefined;
    };
    const operations = ['open', 'write', 'sync', 'close', 'rename'] as const;
    const restore = injectFaults(Object.fromEntries(operations.map((operation) => [operation, note(operation)])));
    await writeFileAtomic(at('a'), 'x');
    restore();
    expect(seen).toEqual([
      'open temporary',
      'write temporary',
      'sync temporary',
      'close temporary',
      'rename file',
      'open folder',
      'sync folder',
      'close folder',
    ]);
  });

  test('a system that takes no byte at all is an error, not an endless loop', async () => {
    expect((await failure(() => writeFileAtomic(at('a'), 'x'), { write: () => 0 })).code).toBe('EIO');
    await writeFile(at('a'), 'x');
    expect((await failure(() => readFileBounded(at('a')), { read: () => 0 })).message).toContain('it ends at byte 0');
  });

  test('a file that cannot even be cleared away does not hide why', async () => {
    const error = await failure(() => writeFileAtomic(at('a'), 'x'), { write: () => 'ENOSPC', unlink: () => 'EIO' });
    expect(error.code).toBe('ENOSPC');
    expect(await listDirectory(folder)).toEqual([]);
    expect(await removeTemporaryFiles(folder)).toBe(1);
  });

  test('faults end with their scope, and those before come back', async () => {
    const outer = injectFaults({ stat: () => 'EIO' });
    const inner = injectFaults({});
    expect(await pathInfo(folder)).toBeDefined();
    inner[Symbol.dispose]();
    await expect(pathInfo(folder)).rejects.toThrow(FileError);
    outer();
    expect(await pathInfo(folder)).toBeDefined();
  });

  const said: [string, () => Promise<unknown>, Faults][] = [
    ['a full disk', () => writeFileAtomic(at('a'), 'x'), { write: () => 'ENOSPC' }],
    ['a used-up quota', () => appendLines(at('a'), 'x\n'), { write: () => 'EDQUOT' }],
    ['no permission to write', () => writeFileAtomic(at('a'), 'x'), { open: () => 'EACCES' }],
    ['no permission to list', () => listDirectory(folder), { readdir: () => 'EPERM' }],
    ['a read-only file system', () => makeDirectory(at('a')), { mkdir: () => 'EROFS' }],
    ['too many open files', () => appendLines(at('a'), 'x\n'), { open: () => 'EMFILE' }],
    ['a broken disk', () => writeFileAtomic(at('a'), 'x'), { sync: () => 'EIO' }],
    ['two file systems', () => renamePath(at('a'), at('b')), { rename: () => 'EXDEV' }],
    ['a file in use', () => removePath(at('a')), { remove: () => 'EBUSY' }],
    ['a code that nobody expects', () => pathInfo(at('a')), { stat: () => 'EWEIRD' }],
    ['a missing file', () => readFileBounded(at('no')), {}],
    ['a missing folder', () => writeFileAtomic(at('no/a'), 'x'), {}],
    ['a folder for a file', () => readFileBounded(folder), {}],
    ['a folder in the way', () => writeFileAtomic(folder, 'x'), {}],
    ['a file for a folder', () => listDirectory(fileURLToPath(import.meta.url)), {}],
    ['a name that is too long', () => writeFileAtomic(at('a'.repeat(300)), 'x'), {}],
    ['a path with a zero byte', () => readFileBounded('a\0b'), {}],
    ['something that is no file', () => readFileBounded('/dev/null'), {}],
  ];
  test.each(said)('it says what to do: %s', async (_, run, faults) => {
    const error = await failure(run, faults);
    const message = error.message.replace(/'[^']*(files\.test\.ts|a{300})'/, "'<file>'");
    expect(message.replaceAll(tmpdir(), '<tmp>').replace(/<tmp>\/tessera-files-\w+/g, '<folder>')).toMatchSnapshot();
    expect((await readdir(folder)).filter((name) => name !== 'a')).toEqual([]);
  });

  test('links that go in circles', async () => {
    await symlink(at('a'), at('b'));
    await symlink(at('b'), at('a'));
    expect((await failure(() => readFileBounded(at('a')))).message).toMatchInlineSnapshot(
      `"files: cannot read '<folder>/a': its symbolic links go round in circles. Check them (ELOOP)."`,
    );
  });
});

const root = process.getuid?.() === 0;
// Injected faults are our own idea of a refusal; this one is the system's.
test.skipIf(!root)('a process without rights gets EACCES (skipped: needs root, to drop its rights)', async () => {
  await mkdir(at('closed'));
  await writeFile(at('closed/file'), 'old');
  await chmod(at('closed'), 0o700);
  await chmod(folder, 0o755);
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const fixture = fileURLToPath(new URL('fixtures/drop-user.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions', '@tessera/source', '--import', tsx, fixture, at('closed')],
    { env: { ...process.env, TSX_DISABLE_CACHE: '1' } },
  );
  const seen = JSON.parse(stdout) as { code: string; message: string }[];
  expect(seen.map(({ code }) => code)).toEqual(Array(6).fill('EACCES'));
  expect(seen[0]!.message).toMatch(
    /no permission\. Give this user the right to it, or choose a folder of your own \(EACCES\)\.$/,
  );
  expect(await text(at('closed/file'))).toBe('old');
});
