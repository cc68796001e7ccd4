// A TensorBoard event file in a run folder, made when the first event comes. Each process that adds to a run has a file of its
// own, as TensorBoard expects; it reads all of a folder's files in the order of their names.

import { join } from 'node:path';
import { appendToFile, pathInfo } from '@tessera/core/node';
import { encodeFileVersion, encodeSummaries } from './event-encoding.ts';
import type { EventSummary } from './event-encoding.ts';
import { concatBytes } from './protobuf.ts';

/** Appends events; one call at a time. */
export class EventFile {
  readonly #directory: string;
  #path: string | undefined;

  constructor(directory: string) {
    this.#directory = directory;
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
    await appendToFile(path, concatBytes([encodeFileVersion(event), record]));
    this.#path = path;
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
