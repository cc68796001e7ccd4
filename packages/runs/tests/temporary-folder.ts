// Folders for tests that are gone after them.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** An empty folder, removed when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-runs-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A clock that stands still. */
export const noon = (): Date => new Date('2026-01-31T12:00:00.250Z');

/** What `RunFolder.create` needs, for a run of the given root. */
export function runOptions(root: string): {
  root: string;
  experiment: string;
  env: string;
  seed: number;
  config: { steps: number };
  now: () => Date;
} {
  return { root, experiment: 'tokenizer', env: 'Breakout-v0', seed: 0, config: { steps: 10 }, now: noon };
}

/** An error's message without the folder of the test. */
export async function messageOf(promise: Promise<unknown>, folder: string): Promise<string> {
  const error: unknown = await promise.then(
    () => new Error('it was fulfilled'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new TypeError('a rejection that is no Error');
  return `${error.name}: ${error.message}`.replaceAll(folder, '<root>');
}
