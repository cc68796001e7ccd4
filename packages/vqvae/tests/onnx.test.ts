import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { ConfigError, decodeNpy, encodeNpy, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { describe, expect } from 'vitest';
import { NearestTokenizer, codeTable, exportOnnx } from '../src/index.ts';
import type { BuiltInTokenizer, OnnxModels, VQVAE, VqvaeOptions } from '../src/index.ts';
import { readModel, runModel } from './run-onnx.ts';
import { arcadeFrames, cpu, latents, noise, temporaryFolder, tiny, tokenizer, wasm } from './toy.ts';

/** Every way in which the layers can differ. */
const settings = fc
  .record({
    grid: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
    strides: fc.nat(2),
    pixels: fc.constantFrom(1, 3),
    channels: fc.integer({ min: 1, max: 4 }),
    residualBlocks: fc.nat(2),
    activation: fc.constantFrom('relu' as const, 'elu' as const),
    kernelSize: fc.integer({ min: 2, max: 5 }),
    quantizer: fc.record({
      kind: fc.constantFrom('vq' as const, 'ema' as const, 'simvq' as const),
      vocabulary: fc.integer({ min: 2, max: 9 }),
      codeDim: fc.integer({ min: 1, max: 4 }),
    }),
    reconstruction: fc.record({ kind: fc.constantFrom('mse' as const, 'cross-entropy' as const) }),
  })
  .map(({ grid: [rows, columns], strides, pixels, ...rest }): VqvaeOptions => {
    const scale = 2 ** strides;
    return { ...rest, tokenShape: [rows, columns], frameShape: [rows * scale, columns * scale, pixels] };
  });

/** A tokenizer whose codes are all in use. */
function seeded(options: VqvaeOptions, seed: number): { vqvae: VQVAE; frames: NdArray<'float32'> } {
  const vqvae = tokenizer(wasm, options, { seed });
  const frames = noise(3, seed, vqvae.spec.frameShape);
  vqvae.seedCodebook(frames);
  return { vqvae, frames };
}

const squared = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0);

/** That codes are as near to the encoder's vectors as any: law 1, with room for the rounding of the layers before. */
function expectNearest(vqvae: VQVAE, frames: NdArray<'float32'>, tokens: ArrayLike<number>): void {
  const { codeDim, vocabulary } = vqvae.spec;
  const z = latents(wasm, vqvae, frames);
  const { data } = codeTable(vqvae);
  const codes = Array.from({ length: vocabulary }, (_, k) => data.subarray(k * codeDim, (k + 1) * codeDim));
  const mean = Array.from({ length: codeDim }, (_, d) => codes.reduce((sum, code) => sum + code[d]! / vocabulary, 0));
  const reach = Math.sqrt(Math.max(...codes.map((code) => squared(code, mean))));
  const rounding = 32 * 2 ** -24;
  for (let i = 0; i < tokens.length; i++) {
    const vector = z.subarray(i * codeDim, (i + 1) * codeDim);
    const distances = codes.map((code) => squared(vector, code));
    const bound = 4 * (codeDim + 2) * rounding * (Math.sqrt(squared(vector, mean)) + reach) ** 2;
    expect(distances[tokens[i]!]).toBeLessThanOrEqual(Math.min(...distances) + bound);
  }
}

const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

describe('the models, taken apart and run by their definitions', () => {
  test.prop([settings, fc.nat(1000)], { numRuns: 60 })('do what a VQ-VAE of any layers does', (options, seed) => {
    const { vqvae, frames } = seeded(options, seed);
    const { encoder, codebook, decoder } = exportOnnx(vqvae);
    const tokens = runModel(readModel(encoder), frames);
    expect(tokens.shape).toEqual([3, ...vqvae.spec.tokenShape]);
    expectNearest(vqvae, frames, tokens.data as number[]);
    const given = vqvae.encode(frames);
    const input = { shape: given.shape, data: [...given.data] };
    const vectors = runModel(readModel(codebook), input);
    expect({ ...vectors, data: Float32Array.from(vectors.data) }).toEqual({
      shape: [...given.shape, vqvae.spec.codeDim],
      data: vqvae.embed(given).data,
    });
    const decoded = runModel(readModel(decoder), input);
    expect(decoded.shape).toEqual(frames.shape);
    expect(largestDifference(decoded.data, vqvae.decode(given).data)).toBeLessThan(1e-4);
    vqvae.dispose();
  });

  test('do what a tokenizer of patches does, to the last code and pixel', () => {
    const { nearest, frames, unseen } = patches();
    const { encoder, codebook, decoder } = exportOnnx(nearest);
    for (const batch of [frames, unseen]) {
      const tokens = nearest.encode(batch);
      const { data } = runModel(readModel(encoder), batch);
      expect([...data]).toEqual([...tokens.data]);
      const input = { shape: tokens.shape, data: [...tokens.data] };
      const same = (model: Uint8Array) => Float32Array.from(runModel(readModel(model), input).data);
      expect(same(decoder)).toEqual(nearest.decode(tokens).data);
      expect(same(codebook)).toEqual(nearest.embed(tokens).data);
    }
  });

  test('codes that are equal: the lowest is found', () => {
    const { vqvae, frames } = seeded(tiny(), 0);
    const state = vqvae.state();
    const codes = state['parameters.quantizer.codebook']!;
    codes.data.fill(0.25 as never);
    vqvae.loadState(state);
    expect([...runModel(readModel(exportOnnx(vqvae).encoder), frames).data]).toEqual(
      Array.from({ length: 12 }, () => 0),
    );
  });

  test('a common offset of all codes hides no differences between them', () => {
    const { vqvae, frames } = seeded(tiny({ vocabulary: 32, codeDim: 4 }), 1);
    const state = vqvae.state();
    for (const name of ['parameters.encoder.output.bias', 'parameters.quantizer.codebook']) {
      const { data } = state[name]!;
      data.forEach((value, i) => (data[i] = Number(value) + 1000));
    }
    vqvae.loadState(state);
    expectNearest(vqvae, frames, runModel(readModel(exportOnnx(vqvae).encoder), frames).data as number[]);
  });

  test('say what goes in and out, and what they were made of', () => {
    const { vqvae } = seeded(tiny(), 0);
    const { encoder, codebook, decoder } = exportOnnx(vqvae);
    const [float, int64] = [1, 7];
    const frames = { name: 'frames', type: float, shape: ['N', 8, 8, 1] };
    const tokens = { name: 'tokens', type: int64, shape: ['N', 2, 2] };
    const vectors = { name: 'vectors', type: float, shape: ['N', 2, 2, 3] };
    const head = { irVersion: 8, opset: 17 };
    expect(readModel(encoder)).toMatchObject({ ...head, input: frames, output: tokens });
    expect(readModel(codebook)).toMatchObject({ ...head, input: tokens, output: vectors });
    const { metadata, ...rest } = readModel(decoder);
    expect(rest).toMatchObject({ ...head, input: tokens, output: frames });
    expect(JSON.parse(metadata['spec']!)).toEqual(vqvae.spec);
    expect(JSON.parse(metadata['config']!)).toEqual(vqvae.config);
    expect(exportOnnx(vqvae)).toEqual({ encoder, codebook, decoder });
  });
});

describe('what cannot be exported', () => {
  test('a tokenizer without patches', () => {
    expect(() => exportOnnx(new NearestTokenizer())).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: exportOnnx: expected a tokenizer that has seen frames, got one without patches. Show it some with observe(frames).]`,
    );
  });

  test.each([
    ["network 'strided', got 'vqgan'", { network: 'vqgan' as const, channels: 8 }],
    ["a quantizer out of vq, ema, simvq, got 'fsq'", { quantizer: { kind: 'fsq' as const } }],
    ["the distance 'euclidean', got 'cosine'", { quantizer: { distance: 'cosine' as const } }],
    ['no projection, got one into 2 numbers', { quantizer: { projection: 2 } }],
  ])('expected %s', (wanted, options) => {
    const vqvae = tokenizer(cpu, { ...options, frameShape: [8, 8, 1], tokenShape: [2, 2] });
    expect(() => exportOnnx(vqvae)).toThrow(
      new ConfigError(`exportOnnx: expected ${wanted}. Train with that, or use the tokenizer from JavaScript.`),
    );
  });
});

/** Patches of an arcade game, frames that show them and others that do not. */
function patches(): { nearest: NearestTokenizer; frames: NdArray<'float32'>; unseen: NdArray<'float32'> } {
  const nearest = new NearestTokenizer({ frameShape: [20, 20, 3], tokenShape: [5, 10], vocabulary: 512 });
  const frames = arcadeFrames(24, 0);
  // Colours one byte apart, which get codes of their own.
  for (const [n, value] of [100, 101, 102].entries()) frames.data.fill(value / 255, n * 1200, n * 1200 + 60);
  nearest.observe(frames);
  return { nearest, frames, unseen: noise(4, 7, [20, 20, 3]) };
}

const python = process.env['TESSERA_PYTHON'] || undefined;
const hasRuntime = python !== undefined && canImport(python);
const why = hasRuntime ? '' : ' (skipped: TESSERA_PYTHON names no Python with onnxruntime)';

function canImport(command: string): boolean {
  try {
    execFileSync(command, ['-c', 'import onnxruntime'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const RUN = `
import sys
import numpy as np
import onnxruntime
def run(folder, model, x):
    session = onnxruntime.InferenceSession(f"{folder}/{model}.onnx", providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[0]
for folder in sys.argv[1:]:
    tokens = run(folder, "encoder", np.load(f"{folder}/frames.npy"))
    np.save(f"{folder}/tokens.npy", tokens)
    np.save(f"{folder}/vectors.npy", run(folder, "codebook", tokens))
    np.save(f"{folder}/decoded.npy", run(folder, "decoder", tokens))
`;

describe.skipIf(!hasRuntime)(`onnxruntime${why}`, () => {
  interface Case {
    readonly tokenizer: BuiltInTokenizer;
    readonly frames: NdArray<'float32'>;
    /** Throws unless the codes are those of the tokenizer. */
    readonly check: (codes: NdArray<'int32'>) => void;
    /** How far pictures may be apart. */
    readonly tolerance: number;
  }

  function cases(): Case[] {
    const shapes: VqvaeOptions[] = [
      tiny(),
      { ...tiny({ kind: 'ema' }), frameShape: [16, 24, 3], tokenShape: [2, 3], kernelSize: 3, activation: 'elu' },
      {
        ...tiny(),
        frameShape: [8, 8, 3],
        tokenShape: [4, 4],
        kernelSize: 5,
        reconstruction: { kind: 'cross-entropy' },
      },
      { ...tiny(), frameShape: [4, 4, 1], tokenShape: [4, 4], residualBlocks: 0 },
      { frameShape: [64, 64, 3], tokenShape: [8, 8], kernelSize: 2, quantizer: { vocabulary: 256 } },
    ];
    const learned = shapes.map((options, seed): Case => {
      const { vqvae, frames } = seeded(options, seed);
      return { tokenizer: vqvae, frames, check: ({ data }) => expectNearest(vqvae, frames, data), tolerance: 1e-4 };
    });
    const { nearest, frames: seen, unseen } = patches();
    const remembered = [seen, unseen].map((frames): Case => {
      const check = (codes: NdArray<'int32'>): void => expect(codes).toEqual(nearest.encode(frames));
      return { tokenizer: nearest, frames, check, tolerance: 0 };
    });
    return [...learned, ...remembered];
  }

  test('finds the same codes and decodes them alike', () => {
    const all = cases();
    const folders = all.map((item) => {
      const folder = temporaryFolder();
      const models: OnnxModels = exportOnnx(item.tokenizer);
      for (const [name, bytes] of Object.entries(models))
        writeFileSync(join(folder, `${name}.onnx`), bytes as Uint8Array);
      writeFileSync(join(folder, 'frames.npy'), encodeNpy(item.frames));
      return folder;
    });
    execFileSync(python!, ['-c', RUN, ...folders], { stdio: ['ignore', 'ignore', 'pipe'] });
    for (const [i, { tokenizer: ours, frames, check, tolerance }] of all.entries()) {
      const read = (name: string): NdArray => decodeNpy(readFileSync(join(folders[i]!, `${name}.npy`)));
      const tokens = read('tokens');
      expect(tokens).toMatchObject({ dtype: 'int64', shape: [frames.shape[0], ...ours.spec.tokenShape] });
      const codes = ndarray('int32', tokens.shape, Int32Array.from(tokens.data as BigInt64Array, Number));
      check(codes);
      expect(read('vectors')).toEqual(ours.embed(codes));
      const decoded = read('decoded');
      expect(decoded).toMatchObject({ dtype: 'float32', shape: frames.shape });
      const difference = largestDifference(decoded.data as Float32Array, ours.decode(codes).data);
      expect(difference).toBeLessThanOrEqual(tolerance);
    }
  });
});
