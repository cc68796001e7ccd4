// Reads `config.json`, the file that makes a folder a run folder, and says what is wrong with a folder that has none.

import { join } from 'node:path';
import { FileError, FormatError } from '@tessera/core';
import { listDirectory, pathInfo, readTextBounded } from '@tessera/core/node';
import { MAX_JSON_BYTES, parseJson } from './json-file.ts';
import { runConfigSchema } from './schemas.ts';
import type { RunConfig } from './schemas.ts';

/** The `config.json` of a run folder. Throws FileError where there is no such folder, FormatError for one that is no run folder or a damaged file. */
export async function readConfig(directory: string): Promise<RunConfig> {
  const path = join(directory, 'config.json');
  const isFolder = (await pathInfo(directory))?.kind === 'directory';
  if (!isFolder || !(await pathInfo(path))) throw await notARun(directory);
  const text = await readTextBounded(path, { maxBytes: MAX_JSON_BYTES });
  return parseJson(text, { schema: runConfigSchema, source: path });
}

async function notARun(directory: string): Promise<FileError | FormatError> {
  const info = await pathInfo(directory);
  if (!info) {
    const advice = '`tessera list` shows the runs that there are.';
    return new FileError(`open run: there is no folder '${directory}'. ${advice}`, { code: 'ENOENT' });
  }
  if (info.kind !== 'directory') {
    return new FormatError(`open run: '${directory}' is a file. Name the run folder, which holds config.json.`);
  }
  for (const name of await listDirectory(directory)) {
    const isFolder = (await pathInfo(join(directory, name)))?.kind === 'directory';
    if (isFolder && (await pathInfo(join(directory, name, 'config.json')))) {
      return new FormatError(
        `open run: '${directory}' is a folder of runs. Name one of them, such as '${join(directory, name)}'.`,
      );
    }
  }
  return new FormatError(`open run: '${directory}' is not a run folder: it has no config.json.`);
}
