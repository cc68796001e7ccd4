// The two kernels without which TensorFlow.js cannot train on wasm, composed of its own kernels: the cheapest way to get the tape to run there,
// which is what our engine is compared with. The engine itself needs neither.
import {
  backend_util as util,
  cast,
  concat,
  engine,
  findBackend,
  getKernel,
  matMul,
  oneHot,
  pad,
  registerKernel,
  reshape,
  stridedSlice,
  tidy,
} from '@tensorflow/tfjs-core';
import type { KernelFunc, Tensor, Tensor1D, TensorInfo } from '@tensorflow/tfjs-core';

/** Registers Conv2DBackpropFilter and UnsortedSegmentSum for wasm where they are missing. */
export function registerStockWasmKernels(): void {
  register('Conv2DBackpropFilter', ({ inputs, attrs }) => {
    const { x, dy } = inputs as { x: TensorInfo; dy: TensorInfo };
    const {
      strides,
      pad: padding,
      filterShape,
    } = attrs as unknown as {
      strides: [number, number];
      pad: 'same' | 'valid';
      filterShape: [number, number, number, number];
    };
    const shape = x.shape as [number, number, number, number];
    const info = util.computeConv2DInfo(shape, filterShape, strides, 1, padding);
    const { padInfo, strideHeight, strideWidth, outHeight, outWidth, batchSize, inChannels } = info;
    const { top, bottom, left, right } = padInfo;
    const rows = batchSize * outHeight * outWidth;
    return tidy(() => {
      const padded = pad(tensorOf(x), [
        [0, 0],
        [top, bottom],
        [left, right],
        [0, 0],
      ]);
      const columns: Tensor[] = [];
      for (let i = 0; i < info.filterHeight; i++) {
        for (let j = 0; j < info.filterWidth; j++) {
          const end = [
            batchSize,
            i + (outHeight - 1) * strideHeight + 1,
            j + (outWidth - 1) * strideWidth + 1,
            inChannels,
          ];
          const part = stridedSlice(padded, [0, i, j, 0], end, [1, strideHeight, strideWidth, 1]);
          columns.push(reshape(part, [rows, inChannels]));
        }
      }
      const slopes = reshape(tensorOf(dy), [rows, filterShape[3]]);
      return reshape(matMul(concat(columns, 1), slopes, true, false), filterShape);
    });
  });
  register('UnsortedSegmentSum', ({ inputs, attrs }) => {
    const { x, segmentIds } = inputs as { x: TensorInfo; segmentIds: TensorInfo };
    const { numSegments } = attrs as unknown as { numSegments: number };
    return tidy(() => {
      const rows = reshape(tensorOf(x), [x.shape[0]!, -1]);
      const members = cast(oneHot(tensorOf(segmentIds) as Tensor1D, numSegments), 'float32');
      return reshape(matMul(members, rows, true, false), [numSegments, ...x.shape.slice(1)]);
    });
  });
}

function register(kernelName: string, kernelFunc: KernelFunc): void {
  if (!getKernel(kernelName, 'wasm')) registerKernel({ kernelName, backendName: 'wasm', kernelFunc });
}

function tensorOf(info: TensorInfo): Tensor {
  findBackend('wasm').incRef(info.dataId);
  return engine().makeTensorFromTensorInfo(info);
}
