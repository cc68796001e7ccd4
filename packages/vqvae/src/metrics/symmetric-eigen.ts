// Eigenvalues and eigenvectors of a small symmetric matrix by Jacobi's rotations (Golub and Van Loan, section 8.5).

const sweeps = 50;

/** `matrix` [D, D] as `V diag(values) V^T`; column k of `vectors` [D, D] belongs to value k. They are in no order. */
export function symmetricEigen(
  matrix: Float64Array,
  width: number,
): { readonly values: Float64Array; readonly vectors: Float64Array } {
  const a = matrix.slice();
  const vectors = Float64Array.from({ length: width * width }, (_, i) => (i % (width + 1) === 0 ? 1 : 0));
  const scale = a.reduce((largest, x) => Math.max(largest, Math.abs(x)), 0);
  for (let sweep = 0; sweep < sweeps; sweep++) {
    let off = 0;
    for (let p = 0; p < width; p++) {
      for (let q = p + 1; q < width; q++) {
        const apq = a[p * width + q]!;
        off = Math.max(off, Math.abs(apq));
        if (Math.abs(apq) <= 1e-15 * scale) continue;
        const theta = (a[q * width + q]! - a[p * width + p]!) / (2 * apq);
        const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
        const c = 1 / Math.hypot(t, 1);
        rotate(a, { width, p, q, c, s: t * c });
        rotateColumns(vectors, { width, p, q, c, s: t * c });
      }
    }
    if (off <= 1e-15 * scale) break;
  }
  return { values: Float64Array.from({ length: width }, (_, i) => a[i * (width + 1)]!), vectors };
}

interface Rotation {
  readonly width: number;
  readonly p: number;
  readonly q: number;
  readonly c: number;
  readonly s: number;
}

// J^T A J.
function rotate(a: Float64Array, rotation: Rotation): void {
  const { width, p, q, c, s } = rotation;
  rotateColumns(a, rotation);
  for (let k = 0; k < width; k++) {
    const [x, y] = [a[p * width + k]!, a[q * width + k]!];
    a[p * width + k] = c * x - s * y;
    a[q * width + k] = s * x + c * y;
  }
}

function rotateColumns(a: Float64Array, { width, p, q, c, s }: Rotation): void {
  for (let k = 0; k < width; k++) {
    const [x, y] = [a[k * width + p]!, a[k * width + q]!];
    a[k * width + p] = c * x - s * y;
    a[k * width + q] = s * x + c * y;
  }
}
