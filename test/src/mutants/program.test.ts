// The program that plants bugs: what it counts as killed, and how it ends. The list itself is run by `npm run mutants`.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { repository } from '../support/repository.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { mutants as fixtures } from './fixtures/list.ts';
import { mutants } from './list/mutants.ts';
import { plant } from './mutant.ts';
import { mutantsProgram } from './program.ts';

/** The program over the fixtures in this process. */
async function program(...argv: readonly string[]) {
  const written = { out: '', err: '' };
  const code = await mutantsProgram(argv, fixtures, {
    stdout: { write: (text) => (written.out += text) },
    stderr: { write: (text) => (written.err += text) },
    signal: new AbortController().signal,
  });
  return { code, ...written };
}

describe('the list', () => {
  test('has a name for each, once', () => {
    expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
  });

  test.each(mutants)('$name can be planted, and its tests are there', (mutant) => {
    const source = readFileSync(join(repository, mutant.file), 'utf8');
    expect(plant(source, mutant)).toBeDefined();
    expect(mutant.tests.filter((path) => !existsSync(join(repository, path)))).toEqual([]);
  });
});

test('killed is what a test notices; what no test notices and what keeps tests from running is not', async () => {
  const { code, out, err } = await program('--json', 'noticed', 'unnoticed', 'does-not-load');
  expect(code).toBe(1);
  expect(out).toBe(`${JSON.stringify({ planted: 3, killed: 1, survivors: ['unnoticed', 'does-not-load'] })}\n`);
  expect(err).toMatch(/^killed {3}noticed .*clamp\.check\.ts: not below the lower bound$/m);
  expect(err).toMatch(/^SURVIVED unnoticed .*2 tests passed$/m);
  expect(err).toMatch(/^SURVIVED does-not-load .*no test was of use/m);
});

test('with all of them killed the exit code is 0', async () => {
  expect(await program('noticed')).toMatchObject({ code: 0, out: '' });
});

test('tests that do not even pass without the bug say nothing', async () => {
  const { code, out, err } = await program('--json', 'without-tests');
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err).toContain('expected tests that pass without a bug');
  expect(err).toContain('no test ran');
});

test('what is replaced has to be there exactly once', async () => {
  const { code, err } = await program('noticed', 'lost', 'ambiguous');
  expect(code).toBe(1);
  expect(err).toMatchInlineSnapshot(`
    "error: mutants: expected what is replaced to be there exactly once; write down what stands there now.
    lost: "what was here before" in test/src/mutants/fixtures/clamp.ts
    ambiguous: "Math" in test/src/mutants/fixtures/clamp.ts
    "
  `);
});

test('wrong command lines', async () => {
  const name = await program('noticd');
  expect(name.code).toBe(2);
  expect(name.err).toContain("error: mutants: there is no 'noticd'. Did you mean 'noticed'? --list shows all.\n");
  const flag = await program('--jsn');
  expect(flag.code).toBe(2);
  expect(flag.err).toContain("error: mutants: Unknown option '--jsn'");
});

test('--list names what would be planted and runs none', async () => {
  const { code, out, err } = await program('--list');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out.split('\n').map((line) => line.split(':')[0])).toEqual([...fixtures.map(({ name }) => name), '']);
  expect((await program('--list', 'lost', 'lost')).out).toBe('lost: for the test of the program\n');
});

test('Ctrl-C ends what was started, and leaves the sources as they are', async () => {
  const heartbeat = join(temporaryFolder(), 'heartbeat');
  const source = join(import.meta.dirname, 'fixtures', 'clamp.ts');
  const [before, written] = [statSync(source).mtimeMs, readFileSync(source, 'utf8')];
  const main = join(import.meta.dirname, 'fixtures', 'main.ts');
  const words = ['--import', import.meta.resolve('tsx'), '--conditions', '@tessera/source', main, '--json', 'endless'];
  const child = spawn(process.execPath, words, {
    env: { ...process.env, TESSERA_HEARTBEAT: heartbeat },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let out = '';
  child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()));
  const closed = new Promise((resolve) => child.on('close', resolve));
  while (!existsSync(heartbeat) && child.exitCode === null) await sleep(20);
  child.kill('SIGINT');
  expect(await closed).toBe(130);
  expect(out).toBe('');
  const size = statSync(heartbeat).size;
  await sleep(200);
  expect(statSync(heartbeat).size).toBe(size);
  expect([statSync(source).mtimeMs, readFileSync(source, 'utf8')]).toEqual([before, written]);
});
