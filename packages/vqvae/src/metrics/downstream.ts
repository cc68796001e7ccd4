// What others can make of tokens: how much of a frame's state they tell, and how much a world model's frames depend on the actions.
import { ConfigError, ShapeError } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { reconstructionQuality } from './reconstruction.ts';

/** How well a probe reads labels off tokens. */
export interface ProbeAccuracy {
  readonly accuracy: number;
  /** Of the most frequent label for everything: what needs no tokens. */
  readonly floor: number;
}

/**
 * The share of labels that naive Bayes reads off tokens: `argmax_y ln p(y) + sum_i ln p(token_i | y)`, frequencies with one more of each. It is linear in one-hot tokens, learned
 * from the first half of the frames and measured on the others. Tokens are int32 [N, ...] in [0, vocabulary), one label in [0, classes) a frame. Throws ShapeError when they are
 * not as many, ConfigError for less than two frames or labels outside.
 */
export function probeAccuracy(
  tokens: NdArray<'int32'>,
  labels: ArrayLike<number>,
  { vocabulary, classes }: { readonly vocabulary: number; readonly classes: number },
): ProbeAccuracy {
  const [count = 0] = tokens.shape;
  if (labels.length !== count)
    throw new ShapeError(`probeAccuracy: expected a label for each of ${count} frames, got ${labels.length}.`);
  const wrong = Array.from(labels).find((label) => !(Number.isInteger(label) && label >= 0 && label < classes));
  if (count < 2 || wrong !== undefined) {
    throw new ConfigError(
      `probeAccuracy: expected at least two frames with labels in [0, ${classes}), got ${count} frames${wrong === undefined ? '' : ` and the label ${wrong}`}.`,
    );
  }
  const slots = tokens.data.length / count;
  const half = Math.floor(count / 2);
  const seen = new Float64Array(classes);
  const hits = new Float64Array(classes * slots * vocabulary);
  const at = (label: number, frame: number, slot: number) =>
    (label * slots + slot) * vocabulary + tokens.data[frame * slots + slot]!;
  for (let n = 0; n < half; n++) {
    seen[labels[n]!]!++;
    for (let i = 0; i < slots; i++) hits[at(labels[n]!, n, i)]!++;
  }
  const likeliest = (frame: number): number => {
    let [best, found] = [-Infinity, 0];
    for (let label = 0; label < classes; label++) {
      let score = Math.log(seen[label]! + 1);
      for (let i = 0; i < slots; i++) score += Math.log((hits[at(label, frame, i)]! + 1) / (seen[label]! + vocabulary));
      if (score > best) [best, found] = [score, label];
    }
    return found;
  };
  const usual = seen.indexOf(Math.max(...seen));
  let [right, common] = [0, 0];
  for (let n = half; n < count; n++) {
    if (likeliest(n) === labels[n]) right++;
    if (usual === labels[n]) common++;
  }
  return { accuracy: right / (count - half), floor: common / (count - half) };
}

/**
 * `PSNR(x, x^) - PSNR(x, x^')` in dB: how much worse a world model's frames are after other actions than those that were taken (controllability, Bruce et al. 2024, arXiv
 * 2402.15391, section 3). All frames float32 [N, H, W, C] in [0, 1]. 0 when actions do not matter. Throws ShapeError when shapes differ.
 */
export function deltaPsnr(
  frames: NdArray<'float32'>,
  { taken, others }: { readonly taken: NdArray<'float32'>; readonly others: NdArray<'float32'> },
): number {
  return reconstructionQuality(frames, taken).psnr - reconstructionQuality(frames, others).psnr;
}
