// Frames as a film in a file: a GIF, or an animated PNG for what has too many colours for one.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ConfigError, encodeApng, encodeGif, FileError } from '@tessera/core';
import type { NdArray } from '@tessera/core';

/** `gif`: small, 256 colours; `apng`: all colours, a `.png` that moves. */
export type VideoFormat = 'gif' | 'apng';

const extensions: Readonly<Record<VideoFormat, string>> = { gif: 'gif', apng: 'png' };

/** Throws ConfigError for an unknown format or a rate that is no number > 0. */
export function checkVideo(where: string, format: VideoFormat, fps: number): void {
  if (!Object.hasOwn(extensions, format)) {
    throw new ConfigError(`${where}: expected a format out of gif, apng, got ${JSON.stringify(format)}.`);
  }
  if (!(fps > 0 && fps <= 1000)) {
    throw new ConfigError(`${where}: expected fps in (0, 1000], got ${String(fps)}.`);
  }
}

/** Makes the folder if it is not there; throws FileError when that fails. */
export function makeVideoFolder(folder: string): string {
  return passingFileErrors(`make the folder '${folder}'`, () => {
    mkdirSync(folder, { recursive: true });
    return resolve(folder);
  });
}

/** Writes a film and returns its path. Synchronous, because `step` is; the file is there whole or not at all. Throws FileError. */
export function writeVideo(
  folder: string,
  name: string,
  frames: readonly NdArray<'uint8'>[],
  options: { readonly format: VideoFormat; readonly fps: number },
): string {
  const path = join(folder, `${name}.${extensions[options.format]}`);
  const encode = options.format === 'gif' ? encodeGif : encodeApng;
  const bytes = encode(frames, { delayMs: 1000 / options.fps });
  return passingFileErrors(`write '${path}'`, () => {
    writeFileSync(`${path}.tmp`, bytes);
    renameSync(`${path}.tmp`, path);
    return path;
  });
}

function passingFileErrors<T>(action: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new FileError(`cannot ${action}: ${message}.`, { cause, code });
  }
}
