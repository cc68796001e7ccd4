// Unbiased whole numbers in [0, range] as NumPy draws them (numpy/random/src/distributions/distributions.c): Lemire's multiply-and-reject
// on 8, 16, 32 or 64 bits (https://arxiv.org/abs/1805.10941) for `integers`, masked rejection for `shuffle`.
import type { PCG64 } from './pcg64.ts';

const max32 = 0xffff_ffff;
const mask64 = (1n << 64n) - 1n;

/** In [0, range], range up to `2^32 - 1`, on 32-bit draws; no draw at all when the range is 0. */
export function bounded32(bits: PCG64, range: number): number {
  if (range === 0) return 0;
  if (range === max32) return bits.next32();
  const span = range + 1;
  let x = bits.next32();
  let leftover = Math.imul(x, span) >>> 0;
  if (leftover < span) {
    const threshold = (max32 - range) % span;
    while (leftover < threshold) {
      x = bits.next32();
      leftover = Math.imul(x, span) >>> 0;
    }
  }
  // The upper half of the 64-bit product x * span, by 16-bit parts of span: each product is below 2^48.
  return Math.floor((x * (span >>> 16) + Math.floor((x * (span & 0xffff)) / 65536)) / 65536);
}

/** In [0, range], range from `2^32` to `2^64 - 1`, on 64-bit draws. */
export function bounded64(bits: PCG64, range: bigint): bigint {
  if (range === mask64) {
    bits.next64();
    return (BigInt(bits.high) << 32n) | BigInt(bits.low);
  }
  const span = range + 1n;
  const threshold = (mask64 - range) % span;
  for (;;) {
    bits.next64();
    const product = ((BigInt(bits.high) << 32n) | BigInt(bits.low)) * span;
    if ((product & mask64) >= threshold) return product >> 64n;
  }
}

/** A source of whole numbers in [0, range] out of `width`-bit pieces of 32-bit draws, low piece first; a piece left over is lost with the source. */
export function boundedSmall(bits: PCG64, range: number, width: 1 | 8 | 16): () => number {
  if (range === 0) return () => 0;
  const pieceMax = 2 ** width - 1;
  let buffer = 0;
  let left = 0;
  const piece = (): number => {
    if (left === 0) {
      buffer = bits.next32();
      left = 32 / width - 1;
    } else {
      buffer >>>= width;
      left--;
    }
    return buffer & pieceMax;
  };
  const span = range + 1;
  const threshold = (pieceMax - range) % span;
  return () => {
    for (;;) {
      const product = piece() * span;
      if ((product & pieceMax) >= threshold) return product >>> width;
    }
  };
}

/** In [0, max], max below `2^32`, by masking 32-bit draws and rejecting those above: what NumPy shuffles with. */
export function interval(bits: PCG64, max: number): number {
  if (max === 0) return 0;
  const mask = max32 >>> Math.clz32(max);
  for (;;) {
    const value = (bits.next32() & mask) >>> 0;
    if (value <= max) return value;
  }
}
