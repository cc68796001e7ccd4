// Our own WebAssembly kernels, run on the memory of the TensorFlow.js wasm backend: tensors of both are the same bytes, nothing is copied.
// Sources are in ../../assembly (AssemblyScript), compiled by ../../scripts/build-wasm.mjs.
import type { ColumnsOptions, WasmKernels } from './kernel-types.ts';
import { moduleBase64 } from './kernels.generated.ts';
import { withSharedMemory } from './shared-memory.ts';
import { planTranspose } from './transpose.ts';

export type * from './kernel-types.ts';

type Numbers<N extends number, T extends number[] = []> = T['length'] extends N ? T : Numbers<N, [...T, number]>;
type Call<N extends number, R = void> = (...args: Numbers<N>) => R;

/** The kernels whose exports take what the typed interface says. */
type Direct = Omit<
  WasmKernels,
  | 'gemmScratchBytes'
  | 'batchMatMul'
  | 'softmax'
  | 'layerNorm'
  | 'layerNormGrad'
  | 'im2col'
  | 'col2im'
  | 'segmentSum'
  | 'nearestCode'
  | 'transpose'
  | 'adam'
  | 'decodeAttention'
>;

interface RawKernels extends Direct {
  readonly gemmScratchBytes: Call<0, number>;
  readonly batchMatMul: Call<12>;
  readonly softmax: Call<7>;
  readonly layerNorm: Call<9>;
  readonly layerNormGrad: Call<10>;
  readonly im2col: Call<15>;
  readonly col2im: Call<15>;
  readonly nearestCode: Call<7, number>;
  readonly transposeStrided: Call<15>;
  readonly copyStrided: Call<11>;
  readonly adam: Call<13>;
  readonly decodeAttention: Call<13>;
}

/**
 * Instantiates the kernels on `memory`.
 *
 * Returns undefined where they cannot run: no SIMD, or a memory that cannot be shared with them.
 */
export async function loadWasmKernels(memory: WebAssembly.Memory): Promise<WasmKernels | undefined> {
  const plain = Uint8Array.from(atob(moduleBase64), (character) => character.charCodeAt(0));
  const isShared = typeof SharedArrayBuffer !== 'undefined' && memory.buffer instanceof SharedArrayBuffer;
  const bytes = isShared ? withSharedMemory(plain) : plain;
  try {
    const { instance } = await WebAssembly.instantiate(bytes, { env: { memory } });
    return bindKernels(instance.exports as unknown as RawKernels);
  } catch (error) {
    if (error instanceof WebAssembly.CompileError || error instanceof WebAssembly.LinkError) return undefined;
    throw error;
  }
}

/** Puts names on the long argument lists. */
function bindKernels(raw: RawKernels): WasmKernels {
  return {
    ...raw,
    gemmScratchBytes: raw.gemmScratchBytes(),
    batchMatMul({ a, b, c, m, k, n, batch = 1, strideA = m * k, strideB = k * n, strideC = m * n, scratch, ...flags }) {
      const bits = (flags.transposeA ? 1 : 0) | (flags.transposeB ? 2 : 0) | (flags.accumulate ? 4 : 0);
      raw.batchMatMul(a, b, c, batch, m, k, n, strideA, strideB, strideC, bits, scratch);
    },
    softmax({ x, y, rows, n, scale = 1, mask = 0, maskRows = rows }) {
      raw.softmax(x, y, rows, n, scale, mask, maskRows);
    },
    decodeAttention({ query, keys, values, newKeys, newValues, out, scratch, ...sizes }) {
      const { groups, queries, added, filled, length, depth } = sizes;
      raw.decodeAttention(
        query,
        keys,
        values,
        newKeys,
        newValues,
        out,
        groups,
        queries,
        added,
        filled,
        length,
        depth,
        scratch,
      );
    },
    layerNorm({ x, gamma, beta, y, mean, rstd, rows, n, epsilon }) {
      raw.layerNorm(x, gamma, beta, y, mean, rstd, rows, n, epsilon);
    },
    layerNormGrad({ dy, x, gamma, mean, rstd, dx, dgamma, dbeta, rows, n }) {
      raw.layerNormGrad(dy, x, gamma, mean, rstd, dx, dgamma, dbeta, rows, n);
    },
    im2col(options) {
      raw.im2col(options.x, options.columns, ...columnNumbers(options));
    },
    col2im(options) {
      raw.col2im(options.columns, options.x, ...columnNumbers(options));
    },
    segmentSum(x, ids, y, counts, n, k, d) {
      raw.fillZero(y, k * d * 4);
      if (counts !== 0) raw.fillZero(counts, k * 4);
      return raw.scatterAddRows(x, ids, y, counts, n, k, d);
    },
    nearestCode({ z, codebook, indices, n, k, d, scratch }) {
      const found = raw.nearestCode(z, codebook, indices, n, k, d, scratch);
      if (found === -1) return undefined;
      return found < 0 ? { array: 'codebook', position: -2 - found } : { array: 'z', position: found };
    },
    transpose(x, y, shape, perm) {
      const plan = planTranspose(shape, perm);
      if (plan.kind === 'copy') raw.copyStrided(x, y, ...plan.counts, ...plan.from, plan.length);
      if (plan.kind === 'transpose') {
        const { counts, from, to, rows, cols, stepFrom, stepTo } = plan;
        raw.transposeStrided(x, y, ...counts, ...from, ...to, rows, cols, stepFrom, stepTo);
      }
    },
    adam({ param, m, v, gradient, n, learningRate, weightDecay = 0, gradientScale = 1, ...constants }) {
      const { beta1, beta2, epsilon, correction1, correction2 } = constants;
      raw.adam(
        param,
        m,
        v,
        gradient,
        n,
        learningRate,
        beta1,
        beta2,
        epsilon,
        correction1,
        correction2,
        weightDecay,
        gradientScale,
      );
    },
  };
}

function columnNumbers({ geometry: g, start, end }: ColumnsOptions): Numbers<13> {
  return [
    g.height,
    g.width,
    g.channels,
    g.kernelHeight,
    g.kernelWidth,
    g.strideHeight,
    g.strideWidth,
    g.padTop,
    g.padLeft,
    g.outHeight,
    g.outWidth,
    start,
    end,
  ];
}
