// Folders for tests that are gone after them.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, onTestFinished } from 'vitest';

/** An empty folder, removed when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** An empty folder for the tests of a file, removed after the last of them; to be called outside of tests. */
export function sharedFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
