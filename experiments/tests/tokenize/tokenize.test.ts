import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import {
  decodeNpy,
  decodePng,
  decodeSafetensors,
  encodeNpy,
  encodePng,
  encodeSafetensors,
  ndarray,
} from '@tessera/core';
import { createEngine } from '@tessera/engine';
import { NearestTokenizer, VQVAE, exportOnnx, toUnit } from '@tessera/vqvae';
import { saveTokenizer } from '@tessera/vqvae/node';
import { fc, test } from '@fast-check/vitest';
import { beforeEach, describe, expect } from 'vitest';
import { fitFrame } from '../../src/tokenize/fit-frame.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { frameOf, frameShape, frames, run, savedTokenizer, writePictures, writeShard } from './fixtures.ts';

let root = '';
let tokenizer: NearestTokenizer;
const at = (...parts: string[]): string => join(root, ...parts);
const tokenizeTo = (out: string, ...more: string[]) => [
  'tokenize',
  at('tok'),
  at('frames'),
  '--out',
  at(out),
  '--backend',
  'wasm',
  ...more,
];
const decodeTo = (tokens: string, out: string, ...more: string[]) => [
  'detokenize',
  at('tok'),
  at(tokens),
  '--out',
  at(out),
  '--backend',
  'wasm',
  ...more,
];

beforeEach(async () => {
  root = temporaryFolder();
  tokenizer = await savedTokenizer(at('tok'));
});

const readTokens = (path: string) => decodeSafetensors(readFileSync(path), { source: path });

describe('a folder of PNGs', () => {
  test('becomes the codes that the tokenizer gives, and comes back', async () => {
    const batch = frames(70, 1);
    const names = writePictures(at('frames'), batch);
    writeFileSync(at('frames', 'notes.txt'), 'no picture');
    const { code, out, err } = await run(tokenizeTo('tokens'));
    expect({ code, out }).toEqual({ code: 0, out: `${at('tokens')}\n` });
    expect(err.replaceAll(/[\d.]+ \w+\/s/g, '<rate>')).toMatchInlineSnapshot(`
      "tokenizing: 70/70 pictures (100 %), <rate>
      frames  70  2 x 3 tokens each
      codes   16  of 16 occur in them
      files    1  written
      "
    `);
    expect(readdirSync(at('tokens'))).toEqual(['tokens-000000.safetensors']);
    const { tensors, metadata } = readTokens(at('tokens', 'tokens-000000.safetensors'));
    expect({ ...tensors }).toEqual({ tokens: tokenizer.encode(toUnit(batch)) });
    expect(JSON.parse(metadata['pictures']!)).toEqual(names);
    expect(JSON.parse(metadata['tokenizer']!)).toMatchObject({ tokenShape: [2, 3], vocabulary: 16 });

    expect(await run(decodeTo('tokens', 'back'))).toMatchObject({ code: 0, out: `${at('back')}\n` });
    expect(readdirSync(at('back'))).toEqual(names);
    for (const [i, name] of names.entries()) {
      expect(decodePng(readFileSync(at('back', name)))).toEqual(frameOf(batch, i));
    }
  });

  test('becomes .npy files that NumPy reads, and comes back', async () => {
    const batch = frames(3, 1);
    const names = writePictures(at('frames'), batch);
    expect(await run(tokenizeTo('tokens', '--format', 'npy'))).toMatchObject({ code: 0 });
    expect(readdirSync(at('tokens'))).toEqual(['tokens-000000.json', 'tokens-000000.npy']);
    expect(decodeNpy(readFileSync(at('tokens', 'tokens-000000.npy')))).toEqual(tokenizer.encode(toUnit(batch)));
    expect(await run(decodeTo('tokens', 'back'))).toMatchObject({ code: 0 });
    expect(decodePng(readFileSync(at('back', names[2]!)))).toEqual(frameOf(batch, 2));
  });

  test('a thousand pictures and more are a file each thousand', async () => {
    writePictures(at('frames'), frames(1030, 2));
    expect(await run(tokenizeTo('tokens'))).toMatchObject({ code: 0 });
    const shapes = readdirSync(at('tokens')).map((name) => readTokens(at('tokens', name)).tensors['tokens']!.shape);
    expect(shapes).toEqual([
      [1024, 2, 3],
      [6, 2, 3],
    ]);
  });

  test('of other sizes is refused, and resized where that is asked for', async () => {
    mkdirSync(at('frames'));
    const large = ndarray('uint8', [16, 12, 3], new Uint8Array(576).fill(48));
    writeFileSync(at('frames', 'a.png'), encodePng(large));
    const refused = await run(tokenizeTo('tokens'));
    expect(refused.code).toBe(1);
    expect(refused.err.replaceAll(root, '<root>')).toMatchInlineSnapshot(`
      "tokenizing: 0/1 pictures (0 %), 0 pictures/s, ? left
      error: tokenize: <root>/frames/a.png: expected 8 x 6 pixels (height x width), as the tokenizer was trained on, got 16 x 12. --resize makes them fit.
      "
    `);
    expect(await run(tokenizeTo('tokens', '--resize'))).toMatchObject({ code: 0 });
    const small = toUnit(ndarray('uint8', [1, ...frameShape], new Uint8Array(144).fill(48)));
    const { tokens } = readTokens(at('tokens', 'tokens-000000.safetensors')).tensors;
    expect(tokens).toEqual(tokenizer.encode(small));
  });

  test('with a damaged picture names it, and leaves no file', async () => {
    const [, name] = writePictures(at('frames'), frames(3, 1));
    writeFileSync(at('frames', name!), readFileSync(at('frames', name!)).subarray(0, -5));
    const { code, err } = await run(tokenizeTo('tokens'));
    expect(code).toBe(1);
    expect(err).toContain(`error: png '${at('frames', '0001.png')}': `);
    expect(readdirSync(at('tokens'))).toEqual([]);
  });
});

describe('a replay', () => {
  /** Arrays and texts of a file of tokens, in either format. */
  const readers = {
    safetensors: (number: string) => readTokens(at('tokens', `tokens-${number}.safetensors`)),
    npy(number: string) {
      const json = JSON.parse(readFileSync(at('tokens', `tokens-${number}.json`), 'utf8')) as {
        tensors: string[];
        metadata: Record<string, string>;
      };
      const read = (name: string) => decodeNpy(readFileSync(at('tokens', `${name}-${number}.npy`)));
      return { ...json, tensors: Object.fromEntries(json.tensors.map((name) => [name, read(name)])) };
    },
  };
  test.each(['safetensors', 'npy'] as const)('becomes a file a shard with all that it knows (%s)', async (format) => {
    const batches = new Map([3, 12].map((number) => [number, writeShard(at('frames'), number, number)]));
    expect(await run(tokenizeTo('tokens', '--format', format))).toMatchObject({ code: 0 });
    for (const [number, batch] of batches) {
      const text = String(number).padStart(6, '0');
      const shard = readTokens(at('frames', `shard-${text}.safetensors`));
      const { frames: _, ...others } = shard.tensors;
      const file = readers[format](text);
      expect({ ...file.tensors }).toEqual({ ...others, tokens: tokenizer.encode(toUnit(batch)) });
      expect(file.metadata).toMatchObject({ format: 'tessera-tokens', chunks: shard.metadata['chunks'] });
    }
    expect(await run(decodeTo('tokens', 'back'))).toMatchObject({ code: 0 });
    expect(readdirSync(at('back')).length).toBe(20);
    expect(decodePng(readFileSync(at('back', 'tokens-000012-000009.png')))).toEqual(frameOf(batches.get(12)!, 9));
  });

  test('whose shard is damaged names it, and keeps what was written', async () => {
    writeShard(at('frames'), 0, 0);
    writeShard(at('frames'), 1, 1);
    const path = at('frames', 'shard-000001.safetensors');
    writeFileSync(path, readFileSync(path).subarray(0, -1));
    const { code, err } = await run(tokenizeTo('tokens'));
    expect(code).toBe(1);
    expect(err).toContain(path);
    expect(readdirSync(at('tokens'))).toEqual(['tokens-000000.safetensors']);
  });
});

describe('going on', () => {
  beforeEach(() => {
    for (const number of [0, 1, 2]) writeShard(at('frames'), number, number);
  });
  const file = (number: number): string => at('tokens', `tokens-00000${number}.safetensors`);

  test('what was stopped keeps what was written; the same command makes the rest', async () => {
    let looks = 0;
    const signal = {
      get aborted() {
        return ++looks > 1;
      },
    } as AbortSignal;
    const stopped = await run(tokenizeTo('tokens'), { signal });
    expect(stopped).toMatchObject({ code: 130, out: `${at('tokens')}\n` });
    expect(stopped.err).toContain('Stopped: 1 of 3 files are there. The same command goes on with the others.\n');
    expect(readdirSync(at('tokens'))).toEqual(['tokens-000000.safetensors']);
    const before = statSync(file(0)).ino;
    const { code, err } = await run(tokenizeTo('tokens'));
    expect(code).toBe(0);
    expect(err).toMatch(/files +2 +and 1 that were there/);
    expect(readdirSync(at('tokens')).length).toBe(3);
    expect(statSync(file(0)).ino).toBe(before);
  });

  test.each([
    ['another tokenizer', () => savedTokenizer(at('tok'), 17), 'was made by another tokenizer'],
    ['changed frames', () => utimes(at('frames', 'shard-000000.safetensors'), 1, 1), 'frames that have changed'],
    ['a frame that has gone', () => rm(at('frames', 'shard-000000.safetensors')), 'does not belong to these frames'],
  ])('%s: an error, unless all is to be replaced', async (_, change, message) => {
    expect(await run(tokenizeTo('tokens'))).toMatchObject({ code: 0 });
    await change();
    const { code, err } = await run(tokenizeTo('tokens'));
    expect(code).toBe(1);
    expect(err).toContain(`error: tokenize: '${file(0)}'`);
    expect(err).toContain(message);
    expect(err).toContain('--overwrite');
    expect(await run(tokenizeTo('tokens', '--overwrite'))).toMatchObject({ code: 0 });
    expect(readdirSync(at('tokens')).length).toBe(readdirSync(at('frames')).length);
    expect(await run(tokenizeTo('tokens'))).toMatchObject({ code: 0 });
  });

  test('the other format: an error; --overwrite leaves nothing of the first', async () => {
    expect(await run(tokenizeTo('tokens', '--format', 'npy'))).toMatchObject({ code: 0 });
    expect((await run(tokenizeTo('tokens'))).err).toContain('does not belong to these frames in this format');
    expect(await run(tokenizeTo('tokens', '--overwrite'))).toMatchObject({ code: 0 });
    expect(readdirSync(at('tokens')).every((name) => name.endsWith('.safetensors'))).toBe(true);
  });
});

describe('fitFrame', () => {
  const fit = (channels: number, data: readonly number[], wanted: number) =>
    fitFrame('here', ndarray('uint8', [1, data.length / channels, channels], Uint8Array.from(data)), {
      frameShape: [1, data.length / channels, wanted],
      resize: false,
    });
  const byte = fc.nat(255);

  test.prop([fc.array(byte, { minLength: 1, maxLength: 9 })])('grey to RGB, to RGBA and back loses nothing', (grey) => {
    const rgb = fit(1, grey, 3);
    expect([...rgb]).toEqual(grey.flatMap((value) => [value, value, value]));
    expect([...fit(3, [...rgb], 1)]).toEqual(grey);
    const rgba = grey.flatMap((value) => [value, value, value, 255]);
    expect([...fit(4, rgba, 1)]).toEqual(grey);
    expect(fit(4, rgba, 3)).toEqual(rgb);
  });

  test('what would be lost is an error', () => {
    expect(() => fit(4, [1, 2, 3, 254], 3)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: here: expected a picture of 3 channels, as the tokenizer was trained on, got 4 with transparent pixels. Save the pictures without transparency.]`,
    );
    expect(() => fit(3, [1, 1, 2], 1)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: here: expected a picture of 1 channel, as the tokenizer was trained on, got 3 with colours. Turn the pictures grey first.]`,
    );
    expect(() => fit(3, [1, 1, 2], 4)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: here: expected a picture of 4 channels, as the tokenizer was trained on, got 3.]`,
    );
    for (const data of [
      [1, 1, 2],
      [1, 2, 1],
    ])
      expect(() => fit(4, [...data, 255], 1)).toThrow('colours');
  });
});

describe('what cannot be tokenized', () => {
  const problem = async (...words: string[]): Promise<string> => {
    const { code, err } = await run(words);
    expect(code).toBe(1);
    return err.replaceAll(root, '<root>');
  };
  const out = () => ['--out', at('out')];

  test('folders without frames, with frames of both kinds, or of a run', async () => {
    mkdirSync(at('frames', 'replay'), { recursive: true });
    expect(await problem(...tokenizeTo('out'))).toMatchInlineSnapshot(`
      "error: tokenize: expected PNGs or the shards of a replay (shard-000000.safetensors, ...) in '<root>/frames', found none. Its frames are in '<root>/frames/replay'.
      "
    `);
    writePictures(at('frames'), frames(1, 0));
    writeShard(at('frames'), 0, 0);
    expect(await problem(...tokenizeTo('out'))).toMatchInlineSnapshot(`
      "error: tokenize: expected PNGs or the shards of a replay in '<root>/frames', got both: 0000.png and shard-000000.safetensors. Keep them in folders of their own.
      "
    `);
    expect(await problem('tokenize', at('tok'), at('nowhere'), ...out())).toContain("cannot list '<root>/nowhere'");
  });

  test('folders without a tokenizer', async () => {
    writePictures(at('frames'), frames(1, 0));
    expect(await problem('tokenize', at('nowhere'), at('frames'), ...out())).toMatchInlineSnapshot(`
      "error: tokenize: expected a tokenizer in '<root>/nowhere' (tokenizer.safetensors, tokenizer/tokenizer.safetensors, agent/tokenizer/tokenizer.safetensors), found none. There is no such folder. Name a run folder, or a folder that saveTokenizer wrote.
      "
    `);
    mkdirSync(at('run'));
    writeFileSync(at('run', 'config.json'), '{}');
    expect(await problem('export', 'onnx', at('run'), ...out())).toContain('go on with it by --resume');
  });

  test('an option that is none ends with 2', async () => {
    writePictures(at('frames'), frames(1, 0));
    expect((await run(tokenizeTo('out', '--format', 'npz'))).code).toBe(2);
    expect((await run(['tokenize', at('tok'), at('frames')])).code).toBe(2);
    expect((await run(tokenizeTo('out', '--backend', 'abacus'))).code).toBe(2);
  });
});

describe('tokens from elsewhere', () => {
  const tokens = ndarray(
    'int64',
    [2, 2, 3],
    BigInt64Array.from({ length: 12 }, (_, i) => BigInt(i)),
  );

  test('as .npy of any whole numbers, or as safetensors', async () => {
    writeFileSync(at('a.npy'), encodeNpy(tokens));
    const small = ndarray('uint8', [2, 2, 3], Uint8Array.from(tokens.data, Number));
    writeFileSync(at('b.safetensors'), encodeSafetensors({ tokens: small }));
    expect(await run(decodeTo('a.npy', 'back'))).toMatchObject({ code: 0 });
    expect(await run(decodeTo('b.safetensors', 'back'))).toMatchObject({ code: 0 });
    expect(readdirSync(at('back'))).toEqual(['a-000000.png', 'a-000001.png', 'b-000000.png', 'b-000001.png']);
    expect(readFileSync(at('back', 'b-000001.png'))).toEqual(readFileSync(at('back', 'a-000001.png')));
  });

  test('are refused with the name of the file unless they are tokens of this tokenizer', async () => {
    const refused = async (name: string, bytes: Uint8Array): Promise<string> => {
      writeFileSync(at(name), bytes);
      const { code, err } = await run(decodeTo(name, 'back'));
      expect(code).toBe(1);
      return err.replaceAll(root, '<root>');
    };
    const npy = (data: BigInt64Array, shape = [1, 2, 3]) => encodeNpy(ndarray('int64', shape, data));
    expect(await refused('a.npy', npy(BigInt64Array.of(0n, 0n, 16n, 0n, 0n, 0n)))).toMatchInlineSnapshot(`
      "error: <root>/a.npy: tokens: expected tokens in [0, 16), got 16 at position 2.
      "
    `);
    // 2^32 is 0 to whoever cuts it to 32 bits.
    expect(await refused('a.npy', npy(BigInt64Array.of(0n, 2n ** 32n, 0n, 0n, 0n, 0n)))).toContain(
      'got -1 at position 1',
    );
    expect(await refused('a.npy', npy(new BigInt64Array(6), [6]))).toMatchInlineSnapshot(`
      "error: <root>/a.npy: tokens: expected tokens of shape [B, 2, 3], got [6].
      "
    `);
    expect(await refused('a.npy', encodeNpy(ndarray('float32', [1, 2, 3])))).toMatchInlineSnapshot(`
      "error: <root>/a.npy: expected whole numbers as tokens, got float32.
      "
    `);
    expect(await refused('a.safetensors', encodeSafetensors({ codes: tokens }))).toMatchInlineSnapshot(`
      "error: <root>/a.safetensors: expected an array named tokens, found none.
      "
    `);
    expect(await refused('a.safetensors', new Uint8Array(3))).toContain("safetensors '<root>/a.safetensors'");
    expect((await run(decodeTo('tok', 'back'))).err).toContain('expected files of tessera tokenize');
  });

  test('of another tokenizer, or with names that lead elsewhere', async () => {
    writePictures(at('frames'), frames(2, 1));
    expect(await run(tokenizeTo('tokens'))).toMatchObject({ code: 0 });
    const path = at('tokens', 'tokens-000000.safetensors');
    const { tensors, metadata } = readTokens(path);
    for (const pictures of [['../a.png', 'b.png'], ['/a.png', 'b.png'], ['a.txt', 'b.png'], ['a.png'], 'a.png']) {
      writeFileSync(path, encodeSafetensors(tensors, { ...metadata, pictures: JSON.stringify(pictures) }));
      expect(await run(decodeTo('tokens', 'back'))).toMatchObject({ code: 1 });
    }
    writeFileSync(path, encodeSafetensors(tensors, { ...metadata, pictures: '["a.png","a.png"]' }));
    expect((await run(decodeTo('tokens', 'back'))).err).toContain('are named a.png');
    writeFileSync(path, encodeSafetensors(tensors, metadata));
    await savedTokenizer(at('tok'), 17);
    expect((await run(decodeTo('tokens', 'back'))).err).toContain('was made by another tokenizer');
    expect(readdirSync(root)).not.toContain('back');
  });

  test('pictures that are there are replaced only when that is asked for', async () => {
    writePictures(at('frames'), frames(2, 1));
    expect(await run(tokenizeTo('tokens'))).toMatchObject({ code: 0 });
    const { code, err } = await run(decodeTo('tokens', 'frames'));
    expect(code).toBe(1);
    expect(err).toContain(`'${at('frames', '0000.png')}' is there already`);
    expect(await run(decodeTo('tokens', 'frames', '--overwrite'))).toMatchObject({ code: 0 });
    const signal = AbortSignal.abort();
    const stopped = await run(decodeTo('tokens', 'back'), { signal });
    expect(stopped.code).toBe(130);
    expect(stopped.err).toContain('Stopped: 0 of 2 pictures are there.');
  });
});

describe('export onnx', () => {
  test('writes the models of the tokenizer, wherever a run keeps it', async () => {
    const engine = await createEngine({ backend: 'wasm' });
    try {
      const vqvae = new VQVAE(engine, { frameShape: [8, 8, 1], tokenShape: [2, 2], channels: 4 });
      await saveTokenizer(at('run', 'agent', 'tokenizer'), vqvae);
      const models = exportOnnx(vqvae);
      const { code, out, err } = await run(['export', 'onnx', at('run'), '--out', at('models')]);
      expect({ code, out }).toEqual({ code: 0, out: `${at('models')}\n` });
      expect(err).toMatchInlineSnapshot(`
        "encoder.onnx   9.22 KiB  frames [N, 8, 8, 1] to tokens [N, 2, 2]
        codebook.onnx  5.01 KiB  tokens [N, 2, 2] to vectors [N, 2, 2, 16]
        decoder.onnx   10.3 KiB  tokens [N, 2, 2] to frames [N, 8, 8, 1]
        "
      `);
      for (const [name, bytes] of Object.entries(models)) {
        expect(new Uint8Array(readFileSync(at('models', `${name}.onnx`)))).toEqual(bytes);
      }
    } finally {
      engine.dispose();
    }
  });
});
