// Where an actor stands, in four integers. They lie in shared memory when the actor runs in a worker, because a thread that has died or hangs can no longer say.

export const phases = { start: 0, make: 1, reset: 2, step: 3, idle: 4 } as const;

/** Bytes of a progress record: environment, phase, episode, step. */
export const progressBytes = 16;

export function newProgress(buffer: ArrayBufferLike = new ArrayBuffer(progressBytes)): Int32Array {
  return new Int32Array(buffer);
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
