// The mark of a replay in a checkpoint: which shards belong to it. Everything else is in the shards.

import { FormatError } from '@tessera/core';
import { describeValue } from './settings.ts';

/** Version of the state that this package writes and reads. */
export const replayStateVersion = 1;

/** Which shards a replay holds. Plain JSON. */
export interface ReplayState {
  readonly formatVersion: number;
  /** The oldest shard held. */
  readonly firstShard: number;
  /** The number of the next shard to be written. */
  readonly nextShard: number;
  /** The id of the first chunk of `firstShard`. */
  readonly firstChunkId: number;
}

/** Checks a state that may come from anywhere and returns it. Throws FormatError; `where` opens the message. */
export function parseReplayState(state: ReplayState, where: string): ReplayState {
  if (state === null || typeof state !== 'object') {
    throw new FormatError(`${where}: expected a state of getState(), got ${describeValue(state)}.`);
  }
  const { formatVersion, firstShard, nextShard, firstChunkId } = state;
  if (formatVersion !== replayStateVersion) {
    const newer = formatVersion > replayStateVersion;
    throw new FormatError(
      `${where}: expected a state of format version ${replayStateVersion}, got ${describeValue(formatVersion)}.` +
        (newer ? ' It was written by a newer Tessera: update @tessera/rollouts.' : ''),
    );
  }
  const areWhole = [firstShard, nextShard, firstChunkId].every((value) => Number.isSafeInteger(value) && value >= 0);
  if (!areWhole || firstShard > nextShard) {
    throw new FormatError(
      `${where}: expected whole numbers >= 0 with firstShard <= nextShard, got ${describeValue(state)}.`,
    );
  }
  return { formatVersion, firstShard, nextShard, firstChunkId };
}
