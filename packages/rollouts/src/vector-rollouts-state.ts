// Where VectorRollouts stand, as plain JSON, and the checks of one that comes from a file: all of them before anything moves.

import { FormatError, PCG64, Generator } from '@tessera/core';
import type { GeneratorState } from '@tessera/core';
import { fromBase64 } from './base64.ts';
import type { EnvironmentStepperState } from './environment-stepper.ts';
import { describeValue } from './settings.ts';

/** Version of the state that this package writes and reads. */
export const vectorRolloutsStateVersion = 1;

/** Where VectorRollouts stand between two calls of `collect`. Plain JSON. */
export interface VectorRolloutsState {
  readonly formatVersion: number;
  readonly envId: string;
  readonly numEnvs: number;
  readonly seed: number;
  /** `[height, width, channels]`. */
  readonly frameShape: readonly number[];
  /** One for each environment. */
  readonly environments: readonly EnvironmentStepperState[];
}

/** Whose state is expected. */
export type VectorRolloutsIdentity = Pick<VectorRolloutsState, 'envId' | 'numEnvs' | 'seed' | 'frameShape'>;

/** Checks a state that may come from anywhere and returns it. Throws FormatError; `where` opens the message. */
export function parseVectorRolloutsState(
  state: unknown,
  options: { readonly expected: VectorRolloutsIdentity; readonly where: string },
): VectorRolloutsState {
  const { expected, where } = options;
  if (!isRecord(state)) {
    throw new FormatError(`${where}: expected a state of getState(), got ${describeValue(state)}.`);
  }
  const { formatVersion, environments } = state;
  if (formatVersion !== vectorRolloutsStateVersion) {
    const newer = typeof formatVersion === 'number' && formatVersion > vectorRolloutsStateVersion;
    throw new FormatError(
      `${where}: expected a state of format version ${vectorRolloutsStateVersion}, got ${describeValue(formatVersion)}.` +
        (newer ? ' It was written by a newer Tessera: update @tessera/rollouts.' : ''),
    );
  }
  for (const name of ['envId', 'numEnvs', 'seed', 'frameShape'] as const) {
    const [wanted, got] = [expected[name], state[name]].map((value) => describeValue(value));
    if (wanted !== got) {
      throw new FormatError(
        `${where}: expected a state of ${name} ${wanted}, got one of ${got}. Go on with the options that the state was saved with.`,
      );
    }
  }
  if (!Array.isArray(environments) || environments.length !== expected.numEnvs) {
    const got = Array.isArray(environments) ? `${environments.length}` : describeValue(environments);
    throw new FormatError(`${where}: expected the states of ${expected.numEnvs} environments, got ${got}.`);
  }
  const frameSize = expected.frameShape.reduce((product, size) => product * size, 1);
  for (const [envIndex, environment] of environments.entries()) {
    checkEnvironment(environment, `${where}: environment ${envIndex}`, frameSize);
  }
  return state as unknown as VectorRolloutsState;
}

function checkEnvironment(state: unknown, where: string, frameSize: number): void {
  if (!isRecord(state) || !isRecord(state['counters']) || state['env'] === undefined) {
    throw new FormatError(`${where}: expected { counters, seeds, frame, env }, got ${describeValue(state)}.`);
  }
  const { counters, seeds, frame } = state as { counters: Record<string, unknown>; seeds: unknown; frame: unknown };
  const { sequence, episode, stepsOfEpisode, ended } = counters;
  const areCounts = isWhole(sequence, 0) && isWhole(episode, -1) && isWhole(stepsOfEpisode, 0);
  if (!areCounts || typeof ended !== 'boolean' || (episode === -1 && !ended)) {
    throw new FormatError(
      `${where}: expected counters { sequence, episode, stepsOfEpisode, ended } that fit together, got ${describeValue(counters)}.`,
    );
  }
  try {
    new Generator(new PCG64(0)).setState(seeds as GeneratorState);
  } catch (cause) {
    throw new FormatError(
      `${where}: expected the position of a generator in seeds, got ${describeValue(seeds ?? null)}.`,
      { cause },
    );
  }
  if (ended && frame === null) return;
  const bytes = typeof frame === 'string' && !ended ? fromBase64(frame, where).length : undefined;
  if (bytes !== frameSize) {
    const wanted = ended ? 'no frame, for its episode has ended' : `a frame of ${frameSize} bytes in base64`;
    throw new FormatError(
      `${where}: expected ${wanted}, got ${bytes === undefined ? describeValue(frame) : `${bytes} bytes`}.`,
    );
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isWhole(value: unknown, minimum: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= minimum;
}
