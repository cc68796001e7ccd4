import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, onTestFinished } from 'vitest';
import { listRuns } from '../src/list-runs.ts';
import { isRunning, processStart } from '../src/processes.ts';
import { RunFolder } from '../src/run-folder.ts';
import { messageOf, noon, runOptions, temporaryFolder } from './temporary-folder.ts';

const onLinux = process.platform === 'linux';

/** A run and what a lock in it looks like; `lock` puts another process's there. */
async function withRun(): Promise<{ root: string; run: RunFolder; path: string; lock: (change: object) => void }> {
  const root = temporaryFolder();
  const run = await RunFolder.create(runOptions(root));
  const path = join(run.directory, '.lock');
  const own = { pid: process.pid, host: hostname(), processStart: processStart(process.pid) ?? null };
  const lock = (change: object): void =>
    writeFileSync(path, JSON.stringify({ ...own, since: noon().toISOString(), id: randomUUID(), ...change }));
  return { root, run, path, lock };
}

const endedProcess = (): number => spawnSync(process.execPath, ['-e', '']).pid;

const withoutPid = (message: string): string => message.replace(/process \d+/, 'process N');

describe('RunFolder.lock', () => {
  test('keeps others out until it is released', async () => {
    const { root, run, path } = await withRun();
    const release = await run.lock();
    const other = await RunFolder.open(run.directory, { now: noon });
    expect(withoutPid(await messageOf(other.lock(), root))).toMatchInlineSnapshot(
      `"ConfigError: lock run: '<root>/tokenizer-Breakout-v0-s0-20260131T120000Z' is in use by process N, which is this one, since 2026-01-31T12:00:00.250Z. Wait until it has ended, or stop it (one Ctrl-C saves its work), and try again."`,
    );
    await release();
    expect(existsSync(path)).toBe(false);
    const releaseOther = await other.lock();
    // The first one has nothing to release any more.
    await release();
    await run.release();
    expect(existsSync(path)).toBe(true);
    await releaseOther();
    expect(existsSync(path)).toBe(false);
  });

  test('a new run can be locked from its first moment', async () => {
    const root = temporaryFolder();
    const run = await RunFolder.create({ ...runOptions(root), lock: true });
    expect(await messageOf((await RunFolder.open(run.directory)).lock(), root)).toContain('is in use by process');
    expect((await listRuns(root))[0]!.running).toBe(true);
    await run.release();
    await (
      await (await RunFolder.open(run.directory)).lock()
    )();
    expect((await listRuns(root))[0]).not.toHaveProperty('running');
  });

  test('a process that lives keeps it, one that was killed does not', async () => {
    const { root, run } = await withRun();
    const holder = fileURLToPath(new URL('./lock-holder.ts', import.meta.url));
    const flags = ['--conditions=@tessera/source', '--import', 'tsx', holder, run.directory];
    const child = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    await new Promise((resolve) => child.stdout.once('data', resolve));
    expect(await messageOf(run.lock(), root)).toContain(`is in use by process ${child.pid}, since `);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
    await (
      await run.lock()
    )();
  });

  test.skipIf(!onLinux)('a process id that another program has got since is noticed', async () => {
    const { run, path, lock } = await withRun();
    lock({ processStart: 'some other boot:123' });
    await run.lock();
    expect(readFileSync(path, 'utf8')).not.toContain('some other boot');
  });

  test('where the system does not say when a process started, the message says what to do', async () => {
    const { root, run, lock } = await withRun();
    lock({ processStart: null });
    expect((await messageOf(run.lock(), root)).replaceAll(String(process.pid), 'N')).toMatch(
      /If process N is another program by now, remove '<root>\/.*\/\.lock'\.$/,
    );
  });

  test('a lock from another machine is believed', async () => {
    const { root, run, lock } = await withRun();
    lock({ pid: 12, host: 'elsewhere' });
    expect(await messageOf(run.lock(), root)).toMatchInlineSnapshot(
      `"ConfigError: lock run: '<root>/tokenizer-Breakout-v0-s0-20260131T120000Z' is in use by process 12 of the machine 'elsewhere', since 2026-01-31T12:00:00.250Z. Wait until it has ended, or stop it (one Ctrl-C saves its work), and try again. If it is gone, remove '<root>/tokenizer-Breakout-v0-s0-20260131T120000Z/.lock'."`,
    );
  });

  test.each(['', '{"pid": 1', '{}', '\0'])('a lock that cannot be read (%j) is taken over in the end', async (text) => {
    const { run, path } = await withRun();
    writeFileSync(path, text);
    await (
      await run.lock()
    )();
    expect(existsSync(path)).toBe(false);
  });

  test.prop([fc.array(fc.integer({ min: 0, max: 8 }), { minLength: 2, maxLength: 12 }), fc.boolean()], { numRuns: 30 })(
    'of many that want it at almost the same time, one gets it, also from a dead process',
    async (delays, abandoned) => {
      const { run, lock } = await withRun();
      if (abandoned) lock({ pid: endedProcess() });
      const wanting = delays.map(async (milliseconds) => {
        const folder = await RunFolder.open(run.directory);
        await sleep(milliseconds);
        return folder.lock();
      });
      const outcomes = await Promise.allSettled(wanting);
      expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBe(1);
      expect(readdirSync(run.directory).filter((name) => name.startsWith('.lock'))).toEqual(['.lock']);
    },
  );

  test("a process that died while it took over a lock stands in nobody's way", async () => {
    const { run, path, lock } = await withRun();
    const id = randomUUID();
    lock({ pid: endedProcess(), id });
    writeFileSync(`${path}-${id}`, readFileSync(path, 'utf8').replace(id, randomUUID()));
    writeFileSync(`${path}-${randomUUID()}`, '');
    await run.lock();
    expect(readdirSync(run.directory).filter((name) => name.startsWith('.lock'))).toEqual(['.lock']);
  });

  test('a folder that is not writable, or gone', async () => {
    const { root, run } = await withRun();
    const gone = await RunFolder.open(run.directory);
    rmSync(run.directory, { recursive: true });
    expect(await messageOf(gone.lock(), root)).toMatchInlineSnapshot(
      `"FileError: lock run: cannot write '<root>/tokenizer-Breakout-v0-s0-20260131T120000Z/.lock' (ENOENT). To train in a run folder, it must be writable and the disk must have room."`,
    );
    // The queue goes on.
    expect(await gone.metricsLines()).toBe(0);
  });

  test('clears away what killed processes left half-written, and nothing else', async () => {
    const { run } = await withRun();
    await run.writeCheckpoint('latest', {}, { step: 1 });
    mkdirSync(join(run.directory, 'checkpoints', '.writing-x'));
    writeFileSync(join(run.directory, 'checkpoints', '.writing-x', 'tensors.safetensors'), 'half');
    writeFileSync(join(run.directory, '.0123456789abcdef.tessera-tmp'), 'half');
    const before = readdirSync(run.directory).filter((name) => !name.endsWith('tmp'));
    await (
      await run.lock()
    )();
    expect(readdirSync(run.directory)).toEqual(before);
    expect(readdirSync(join(run.directory, 'checkpoints'))).toEqual(['000001-latest']);
  });

  test('sees what the holder before changed of the settings', async () => {
    const { run } = await withRun();
    const other = await RunFolder.open(run.directory);
    await run.updateConfig({ config: { steps: 20 }, command: 'tessera train tokenizer --steps 20' });
    await other.lock();
    expect(other.config).toMatchObject({ config: { steps: 20 }, command: 'tessera train tokenizer --steps 20' });
    expect(other.config).toEqual(run.config);
  });
});

describe('processes', () => {
  test('this one runs, an ended one does not', () => {
    expect(isRunning({ pid: process.pid, processStart: processStart(process.pid) ?? null })).toBe(true);
    expect(isRunning({ pid: endedProcess(), processStart: null })).toBe(false);
    expect(processStart(process.pid)).toBe(processStart(process.pid));
  });

  test.skipIf(!onLinux)('one that has ended but was not asked for its exit code does not run', async () => {
    // The shell becomes sleep, which never asks what became of the shell's child.
    const child = spawn('sh', ['-c', 'sleep 0.2 & echo $!; exec sleep 30'], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    const pid = Number(
      await new Promise<string>((resolve) => child.stdout.once('data', (b: Buffer) => resolve(b.toString()))),
    );
    await expect.poll(() => readFileSync(`/proc/${pid}/stat`, 'utf8')).toContain(' Z ');
    expect(isRunning({ pid, processStart: null })).toBe(false);
  });
});
