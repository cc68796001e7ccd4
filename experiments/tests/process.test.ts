import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from '@fast-check/vitest';
import { RunFolder } from '@tessera/runs';
import { describe, expect, onTestFinished } from 'vitest';
import { main } from '../src/program.ts';
import { fakeIo } from './fake-experiment.ts';
import { temporaryFolder } from './temporary-folder.ts';

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Starts the command; `onLine` sees each line of stderr as it comes. */
async function start(
  options: { fake: string; runs: string },
  onLine: (line: string, child: ChildProcess) => void,
): Promise<Ended> {
  const entry = fileURLToPath(new URL('./fake-main.ts', import.meta.url));
  const flags = ['--conditions=@tessera/source', '--import', 'tsx', entry];
  const child = spawn(process.execPath, [...flags, 'train', 'tokenizer', '--runs', options.runs], {
    env: { ...process.env, FAKE: options.fake },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const written = { out: '', err: '' };
  let line = '';
  child.stdout.on('data', (bytes: Buffer) => (written.out += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => {
    written.err += bytes.toString();
    const lines = (line + bytes.toString()).split('\n');
    line = lines.pop()!;
    for (const complete of lines) onLine(complete, child);
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, ...written };
}

describe('the command as a process', () => {
  const signals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM'];
  for (const signal of signals) {
    test(`${signal} lets it finish its step and save`, async () => {
      const runs = temporaryFolder();
      const { code, out, err } = await start({ fake: 'waits', runs }, (line, child) => {
        if (line === 'ready') child.kill(signal);
      });
      expect(err).toContain('Stopping after this step; once more stops at once.\n');
      expect(err).toContain('Stopped before the last step; what was done until then is saved.\n');
      expect(out.trim()).toMatch(/tokenizer-Breakout-v0-s0-/);
      expect(err).toContain(`Continue with: tessera train tokenizer --resume ${out}`);
      expect(existsSync(join(out.trim(), '.lock'))).toBe(false);
      expect(code).toBe(130);
      expect(readdirSync(runs).length).toBe(1);
    });
  }

  test('a second Ctrl-C ends what does not stop', async () => {
    const { code, out } = await start({ fake: 'hangs', runs: temporaryFolder() }, (line, child) => {
      if (line === 'ready' || line.startsWith('Stopping')) child.kill('SIGINT');
    });
    expect(code).toBe(130);
    expect(out).toBe('');
  });

  test('while a run goes on no other process may touch it; once it was killed, the next one takes over', async () => {
    const runs = temporaryFolder();
    const made: string[] = [];
    const ended = await start({ fake: 'hangs', runs }, (line, child) => {
      if (line !== 'ready') return;
      const [name] = readdirSync(runs);
      made.push(join(runs, name!));
      const io = fakeIo();
      void main(['train', 'tokenizer', '--resume', made[0]!], io).then((code) => {
        made.push(String(code), io.err());
        child.kill('SIGKILL');
      });
    });
    expect(ended.code).toBe(null);
    const [directory, code, message] = made;
    expect(code).toBe('1');
    expect(message).toMatch(/^error: lock run: '.*' is in use by process \d+, since .*try again\.\n$/);
    const run = await RunFolder.open(directory!);
    await run.writeCheckpoint('latest', {}, { done: 1 });
    const io = fakeIo();
    expect(await main(['train', 'tokenizer', '--resume', directory!], io)).toBe(0);
    expect(io.out().trim()).toBe(directory);
  });

  test('a rejection that nobody caught is an error like others', async () => {
    const { code, err } = await start({ fake: 'rejects', runs: temporaryFolder() }, () => undefined);
    expect(err).toContain('error: internal: nobody caught this (a defect of Tessera; TESSERA_DEBUG=1 shows where)\n');
    expect(err).not.toMatch(/^ +at /m);
    expect(code).toBe(1);
  });
});
