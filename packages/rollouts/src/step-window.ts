// What surrounds a step of a replay: the frames a policy or a world model sees before it, and what came of it.

import { ConfigError } from '@tessera/core';
import type { ReplayChunk, StepReference } from './replay-index.ts';
import { checkWhole } from './settings.ts';

/** A frame of a chunk: row `frame` of `Replay.frames(chunk)`. */
export interface FrameReference {
  readonly chunk: ReplayChunk;
  readonly frame: number;
}

/** The surroundings of one step. */
export interface StepWindow {
  /** `context + 1` frames, oldest first: those up to the one the action was taken at, then the one it led to. */
  readonly frames: readonly FrameReference[];
  /** `[context]`: the action taken at each of the first `context` frames, -1 where the episode had not begun. The last one is the step's own. */
  readonly actions: Int32Array;
  /** `[context]`: what the environment did at each of them, -1 likewise. */
  readonly executedActions: Int32Array;
  /** How many of the first `context` frames are the episode's own; those before them are its first frame again. At least 1. */
  readonly known: number;
  readonly reward: number;
  readonly terminated: boolean;
  readonly truncated: boolean;
}

/**
 * The `context` frames that end with the one the step was taken at, then the frame it led to. Before the episode's start its first frame stands again and
 * again, with action -1; no window reaches into another episode.
 *
 * Throws ConfigError when frames of the window are no longer held, which a step of `sampleSteps` with the same context never meets.
 */
export function stepWindow({ chunk, step }: StepReference, context: number): StepWindow {
  checkWhole({ context }, 1, 'stepWindow');
  if (!Number.isInteger(step) || step < 0 || step >= chunk.steps) {
    throw new ConfigError(`stepWindow: expected a step from 0 to ${chunk.steps - 1}, as the chunk has, got ${step}.`);
  }
  const frames: FrameReference[] = Array.from({ length: context + 1 });
  const actions = new Int32Array(context).fill(-1);
  const executedActions = new Int32Array(context).fill(-1);
  frames[context] = { chunk, frame: step + 1 };
  let at = { chunk, frame: step };
  let known = 0;
  let begun = true;
  for (let row = context - 1; row >= 0; row--) {
    frames[row] = at;
    if (begun) {
      actions[row] = at.chunk.actions[at.frame]!;
      executedActions[row] = at.chunk.executedActions[at.frame]!;
      known++;
    }
    if (row === 0) break;
    if (at.frame > 0) at = { chunk: at.chunk, frame: at.frame - 1 };
    else if (at.chunk.metadata.firstStep === 0) begun = false;
    else at = endOfPrevious(at.chunk, context);
  }
  return {
    frames,
    actions,
    executedActions,
    known,
    reward: chunk.rewards[step]!,
    terminated: chunk.terminated[step] === 1,
    truncated: chunk.truncated[step] === 1,
  };
}

/** Whether every frame of a step's window is held, so that `stepWindow` can give it. */
export function hasWindow({ chunk, step }: StepReference, context: number): boolean {
  let missing = context - 1 - step;
  for (let at = chunk; missing > 0 && at.metadata.firstStep > 0; at = at.previous) {
    if (at.previous === undefined) return false;
    missing -= at.previous.steps;
  }
  return true;
}

/** The last frame of the chunk before that is not also the first of this one. */
function endOfPrevious(chunk: ReplayChunk, context: number): { chunk: ReplayChunk; frame: number } {
  const { previous } = chunk;
  if (previous === undefined) {
    throw new ConfigError(
      `stepWindow: chunk ${chunk.id} begins at step ${chunk.metadata.firstStep} of its episode, and the chunk before is not held. Draw steps with sampleSteps and context ${context}.`,
    );
  }
  return { chunk: previous, frame: previous.steps - 1 };
}
