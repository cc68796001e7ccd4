// Convolutions as matrix products (Chellapilla et al. 2006): im2col lays the patch under each output pixel out as one row, col2im is its
// adjoint. Images are NHWC; in a patch, the taps of one kernel row are neighbours in memory, so each is copied in one piece.
import { V } from './vec';

class Piece {
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
  static clear(to: usize, n: i32): void {
    const end = to + ((<usize>(n & ~3)) << 2);
    for (; to < end; to += 16) v128.store(to, f32x4.splat(0));
    const rest = n & 3;
    if (rest) V.storePart(to, f32x4.splat(0), rest);
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

  /** The walk that both share: for output pixels [start, end) of N * outH * outW, every kernel row of their patches. */
  @inline
  static walk(
    adjoint: bool,
    x: usize,
    columns: usize,
    height: i32,
    width: i32,
    channels: i32,
    kernelH: i32,
    kernelW: i32,
    strideH: i32,
    strideW: i32,
    top: i32,
    left: i32,
    outH: i32,
    outW: i32,
    start: i32,
    end: i32,
  ): void {
    if (start >= end) return;
    const lineBytes = (<usize>(width * channels)) << 2;
    const tapRow = kernelW * channels;
    let image = start / (outH * outW);
    let oy = (start / outW) % outH;
    let ox = start % outW;
    for (let p = start; p < end; p++) {
      const x0 = ox * strideW - left;
      const y0 = oy * strideH - top;
      // the taps [from, to) of each kernel row that lie inside the image
      const from = min(max(-x0, 0), kernelW);
      const to = max(from, min(kernelW, width - x0));
      const inside = (to - from) * channels;
      const offset = (<usize>((x0 + from) * channels)) << 2;
      for (let ky = 0; ky < kernelH; ky++) {
        const y = y0 + ky;
        if (y >= 0 && y < height && inside > 0) {
          const source = x + <usize>(image * height + y) * lineBytes + offset;
          const target = columns + ((<usize>(from * channels)) << 2);
          if (adjoint) Piece.add(target, source, inside);
          else {
            if (from > 0) Piece.clear(columns, from * channels);
            Piece.copy(source, target, inside);
            if (to < kernelW) Piece.clear(columns + ((<usize>(to * channels)) << 2), (kernelW - to) * channels);
          }
        } else if (!adjoint) Piece.clear(columns, tapRow);
        columns += (<usize>tapRow) << 2;
      }
      if (++ox == outW) {
        ox = 0;
        if (++oy == outH) {
          oy = 0;
          image++;
        }
      }
    }
  }
}

/** Writes rows [start, end) of the [N * outH * outW, kernelH * kernelW * channels] patch matrix; `columns` points at row `start`. */
export function im2col(
  x: usize,
  columns: usize,
  height: i32,
  width: i32,
  channels: i32,
  kernelH: i32,
  kernelW: i32,
  strideH: i32,
  strideW: i32,
  top: i32,
  left: i32,
  outH: i32,
  outW: i32,
  start: i32,
  end: i32,
): void {
  Piece.walk(
    false,
    x,
    columns,
    height,
    width,
    channels,
    kernelH,
    kernelW,
    strideH,
    strideW,
    top,
    left,
    outH,
    outW,
    start,
    end,
  );
}

/** Adds rows [start, end) of the patch matrix to the image pixels they came from. The image is not cleared first. */
export function col2im(
  columns: usize,
  x: usize,
  height: i32,
  width: i32,
  channels: i32,
  kernelH: i32,
  kernelW: i32,
  strideH: i32,
  strideW: i32,
  top: i32,
  left: i32,
  outH: i32,
  outW: i32,
  start: i32,
  end: i32,
): void {
  Piece.walk(
    true,
    x,
    columns,
    height,
    width,
    channels,
    kernelH,
    kernelW,
    strideH,
    strideW,
    top,
    left,
    outH,
    outW,
    start,
    end,
  );
}

export function fillZero(x: usize, bytes: usize): void {
  memory.fill(x, 0, bytes);
}
