// What our WebAssembly kernels take. Pointers are byte offsets into the shared memory, sizes count elements, arrays are dense, row-major and
// float32 unless said; outputs are overwritten. An output may be one of the inputs only where it says "in place".

/** In place: y may be x. `n` is the number of elements. */
export type UnaryKernel = (x: number, y: number, n: number) => void;
/** In place: dx may be dy or the third array. */
export type GradKernel = (dy: number, saved: number, dx: number, n: number) => void;
/** Writes bytes 0 or 1, as TensorFlow.js keeps booleans. `bStep` 1: b has n elements; 0: b is one number for all. */
export type CompareKernel = (a: number, b: number, y: number, n: number, bStep: 0 | 1) => void;

/** `C[i] = op(A[i]) op(B[i])` for each i of a batch, with op(A) [m, k], op(B) [k, n] and C [m, n]. */
export interface BatchMatMulOptions {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  /** Default 1. */
  readonly batch?: number;
  /** Elements from one matrix of the batch to the next; 0 repeats one matrix. Defaults: m * k, k * n, m * n. */
  readonly strideA?: number;
  readonly strideB?: number;
  readonly strideC?: number;
  /** A is stored [k, m]. */
  readonly transposeA?: boolean;
  /** B is stored [n, k]. */
  readonly transposeB?: boolean;
  /** Add to C instead of overwriting it. */
  readonly accumulate?: boolean;
  /** Pointer to `gemmScratchBytes` bytes, none of them part of A, B or C. */
  readonly scratch: number;
}

/** `y = softmax(scale x + mask)` in each row of [rows, n]. In place. */
export interface SoftmaxOptions {
  readonly x: number;
  readonly y: number;
  readonly rows: number;
  readonly n: number;
  /** Default 1. */
  readonly scale?: number;
  /** Added after the scale: [maskRows, n], used by row r as mask row r % maskRows. Default: none. */
  readonly mask?: number;
  /** Default `rows`. */
  readonly maskRows?: number;
}

export interface LayerNormOptions {
  readonly x: number;
  readonly gamma: number;
  readonly beta: number;
  readonly y: number;
  /** Outputs [rows], which the gradient needs. */
  readonly mean: number;
  readonly rstd: number;
  readonly rows: number;
  readonly n: number;
  readonly epsilon: number;
}

/** Outputs dx [rows, n] (may be dy), dgamma and dbeta [n]. */
export interface LayerNormGradOptions {
  readonly dy: number;
  readonly x: number;
  readonly gamma: number;
  readonly mean: number;
  readonly rstd: number;
  readonly dx: number;
  readonly dgamma: number;
  readonly dbeta: number;
  readonly rows: number;
  readonly n: number;
}

/** Queries [groups, queries, depth] over a cache [groups, length, depth], of which `filled` rows count, and new rows [groups, added, depth]; out is as large as the queries. */
export interface DecodeAttentionOptions {
  readonly query: number;
  readonly keys: number;
  readonly values: number;
  readonly newKeys: number;
  readonly newValues: number;
  readonly out: number;
  readonly groups: number;
  readonly queries: number;
  readonly added: number;
  readonly filled: number;
  readonly length: number;
  readonly depth: number;
  /** Pointer to filled + added floats. */
  readonly scratch: number;
}

/** Sizes of a 2-D convolution over NHWC images; padding at the bottom and right follows from the output's size. */
export interface ConvGeometry {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly strideHeight: number;
  readonly strideWidth: number;
  readonly padTop: number;
  readonly padLeft: number;
  readonly outHeight: number;
  readonly outWidth: number;
}

/** Rows [start, end) of the patch matrix [N * outHeight * outWidth, kernelHeight * kernelWidth * channels]. */
export interface ColumnsOptions {
  /** Images [N, height, width, channels]. */
  readonly x: number;
  /** Pointer to row `start`. */
  readonly columns: number;
  readonly geometry: ConvGeometry;
  readonly start: number;
  readonly end: number;
}

export interface NearestCodeOptions {
  /** [n, d] */
  readonly z: number;
  /** [k, d], k >= 1 and d >= 1 */
  readonly codebook: number;
  /** Output, int32 [n]. */
  readonly indices: number;
  readonly n: number;
  readonly k: number;
  readonly d: number;
  /** Pointer to `nearestCodeScratchBytes(k, d)` bytes. */
  readonly scratch: number;
}

/** Where a number that is NaN or infinite was found, as a position in the flat array. */
export interface NonFinitePosition {
  readonly array: 'z' | 'codebook';
  readonly position: number;
}

/** With g = gradientScale * gradient. In place on param, m and v. */
export interface AdamOptions {
  readonly param: number;
  readonly m: number;
  readonly v: number;
  readonly gradient: number;
  readonly n: number;
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** `1 - beta1^t` and `1 - beta2^t`. */
  readonly correction1: number;
  readonly correction2: number;
  /** Decoupled (AdamW). Default 0. */
  readonly weightDecay?: number;
  /** Default 1; the factor of global-norm clipping. */
  readonly gradientScale?: number;
}

interface ElementwiseKernels {
  readonly exp: UnaryKernel;
  readonly log: UnaryKernel;
  readonly tanh: UnaryKernel;
  readonly sigmoid: UnaryKernel;
  readonly erf: UnaryKernel;
  /** `x Phi(x)`, the exact form. */
  readonly gelu: UnaryKernel;
  readonly softplus: UnaryKernel;
  readonly sqrt: UnaryKernel;
  readonly rsqrt: UnaryKernel;
  readonly relu: UnaryKernel;
  readonly elu: UnaryKernel;
  /** Of the output y: `dy` where y > 0. */
  readonly reluGrad: GradKernel;
  /** Of the output y: `dy (1 - y^2)`. */
  readonly tanhGrad: GradKernel;
  /** Of the output y: `dy y (1 - y)`. */
  readonly sigmoidGrad: GradKernel;
  /** Of the output y: `dy` where y > 0, `dy (y + 1)` elsewhere. */
  readonly eluGrad: GradKernel;
  /** Of the input x: `dy (Phi(x) + x phi(x))`. */
  readonly geluGrad: GradKernel;
  /** Of the input x: `dy sigmoid(x)`. */
  readonly softplusGrad: GradKernel;
  /** `y = alpha x`. In place. */
  scale(x: number, alpha: number, y: number, n: number): void;
  /** `z = x + alpha y`. In place. */
  addScaled(x: number, y: number, alpha: number, z: number, n: number): void;
  readonly greater: CompareKernel;
  readonly greaterEqual: CompareKernel;
  readonly less: CompareKernel;
  readonly lessEqual: CompareKernel;
  readonly equal: CompareKernel;
  readonly notEqual: CompareKernel;
  /** On int32. */
  readonly equalInt: CompareKernel;
  readonly notEqualInt: CompareKernel;
  /** `y = condition ? a : b` for float32 or int32 with a condition of bytes; a step of 0 repeats one number. */
  select(condition: number, a: number, b: number, y: number, n: number, aStep: 0 | 1, bStep: 0 | 1): void;
  /** Booleans as floats. */
  bytesToFloat(x: number, y: number, n: number): void;
}

interface ReductionKernels {
  /** Accumulated in float64 over blocks, like the next three. */
  sum(x: number, n: number): number;
  sumOfSquares(x: number, n: number): number;
  /** `sum((a - b)^2)`. */
  squaredDifferenceSum(a: number, b: number, n: number): number;
  dot(a: number, b: number, n: number): number;
  /** NaN if there is one; -Infinity for n = 0. */
  maximum(x: number, n: number): number;
  /** Position of the first NaN or infinity, or -1. */
  firstNonFinite(x: number, n: number): number;
  /** [rows, n] -> [rows]. */
  rowSum(x: number, y: number, rows: number, n: number): void;
  rowMean(x: number, y: number, rows: number, n: number): void;
  rowMax(x: number, y: number, rows: number, n: number): void;
  /** [rows, n] -> [n], the gradient of a bias. */
  colSum(x: number, y: number, rows: number, n: number): void;
}

interface RowKernels {
  softmax(options: SoftmaxOptions): void;
  /** `dx = scale y (dy - sum(dy y))`, the gradient of `softmax(scale x + mask)` by x. In place. */
  softmaxGrad(dy: number, y: number, dx: number, rows: number, n: number, scale: number): void;
  /** In place. */
  logSoftmax(x: number, y: number, rows: number, n: number): void;
  /** Of the output y: `dx = dy - exp(y) sum(dy)`. In place. */
  logSoftmaxGrad(dy: number, y: number, dx: number, rows: number, n: number): void;
  /**
   * `loss[r] = logsumexp(x[r]) - x[r, labels[r]]` and `probabilities = softmax(x)` (may be x); labels int32 [rows]. Returns the first row
   * whose label is outside [0, n) (its loss is NaN), or -1.
   */
  softmaxCrossEntropy(x: number, labels: number, loss: number, probabilities: number, rows: number, n: number): number;
  /** `dx[r] = dy[r] (probabilities[r] - onehot(labels[r]))`, dy [rows]. dx may not be probabilities. */
  softmaxCrossEntropyGrad(probabilities: number, labels: number, dy: number, dx: number, rows: number, n: number): void;
  layerNorm(options: LayerNormOptions): void;
  layerNormGrad(options: LayerNormGradOptions): void;
  /** `y = x + bias` in each row, and `max(0, y)` with `relu` 1. In place. */
  biasAdd(x: number, bias: number, y: number, rows: number, n: number, relu: 0 | 1): void;
}

interface IndexKernels {
  /** `y[i] = table[indices[i]]`, table [k, d], indices int32 [n]. Returns the first i outside [0, k) (its row is NaN), or -1. */
  gatherRows(table: number, indices: number, y: number, n: number, k: number, d: number): number;
  /**
   * `y[ids[i]] += x[i]` and `counts[ids[i]] += 1`, y [k, d], counts float32 [k] or pointer 0 for none; neither is cleared first. Ids
   * outside [0, k) are skipped; returns the first i of them, or -1.
   */
  scatterAddRows(x: number, ids: number, y: number, counts: number, n: number, k: number, d: number): number;
  /** As `scatterAddRows` into cleared outputs. */
  segmentSum(x: number, ids: number, y: number, counts: number, n: number, k: number, d: number): number;
  nearestCodeScratchBytes(k: number, d: number): number;
  /**
   * `argmin_j ||z - e_j||^2`, the lowest index on a tie, computed as `|e|^2 / 2 - z.e` after subtracting the codebook's mean from both.
   * Returns undefined, or with nothing written the first NaN or infinity (the codebook's before z's).
   */
  nearestCode(options: NearestCodeOptions): NonFinitePosition | undefined;
}

/** The kernels over one memory. */
export interface WasmKernels extends ElementwiseKernels, ReductionKernels, RowKernels, IndexKernels {
  /** Bytes of scratch memory that `batchMatMul` needs, whatever the sizes. */
  readonly gemmScratchBytes: number;
  /** `C (+)= op(A) op(B)`, batched; m, k, n and batch may be 0 (k = 0 gives zeros). */
  batchMatMul(options: BatchMatMulOptions): void;
  im2col(options: ColumnsOptions): void;
  /** The adjoint of `im2col`: adds each patch to the pixels it came from; x is not cleared first. */
  col2im(options: ColumnsOptions): void;
  /**
   * `y = transpose(x)` of 4-byte elements (float32 or int32): axis i of y is axis perm[i] of x. Throws a ShapeError when more than five axes
   * remain after neighbours that stay together are merged.
   */
  transpose(x: number, y: number, shape: readonly number[], perm: readonly number[]): void;
  fillZero(x: number, bytes: number): void;
  adam(options: AdamOptions): void;
  decodeAttention(options: DecodeAttentionOptions): void;
  /** y [n] uniform in [0, 1), out of a key of two int32. */
  uniform(key: number, y: number, n: number, stream: number): void;
}
