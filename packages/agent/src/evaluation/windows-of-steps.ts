// Consecutive steps of replayed episodes, as open-loop measurements take them: a state, the actions that followed, and the frames that really came.
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { hasWindow } from '@tessera/rollouts';
import type { FrameReference, ReplayChunk, StepReference } from '@tessera/rollouts';
import type { TokenMemory } from '../training/token-memory.ts';
import { copyRow } from '../world-model/windows.ts';
import type { Starts } from '../world-model/windows.ts';

/** Some windows of consecutive steps. Those whose episode ends are shorter than the others; behind their end stand zeros. */
export interface StepWindows {
  /** The state before the first step of each window, as the world model sees it. */
  readonly starts: Starts;
  /** int32 [windows, horizon]: the actions that the world model is to be told. */
  readonly actions: NdArray<'int32'>;
  /** int32 [windows, horizon, tokens]: the frames that they led to. */
  readonly truth: NdArray<'int32'>;
  /** [windows], 1 to horizon: steps that were really taken. */
  readonly lengths: Int32Array;
  /** [windows][length]: where the frames of `truth` are. */
  readonly places: readonly (readonly FrameReference[])[];
}

/** How steps are cut into windows. */
export interface WindowOptions {
  /** Steps of a window. */
  readonly horizon: number;
  /** Windows at most; they are spread evenly over the steps. */
  readonly count: number;
  /** Frames that the world model sees. */
  readonly context: number;
}

/** Cuts steps into windows that do not overlap. One is shorter than `horizon` only where its episode ends; undefined when there is none. */
export async function stepWindows(
  memory: TokenMemory,
  chunks: readonly ReplayChunk[],
  { horizon, count, context }: WindowOptions,
): Promise<StepWindows | undefined> {
  const whole = sequences(chunks).flatMap((steps) => cut(steps, { horizon, context }));
  if (whole.length === 0) return undefined;
  const every = Math.max(1, whole.length / count);
  const chosen = Array.from({ length: Math.min(count, whole.length) }, (_, i) => whole[Math.floor(i * every)]!);
  const transitions = await memory.transitions(chosen.flat());
  const width = transitions.nextTokens.shape[1]!;
  const windows = {
    starts: {
      tokens: ndarray('int32', [chosen.length, context, width]),
      actions: ndarray('int32', [chosen.length, context]),
    },
    actions: ndarray('int32', [chosen.length, horizon]),
    truth: ndarray('int32', [chosen.length, horizon, width]),
    lengths: Int32Array.from(chosen, (steps) => steps.length),
    places: chosen.map((steps) => steps.map(({ chunk, step }): FrameReference => ({ chunk, frame: step + 1 }))),
  };
  let row = 0;
  for (const [window, steps] of chosen.entries()) {
    copyRow(transitions.tokens, row, windows.starts.tokens, window);
    copyRow(transitions.actions, row, windows.starts.actions, window);
    for (let step = 0; step < steps.length; step++, row++) {
      const at = window * horizon + step;
      windows.actions.data[at] = transitions.actions.data[(row + 1) * context - 1]!;
      windows.truth.data.set(transitions.nextTokens.data.subarray(row * width, (row + 1) * width), at * width);
    }
  }
  return windows;
}

/** The steps of each episode, as far as these chunks hold them without a gap. */
function sequences(chunks: readonly ReplayChunk[]): StepReference[][] {
  const open = new Map<ReplayChunk, StepReference[]>();
  const found: StepReference[][] = [];
  for (const chunk of chunks) {
    let steps = chunk.previous === undefined ? undefined : open.get(chunk.previous);
    if (steps === undefined) {
      steps = [];
      found.push(steps);
    }
    for (let step = 0; step < chunk.steps; step++) steps.push({ chunk, step });
    open.set(chunk, steps);
  }
  return found;
}

function cut(
  steps: readonly StepReference[],
  { horizon, context }: Pick<WindowOptions, 'horizon' | 'context'>,
): StepReference[][] {
  const windows: StepReference[][] = [];
  let at = steps.findIndex((step) => hasWindow(step, context));
  if (at === -1) return [];
  for (; at < steps.length; at += horizon) {
    const window = steps.slice(at, at + horizon);
    const { chunk, step } = window.at(-1)!;
    if (window.length === horizon || chunk.terminated[step] === 1 || chunk.truncated[step] === 1) windows.push(window);
  }
  return windows;
}
