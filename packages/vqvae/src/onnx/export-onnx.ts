// A tokenizer as ONNX models, to be taken along to Python and everywhere else where a runtime of them is: three small ones, since who samples codes needs no
// encoder and who encodes no decoder.
import { ConfigError, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { DecoderTrunk, EncoderTrunk } from '../autoencoder.ts';
import { codeTable } from '../code-table.ts';
import type { VqvaeConfig } from '../config.ts';
import type { BuiltInTokenizer } from '../create-tokenizer.ts';
import { NearestTokenizer } from '../nearest/nearest-tokenizer.ts';
import type { VQVAE } from '../vqvae.ts';
import { onnxDecoder, onnxEncoder } from './autoencoder.ts';
import { onnxNearestCode } from './lookup.ts';
import { OnnxGraph } from './onnx-graph.ts';
import type { OnnxPort } from './onnx-graph.ts';

/** The bytes of ONNX models (opset 17). `N` is any batch. */
export interface OnnxModels {
  /** `frames` float32 `[N, H, W, C]` in [0, 1] to `tokens` int64 `[N, h, w]`. */
  readonly encoder: Uint8Array<ArrayBuffer>;
  /** `tokens` int64 `[N, h, w]` to their codes, `vectors` float32 `[N, h, w, D]`. */
  readonly codebook: Uint8Array<ArrayBuffer>;
  /** `tokens` int64 `[N, h, w]` to `frames` float32 `[N, H, W, C]` in [0, 1]. */
  readonly decoder: Uint8Array<ArrayBuffer>;
}

/** Kinds whose code is the one nearest to a vector itself, out of what tokens decode to. */
const nearestKinds: readonly string[] = ['vq', 'ema', 'simvq'];

/**
 * A tokenizer as ONNX models that give its codes, up to ties within rounding (`onnxNearestCode`), and its pictures.
 *
 * The models check nothing: frames that are not finite get some code, where `encode` throws. Throws ConfigError for networks, kinds of quantizers and
 * options of theirs that have no export, and for a nearest-patch tokenizer without patches.
 */
export function exportOnnx(tokenizer: BuiltInTokenizer): OnnxModels {
  return tokenizer instanceof NearestTokenizer ? exportNearest(tokenizer) : exportVqvae(tokenizer);
}

function exportVqvae(tokenizer: VQVAE): OnnxModels {
  const { config, spec } = tokenizer;
  checkExportable(config);
  // Of the network that `checkExportable` wants.
  const { encoder, decoder } = tokenizer.parameters() as { encoder: EncoderTrunk; decoder: DecoderTrunk };
  const codes = codeTable(tokenizer);
  return models(tokenizer, codes, {
    encode(graph, frames) {
      const z = graph.node('Reshape', [
        onnxEncoder(graph, config, encoder, frames),
        graph.integers([-1, spec.codeDim]),
      ]);
      return onnxNearestCode(graph, z, codes);
    },
    decode: (graph, vectors) => toFrames(graph, config, onnxDecoder(graph, config, decoder, vectors)),
  });
}

function checkExportable({ network, quantizer: { kind, distance, projection } }: VqvaeConfig): void {
  const wants = (expected: string, got: string): never => {
    throw new ConfigError(
      `exportOnnx: expected ${expected}, got ${got}. Train with that, or use the tokenizer from JavaScript.`,
    );
  };
  if (network !== 'strided') wants("network 'strided'", `'${network}'`);
  if (!nearestKinds.includes(kind)) wants(`a quantizer out of ${nearestKinds.join(', ')}`, `'${kind}'`);
  if (distance !== 'euclidean') wants("the distance 'euclidean'", `'${distance}'`);
  if (projection !== 0) wants('no projection', `one into ${projection} numbers`);
}

function toFrames(graph: OnnxGraph, { reconstruction: { kind } }: VqvaeConfig, pixels: string): string {
  if (kind === 'cross-entropy') return graph.node('Softmax', [pixels], { axis: -1 });
  return graph.node('Clip', [pixels, graph.scalar(0), graph.scalar(1)]);
}

function exportNearest(tokenizer: NearestTokenizer): OnnxModels {
  const { spec, codeCount } = tokenizer;
  if (codeCount === 0) {
    throw new ConfigError(
      'exportOnnx: expected a tokenizer that has seen frames, got one without patches. Show it some with observe(frames).',
    );
  }
  const [[height, width, channels], [rows, columns]] = [spec.frameShape, spec.tokenShape as [number, number]];
  const codes = codeTable(tokenizer);
  const used = ndarray('float32', [codeCount, spec.codeDim], codes.data.slice(0, codeCount * spec.codeDim));
  const [patchHeight, rowLength] = [height / rows, (width / columns) * channels];
  const swap = (graph: OnnxGraph, x: string, grid: readonly number[]): string =>
    graph.node('Transpose', [graph.node('Reshape', [x, graph.integers([-1, ...grid])])], { perm: [0, 1, 3, 2, 4] });
  return models(tokenizer, codes, {
    encode(graph, frames) {
      const patches = swap(graph, frames, [rows, patchHeight, columns, rowLength]);
      const z = graph.node('Reshape', [patches, graph.integers([-1, spec.codeDim])]);
      // Patches that differ by one byte have codes of their own, nearer than float32 can tell.
      return onnxNearestCode(graph, z, used, 'float64');
    },
    decode(graph, vectors) {
      const lines = swap(graph, vectors, [rows, columns, patchHeight, rowLength]);
      return graph.node('Reshape', [lines, graph.integers([-1, ...spec.frameShape])]);
    },
  });
}

/** Frames to flat codes, and vectors of codes to frames. */
interface Halves {
  readonly encode: (graph: OnnxGraph, frames: string) => string;
  readonly decode: (graph: OnnxGraph, vectors: string) => string;
}

function models({ spec, config }: BuiltInTokenizer, codes: NdArray<'float32'>, { encode, decode }: Halves): OnnxModels {
  const { frameShape, tokenShape, codeDim } = spec;
  const frames: OnnxPort = { name: 'frames', dtype: 'float32', shape: ['N', ...frameShape] };
  const tokens: OnnxPort = { name: 'tokens', dtype: 'int64', shape: ['N', ...tokenShape] };
  const vectors: OnnxPort = { name: 'vectors', dtype: 'float32', shape: ['N', ...tokenShape, codeDim] };
  const metadata = { spec: JSON.stringify(spec), config: JSON.stringify(config) };
  const model = (
    name: string,
    [input, output]: readonly [OnnxPort, OnnxPort],
    build: (graph: OnnxGraph, x: string) => string,
  ): Uint8Array<ArrayBuffer> => {
    const graph = new OnnxGraph();
    return graph.bytes({ name, input, output, result: build(graph, input.name), metadata });
  };
  const embed = (graph: OnnxGraph, x: string): string => graph.node('Gather', [graph.constant(codes), x], { axis: 0 });
  return {
    encoder: model('encoder', [frames, tokens], (graph, x) =>
      graph.node('Reshape', [encode(graph, x), graph.integers([-1, ...tokenShape])]),
    ),
    codebook: model('codebook', [tokens, vectors], embed),
    decoder: model('decoder', [tokens, frames], (graph, x) => decode(graph, embed(graph, x))),
  };
}
