// A run folder: everything that one run of an experiment leaves behind (DESIGN.md, "How data flows", 6). It appears with its
// `config.json` or not at all; what is added later is appended, or written aside and renamed.

import { randomUUID } from 'node:crypto';
import { basename, join } from 'node:path';
import { ConfigError, encodePng, FileError } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import {
  makeDirectory,
  pathInfo,
  removePath,
  removeTemporaryFiles,
  renamePath,
  writeFileAtomic,
} from '@tessera/core/node';
import { Checkpoints } from './checkpoints.ts';
import type { Checkpoint, CheckpointEntry } from './checkpoints.ts';
import { shortText } from './config-layers.ts';
import { EventFile } from './event-file.ts';
import { jsonText } from './json-file.ts';
import { checkMetrics, MetricsLog } from './metrics-log.ts';
import type { MetricsRecord } from './metrics-log.ts';
import { checkName, runName } from './names.ts';
import { parseConfig } from './parse-config.ts';
import type { Picture } from './pictures.ts';
import { readResultFile, writeResultFile } from './result-file.ts';
import { releaseLock, takeLock, tidyLocks } from './run-lock.ts';
import { readConfig } from './read-config.ts';
import { formatVersion, runConfigSchema } from './schemas.ts';
import type { RunConfig, RunResult } from './schemas.ts';

/** What `RunFolder.create` is given. */
export interface RunFolderOptions {
  /** The folder that holds all runs; made when it is not there. */
  readonly root: string;
  readonly experiment: string;
  readonly env: string;
  readonly seed: number;
  /** Every setting, as JSON values. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The command line that started the run. Default empty. */
  readonly command?: string;
  /** Locks the folder for this process before it can be seen; `release` gives it free. Default false. */
  readonly lock?: boolean;
  /** The clock, for names and records. Default the system's. */
  readonly now?: () => Date;
}

/** Writes and reads one run. Writes are queued, so callers need not wait for one before the next. */
export class RunFolder {
  readonly directory: string;
  #config: RunConfig;
  readonly #now: () => Date;
  readonly #metrics: MetricsLog;
  readonly #events: EventFile;
  readonly #checkpoints: Checkpoints;
  #queue: Promise<unknown> = Promise.resolve();
  /** The text of the lock that this object holds. */
  #lock: string | undefined;

  private constructor(directory: string, config: RunConfig, now: () => Date) {
    this.directory = directory;
    this.#config = config;
    this.#now = now;
    this.#metrics = new MetricsLog(join(directory, 'metrics.jsonl'));
    this.#events = new EventFile(directory);
    this.#checkpoints = new Checkpoints(join(directory, 'checkpoints'));
  }

  /**
   * Makes `<root>/<experiment>-<env>-s<seed>-<utc time>/`, with `-2`, `-3`, ... after it where the name is taken.
   * Throws ConfigError for values that do not fit `config.json`, FileError.
   */
  static async create(options: RunFolderOptions): Promise<RunFolder> {
    const { root, experiment, env, seed, config, command = '', lock = false, now = () => new Date() } = options;
    const at = now();
    const content = parseConfig(
      runConfigSchema,
      { formatVersion, experiment, env, seed, createdAt: at.toISOString(), command, config },
      { source: 'RunFolder.create' },
    );
    await makeDirectory(root);
    const aside = join(root, `.creating-${randomUUID()}`);
    try {
      await makeDirectory(join(aside, 'media'));
      await makeDirectory(join(aside, 'checkpoints'));
      await writeFileAtomic(join(aside, 'config.json'), jsonText(content));
      const held = lock ? await takeLock(aside, { now: at }) : undefined;
      const directory = await renameToFree(aside, join(root, runName({ experiment, env, seed, at })));
      const run = new RunFolder(directory, content, now);
      run.#lock = held;
      return run;
    } catch (error) {
      await removePath(aside).catch(() => undefined);
      throw error;
    }
  }

  /**
   * Opens a run folder to read it or to add to it. Throws FileError when there is no such folder, FormatError when it is no run
   * folder, its `config.json` is cut short or it was written by a newer Tessera.
   */
  static async open(directory: string, options: { readonly now?: () => Date } = {}): Promise<RunFolder> {
    const { now = () => new Date() } = options;
    return new RunFolder(directory, await readConfig(directory), now);
  }

  /** What the run was started with; `updateConfig` changes it. */
  get config(): RunConfig {
    return this.#config;
  }

  /** The folder's own name. */
  get name(): string {
    return basename(this.directory);
  }

  /**
   * Keeps other processes from writing to the folder until the returned function (or `release`) is called or this process has ended, and clears
   * away what killed processes left half-written. Throws ConfigError while another process, or another object of this one, holds the folder, FileError.
   */
  async lock(): Promise<() => Promise<void>> {
    await this.#queued(async () => {
      const held = await takeLock(this.directory, { now: this.#now() });
      try {
        // The holder before may have changed it.
        this.#config = await readConfig(this.directory);
        await tidyLocks(this.directory);
        await removeTemporaryFiles(this.directory);
        await this.#checkpoints.tidy();
      } catch (error) {
        await releaseLock(this.directory, held).catch(() => undefined);
        throw error;
      }
      this.#lock = held;
    });
    return () => this.release();
  }

  /** Gives free what `lock` or `create` locked, after the writes before it; safe to call when nothing is locked. Throws FileError. */
  async release(): Promise<void> {
    await this.#queued(async () => {
      const held = this.#lock;
      this.#lock = undefined;
      if (held !== undefined) await releaseLock(this.directory, held);
    });
  }

  /** Replaces the settings and the command line in `config.json`, for a run that is made longer. Throws ConfigError, FileError. */
  async updateConfig(change: Pick<RunConfig, 'config' | 'command'>): Promise<void> {
    await this.#queued(async () => {
      const { config, command } = change;
      const content = parseConfig(
        runConfigSchema,
        { ...this.#config, config, command },
        { source: 'RunFolder.updateConfig' },
      );
      await writeFileAtomic(join(this.directory, 'config.json'), jsonText(content));
      this.#config = content;
    });
  }

  /**
   * Adds numbers under their names to `metrics.jsonl` and to the TensorBoard events. `step` counts environment steps.
   * NaN and infinities are kept: null and a marker in the JSON, themselves in TensorBoard. Throws ConfigError, FileError.
   */
  async logMetrics(step: number, values: Readonly<Record<string, number>>): Promise<void> {
    checkMetrics(step, values);
    const record = { step, wallTime: this.#seconds(), values: { ...values } };
    const summaries = Object.entries(record.values).map(([tag, scalar]) => ({ tag, scalar }));
    await this.#queued(async () => {
      await this.#metrics.append(record);
      await this.#events.append({ ...record, summaries });
    });
  }

  /** Adds a picture, uint8 `[H, W, 3]`, to the TensorBoard events under `tag`. Throws ConfigError, ShapeError, FileError. */
  async logPicture(step: number, tag: string, picture: Picture): Promise<void> {
    checkMetrics(step, { [tag]: 0 });
    const [height = 0, width = 0, channels = 0] = picture.shape;
    const image = { height, width, channels, png: encodePng(picture) };
    const event = { wallTime: this.#seconds(), step, summaries: [{ tag, image }] };
    await this.#queued(() => this.#events.append(event));
  }

  /** Every record of `metrics.jsonl`; a last line that was cut short is left out. Throws FormatError naming a damaged line. */
  async readMetrics(): Promise<MetricsRecord[]> {
    return this.#queued(() => this.#metrics.read());
  }

  /** How many lines `metrics.jsonl` has: what a checkpoint must remember for `rewindMetrics`. Throws FileError. */
  async metricsLines(): Promise<number> {
    return this.#queued(() => this.#metrics.count());
  }

  /**
   * Drops the metrics that were logged after the first `lines` ones, for a run that goes on from the checkpoint at `step`, and lets TensorBoard
   * forget what came after that step (default: the last step that is kept). Returns how many were dropped; where fewer than `lines` are left,
   * as after a power cut, they all stay. Throws ConfigError, FileError, and FormatError naming a damaged line.
   */
  async rewindMetrics(lines: number, options: { readonly step?: number } = {}): Promise<number> {
    if (!Number.isSafeInteger(lines) || lines < 0) {
      throw new ConfigError(`rewindMetrics: expected a count of lines >= 0, got ${shortText(lines)}.`);
    }
    return this.#queued(async () => {
      const { kept, dropped } = await this.#metrics.keep(lines);
      const { step = kept.at(-1)?.step ?? -1 } = options;
      this.#events.restartAt(step + 1);
      return dropped.length;
    });
  }

  /** Writes `media/<name>.png` and returns its path. Throws ConfigError for a bad name, FileError. */
  async writePicture(name: string, picture: Picture): Promise<string> {
    return this.writeMedia(`${name}.png`, encodePng(picture));
  }

  /** Writes `media/<file>`, for instance a GIF, and returns its path. Throws ConfigError for a bad name, FileError. */
  async writeMedia(file: string, bytes: Uint8Array): Promise<string> {
    checkName('writeMedia', file);
    const path = join(this.directory, 'media', file);
    await this.#queued(() => writeFileAtomic(path, bytes));
    return path;
  }

  /**
   * Writes tensors and a JSON object as `checkpoints/<number>-<name>/` and returns the folder. Both files appear together; of the
   * checkpoints of that name the newest `keep` (default 1) stay, and older ones are removed only then. Throws ConfigError, FileError.
   */
  async writeCheckpoint(
    name: string,
    tensors: Readonly<Record<string, NdArray>>,
    meta: Readonly<Record<string, unknown>>,
    options: { readonly keep?: number } = {},
  ): Promise<string> {
    const { keep = 1 } = options;
    return this.#queued(() => this.#checkpoints.write(name, { tensors, meta, createdAt: this.#now(), keep }));
  }

  /** The newest checkpoint called `name`, or the newest of all. Throws FormatError for a damaged one, which names the others and how to use them. */
  async readCheckpoint(name?: string): Promise<Checkpoint> {
    return this.#queued(() => this.#checkpoints.read(name));
  }

  /** The checkpoints there are, newest first. */
  async listCheckpoints(): Promise<CheckpointEntry[]> {
    return this.#queued(() => this.#checkpoints.list());
  }

  /** Writes `result.json`, replacing an older one. Throws ConfigError for a result that does not fit, FileError. */
  async writeResult(result: Omit<RunResult, 'formatVersion'>): Promise<void> {
    await this.#queued(() => writeResultFile(join(this.directory, 'result.json'), result));
  }

  /** `result.json`, or undefined for a run that has not ended. Throws FormatError. */
  async readResult(): Promise<RunResult | undefined> {
    return this.#queued(() => readResultFile(join(this.directory, 'result.json')));
  }

  #seconds(): number {
    return this.#now().getTime() / 1000;
  }

  /** One access after the other: appends to one file must not overlap, and a read sees the writes before it. */
  async #queued<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}

async function renameToFree(from: string, wanted: string): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const to = attempt === 1 ? wanted : `${wanted}-${attempt}`;
    // POSIX refuses to rename onto a folder that is not empty, with the codes below; Windows has other ones.
    if (await pathInfo(to)) continue;
    try {
      await renamePath(from, to);
      return to;
    } catch (error) {
      // Another process took the name between the look and the renaming.
      if (!(error instanceof FileError && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST'))) throw error;
    }
  }
}
