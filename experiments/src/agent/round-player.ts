// Who plays rounds in a worker thread while a run learns: the parts of the same settings, made there once more.
import type { WorkerPlayer } from '@tessera/agent/node';
import { createParts } from './build.ts';
import type { PartsRequest } from './build.ts';

/** Where this module is, for whoever starts the thread. */
export const roundPlayer: URL = new URL(import.meta.url);

/** Makes the player. */
export async function createPlayer(request: PartsRequest): Promise<WorkerPlayer> {
  return createParts(request);
}
