// A tokenizer in a folder: one file, `tokenizer.safetensors`, with its whole state as tensors and its settings as JSON in the file's metadata, so that both
// are replaced at once.
import { join } from 'node:path';
import { FormatError, decodeSafetensors, encodeSafetensors } from '@tessera/core';
import type { GeneratorState } from '@tessera/core';
import { makeDirectory, readFileBounded, writeFileAtomic } from '@tessera/core/node';
import type { Engine, NamedArrays } from '@tessera/engine';
import { z } from 'zod';
import { checkSettings } from './check-settings.ts';
import { vqvaeConfig } from './config.ts';
import type { BuiltInTokenizer } from './create-tokenizer.ts';
import { nearestConfig } from './nearest/config.ts';
import { NearestTokenizer } from './nearest/nearest-tokenizer.ts';
import { videoVqvaeConfig } from './video/config.ts';
import { VideoVQVAE } from './video/video-vqvae.ts';
import { VQVAE } from './vqvae.ts';

/** The version of the file; raised when a reader of the older version would misread it. */
const formatVersion = 1;
const fileName = 'tokenizer.safetensors';
const metadataName = 'tokenizer';
const maxBytes = 2 ** 32;

const settingsSchema = z.strictObject({
  formatVersion: z.literal(formatVersion),
  kind: z.enum(['vqvae', 'video-vqvae', 'nearest']),
  config: z.record(z.string(), z.unknown()),
  generators: z.record(z.string(), z.unknown()),
});
type Settings = z.infer<typeof settingsSchema>;

/** Writes a tokenizer into a folder, which is made when it is missing; a tokenizer that is there is replaced at once. Throws FileError. */
export async function saveTokenizer(directory: string, tokenizer: BuiltInTokenizer | VideoVQVAE): Promise<void> {
  const settings: Settings = {
    formatVersion,
    kind: kindOf(tokenizer),
    config: { ...tokenizer.config },
    generators: tokenizer instanceof VQVAE ? tokenizer.generatorState() : {},
  };
  await makeDirectory(directory);
  const bytes = encodeSafetensors(tokenizer.state(), { [metadataName]: JSON.stringify(settings) });
  await writeFileAtomic(join(directory, fileName), bytes);
}

function kindOf(tokenizer: BuiltInTokenizer | VideoVQVAE): Settings['kind'] {
  if (tokenizer instanceof VideoVQVAE) return 'video-vqvae';
  return tokenizer instanceof VQVAE ? 'vqvae' : 'nearest';
}

/** Reads what `saveTokenizer` wrote; its codes are the same, bit for bit on the same backend. Throws FileError when it is not there, FormatError when it is damaged, newer, or one of videos. */
export function loadTokenizer(engine: Engine, directory: string): Promise<BuiltInTokenizer> {
  return load(directory, ({ kind, config }) => {
    if (kind === 'nearest') return new NearestTokenizer(nearestConfig(config));
    if (kind === 'vqvae') return new VQVAE(engine, vqvaeConfig(config));
    throw new FormatError('expected a tokenizer of pictures, got one of videos. Load it with loadVideoTokenizer.');
  });
}

/** `loadTokenizer` for tokenizers of videos. */
export function loadVideoTokenizer(engine: Engine, directory: string): Promise<VideoVQVAE> {
  return load(directory, ({ kind, config }) => {
    if (kind === 'video-vqvae') return new VideoVQVAE(engine, videoVqvaeConfig(config));
    throw new FormatError('expected a tokenizer of videos, got one of pictures. Load it with loadTokenizer.');
  });
}

async function load<T extends BuiltInTokenizer | VideoVQVAE>(
  directory: string,
  build: (settings: Settings) => T,
): Promise<T> {
  const source = join(directory, fileName);
  const { tensors, metadata } = decodeSafetensors(await readFileBounded(source, { maxBytes }), { source });
  const settings = parseSettings(source, metadata[metadataName]);
  const tokenizer = explained(source, () => build(settings));
  try {
    explained(`${source}: the tensors do not fit the settings`, () => fill(tokenizer, tensors, settings));
    return tokenizer;
  } catch (error) {
    tokenizer.dispose();
    throw error;
  }
}

function fill(tokenizer: BuiltInTokenizer | VideoVQVAE, tensors: NamedArrays, { generators }: Settings): void {
  tokenizer.loadState(tensors);
  if (tokenizer instanceof VQVAE) tokenizer.loadGeneratorState(generators as Record<string, GeneratorState>);
}

function parseSettings(source: string, text: string | undefined): Settings {
  if (text === undefined) {
    throw new FormatError(
      `${source}: expected the settings of a tokenizer in its metadata, got none. Is it the right file?`,
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new FormatError(
      `${source}: expected settings in JSON, got ${(cause as Error).message}. The file was edited.`,
      {
        cause,
      },
    );
  }
  const version = (json as { formatVersion?: unknown } | null)?.formatVersion;
  if (typeof version === 'number' && version > formatVersion) {
    throw new FormatError(
      `${source}: format version ${version} is newer than ${formatVersion}, the newest that this Tessera reads. Update Tessera.`,
    );
  }
  return explained(source, () => checkSettings('settings', settingsSchema, json));
}

/** Errors about what is in the file name the file. */
function explained<T>(where: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new FormatError(`${where}: ${(cause as Error).message}`, { cause });
  }
}
