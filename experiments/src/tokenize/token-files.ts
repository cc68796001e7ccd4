// Files of tokens: named arrays and texts, numbered, as one safetensors file or as .npy files with a .json beside them. Each is there complete or not at
// all; what comes back from one is checked as if it were hostile.
import { basename, join } from 'node:path';
import { decodeNpy, decodeSafetensors, encodeNpy, encodeSafetensors, FormatError } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { listDirectory, readFileBounded, readTextBounded, removePath, writeFileAtomic } from '@tessera/core/node';
import { z } from 'zod';

/** How token files are written. */
export const tokenFormats = ['safetensors', 'npy'] as const;
export type TokenFormat = (typeof tokenFormats)[number];

/** What is in a token file. */
export interface TokenFile {
  /** `tokens` int32 `[N, ...tokenShape]`, and what came with the frames. */
  readonly tensors: Readonly<Record<string, NdArray>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A token file of a folder. */
export interface TokenFileEntry {
  readonly number: number;
  readonly format: TokenFormat;
  /** The file that is there when all of it is. */
  readonly path: string;
}

const maxBytes = 2 ** 31;
const ending: Readonly<Record<TokenFormat, string>> = { safetensors: 'safetensors', npy: 'json' };
const numberText = (number: number): string => String(number).padStart(6, '0');

/** `tokens-000012.safetensors`, or `tokens-000012.json` with `tokens-000012.npy` and more beside it. */
export function tokenFileEntry(directory: string, number: number, format: TokenFormat): TokenFileEntry {
  return { number, format, path: join(directory, `tokens-${numberText(number)}.${ending[format]}`) };
}

/** The token files of a folder by number. Throws FileError. */
export async function listTokenFiles(directory: string): Promise<TokenFileEntry[]> {
  const names = new Set(await listDirectory(directory));
  const numbers = [...names].map((name) => Number(/^tokens-(\d{6,15})\./.exec(name)?.[1]));
  const entries = [...new Set(numbers)].flatMap((number) =>
    tokenFormats.map((format) => tokenFileEntry(directory, number, format)),
  );
  // A number has one name only: `tokens-0000012` is not ours.
  return entries.filter(({ path }) => names.has(basename(path))).toSorted((a, b) => a.number - b.number);
}

/** Writes a token file, instead of one that is there. Throws FileError. */
export async function writeTokenFile(
  directory: string,
  { number, format, path }: TokenFileEntry,
  { tensors, metadata }: TokenFile,
): Promise<void> {
  if (format === 'safetensors') {
    await writeFileAtomic(path, encodeSafetensors({ ...tensors }, { ...metadata }));
    return;
  }
  // The .json says that all is there: it goes first and comes last.
  await removePath(path);
  for (const [name, array] of Object.entries(tensors)) {
    await writeFileAtomic(npyPath(directory, number, name), encodeNpy(array));
  }
  await writeFileAtomic(path, `${JSON.stringify({ tensors: Object.keys(tensors), metadata }, null, 2)}\n`);
}

const jsonSchema = z.strictObject({
  tensors: z.array(z.string().regex(/^[a-z]+$/i)),
  metadata: z.record(z.string(), z.string()),
});

/** Reads a token file. Throws FileError, FormatError for a damaged one. */
export async function readTokenFile(directory: string, { number, format, path }: TokenFileEntry): Promise<TokenFile> {
  if (format === 'safetensors') {
    return decodeSafetensors(await readFileBounded(path, { maxBytes }), { source: path });
  }
  const { tensors: names, metadata } = await readJson(path);
  const tensors: Record<string, NdArray> = {};
  for (const name of names) {
    const file = npyPath(directory, number, name);
    tensors[name] = decodeNpy(await readFileBounded(file, { maxBytes }), { source: file });
  }
  return { tensors, metadata };
}

/** Removes a token file. Throws as `readTokenFile` does. */
export async function removeTokenFile(directory: string, { number, format, path }: TokenFileEntry): Promise<void> {
  const names = format === 'npy' ? (await readJson(path)).tensors : [];
  await removePath(path);
  for (const name of names) await removePath(npyPath(directory, number, name));
}

function npyPath(directory: string, number: number, name: string): string {
  return join(directory, `${name}-${numberText(number)}.npy`);
}

async function readJson(path: string): Promise<z.infer<typeof jsonSchema>> {
  const text = await readTextBounded(path, { maxBytes });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new FormatError(`${path}: expected JSON, got ${(cause as Error).message}.`, { cause });
  }
  const result = jsonSchema.safeParse(json);
  if (!result.success) throw new FormatError(`${path}: ${z.prettifyError(result.error)}`);
  return result.data;
}
