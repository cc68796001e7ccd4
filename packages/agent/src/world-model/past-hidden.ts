// What a world model had in mind before the present frame, as a policy with the input `state` sees it (STORM, Zhang et al. 2023, arXiv 2310.09615, equation 7).
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { copyRow, pick } from './windows.ts';
import type { Starts } from './windows.ts';
import type { WorldModel } from './world-model.ts';

/**
 * float32 [rows, hiddenSize] for the frames that led to the present one, `tokens` int32 [rows, context, tokens], and the `actions` int32 [rows, context] taken at them.
 * A row whose last action is none, `actionCount`, stands before an episode's first frame, where nothing is known: it is all zeros.
 */
export function pastHidden(
  worldModel: Pick<WorldModel, 'spec' | 'hiddenSize' | 'hidden'>,
  { tokens, actions }: Starts,
): NdArray<'float32'> {
  const [rows, context] = actions.shape as [number, number];
  const out = ndarray('float32', [rows, worldModel.hiddenSize]);
  const known = Array.from({ length: rows }, (_, row) => row).filter(
    (row) => actions.data[(row + 1) * context - 1] !== worldModel.spec.actionCount,
  );
  if (known.length === 0) return out;
  const seen = worldModel.hidden({ tokens: pick(tokens, known), actions: pick(actions, known) });
  for (const [i, row] of known.entries()) copyRow(seen, i, out, row);
  return out;
}
