// The thread of a WorkerCollector: makes its player, then plays a round whenever it is asked to.
import { parentPort, workerData } from 'node:worker_threads';
import { ConfigError, InternalError } from '@tessera/core';
import { carryError } from '@tessera/rollouts/node';
import { playRound } from './play-round.ts';
import type { RoundOrder } from './play-round.ts';
import type { RoundReply, RoundRequest, RoundWorkerData } from './round-messages.ts';
import type { PlayerModule, WorkerPlayer } from './worker-collector.ts';

if (parentPort === null) throw new InternalError('round-worker: this module is the entry of a worker thread.');
const port = parentPort;
const { module, options } = workerData as RoundWorkerData;

const reply = (message: RoundReply, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);

async function begin(): Promise<WorkerPlayer | undefined> {
  try {
    const { createPlayer } = (await import(module)) as Partial<PlayerModule>;
    if (typeof createPlayer !== 'function') {
      throw new ConfigError(`${module}: expected a module that exports createPlayer(options).`);
    }
    return await createPlayer(options);
  } catch (error) {
    reply({ kind: 'failure', error: carryError(error) });
    return undefined;
  }
}

async function play(player: WorkerPlayer, order: RoundOrder): Promise<void> {
  try {
    const round = await playRound(player, order);
    const frames = round.chunks.map((chunk) => chunk.frames.data.buffer as ArrayBuffer);
    reply({ kind: 'round', round }, frames);
  } catch (error) {
    reply({ kind: 'failure', error: carryError(error) });
  }
}

const made = begin();
let work: Promise<unknown> = made;

port.on('message', (request: RoundRequest) => {
  if (request.kind === 'play') {
    const { order } = request;
    work = work.then(async () => {
      const player = await made;
      if (player !== undefined) await play(player, order);
    });
    return;
  }
  void made.then(async (player) => {
    // A round that is being played ends at its next step.
    player?.rollouts.close();
    await work;
    player?.dispose();
    port.close();
  });
});
