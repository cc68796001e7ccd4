// A TensorBoard event file in a run folder, made when the first event comes. Each process that adds to a run has a file of its
// own, as TensorBoard expects; it reads all of a folder's files in the order of their names.

import { join } from 'node:path';
import { concatBytes } from '@tessera/core';
import { appendToFile, pathInfo } from '@tessera/core/node';
import { encodeFileVersion, encodeRestart, encodeSummaries } from './event-encoding.ts';
import type { EventSummary } from './event-encoding.ts';

/** Appends events; one call at a time. */
export class EventFile {
  readonly #directory: string;
  #path: string | undefined;
  #restart: number | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** The next event opens a new file, which tells TensorBoard to forget `step` and what came after it in the files before. */
  restartAt(step: number): void {
    this.#path = undefined;
    this.#restart = step;
  }

  /** Adds one event; `wallTime` in seconds since 1970. Throws FileError. */
  async append(event: {
    readonly wallTime: number;
    readonly step: number;
    readonly summaries: readonly EventSummary[];
  }): Promise<void> {
    const record = encodeSummaries(event);
    if (this.#path !== undefined) return appendToFile(this.#path, record);
    const path = await this.#newPath(event.wallTime);
    const { wallTime } = event;
    const restart = this.#restart === undefined ? [] : [encodeRestart({ wallTime, step: this.#restart })];
    await appendToFile(path, concatBytes([encodeFileVersion({ wallTime }), ...restart, record]));
    this.#path = path;
    this.#restart = undefined;
  }

  async #newPath(wallTime: number): Promise<string> {
    // Ten digits, so that names sort by time; TensorBoard looks for `tfevents` in the name.
    const seconds = String(Math.max(0, Math.floor(wallTime))).padStart(10, '0');
    for (let attempt = 0; ; attempt++) {
      const path = join(this.#directory, `events.out.tfevents.${seconds}.tessera.${attempt}`);
      if (!(await pathInfo(path))) return path;
    }
  }
}
