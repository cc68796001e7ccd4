// The command with the fake experiment, and what it wrote, as one text for snapshots.

import { main } from '../src/program.ts';
import { fakeIo } from './fake-experiment.ts';
import type { FakeIo } from './fake-experiment.ts';

/** Exit code and both streams, with the folder of the test taken out. */
export async function tessera(words: readonly string[], io: FakeIo = fakeIo(), folder = '\0'): Promise<string> {
  const code = await main(words, io);
  return `exit ${code}\n--- stdout\n${io.out()}--- stderr\n${io.err()}`.replaceAll(folder, '<root>');
}
