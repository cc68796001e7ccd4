// Where an actor stands, and whether it should go on, in five integers. They lie in shared memory when the actor runs in a worker: a thread that has died or
// hangs can no longer say, and one that steps an environment hears no message.

export const phases = { start: 0, make: 1, reset: 2, step: 3, idle: 4 } as const;

/** Bytes of a progress record: environment, phase, episode, step, stop. */
export const progressBytes = 20;

export function newProgress(buffer: ArrayBufferLike = new ArrayBuffer(progressBytes)): Int32Array {
  return new Int32Array(buffer);
}

/** Asks whoever writes this record to stop before its next step. */
export function requestStop(progress: Int32Array): void {
  Atomics.store(progress, 4, 1);
}

/** Whether `requestStop` was called, in whatever thread. */
export function stopRequested(progress: Int32Array): boolean {
  return Atomics.load(progress, 4) === 1;
}

/** The opening of an error message: `rollouts: Catch-v0 (environment 3, worker 1), step 17 of episode 2`; both count from 0. */
export function describePosition(
  progress: Int32Array,
  options: { readonly id: string; readonly workerIndex: number | undefined },
): string {
  const { id, workerIndex } = options;
  const [envIndex, phase, episode, step] = progress;
  const worker = workerIndex === undefined ? '' : `worker ${workerIndex}`;
  if (phase === phases.start || phase === phases.idle) return `rollouts: ${id} (${worker})`;
  const actor = `rollouts: ${id} (environment ${envIndex}${worker && `, ${worker}`})`;
  if (phase === phases.make) return `${actor}, under construction`;
  if (phase === phases.reset) return `${actor}, reset of episode ${episode}`;
  return `${actor}, step ${step} of episode ${episode}`;
}
