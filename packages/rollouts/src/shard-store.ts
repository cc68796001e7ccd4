// Where a replay keeps its shards: numbered pieces of bytes that are written once. A folder of files in Node (`folderShards`), memory in a browser or a test.

import { ConfigError } from '@tessera/core';

/** Numbered shards of bytes. A write is complete or has not happened. */
export interface ShardStore {
  /** The numbers of the shards that are there, in any order. */
  list(): Promise<number[]>;
  /** The bytes of a shard; the reader does not change them. Rejects when it is not there. */
  read(shard: number): Promise<Uint8Array>;
  /** Writes a shard, instead of the one of that number if there is one. */
  write(shard: number, bytes: Uint8Array): Promise<void>;
  /** Removes a shard; none there is fine. */
  remove(shard: number): Promise<void>;
  /** What messages call a shard, such as its path. */
  describe(shard: number): string;
}

/** Shards in memory, gone with the process. */
export function memoryShards(): ShardStore {
  const shards = new Map<number, Uint8Array>();
  const describe = (shard: number): string => `shard ${shard} in memory`;
  return {
    describe,
    list: async () => [...shards.keys()],
    read: async (shard) => {
      const bytes = shards.get(shard);
      if (bytes === undefined) throw new ConfigError(`memoryShards: there is no ${describe(shard)}.`);
      return bytes;
    },
    write: async (shard, bytes) => {
      shards.set(shard, bytes.slice());
    },
    remove: async (shard) => {
      shards.delete(shard);
    },
  };
}
