// Rows by index: embedding lookups, and sums of rows that share an id (the gradient of a lookup, or k-means cluster sums).
import { V } from './vec';

class Row {
  @inline
  static copy(from: usize, to: usize, n: i32): void {
    const end = to + ((<usize>(n & ~3)) << 2);
    while (to < end) {
      v128.store(to, v128.load(from));
      from += 16;
      to += 16;
    }
    const rest = n & 3;
    if (rest) V.storePart(to, V.loadPart(from, rest), rest);
  }

  @inline
  static add(from: usize, to: usize, n: i32): void {
    const end = to + ((<usize>(n & ~3)) << 2);
    while (to < end) {
      v128.store(to, f32x4.add(v128.load(to), v128.load(from)));
      from += 16;
      to += 16;
    }
    const rest = n & 3;
    if (rest) V.storePart(to, f32x4.add(V.loadPart(to, rest), V.loadPart(from, rest)), rest);
  }
}

/** y[i] = table[indices[i]] for a table [k, d]. Returns the first i whose index is outside [0, k) (its row becomes NaN), or -1. */
export function gatherRows(table: usize, indices: usize, y: usize, n: i32, k: i32, d: i32): i32 {
  const bytes = (<usize>d) << 2;
  let bad = -1;
  for (let i = 0; i < n; i++) {
    const index = load<i32>(indices + ((<usize>i) << 2));
    if (<u32>index < <u32>k) Row.copy(table + <usize>index * bytes, y, d);
    else {
      for (let j = 0; j < d; j++) store<f32>(y + ((<usize>j) << 2), NaN);
      if (bad < 0) bad = i;
    }
    y += bytes;
  }
  return bad;
}

/**
 * y[id] += x[i] for each row i with ids[i] = id, y [k, d]; counts[id] (float, [k]) is raised by one for each unless its pointer is 0.
 * Neither is cleared first. Ids outside [0, k) are skipped; returns the first i of them, or -1.
 */
export function scatterAddRows(x: usize, ids: usize, y: usize, counts: usize, n: i32, k: i32, d: i32): i32 {
  const bytes = (<usize>d) << 2;
  let bad = -1;
  for (let i = 0; i < n; i++) {
    const id = load<i32>(ids + ((<usize>i) << 2));
    if (<u32>id < <u32>k) {
      Row.add(x, y + <usize>id * bytes, d);
      if (counts) {
        const c = counts + ((<usize>id) << 2);
        store<f32>(c, load<f32>(c) + 1);
      }
    } else if (bad < 0) bad = i;
    x += bytes;
  }
  return bad;
}
