// What the command needs from the outside, so that tests can run it without a process of its own.

import type { Experiment } from './experiment.ts';
import type { HumanStream } from './progress.ts';
import type { Keyboard } from './terminal/session.ts';

/** The world of a command. */
export interface Io {
  /** For data. */
  readonly stdout: { write(text: string): unknown };
  /** Where keys come from; none where a person cannot press any. */
  readonly stdin?: Keyboard;
  /** For people. */
  readonly stderr: HumanStream;
  /** Environment variables. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
  /** A clock in milliseconds. */
  readonly nowMs: () => number;
  readonly experiments: readonly Experiment[];
}
