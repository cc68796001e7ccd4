// Shards of a replay as files of one folder, `shard-000012.safetensors`. A file is there complete or not at all, and its size is looked at before memory is taken.

import { ConfigError } from '@tessera/core';
import {
  listDirectory,
  makeDirectory,
  readFileBounded,
  removePath,
  removeTemporaryFiles,
  writeFileAtomic,
} from '@tessera/core/node';
import { join } from 'node:path';
import { checkWhole, rejectUnknownKeys } from './settings.ts';
import type { ShardStore } from './shard-store.ts';

export interface FolderShardsOptions {
  /** Largest shard that is written or read, in bytes; default 1 GiB. */
  readonly maxShardBytes?: number;
}

const shardName = /^shard-(\d{6,15})\.safetensors$/;

/**
 * The shards in `directory`, which is made when it is not there. What killed processes left half-written in it is removed; files of other names are left alone.
 * One process at a time may use a folder. Throws ConfigError, FileError; so do the methods.
 */
export async function folderShards(directory: string, options: FolderShardsOptions = {}): Promise<ShardStore> {
  rejectUnknownKeys(options, ['maxShardBytes'], 'folderShards');
  const { maxShardBytes = 2 ** 30 } = options;
  checkWhole({ maxShardBytes }, 1, 'folderShards');
  const nameOf = (shard: number): string => `shard-${String(shard).padStart(6, '0')}.safetensors`;
  const pathOf = (shard: number): string => join(directory, nameOf(shard));
  await makeDirectory(directory);
  await removeTemporaryFiles(directory);
  return {
    describe: pathOf,
    list: async () => {
      const names = await listDirectory(directory);
      const shards = names.map((name) => ({ name, shard: Number(shardName.exec(name)?.[1]) }));
      // A number has one name only: `shard-0000012` is not ours.
      return shards.filter(({ name, shard }) => nameOf(shard) === name).map(({ shard }) => shard);
    },
    read: (shard) => readFileBounded(pathOf(shard), { maxBytes: maxShardBytes }),
    write: async (shard, bytes) => {
      if (bytes.length > maxShardBytes) {
        throw new ConfigError(
          `folderShards: '${pathOf(shard)}' would have ${bytes.length} bytes, more than maxShardBytes ${maxShardBytes}. Append fewer chunks at once, or raise maxShardBytes.`,
        );
      }
      await writeFileAtomic(pathOf(shard), bytes);
    },
    remove: (shard) => removePath(pathOf(shard)),
  };
}
