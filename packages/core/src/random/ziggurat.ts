// Standard normal and exponential draws by the ziggurat method of 256 layers, step for step as NumPy's `random_standard_normal` and
// `random_standard_exponential` (numpy/random/src/distributions/distributions.c; Marsaglia and Tsang 2000, Julia's variant).
import type { PCG64 } from './pcg64.ts';
import * as tables from './ziggurat-tables.generated.ts';

const normalK = Float64Array.from(tables.normalK);
const normalW = Float64Array.from(tables.normalW);
const normalF = Float64Array.from(tables.normalF);
const exponentialK = Float64Array.from(tables.exponentialK);
const exponentialW = Float64Array.from(tables.exponentialW);
const exponentialF = Float64Array.from(tables.exponentialF);

/** Where the tail of the normal starts, and its inverse. */
const normalR = 3.654152885361009;
const inverseNormalR = 0.2736612373297583;
/** Where the tail of the exponential starts. */
const exponentialR = 7.69711747013105;

/** A draw of N(0, 1). */
export function standardNormal(bits: PCG64): number {
  for (;;) {
    bits.next64();
    const { low, high } = bits;
    // Bits 0 to 7: the layer; 8: the sign; 9 to 60: the position in the layer, 52 bits in two parts.
    const layer = low & 0xff;
    const positionLow = ((low >>> 9) | ((high & 0x1ff) << 23)) >>> 0;
    const position = ((high >>> 9) & 0xfffff) * 4294967296 + positionLow;
    let x = position * normalW[layer]!;
    if ((low & 0x100) !== 0) x = -x;
    if (position < normalK[layer]!) return x;
    if (layer === 0) return normalTail(bits, (positionLow & 0x100) !== 0);
    const edge = normalF[layer]!;
    if ((normalF[layer - 1]! - edge) * bits.nextDouble() + edge < Math.exp(-0.5 * x * x)) return x;
  }
}

function normalTail(bits: PCG64, negative: boolean): number {
  for (;;) {
    const x = -inverseNormalR * Math.log1p(-bits.nextDouble());
    const y = -Math.log1p(-bits.nextDouble());
    if (y + y > x * x) return negative ? -(normalR + x) : normalR + x;
  }
}

/** A draw of the exponential distribution of mean 1. */
export function standardExponential(bits: PCG64): number {
  for (;;) {
    bits.next64();
    const { low, high } = bits;
    // Bits 3 to 10: the layer; 11 to 63: the position in the layer, 53 bits.
    const layer = (low >>> 3) & 0xff;
    const position = (high >>> 11) * 4294967296 + (((low >>> 11) | ((high & 0x7ff) << 21)) >>> 0);
    const x = position * exponentialW[layer]!;
    if (position < exponentialK[layer]!) return x;
    if (layer === 0) return exponentialR - Math.log1p(-bits.nextDouble());
    const edge = exponentialF[layer]!;
    if ((exponentialF[layer - 1]! - edge) * bits.nextDouble() + edge < Math.exp(-x)) return x;
  }
}
