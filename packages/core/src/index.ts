// The front door of @tessera/core, safe for browsers. Files and workers are behind `@tessera/core/node`.

// Errors
export {
  BackendError,
  CancelledError,
  ConfigError,
  DTypeError,
  EnvironmentError,
  FileError,
  FormatError,
  InternalError,
  NonFiniteError,
  ShapeError,
  TesseraError,
  WorkerError,
} from './errors.ts';
export { didYouMean } from './did-you-mean.ts';

// Arrays
export { bytesPerElement, dtypes, elementCount, isBigArray, isBigDType, ndarray, typedArrayOf } from './ndarray.ts';
export type { DType, NdArray, TypedArrayOf } from './ndarray.ts';

// Randomness
export { Generator, npRandom } from './random/generator.ts';
export type { IntegerDType } from './random/generator.ts';
export { Generators } from './random/generators.ts';
export { PCG64 } from './random/pcg64.ts';
export type { GeneratorState } from './random/pcg64.ts';
export { SeedSequence } from './random/seed-sequence.ts';

// File formats
export { concatBytes } from './formats/concat-bytes.ts';
export { decodeNpy, encodeNpy } from './formats/npy.ts';
export { ProtoWriter } from './formats/protobuf.ts';
export { decodeSafetensors, encodeSafetensors } from './formats/safetensors.ts';
export type { Safetensors } from './formats/safetensors.ts';

// Pictures
export { encodeApng } from './images/apng.ts';
export { encodeGif } from './images/gif.ts';
export type { GifOptions } from './images/gif.ts';
export { decodePng, encodePng } from './images/png.ts';
