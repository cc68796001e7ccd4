// The unit of everything that flows: up to T consecutive steps of one environment, inside one episode. `validateChunk` is the format in executable form;
// it is meant for chunks that come from elsewhere (a file, a network, a user's own source), not for every chunk of ours.

import { DTypeError, FormatError, ShapeError } from '@tessera/core';
import type { DType, NdArray } from '@tessera/core';

/** Version of the chunk format that this package writes and reads. */
export const chunkFormatVersion = 2;

/** Steps of a full chunk, by default. */
export const defaultChunkLength = 64;

/** Where a chunk comes from. Plain JSON. */
export interface ChunkMetadata {
  readonly formatVersion: number;
  readonly envId: string;
  /** Which of the source's environments, from 0. */
  readonly envIndex: number;
  /** The seed of the source. */
  readonly seed: number;
  /** Episode of this environment, from 0. */
  readonly episode: number;
  /** Steps of the episode before this chunk; 0 says that `frames[0]` is what `reset` returned. */
  readonly firstStep: number;
  /** The policy that chose the actions; 0 for a random one. */
  readonly policyVersion: number;
  /** Number of this chunk among those of its environment, from 0. */
  readonly sequence: number;
}

/** The tensors of a chunk, by the names they have in files. */
export interface ChunkTensors {
  /** `uint8 [T + 1, H, W, C]`: `frames[t]` is what the policy saw before step t. */
  readonly frames: NdArray<'uint8'>;
  /** `int32 [T]`: taken at `frames[t]`. */
  readonly actions: NdArray<'int32'>;
  /** `int32 [T]`: what the environment says that it did instead (`info.executedAction`, of sticky actions say); `actions` where it says nothing. */
  readonly executedActions: NdArray<'int32'>;
  /** `float32 [T]`: what `actions[t]` led to, together with `frames[t + 1]`. */
  readonly rewards: NdArray<'float32'>;
  /** `uint8 [T]`, 0 or 1: `frames[t + 1]` is a terminal state. */
  readonly terminated: NdArray<'uint8'>;
  /** `uint8 [T]`, 0 or 1: the episode was cut after step t, for a reason outside the environment's rules. */
  readonly truncated: NdArray<'uint8'>;
}

/**
 * T consecutive steps of one environment, `1 <= T`: `actions[t]` was taken at `frames[t]` and led to `rewards[t]` and `frames[t + 1]`.
 *
 * A chunk never crosses the end of an episode, so only its last row may be terminated or truncated, and no row is a fake transition. The next chunk of an
 * episode that goes on starts with the frame this one ends with.
 */
export interface Chunk extends ChunkTensors {
  readonly metadata: ChunkMetadata;
}

/** Environment steps in a chunk, `T`. */
export function chunkSteps(chunk: ChunkTensors): number {
  return chunk.actions.data.length;
}

/** Whether the chunk is the last of its episode. */
export function endsEpisode(chunk: ChunkTensors): boolean {
  const last = chunkSteps(chunk) - 1;
  return chunk.terminated.data[last] === 1 || chunk.truncated.data[last] === 1;
}

/** Bytes of the tensors of a chunk. */
export function chunkBytes(chunk: ChunkTensors): number {
  return tensorNames.reduce((bytes, name) => bytes + chunk[name].data.byteLength, 0);
}

/** The first `steps` steps of a chunk, copied, so that the rest of it can be freed. */
export function truncateChunk(chunk: Chunk, steps: number): Chunk {
  const total = chunkSteps(chunk);
  if (!Number.isInteger(steps) || steps < 1 || steps > total) {
    throw new ShapeError(`truncateChunk: expected 1 to ${total} steps, as the chunk has, got ${steps}.`);
  }
  if (steps === total) return chunk;
  const [, ...frameShape] = chunk.frames.shape;
  const frameSize = chunk.frames.data.length / (total + 1);
  const rows = [steps];
  return {
    frames: {
      dtype: 'uint8',
      shape: [steps + 1, ...frameShape],
      data: chunk.frames.data.slice(0, (steps + 1) * frameSize),
    },
    actions: { dtype: 'int32', shape: rows, data: chunk.actions.data.slice(0, steps) },
    executedActions: { dtype: 'int32', shape: rows, data: chunk.executedActions.data.slice(0, steps) },
    rewards: { dtype: 'float32', shape: rows, data: chunk.rewards.data.slice(0, steps) },
    terminated: { dtype: 'uint8', shape: rows, data: chunk.terminated.data.slice(0, steps) },
    truncated: { dtype: 'uint8', shape: rows, data: chunk.truncated.data.slice(0, steps) },
    metadata: chunk.metadata,
  };
}

/** The fields of the format alone, in its order. */
export function plainMetadata(metadata: ChunkMetadata): ChunkMetadata {
  const { formatVersion, envId, envIndex, seed, episode, firstStep, policyVersion, sequence } = metadata;
  return { formatVersion, envId, envIndex, seed, episode, firstStep, policyVersion, sequence };
}

const tensorNames = [
  'frames',
  'actions',
  'executedActions',
  'rewards',
  'terminated',
  'truncated',
] as const satisfies readonly (keyof ChunkTensors)[];

const tensorDTypes: { readonly [Name in keyof ChunkTensors]: DType } = {
  frames: 'uint8',
  actions: 'int32',
  executedActions: 'int32',
  rewards: 'float32',
  terminated: 'uint8',
  truncated: 'uint8',
};

/**
 * Checks that a chunk is what the format says and returns it.
 *
 * Throws FormatError (metadata, flags, rewards that are not finite), ShapeError or DTypeError; `where` opens the message, so name the file or the source.
 */
export function validateChunk(chunk: Chunk, options: { readonly where?: string } = {}): Chunk {
  const { where = 'validateChunk' } = options;
  validateMetadata(chunk.metadata, where);
  for (const name of tensorNames) validateTensor(chunk[name], name, where);
  const steps = chunkSteps(chunk);
  if (steps === 0) throw new ShapeError(`${where}: expected at least one step, got actions of shape [0].`);
  const { shape } = chunk.frames;
  if (shape.length !== 4 || shape[0] !== steps + 1 || shape.includes(0)) {
    throw new ShapeError(
      `${where}: expected frames of shape [${steps + 1}, height, width, channels], one more than the ${steps} actions, got [${shape.join(', ')}].`,
    );
  }
  for (const name of ['executedActions', 'rewards', 'terminated', 'truncated'] as const) {
    if (chunk[name].data.length !== steps) {
      throw new ShapeError(
        `${where}: expected ${name} of shape [${steps}], one for each action, got [${chunk[name].shape.join(', ')}].`,
      );
    }
  }
  validateFlags(chunk, 'terminated', where);
  validateFlags(chunk, 'truncated', where);
  const odd = chunk.rewards.data.findIndex((reward) => !Number.isFinite(reward));
  if (odd >= 0) {
    throw new FormatError(
      `${where}: expected finite rewards, got ${chunk.rewards.data[odd]} at step ${odd} of the chunk.`,
    );
  }
  return chunk;
}

function validateMetadata(metadata: ChunkMetadata, where: string): void {
  if (metadata === null || typeof metadata !== 'object') {
    throw new FormatError(`${where}: expected a chunk with metadata, got ${String(metadata)}.`);
  }
  if (metadata.formatVersion !== chunkFormatVersion) {
    const newer = metadata.formatVersion > chunkFormatVersion;
    throw new FormatError(
      `${where}: expected a chunk of format version ${chunkFormatVersion}, got ${String(metadata.formatVersion)}.` +
        (newer ? ' It was written by a newer Tessera: update @tessera/rollouts.' : ''),
    );
  }
  if (typeof metadata.envId !== 'string' || metadata.envId === '') {
    throw new FormatError(
      `${where}: expected an environment id in metadata.envId, got ${JSON.stringify(metadata.envId)}.`,
    );
  }
  for (const field of ['envIndex', 'seed', 'episode', 'firstStep', 'policyVersion', 'sequence'] as const) {
    if (!Number.isSafeInteger(metadata[field]) || metadata[field] < 0) {
      throw new FormatError(
        `${where}: expected a whole number >= 0 in metadata.${field}, got ${String(metadata[field])}.`,
      );
    }
  }
}

function validateTensor(tensor: NdArray | undefined, name: keyof ChunkTensors, where: string): void {
  if (!Array.isArray(tensor?.shape) || !ArrayBuffer.isView(tensor.data)) {
    throw new FormatError(
      `${where}: expected an array named ${name} in the chunk, got ${tensor === undefined ? 'none' : typeof tensor}.`,
    );
  }
  const dtype = tensorDTypes[name];
  if (tensor.dtype !== dtype)
    throw new DTypeError(`${where}: expected ${name} of dtype ${dtype}, got ${tensor.dtype}.`);
  const count = tensor.shape.reduce((product, size) => product * size, 1);
  if (tensor.data.length !== count) {
    throw new ShapeError(
      `${where}: ${name} of shape [${tensor.shape.join(', ')}] has ${count} elements, but its data has ${tensor.data.length}.`,
    );
  }
  if (name !== 'frames' && tensor.shape.length !== 1) {
    throw new ShapeError(`${where}: expected ${name} of shape [steps], got [${tensor.shape.join(', ')}].`);
  }
}

function validateFlags(chunk: Chunk, name: 'terminated' | 'truncated', where: string): void {
  const { data } = chunk[name];
  for (let step = 0; step < data.length; step++) {
    if (data[step]! > 1) {
      throw new FormatError(`${where}: expected 0 or 1 in ${name}, got ${data[step]} at step ${step} of the chunk.`);
    }
    if (data[step] === 1 && step < data.length - 1) {
      throw new FormatError(
        `${where}: ${name} is 1 at step ${step} of ${data.length}, but an episode may end only at the last step of a chunk. End the chunk there and start the next with the frame after reset.`,
      );
    }
  }
}
