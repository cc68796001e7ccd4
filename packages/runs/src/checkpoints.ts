// Checkpoints of a run: named tensors (safetensors) and a JSON object, in one folder each. A folder is filled under a hidden name
// and then renamed, so a checkpoint is there complete or not at all. Folders are numbered, newest highest: a new one never touches
// an older one until it is complete.

import { createHash, randomUUID } from 'node:crypto';
import { basename, join } from 'node:path';
import { ConfigError, decodeSafetensors, didYouMean, encodeSafetensors, FileError, FormatError } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import {
  listDirectory,
  makeDirectory,
  pathInfo,
  readFileBounded,
  readTextBounded,
  removePath,
  renamePath,
  writeFileAtomic,
} from '@tessera/core/node';
import { shortText } from './config-layers.ts';
import { jsonText, MAX_JSON_BYTES, parseJson } from './json-file.ts';
import { checkName } from './names.ts';
import { restoreNonFinite, takeNonFinite } from './non-finite.ts';
import { checkpointSchema, formatVersion } from './schemas.ts';

const TENSORS = 'tensors.safetensors';
const INFO = 'checkpoint.json';
const ASIDE = '.writing-';
const FOLDER = /^(\d{6,})-(.+)$/;
const MAX_TENSOR_BYTES = 2 ** 34;

/** Where a checkpoint is. */
export interface CheckpointEntry {
  readonly name: string;
  readonly directory: string;
}

/** A checkpoint that was read and checked. */
export interface Checkpoint extends CheckpointEntry {
  readonly createdAt: string;
  readonly tensors: Record<string, NdArray>;
  readonly meta: Record<string, unknown>;
}

/** The folder `checkpoints/` of a run; one write at a time. */
export class Checkpoints {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /** The checkpoints there are, newest first, without a look inside. Throws FileError. */
  async list(): Promise<CheckpointEntry[]> {
    return (await this.#numbered()).map(({ name, directory }) => ({ name, directory }));
  }

  /**
   * Writes a checkpoint and returns its folder. Of those with the same name the newest `keep` stay, this one included; the others are
   * removed once it is complete. `meta` holds JSON values; NaN and infinities are kept. Throws ConfigError for a bad name, FileError; older checkpoints stay.
   */
  async write(
    name: string,
    content: {
      readonly tensors: Readonly<Record<string, NdArray>>;
      readonly meta: Readonly<Record<string, unknown>>;
      readonly createdAt: Date;
      readonly keep: number;
    },
  ): Promise<string> {
    checkName('writeCheckpoint', name);
    const { keep } = content;
    if (!Number.isSafeInteger(keep) || keep < 1) {
      throw new ConfigError(`writeCheckpoint: expected keep to be a whole number >= 1, got ${shortText(keep)}.`);
    }
    const bytes = encodeSafetensors({ ...content.tensors });
    const { json: meta, nonFinite } = takeNonFinite(content.meta);
    const info = {
      formatVersion,
      name,
      createdAt: content.createdAt.toISOString(),
      tensorBytes: bytes.length,
      tensorSha256: sha256(bytes),
      meta,
      ...(Object.keys(nonFinite).length > 0 ? { nonFinite } : {}),
    };
    const older = await this.#numbered();
    const number = String((older[0]?.number ?? 0) + 1).padStart(6, '0');
    const directory = join(this.#root, `${number}-${name}`);
    const aside = join(this.#root, `${ASIDE}${randomUUID()}`);
    try {
      await makeDirectory(aside);
      await writeFileAtomic(join(aside, TENSORS), bytes);
      await writeFileAtomic(join(aside, INFO), jsonText(info));
      await renamePath(aside, directory);
    } catch (error) {
      await removePath(aside).catch(() => undefined);
      throw error;
    }
    const sameName = older.filter((entry) => entry.name === name);
    for (const entry of sameName.slice(keep - 1)) await removePath(entry.directory);
    return directory;
  }

  /**
   * The checkpoint called `name`, or the newest. Throws FileError where there is none, and FormatError, which names the
   * checkpoints that are left, for one that is cut short, altered or from a newer version.
   */
  async read(name?: string): Promise<Checkpoint> {
    const entries = await this.list();
    const entry = name === undefined ? entries[0] : entries.find((candidate) => candidate.name === name);
    if (!entry) throw missing(this.#root, name, entries);
    try {
      return await readFolder(entry);
    } catch (error) {
      // The process that trains has put a newer one in its place meanwhile.
      if (!(await pathInfo(entry.directory))) return this.read(name);
      if (!(error instanceof FormatError)) throw error;
      throw new FormatError(`${error.message} ${wayOut(entry, entries)}`, { cause: error });
    }
  }

  /** Removes what killed processes left half-written. No other process may be writing. Throws FileError. */
  async tidy(): Promise<void> {
    if (!(await pathInfo(this.#root))) return;
    for (const name of await listDirectory(this.#root)) {
      if (name.startsWith(ASIDE)) await removePath(join(this.#root, name));
    }
  }

  async #numbered(): Promise<(CheckpointEntry & { readonly number: number })[]> {
    if (!(await pathInfo(this.#root))) return [];
    const found = (await listDirectory(this.#root)).flatMap((folder) => {
      const match = FOLDER.exec(folder);
      return match ? [{ number: Number(match[1]), name: match[2]!, directory: join(this.#root, folder) }] : [];
    });
    return found.toSorted((a, b) => b.number - a.number);
  }
}

async function readFolder(entry: CheckpointEntry): Promise<Checkpoint> {
  const [infoPath, tensorPath] = [join(entry.directory, INFO), join(entry.directory, TENSORS)];
  for (const path of [infoPath, tensorPath]) {
    if (!(await pathInfo(path))) throw new FormatError(`${path}: is missing, so this checkpoint cannot be read.`);
  }
  const text = await readTextBounded(infoPath, { maxBytes: MAX_JSON_BYTES });
  const info = parseJson(text, { schema: checkpointSchema, source: infoPath });
  const bytes = await readFileBounded(tensorPath, { maxBytes: MAX_TENSOR_BYTES });
  if (bytes.length !== info.tensorBytes) {
    throw new FormatError(`${tensorPath}: expected ${info.tensorBytes} bytes, got ${bytes.length}. It was cut short.`);
  }
  if (sha256(bytes) !== info.tensorSha256) {
    throw new FormatError(`${tensorPath}: its content is not what was written (SHA-256 differs). It was altered.`);
  }
  const { tensors } = decodeSafetensors(bytes, { source: tensorPath });
  const meta = restoreNonFinite(info.meta, info.nonFinite ?? {}) as Record<string, unknown>;
  return { ...entry, createdAt: info.createdAt, tensors, meta };
}

/** What can be done about a damaged checkpoint. */
function wayOut(damaged: CheckpointEntry, entries: readonly CheckpointEntry[]): string {
  const others = entries.filter((entry) => entry !== damaged).map((entry) => basename(entry.directory));
  if (others.length === 0) return 'It is the only one.';
  const isNewest = damaged === entries[0];
  const how = isNewest
    ? ` To go on from ${others[0]}, move the folder ${basename(damaged.directory)} out of the way.`
    : '';
  return `Other checkpoints of this run, newest first: ${others.join(', ')}.${how}`;
}

function missing(root: string, name: string | undefined, entries: readonly CheckpointEntry[]): Error {
  const names = [...new Set(entries.map((entry) => entry.name))];
  if (names.length === 0) {
    return new FileError(`${root}: no checkpoint yet. The run ended before it wrote one.`, { code: 'ENOENT' });
  }
  return new ConfigError(
    `readCheckpoint: no checkpoint '${name}'.${didYouMean(name ?? '', names)} There are: ${names.join(', ')}.`,
  );
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
