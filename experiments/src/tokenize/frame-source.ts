// Folders of frames to be tokenized, in pieces that become a token file each: a folder of PNGs, or the shards of a replay.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { ConfigError, decodePng, decodeSafetensors, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { listDirectory, pathInfo, readFileBounded } from '@tessera/core/node';
import { decodeChunks } from '@tessera/rollouts';

/** Frames that become one token file. */
export interface FramePiece {
  readonly number: number;
  /** Differs when the files that it comes from have changed. */
  readonly source: string;
  /** How much of the whole it is, in the source's unit. */
  readonly weight: number;
  readonly open: () => Promise<OpenedFrames>;
}

/** The frames of a piece, and what else goes into its token file. */
export interface OpenedFrames {
  readonly count: number;
  /** Frame `i`, uint8 [h, w, c], and what messages call it. Throws FileError, FormatError. */
  readonly frame: (i: number) => Promise<{ readonly where: string; readonly picture: NdArray<'uint8'> }>;
  /** Names of the frames, where they have any. */
  readonly pictures: readonly string[] | undefined;
  readonly tensors: Readonly<Record<string, NdArray>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A folder of frames. */
export interface FrameSource {
  /** Plural, of what is counted. */
  readonly unit: 'pictures' | 'shards';
  readonly pieces: readonly FramePiece[];
}

/** Pictures of a token file. */
const picturesPerFile = 1024;
const maxPictureBytes = 2 ** 28;
const maxShardBytes = 2 ** 31;

/** Looks what is in a folder. Throws FileError, ConfigError when there are no frames in it or frames of both kinds. */
export async function findFrames(where: string, folder: string): Promise<FrameSource> {
  const names = await listDirectory(folder);
  const pictures = names.filter((name) => /\.png$/i.test(name));
  const shards = names.filter((name) => /^shard-\d{6,15}\.safetensors$/.test(name));
  if (pictures.length > 0 && shards.length > 0) {
    throw new ConfigError(
      `${where}: expected PNGs or the shards of a replay in '${folder}', got both: ${pictures[0]} and ${shards[0]}. Keep them in folders of their own.`,
    );
  }
  if (shards.length > 0)
    return { unit: 'shards', pieces: await Promise.all(shards.map((name) => shard(folder, name))) };
  if (pictures.length === 0) {
    const replay = names.includes('replay') ? ` Its frames are in '${join(folder, 'replay')}'.` : '';
    throw new ConfigError(
      `${where}: expected PNGs or the shards of a replay (shard-000000.safetensors, ...) in '${folder}', found none.${replay}`,
    );
  }
  const pieces: FramePiece[] = [];
  for (let start = 0; start < pictures.length; start += picturesPerFile) {
    pieces.push(await pictureFiles(folder, pictures.slice(start, start + picturesPerFile), pieces.length));
  }
  return { unit: 'pictures', pieces };
}

async function pictureFiles(folder: string, names: readonly string[], number: number): Promise<FramePiece> {
  return {
    number,
    source: await fingerprint(folder, names),
    weight: names.length,
    open: async () => ({
      count: names.length,
      async frame(i) {
        const where = join(folder, names[i]!);
        const bytes = await readFileBounded(where, { maxBytes: maxPictureBytes });
        return { where, picture: decodePng(bytes, { source: where }) };
      },
      pictures: names,
      tensors: {},
      metadata: {},
    }),
  };
}

async function shard(folder: string, name: string): Promise<FramePiece> {
  const path = join(folder, name);
  return {
    number: Number(/\d+/.exec(name)![0]),
    source: await fingerprint(folder, [name]),
    weight: 1,
    async open() {
      const bytes = await readFileBounded(path, { maxBytes: maxShardBytes });
      decodeChunks(bytes, { source: path }); // throws unless it is what a replay writes
      const { tensors, metadata } = decodeSafetensors(bytes, { source: path });
      const { frames, ...others } = tensors as Record<string, NdArray> & { frames: NdArray<'uint8'> };
      const [count, ...shape] = frames.shape as [number, ...number[]];
      const size = frames.data.length / count;
      return {
        count,
        async frame(i) {
          const data = frames.data.subarray(i * size, (i + 1) * size);
          return { where: `${path}: frame ${i}`, picture: ndarray('uint8', shape, data) };
        },
        pictures: undefined,
        tensors: others,
        metadata,
      };
    },
  };
}

/** Names, sizes and times of files as one text. */
async function fingerprint(folder: string, names: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const name of names) {
    const info = await pathInfo(join(folder, name));
    hash.update(JSON.stringify([name, info?.bytes, info?.modifiedMs]));
  }
  return hash.digest('hex');
}
