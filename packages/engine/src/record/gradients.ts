// Reverse-mode differentiation over a record: walks it backwards from the loss and records the vector-Jacobian product of each op, so that gradients
// are ops like any other (and can be differentiated again).
import { ConfigError, ShapeError } from '@tessera/core';
import { add } from '../ops/arithmetic.ts';
import { fill } from '../ops/constant.ts';
import type { RecordedNode } from './recorder.ts';
import { activeRecorder } from './recorder.ts';
import { specText } from './tensor.ts';
import type { Tensor } from './tensor.ts';

/**
 * `d loss / d x` for each `x` of `wrt`, with the shape of `x`; zeros where the loss does not depend on it.
 *
 * `loss` is a float32 scalar. Throws ShapeError for another loss and ConfigError for an integer `x`.
 */
export function gradients(loss: Tensor, wrt: readonly Tensor[]): Tensor[] {
  const recorder = activeRecorder('gradients');
  recorder.check('gradients', [loss, ...wrt]);
  if (loss.rank !== 0 || loss.dtype !== 'float32') {
    throw new ShapeError(
      `gradients: expected a float32 scalar as the loss, got ${specText(loss)}. Take its mean first.`,
    );
  }
  for (const x of wrt) {
    if (x.dtype !== 'float32') throw new ConfigError(`gradients: expected float32 tensors, got ${specText(x)}.`);
  }
  const nodes = recorder.nodes.slice();
  const reaches = dependents(nodes, wrt);
  const sums = new Map<number, Tensor>([[loss.index, fill([], 1)]]);
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i]!;
    const { op, inputs, outputs, attrs } = node;
    if (!outputs.some(({ index }) => sums.has(index) && reaches.has(index))) continue;
    if (op.gradient === undefined) continue;
    const needs = inputs.map((input) => input.dtype === 'float32' && reaches.has(input.index));
    const dys = outputs.map(({ index }) => sums.get(index));
    recorder.site = node.site;
    const dxs = op.gradient({ inputs, outputs, attrs, needs }, dys);
    for (const [k, dx] of dxs.entries()) {
      if (dx === undefined || !needs[k]) continue;
      const { index } = inputs[k]!;
      const sum = sums.get(index);
      sums.set(index, sum === undefined ? dx : add(sum, dx));
    }
  }
  recorder.site = undefined;
  return wrt.map((x) => sums.get(x.index) ?? fill(x.shape, 0));
}

// The values through which some x of `wrt` can reach the loss.
function dependents(nodes: readonly RecordedNode[], wrt: readonly Tensor[]): Set<number> {
  const reached = new Set(wrt.map(({ index }) => index));
  for (const { op, inputs, outputs } of nodes) {
    if (op.gradient === undefined || !inputs.some(({ index }) => reached.has(index))) continue;
    for (const { index } of outputs) reached.add(index);
  }
  return reached;
}
