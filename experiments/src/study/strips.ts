// Strips of frames that a study left in its run folder, read again to be put one above the other.
import { join } from 'node:path';
import { ConfigError, decodePng } from '@tessera/core';
import { readFileBounded } from '@tessera/core/node';
import { stackRows } from '@tessera/runs';
import type { Picture } from '@tessera/runs';

const maxPictureBytes = 2 ** 24;

/** One strip above the other: those of `above`, then the files of `media/` of the run folder. Throws ConfigError for a file of another size than the strip before it. */
export async function stackStrips(
  directory: string,
  files: readonly string[],
  { above = [], gap }: { readonly above?: readonly Picture[]; readonly gap: number },
): Promise<Picture> {
  const rows = [...above];
  for (const file of files) {
    const path = join(directory, 'media', file);
    const strip = decodePng(await readFileBounded(path, { maxBytes: maxPictureBytes })) as Picture;
    const [before = strip] = rows;
    if (String(strip.shape) !== String(before.shape)) {
      throw new ConfigError(
        `study: '${path}' is not the picture that was written there. Remove its unit to measure it again.`,
      );
    }
    rows.push(strip);
  }
  return stackRows(rows, { gap });
}
