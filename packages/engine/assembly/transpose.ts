// Permutations of axes: the caller reduces every permutation to strided copies of whole runs, or to strided 2-D transposes.
import { V } from './vec';

class Move {
  /** Writes the transpose of a 4 x 4 block; steps between rows in bytes. */
  @inline
  static block(from: usize, stepFrom: usize, to: usize, stepTo: usize): void {
    const r0 = v128.load(from);
    const r1 = v128.load(from + stepFrom);
    const r2 = v128.load(from + 2 * stepFrom);
    const r3 = v128.load(from + 3 * stepFrom);
    const a = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5);
    const b = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5);
    const c = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7);
    const d = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<i64>(a, b, 0, 2));
    v128.store(to + stepTo, v128.shuffle<i64>(a, b, 1, 3));
    v128.store(to + 2 * stepTo, v128.shuffle<i64>(c, d, 0, 2));
    v128.store(to + 3 * stepTo, v128.shuffle<i64>(c, d, 1, 3));
  }

  @inline
  static element(from: usize, to: usize): void {
    store<u32>(to, load<u32>(from));
  }
}

/** Tiles of 32 x 32 keep both sides in the first cache. */
const TILE: i32 = 32;

function transpose2d(from: usize, to: usize, rows: i32, cols: i32, stepFrom: usize, stepTo: usize): void {
  for (let r0 = 0; r0 < rows; r0 += TILE) {
    const r1 = min(rows, r0 + TILE);
    for (let c0 = 0; c0 < cols; c0 += TILE) {
      const c1 = min(cols, c0 + TILE);
      let r = r0;
      for (; r + 4 <= r1; r += 4) {
        let c = c0;
        for (; c + 4 <= c1; c += 4) {
          Move.block(
            from + <usize>r * stepFrom + ((<usize>c) << 2),
            stepFrom,
            to + <usize>c * stepTo + ((<usize>r) << 2),
            stepTo,
          );
        }
        for (; c < c1; c++) {
          const p = from + <usize>r * stepFrom + ((<usize>c) << 2);
          const q = to + <usize>c * stepTo + ((<usize>r) << 2);
          for (let i: usize = 0; i < 4; i++) Move.element(p + i * stepFrom, q + (i << 2));
        }
      }
      for (; r < r1; r++) {
        const p = from + <usize>r * stepFrom;
        const q = to + ((<usize>r) << 2);
        for (let c = c0; c < c1; c++) Move.element(p + ((<usize>c) << 2), q + <usize>c * stepTo);
      }
    }
  }
}

/**
 * For each (i, j, k) < (n0, n1, n2): transposes a [rows, cols] matrix (rows `stepFrom` bytes apart) at from + i f0 + j f1 + k f2 to
 * [cols, rows] (rows `stepTo` bytes apart) at to + i t0 + j t1 + k t2; all steps in bytes.
 */
export function transposeStrided(
  from: usize,
  to: usize,
  n0: i32,
  n1: i32,
  n2: i32,
  f0: usize,
  f1: usize,
  f2: usize,
  t0: usize,
  t1: usize,
  t2: usize,
  rows: i32,
  cols: i32,
  stepFrom: usize,
  stepTo: usize,
): void {
  for (let i = 0; i < n0; i++) {
    for (let j = 0; j < n1; j++) {
      for (let k = 0; k < n2; k++) {
        transpose2d(
          from + <usize>i * f0 + <usize>j * f1 + <usize>k * f2,
          to + <usize>i * t0 + <usize>j * t1 + <usize>k * t2,
          rows,
          cols,
          stepFrom,
          stepTo,
        );
      }
    }
  }
}

/** For each (i, j, k, l) < (n0, n1, n2, n3): copies `length` floats from + i f0 + j f1 + k f2 + l f3 to the next place of `to`. */
export function copyStrided(
  from: usize,
  to: usize,
  n0: i32,
  n1: i32,
  n2: i32,
  n3: i32,
  f0: usize,
  f1: usize,
  f2: usize,
  f3: usize,
  length: i32,
): void {
  const whole = (<usize>(length & ~3)) << 2;
  const rest = length & 3;
  for (let i = 0; i < n0; i++) {
    for (let j = 0; j < n1; j++) {
      for (let k = 0; k < n2; k++) {
        let p = from + <usize>i * f0 + <usize>j * f1 + <usize>k * f2;
        for (let l = 0; l < n3; l++) {
          for (let b: usize = 0; b < whole; b += 16) v128.store(to + b, v128.load(p + b));
          if (rest) V.storePart(to + whole, V.loadPart(p + whole, rest), rest);
          to += (<usize>length) << 2;
          p += f3;
        }
      }
    }
  }
}
