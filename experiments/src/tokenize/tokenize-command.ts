// `tessera tokenize`: frames of a folder to files of tokens, one after another, so that what has been written stays when it is stopped and is not made again.
// The folder's path is the only line on stdout.
import { setImmediate } from 'node:timers/promises';
import { ConfigError, elementCount, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { makeDirectory, removeTemporaryFiles } from '@tessera/core/node';
import { createEngine } from '@tessera/engine/node';
import { toUnit } from '@tessera/vqvae';
import type { Tokenizer } from '@tessera/vqvae';
import { engineChoice } from '../engine-choice.ts';
import type { Io } from '../io.ts';
import { createReporter } from '../reporter.ts';
import { checkBackend } from '../train-command.ts';
import { fitFrame } from './fit-frame.ts';
import type { FrameFit } from './fit-frame.ts';
import { findFrames } from './frame-source.ts';
import type { FramePiece, OpenedFrames } from './frame-source.ts';
import { openTokenizer } from './open-tokenizer.ts';
import { listTokenFiles, readTokenFile, removeTokenFile, tokenFileEntry, writeTokenFile } from './token-files.ts';
import type { TokenFormat } from './token-files.ts';
import { parseTokenMetadata, tokenMetadata } from './token-metadata.ts';

/** Options as commander gives them. */
export interface TokenizeOptions {
  readonly out: string;
  readonly format: TokenFormat;
  readonly resize?: boolean;
  readonly overwrite?: boolean;
  readonly backend?: string;
}

/** Frames that are encoded at once. */
const batchSize = 64;

/** Tokenizes; returns the exit code. Throws errors of Tessera. */
export async function tokenizeCommand(
  tokenizerFolder: string,
  framesFolder: string,
  options: TokenizeOptions,
  io: Io,
): Promise<number> {
  const { out, format, resize = false, overwrite = false, backend } = options;
  if (backend !== undefined) checkBackend(backend);
  const { unit, pieces } = await findFrames('tokenize', framesFolder);
  const reporter = createReporter(io.stderr, io.nowMs);
  const engine = await createEngine(engineChoice(backend, { precision: 'float32' }));
  try {
    const { tokenizer, id } = await openTokenizer('tokenize', engine, tokenizerFolder);
    const sourceOf = ({ source }: FramePiece): string => (resize ? `${source} resized` : source);
    await makeDirectory(out);
    await removeTemporaryFiles(out);
    const kept = await keptFiles({ out, format, overwrite, pieces, sourceOf, id });
    const todo = pieces.filter(({ number }) => !kept.has(number));
    const counts = { frames: 0, files: 0 };
    const used = new Set<number>();
    const total = todo.reduce((sum, { weight }) => sum + weight, 0);
    const progress = reporter.progress({ label: 'tokenizing', total, unit });
    let done = 0;
    const fit: FrameFit = { frameShape: tokenizer.spec.frameShape, resize };
    for (const piece of todo) {
      const opened = await piece.open();
      const tokens = await encodeAll(tokenizer, opened, fit, {
        stopped: () => io.signal.aborted,
        after: (frames) => progress.update(done + Math.floor((piece.weight * frames) / opened.count)),
      });
      if (tokens === undefined) break;
      const metadata = tokenMetadata(
        { tokenizer: { id, ...sizesOf(tokenizer) }, source: sourceOf(piece), pictures: opened.pictures },
        opened.metadata,
      );
      const file = { tensors: { ...opened.tensors, tokens }, metadata };
      await writeTokenFile(out, tokenFileEntry(out, piece.number, format), file);
      for (const token of tokens.data) used.add(token);
      counts.frames += opened.count;
      counts.files += 1;
      done += piece.weight;
    }
    reporter.close();
    const { tokenShape, vocabulary } = tokenizer.spec;
    reporter.table([
      { name: 'frames', value: String(counts.frames), note: `${tokenShape.join(' x ')} tokens each` },
      { name: 'codes', value: String(used.size), note: `of ${vocabulary} occur in them` },
      {
        name: 'files',
        value: String(counts.files),
        note: kept.size > 0 ? `and ${kept.size} that were there` : 'written',
      },
    ]);
    io.stdout.write(`${out}\n`);
    if (counts.files === todo.length) return 0;
    reporter.line(
      `Stopped: ${kept.size + counts.files} of ${pieces.length} files are there. The same command goes on with the others.`,
    );
    return 130;
  } finally {
    reporter.close();
    engine.dispose();
  }
}

function sizesOf({ spec: { frameShape, tokenShape, vocabulary, codeDim } }: Tokenizer) {
  return { frameShape: [...frameShape], tokenShape: [...tokenShape], vocabulary, codeDim };
}

/** The numbers of the files that need not be made again. Others are an error, or removed with `--overwrite`. */
async function keptFiles({
  out,
  format,
  overwrite,
  pieces,
  sourceOf,
  id,
}: {
  readonly out: string;
  readonly format: TokenFormat;
  readonly overwrite: boolean;
  readonly pieces: readonly FramePiece[];
  readonly sourceOf: (piece: FramePiece) => string;
  readonly id: string;
}): Promise<Set<number>> {
  const kept = new Set<number>();
  for (const entry of await listTokenFiles(out)) {
    const refuse = (why: string): never => {
      throw new ConfigError(
        `tokenize: '${entry.path}' ${why}. Choose another folder for --out, or replace all that is in it with --overwrite.`,
      );
    };
    if (overwrite) {
      await removeTokenFile(out, entry);
      continue;
    }
    const piece = pieces.find(({ number }) => number === entry.number);
    if (piece === undefined || entry.format !== format) return refuse('does not belong to these frames in this format');
    const { tokenizer, source } = parseTokenMetadata(entry.path, (await readTokenFile(out, entry)).metadata);
    if (tokenizer.id !== id) return refuse('was made by another tokenizer');
    if (source !== sourceOf(piece)) return refuse('was made of other frames, or of frames that have changed');
    kept.add(entry.number);
  }
  return kept;
}

/** int32 [count, ...tokenShape]; undefined when it was stopped. */
async function encodeAll(
  tokenizer: Tokenizer,
  { count, frame }: OpenedFrames,
  fit: FrameFit,
  { stopped, after }: { readonly stopped: () => boolean; readonly after: (frames: number) => void },
): Promise<NdArray<'int32'> | undefined> {
  const { frameShape, tokenShape } = tokenizer.spec;
  const tokens = ndarray('int32', [count, ...tokenShape]);
  const size = elementCount(frameShape);
  for (let start = 0; start < count; start += batchSize) {
    // Ctrl-C comes in between.
    await setImmediate();
    if (stopped()) return undefined;
    const length = Math.min(batchSize, count - start);
    const frames = ndarray('uint8', [length, ...frameShape]);
    for (let i = 0; i < length; i++) {
      const { where, picture } = await frame(start + i);
      frames.data.set(fitFrame(`tokenize: ${where}`, picture, fit), i * size);
    }
    tokens.data.set(tokenizer.encode(toUnit(frames)).data, start * elementCount(tokenShape));
    after(start + length);
  }
  return tokens;
}
