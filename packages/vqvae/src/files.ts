// A tokenizer in a folder: `tokenizer.safetensors` with its whole training state, and `tokenizer.json` with its settings, written last, so that it is there
// only when the tensors are.
import { join } from 'node:path';
import { FileError, FormatError, decodeSafetensors, encodeSafetensors } from '@tessera/core';
import type { GeneratorState } from '@tessera/core';
import { makeDirectory, readFileBounded, readTextBounded, writeFileAtomic } from '@tessera/core/node';
import type { Engine } from '@tessera/engine';
import { z } from 'zod';
import { vqvaeConfig } from './config.ts';
import type { VqvaeConfig, VqvaeOptions } from './config.ts';
import { VQVAE } from './vqvae.ts';

/** The version of the files; raised when a reader of the older version would misread them. */
const formatVersion = 1;
const names = { settings: 'tokenizer.json', tensors: 'tokenizer.safetensors' } as const;
const limits = { settings: 2 ** 20, tensors: 2 ** 32 } as const;

const settingsSchema = z.strictObject({
  formatVersion: z.literal(formatVersion),
  kind: z.literal('vqvae'),
  config: z.record(z.string(), z.unknown()),
  generators: z.record(z.string(), z.unknown()),
});

/** Writes a tokenizer into a folder, which is made when it is missing; each file is replaced at once. Throws FileError. */
export async function saveTokenizer(directory: string, tokenizer: VQVAE): Promise<void> {
  await makeDirectory(directory);
  await writeFileAtomic(join(directory, names.tensors), encodeSafetensors(tokenizer.state(), { kind: 'vqvae' }));
  const settings = { formatVersion, kind: 'vqvae', config: tokenizer.config, generators: tokenizer.generatorState() };
  await writeFileAtomic(join(directory, names.settings), `${JSON.stringify(settings, null, 2)}\n`);
}

/** Reads what `saveTokenizer` wrote; its codes are the same, bit for bit on the same backend. Throws FileError when it is not there, FormatError when it is damaged or newer. */
export async function loadTokenizer(engine: Engine, directory: string): Promise<VQVAE> {
  const path = join(directory, names.settings);
  const settings = parseSettings(path, await readTextBounded(path, { maxBytes: limits.settings }));
  const source = join(directory, names.tensors);
  const { tensors } = decodeSafetensors(await readFileBounded(source, { maxBytes: limits.tensors }), { source });
  const tokenizer = new VQVAE(engine, parseConfig(path, settings.config));
  try {
    tokenizer.loadState(tensors);
    tokenizer.loadGeneratorState(settings.generators as Record<string, GeneratorState>);
    return tokenizer;
  } catch (cause) {
    tokenizer.dispose();
    if (cause instanceof FileError) throw cause;
    throw new FormatError(`${source}: does not fit ${names.settings}: ${(cause as Error).message}`, { cause });
  }
}

function parseConfig(path: string, config: object): VqvaeConfig {
  try {
    return vqvaeConfig(config as VqvaeOptions);
  } catch (cause) {
    throw new FormatError(`${path}: ${(cause as Error).message}`, { cause });
  }
}

function parseSettings(path: string, text: string): z.infer<typeof settingsSchema> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new FormatError(
      `${path}: expected JSON, got ${(cause as Error).message}. The file was cut short or edited.`,
      { cause },
    );
  }
  const version = (json as { formatVersion?: unknown } | null)?.formatVersion;
  if (typeof version === 'number' && version > formatVersion) {
    throw new FormatError(
      `${path}: format version ${version} is newer than ${formatVersion}, the newest that this Tessera reads. Update Tessera.`,
    );
  }
  const result = settingsSchema.safeParse(json);
  if (!result.success) throw new FormatError(`${path}: ${z.prettifyError(result.error)}`);
  return result.data;
}
