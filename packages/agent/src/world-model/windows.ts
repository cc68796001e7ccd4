// Windows of frames and actions, as world models see them, that move on a step at a time.
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { Transitions } from './world-model.ts';

/** States from which to imagine; the last action of each row is ignored. */
export type Starts = Pick<Transitions, 'tokens' | 'actions'>;

/** int32 [rows, tokens]: the newest frame of each row, copied. */
export function lastFrames({ tokens }: Starts, width: number): NdArray<'int32'> {
  const [rows, context] = tokens.shape as [number, number];
  const out = ndarray('int32', [rows, width]);
  for (let row = 0; row < rows; row++) {
    const start = (row * context + context - 1) * width;
    out.data.set(tokens.data.subarray(start, start + width), row * width);
  }
  return out;
}

/** Puts the actions that are taken now, one a row, at their place. */
export function setActions({ actions }: Starts, chosen: Int32Array): void {
  const [rows, context] = actions.shape as [number, number];
  for (let row = 0; row < rows; row++) actions.data[row * context + context - 1] = chosen[row]!;
}

/** Moves every row on by a frame: the oldest goes, `next` comes, and the action just taken becomes one of the past. */
export function shift({ tokens, actions }: Starts, next: NdArray<'int32'>, width: number): void {
  const [rows, context] = actions.shape as [number, number];
  for (let row = 0; row < rows; row++) {
    const start = row * context * width;
    tokens.data.copyWithin(start, start + width, start + context * width);
    tokens.data.set(next.data.subarray(row * width, (row + 1) * width), start + (context - 1) * width);
    actions.data.copyWithin(row * context, row * context + 1, (row + 1) * context);
  }
}

/** The windows without their newest frames, or without their oldest: one frame shorter, copied. */
export function withoutFrame({ tokens, actions }: Starts, which: 'newest' | 'oldest'): Starts {
  const [rows, frames, width] = tokens.shape as [number, number, number];
  const first = which === 'oldest' ? 1 : 0;
  const out = {
    tokens: ndarray('int32', [rows, frames - 1, width]),
    actions: ndarray('int32', [rows, frames - 1]),
  };
  for (let row = 0; row < rows; row++) {
    const start = row * frames + first;
    const end = start + frames - 1;
    out.tokens.data.set(tokens.data.subarray(start * width, end * width), row * (frames - 1) * width);
    out.actions.data.set(actions.data.subarray(start, end), row * (frames - 1));
  }
  return out;
}

/** A copy of its own. */
export function copyStarts({ tokens, actions }: Starts): Starts {
  return {
    tokens: ndarray('int32', tokens.shape, tokens.data.slice()),
    actions: ndarray('int32', actions.shape, actions.data.slice()),
  };
}

/** Some rows, copied. */
export function pick(array: NdArray<'int32'>, rows: readonly number[]): NdArray<'int32'> {
  const out = ndarray('int32', [rows.length, ...array.shape.slice(1)]);
  for (const [i, row] of rows.entries()) copyRow(array, row, out, i);
  return out;
}

/** Copies a row over another one. */
export function copyRow<D extends 'int32' | 'float32'>(
  from: NdArray<D>,
  fromRow: number,
  to: NdArray<D>,
  toRow: number,
): void {
  const width = from.data.length / from.shape[0]!;
  to.data.set(from.data.subarray(fromRow * width, (fromRow + 1) * width), toRow * width);
}
