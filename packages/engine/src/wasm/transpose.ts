// Reduces a permutation of axes to what the kernels do: strided copies of whole runs, or strided 2-D transposes.
import { ShapeError } from '@tessera/core';

type Three = readonly [number, number, number];
type Four = readonly [number, number, number, number];

/** Steps are in bytes. */
export type TransposePlan =
  | { readonly kind: 'empty' }
  | { readonly kind: 'copy'; readonly counts: Four; readonly from: Four; readonly length: number }
  | {
      readonly kind: 'transpose';
      readonly counts: Three;
      readonly from: Three;
      readonly to: Three;
      readonly rows: number;
      readonly cols: number;
      readonly stepFrom: number;
      readonly stepTo: number;
    };

interface Axis {
  readonly size: number;
  /** Position among the input's axes; only the order counts. */
  readonly axis: number;
  readonly from: number;
  readonly to: number;
}

/** Plans `y = transpose(x, perm)` for 4-byte elements. */
export function planTranspose(shape: readonly number[], perm: readonly number[]): TransposePlan {
  if (shape.includes(0)) return { kind: 'empty' };
  const axes = mergedAxes(shape, perm);
  const run = axes.at(-1);
  if (run === undefined) return { kind: 'copy', counts: [1, 1, 1, 1], from: [0, 0, 0, 0], length: 1 };
  const last = Math.max(...axes.map(({ axis }) => axis));
  if (run.axis === last) {
    const outer = padded(axes.slice(0, -1), 4, shape, perm);
    return {
      kind: 'copy',
      counts: outer.map(({ size }) => size) as unknown as Four,
      from: outer.map(({ from }) => from) as unknown as Four,
      length: run.size,
    };
  }
  const column = axes.find(({ axis }) => axis === last) as Axis;
  const outer = padded(
    axes.filter((axis) => axis !== run && axis !== column),
    3,
    shape,
    perm,
  );
  return {
    kind: 'transpose',
    counts: outer.map(({ size }) => size) as unknown as Three,
    from: outer.map(({ from }) => from) as unknown as Three,
    to: outer.map(({ to }) => to) as unknown as Three,
    rows: run.size,
    cols: column.size,
    stepFrom: run.from,
    stepTo: column.to,
  };
}

/** The output's axes, without those of size 1, neighbours that stay together as one. */
function mergedAxes(shape: readonly number[], perm: readonly number[]): Axis[] {
  const kept = shape.map((size, axis) => ({ size, axis })).filter(({ size }) => size !== 1);
  const position = new Map(kept.map(({ axis }, i) => [axis, i]));
  const groups: { size: number; first: number; last: number }[] = [];
  for (const axis of perm) {
    const i = position.get(axis);
    if (i === undefined) continue;
    const group = groups.at(-1);
    const size = shape[axis] as number;
    if (group !== undefined && group.last === i - 1) {
      group.size *= size;
      group.last = i;
    } else groups.push({ size, first: i, last: i });
  }
  const steps = kept.map((_, i) => kept.slice(i + 1).reduce((product, { size }) => product * size, 4));
  return groups.map(({ size, first, last }, i) => ({
    size,
    axis: first,
    from: steps[last] as number,
    to: groups.slice(i + 1).reduce((product, group) => product * group.size, 4),
  }));
}

function padded(axes: Axis[], count: number, shape: readonly number[], perm: readonly number[]): Axis[] {
  if (axes.length > count) {
    throw new ShapeError(
      `transpose: expected at most 5 axes after merging, got shape [${shape.join(', ')}] by [${perm.join(', ')}]. ` +
        'Reshape first, or transpose in two steps.',
    );
  }
  const one: Axis = { size: 1, axis: -1, from: 0, to: 0 };
  return [...Array.from({ length: count - axes.length }, () => one), ...axes];
}
