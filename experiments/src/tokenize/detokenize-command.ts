// `tessera detokenize`: files of tokens back to pictures. The tokens are those of `tessera tokenize`, or come from elsewhere, such as a model of codes in Python.
import { basename, extname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import {
  ConfigError,
  decodeNpy,
  decodeSafetensors,
  encodePng,
  FormatError,
  ndarray,
  TesseraError,
} from '@tessera/core';
import type { NdArray } from '@tessera/core';
import {
  listDirectory,
  makeDirectory,
  pathInfo,
  readFileBounded,
  removeTemporaryFiles,
  writeFileAtomic,
} from '@tessera/core/node';
import { createEngine } from '@tessera/engine/node';
import { checkTokens, toBytes } from '@tessera/vqvae';
import type { Tokenizer } from '@tessera/vqvae';
import { engineChoice } from '../engine-choice.ts';
import type { Io } from '../io.ts';
import { createReporter } from '../reporter.ts';
import { checkBackend } from '../train-command.ts';
import { openTokenizer } from './open-tokenizer.ts';
import { listTokenFiles, readTokenFile } from './token-files.ts';
import type { TokenFile } from './token-files.ts';
import { parseTokenMetadata } from './token-metadata.ts';

/** Options as commander gives them. */
export interface DetokenizeOptions {
  readonly out: string;
  readonly overwrite?: boolean;
  readonly backend?: string;
}

/** Frames that are decoded at once. */
const batchSize = 64;
const maxBytes = 2 ** 31;

/** A file of tokens that is read when its turn comes. */
interface TokenSource {
  readonly path: string;
  readonly read: () => Promise<TokenFile>;
}

/** Decodes; returns the exit code. Throws errors of Tessera. */
export async function detokenizeCommand(
  tokenizerFolder: string,
  tokensPath: string,
  options: DetokenizeOptions,
  io: Io,
): Promise<number> {
  const { out, overwrite = false, backend } = options;
  if (backend !== undefined) checkBackend(backend);
  const sources = await findTokens(tokensPath);
  const reporter = createReporter(io.stderr, io.nowMs);
  const engine = await createEngine(engineChoice(backend, { precision: 'float32' }));
  try {
    const { tokenizer, id } = await openTokenizer('detokenize', engine, tokenizerFolder);
    const channels = tokenizer.spec.frameShape[2];
    if (![1, 3, 4].includes(channels)) {
      throw new ConfigError(
        `detokenize: expected frames of 1, 3 or 4 channels, which a PNG can hold, got a tokenizer of ${channels}. Decode them in a program of your own.`,
      );
    }
    // All of it is looked at before the first picture is written.
    const names: string[] = [];
    for (const source of sources) names.push(...(await readTokens(source, tokenizer, id)).names);
    const seen = new Set<string>();
    for (const name of names) {
      if (seen.has(name)) throw new FormatError(`detokenize: two pictures of '${tokensPath}' are named ${name}.`);
      seen.add(name);
    }
    await makeDirectory(out);
    await removeTemporaryFiles(out);
    const there = new Set(await listDirectory(out));
    const taken = names.find((name) => there.has(name));
    if (taken !== undefined && !overwrite) {
      throw new ConfigError(
        `detokenize: '${join(out, taken)}' is there already. Choose another folder for --out, or replace it with --overwrite.`,
      );
    }
    const progress = reporter.progress({ label: 'decoding', total: names.length, unit: 'pictures' });
    let done = 0;
    for (const source of sources) {
      if (io.signal.aborted) break;
      const { tokens, names: own } = await readTokens(source, tokenizer, id);
      for (let start = 0; start < own.length && !io.signal.aborted; start += batchSize) {
        const pictures = decodeRows(tokenizer, tokens, start, Math.min(batchSize, own.length - start));
        for (const [i, picture] of pictures.entries()) {
          await writeFileAtomic(join(out, own[start + i]!), encodePng(picture));
          progress.update(++done);
        }
        // Ctrl-C comes in between.
        await setImmediate();
      }
    }
    reporter.close();
    reporter.table([{ name: 'pictures', value: String(done), note: tokenizer.spec.frameShape.join(' x ') }]);
    io.stdout.write(`${out}\n`);
    if (done === names.length) return 0;
    reporter.line(
      `Stopped: ${done} of ${names.length} pictures are there. The same command with --overwrite makes them all.`,
    );
    return 130;
  } finally {
    reporter.close();
    engine.dispose();
  }
}

/** The token files of a folder, or one file. Throws FileError, ConfigError. */
async function findTokens(path: string): Promise<TokenSource[]> {
  if ((await pathInfo(path))?.kind === 'directory') {
    const entries = await listTokenFiles(path);
    if (entries.length > 0)
      return entries.map((entry) => ({ path: entry.path, read: () => readTokenFile(path, entry) }));
    throw new ConfigError(
      `detokenize: expected files of tessera tokenize in '${path}' (tokens-000000.safetensors, ...), found none. Name a file of other tokens itself.`,
    );
  }
  const read = async (): Promise<TokenFile> => {
    const bytes = await readFileBounded(path, { maxBytes });
    if (extname(path) === '.npy') return { tensors: { tokens: decodeNpy(bytes, { source: path }) }, metadata: {} };
    return decodeSafetensors(bytes, { source: path });
  };
  return [{ path, read }];
}

/** The tokens of a file, int32, and the name of each row's picture. Throws FormatError, ConfigError for tokens of another tokenizer. */
async function readTokens(
  { path, read }: TokenSource,
  tokenizer: Tokenizer,
  id: string,
): Promise<{ readonly tokens: NdArray<'int32'>; readonly names: readonly string[] }> {
  const { tensors, metadata } = await read();
  if (tensors['tokens'] === undefined) throw new FormatError(`${path}: expected an array named tokens, found none.`);
  const tokens = asInt32(path, tensors['tokens']);
  const known = metadata['tokenizer'] === undefined ? undefined : parseTokenMetadata(path, metadata);
  if (known !== undefined && known.tokenizer.id !== id) {
    throw new ConfigError(
      `detokenize: '${path}' was made by another tokenizer (${known.tokenizer.id.slice(0, 12)}...) than this one (${id.slice(0, 12)}...). Decode it with the one that made it.`,
    );
  }
  try {
    checkTokens('tokens', tokens, tokenizer.spec);
  } catch (cause) {
    if (cause instanceof TesseraError) throw new FormatError(`${path}: ${cause.message}`, { cause });
    throw cause;
  }
  return { tokens, names: namesOf(path, known?.pictures, tokens.shape[0]!) };
}

function namesOf(path: string, pictures: readonly string[] | undefined, count: number): readonly string[] {
  if (pictures === undefined) {
    const stem = basename(path, extname(path));
    return Array.from({ length: count }, (_, row) => `${stem}-${String(row).padStart(6, '0')}.png`);
  }
  if (pictures.length !== count) {
    throw new FormatError(`${path}: expected a name for each of ${count} pictures, got ${pictures.length}.`);
  }
  // Names are data of somebody's file: they must not lead out of the folder.
  const odd = pictures.find((name) => !/^[^/\\\0]+\.png$/i.test(name));
  if (odd !== undefined) throw new FormatError(`${path}: expected names of PNGs, got ${JSON.stringify(odd)}.`);
  return pictures;
}

/** Whole numbers of any kind as int32. */
function asInt32(path: string, { dtype, shape, data }: NdArray): NdArray<'int32'> {
  if (dtype === 'float32' || dtype === 'float64' || dtype === 'bool') {
    throw new FormatError(`${path}: expected whole numbers as tokens, got ${dtype}.`);
  }
  // What int32 cannot hold would come out as another token; -1 is none of any tokenizer.
  const values = Array.from(data as ArrayLike<number | bigint>, (value) => {
    const token = Number(value);
    return token === (token | 0) ? token : -1;
  });
  return ndarray('int32', shape, Int32Array.from(values));
}

function decodeRows(tokenizer: Tokenizer, tokens: NdArray<'int32'>, start: number, length: number): NdArray<'uint8'>[] {
  const size = tokens.data.length / tokens.shape[0]!;
  const rows = tokens.data.slice(start * size, (start + length) * size);
  const { data, shape } = toBytes(tokenizer.decode(ndarray('int32', [length, ...tokens.shape.slice(1)], rows)));
  const pixels = data.length / length;
  return Array.from({ length }, (_, i) => ndarray('uint8', shape.slice(1), data.slice(i * pixels, (i + 1) * pixels)));
}
