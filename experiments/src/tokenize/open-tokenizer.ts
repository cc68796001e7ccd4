// The tokenizer that a command is to work with: the one of a run folder, or a folder that `saveTokenizer` wrote.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { ConfigError } from '@tessera/core';
import { pathInfo, readFileBounded } from '@tessera/core/node';
import type { Engine } from '@tessera/engine';
import type { BuiltInTokenizer } from '@tessera/vqvae';
import { loadTokenizer } from '@tessera/vqvae/node';

const fileName = 'tokenizer.safetensors';
/** Where a run keeps it: that of the experiment `tokenizer`, and that of an agent. */
const places = ['.', 'tokenizer', join('agent', 'tokenizer')];
const maxBytes = 2 ** 32;

/** A tokenizer from a folder. */
export interface OpenedTokenizer {
  readonly tokenizer: BuiltInTokenizer;
  /** The folder that its file is in. */
  readonly directory: string;
  /** SHA-256 of its file, hexadecimal: tokens mean something to this tokenizer alone. */
  readonly id: string;
}

/** Loads the tokenizer of a folder for the command `where`. Throws ConfigError when there is none, and what `loadTokenizer` throws. */
export async function openTokenizer(where: string, engine: Engine, folder: string): Promise<OpenedTokenizer> {
  const directory = await findTokenizer(where, folder);
  const bytes = await readFileBounded(join(directory, fileName), { maxBytes });
  const id = createHash('sha256').update(bytes).digest('hex');
  return { tokenizer: await loadTokenizer(engine, directory), directory, id };
}

async function findTokenizer(where: string, folder: string): Promise<string> {
  for (const place of places) {
    const directory = join(folder, place);
    if ((await pathInfo(join(directory, fileName)))?.kind === 'file') return directory;
  }
  const info = await pathInfo(folder);
  const isRun = (await pathInfo(join(folder, 'config.json'))) !== undefined;
  let advice = 'Name a run folder, or a folder that saveTokenizer wrote.';
  if (isRun) advice = 'A run has one once it has made its last step: go on with it by --resume.';
  if (info === undefined) advice = `There is no such folder. ${advice}`;
  throw new ConfigError(
    `${where}: expected a tokenizer in '${folder}' (${places.map((place) => join(place, fileName)).join(', ')}), found none. ${advice}`,
  );
}
