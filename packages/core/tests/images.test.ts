import { crc32, deflateSync } from 'node:zlib';
import { describe, expect } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import {
  ConfigError,
  decodePng,
  encodeApng,
  encodeGif,
  encodePng,
  FormatError,
  ndarray,
  npRandom,
  ShapeError,
} from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { readGif } from './gif-reader.ts';
import { golden, goldenBytes } from './golden.ts';

const side = fc.integer({ min: 1, max: 12 });
const noise = (shape: number[], seed: number, colours = 256): NdArray<'uint8'> =>
  ndarray(
    'uint8',
    shape,
    npRandom(seed).integersArray(
      0,
      colours,
      shape.reduce((a, b) => a * b, 1),
      'uint8',
    ),
  );
const image = fc
  .tuple(side, side, fc.constantFrom(1, 3, 4), fc.nat())
  .map(([height, width, channels, seed]) => noise([height, width, channels], seed));

describe('PNG', () => {
  test.prop([image, fc.nat(5)])('round trip, at whatever byte the file starts', (picture, offset) => {
    const bytes = encodePng(picture);
    const shifted = new Uint8Array(offset + bytes.length);
    shifted.set(bytes, offset);
    expect(decodePng(shifted.subarray(offset))).toEqual(picture);
    expect(encodePng(picture)).toEqual(bytes);
  });

  test.each([
    ['grey', 2, 3, 1],
    ['rgb', 2, 3, 3],
    ['rgba', 2, 3, 4],
    ['grey1', 9, 13, 1],
    ['grey_alpha', 9, 13, 4],
    ['palette4', 9, 13, 3],
    ['palette8', 9, 13, 3],
    ['palette_alpha', 9, 13, 4],
    ['interlaced', 24, 19, 3],
    ['filters', 24, 19, 3],
  ])('reads what another writer wrote: %s', (name, ...shape) => {
    const pixels = golden<Record<string, number[]>>('pictures.json')[name]!;
    const picture = decodePng(goldenBytes(`${name}.png`));
    expect(picture).toEqual(ndarray('uint8', shape, Uint8Array.from(pixels)));
  });

  test('wrong images', () => {
    const encode =
      (...shape: number[]) =>
      () =>
        encodePng(ndarray('uint8', shape));
    expect(encode(4, 4)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: encodePng: expected an image of shape [height, width, 1, 3 or 4] with at least one pixel, got [4, 4].]`,
    );
    for (const shape of [
      [0, 4, 3],
      [4, 0, 3],
      [4, 4, 2],
      [4, 4, 0],
      [1, 4, 4, 3],
    ])
      expect(encode(...shape)).toThrow(ShapeError);
    expect(() => encodePng(ndarray('float32', [1, 1, 1]) as never)).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: ndarray: uint8 data is a Uint8Array, got Float32Array.]`,
    );
    expect(() => encodePng({ dtype: 'uint8', shape: [2, 2, 3], data: new Uint8Array(5) })).toThrow(ShapeError);
  });

  /** A file of these parts, made by nobody's PNG code: `[type, data]` each. */
  function parts(...list: readonly (readonly [type: string, data: Uint8Array | readonly number[]])[]): Uint8Array {
    const chunks = list.map(([type, data]) => {
      const body = Buffer.concat([Buffer.from(type), Uint8Array.from(data)]);
      const numbers = Buffer.alloc(8);
      numbers.writeUInt32BE(data.length, 0);
      numbers.writeUInt32BE(crc32(body), 4);
      return Buffer.concat([numbers.subarray(0, 4), body, numbers.subarray(4)]);
    });
    return new Uint8Array(Buffer.concat([Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a), ...chunks]));
  }
  /** IHDR of one byte for width and height, with depth, colour type, compression, filter and interlacing. */
  const head = (width: number, height: number, ...rest: readonly number[]) =>
    ['IHDR', [0, 0, 0, width, 0, 0, 0, height, ...rest, ...[8, 0, 0, 0, 0].slice(rest.length)]] as const;
  const data = (...bytes: readonly number[]) => ['IDAT', deflateSync(Uint8Array.from(bytes))] as const;
  const end = ['IEND', []] as const;
  const palette = ['PLTE', [1, 2, 3, 4, 5, 6]] as const;
  const indexed = head(2, 1, 8, 3);
  const stream = deflateSync(Uint8Array.of(0, 7));

  test('the parts that the cases below are made of are read', () => {
    expect(decodePng(parts(head(1, 1), data(0, 7), end)).data).toEqual(Uint8Array.of(7));
    expect(decodePng(parts(indexed, palette, data(0, 1, 0), end)).data).toEqual(Uint8Array.of(4, 5, 6, 1, 2, 3));
    // Parts that may be left out are left out, wherever they are.
    const text = ['tEXt', [65, 0, 66]] as const;
    expect(decodePng(parts(head(1, 1), text, data(0, 7), text, end)).data).toEqual(Uint8Array.of(7));
    expect(
      decodePng(parts(head(1, 1), ['IDAT', stream.subarray(0, 3)], ['IDAT', []], ['IDAT', stream.subarray(3)], end))
        .data,
    ).toEqual(Uint8Array.of(7));
  });

  const good = encodePng(noise([5, 7, 3], 1));
  const changed = (at: number, ...values: number[]): Uint8Array => {
    const bytes = good.slice();
    bytes.set(values, at);
    return bytes;
  };
  test.each([
    ['no byte', new Uint8Array(0)],
    ['a GIF', encodeGif([noise([3, 3, 3], 1)], { delayMs: 20 })],
    ['16 bits a channel', parts(head(1, 1, 16), data(0, 7, 7), end)],
    ['RGB of 4 bits', parts(head(1, 1, 4, 2), data(0, 7, 7), end)],
    ['an unknown colour type', parts(head(1, 1, 8, 5), data(0, 7), end)],
    ['an unknown compression', parts(head(1, 1, 8, 0, 1), data(0, 7), end)],
    ['four thousand million pixels', parts(['IHDR', [0, 1, 0, 0, 0, 1, 0, 0, 8, 0, 0, 0, 0]], data(0, 7), end)],
    ['no pixel', parts(head(0, 5), data(0, 7), end)],
    ['a short header', parts(['IHDR', [0, 0, 0, 1]], data(0, 7), end)],
    ['a changed byte', changed(good.length - 20, good.at(-20)! ^ 1)],
    ['a missing end', good.subarray(0, -12)],
    ['something after the end', Uint8Array.of(...good, 0)],
    ['two pictures', Uint8Array.of(...good, ...good)],
    ['data before the size', parts(data(0, 7), head(1, 1), end)],
    ['no data', parts(head(1, 1), end)],
    [
      'data in two places',
      parts(head(1, 1), ['IDAT', stream.subarray(0, 3)], ['tEXt', []], ['IDAT', stream.subarray(3)], end),
    ],
    ['too little data', parts(head(2, 1), data(0, 7), end)],
    ['sixteen million bytes for one pixel', parts(head(1, 1), ['IDAT', deflateSync(new Uint8Array(2 ** 24))], end)],
    ['a data checksum', parts(head(1, 1), ['IDAT', [...stream.subarray(0, -1), stream.at(-1)! ^ 1]], end)],
    ['something after the data', parts(head(1, 1), ['IDAT', [...stream, 1, 2, 3, 4]], end)],
    ['data that end too soon', parts(head(1, 1), ['IDAT', stream.subarray(0, -5)], end)],
    ['no zlib data', parts(head(1, 1), ['IDAT', [1, 2, 3, 4, 5, 6, 7, 8]], end)],
    ['an unknown filter', parts(head(1, 1), data(5, 7), end)],
    ['an unknown part that matters', parts(head(1, 1), ['ABCD', []], data(0, 7), end)],
    ['no palette', parts(indexed, data(0, 1, 0), end)],
    ['half a colour', parts(indexed, ['PLTE', [1, 2, 3, 4]], data(0, 1, 0), end)],
    ['a colour that the palette has not', parts(indexed, palette, data(0, 2, 0), end)],
    ['more alphas than colours', parts(indexed, palette, ['tRNS', [1, 2, 3]], data(0, 1, 0), end)],
    ['a transparent grey', parts(head(1, 1), ['tRNS', [0, 7]], data(0, 7), end)],
  ])('refused: %s', (_, bytes) => {
    expect(() => decodePng(bytes, { source: 'a.png' })).toThrow(FormatError);
    expect(() => decodePng(bytes, { source: 'a.png' })).toThrowErrorMatchingSnapshot();
  });

  test('a limit of pixels', () => {
    expect(decodePng(good, { maxPixels: 35 }).shape).toEqual([5, 7, 3]);
    expect(() => decodePng(good, { maxPixels: 34 })).toThrow(FormatError);
  });

  test.prop([fc.nat(good.length - 1)])('a file cut off anywhere is refused', (length) => {
    expect(() => decodePng(good.subarray(0, length))).toThrow(FormatError);
  });

  test.prop([fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 })], { numRuns: 300 })(
    'a changed byte gives a FormatError or, where it means nothing, the same image',
    (at, change) => {
      try {
        expect(decodePng(changed(at, good[at]! ^ change))).toEqual(decodePng(good));
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError);
      }
    },
  );
});

describe('GIF', () => {
  const film = fc
    .tuple(side, side, fc.integer({ min: 1, max: 4 }), fc.nat(), fc.integer({ min: 1, max: 6 }))
    .map(([height, width, count, seed, colours]) =>
      Array.from({ length: count }, (_, i) => noise([height, width, 3], seed + i, colours)),
    );

  test.prop([film, fc.nat(100), fc.boolean()])(
    'few colours come back exactly, with their time',
    (frames, ticks, loop) => {
      const gif = readGif(encodeGif(frames, { delayMs: 10 * ticks, loop }));
      expect([gif.height, gif.width, 3]).toEqual(frames[0]!.shape);
      expect(gif.frames).toEqual(frames.map(({ data }) => ({ rgb: data, delayMs: 10 * ticks })));
      expect(gif.repeat).toBe(loop ? 0 : undefined);
    },
  );

  // 256 colours, the most that fit one palette, then one more: here each frame still fits its own.
  test.each([255, 256, 257])('%i colours over two frames are exact', (count) => {
    const data = Uint8Array.from({ length: 3 * 258 }, (_, i) => {
      const colour = Math.min(Math.floor(i / 3), count - 1);
      return i % 3 === 0 ? colour >> 8 : i % 3 === 1 ? colour & 255 : 77;
    });
    const frames = [data.slice(0, 3 * 129), data.slice(3 * 129)].map((half) => ndarray('uint8', [3, 43, 3], half));
    const gif = readGif(encodeGif(frames, { delayMs: 100 }));
    expect(gif.frames.map(({ rgb }) => rgb)).toEqual(frames.map((frame) => frame.data));
  });

  test('more colours than 256 in one frame are close', () => {
    const smooth = ndarray(
      'uint8',
      [32, 32, 3],
      Uint8Array.from({ length: 3072 }, (_, i) => [8 * ((i / 3) & 31), 8 * (i / 96), 128][i % 3]!),
    );
    const [frame] = readGif(encodeGif([smooth], { delayMs: 40 })).frames;
    const errors = Array.from(smooth.data, (value, i) => Math.abs(value - frame!.rgb[i]!));
    expect(Math.max(...errors)).toBeGreaterThan(0);
    expect(errors.reduce((a, b) => a + b, 0) / errors.length).toBeLessThan(8);
  });

  test('a picture of many words, where codes grow to 12 bits and start anew', () => {
    const big = noise([120, 120, 3], 3, 6);
    expect(readGif(encodeGif([big], { delayMs: 0 })).frames[0]!.rgb).toEqual(big.data);
  });

  test('wrong frames', () => {
    const frame = noise([4, 4, 3], 1);
    const options = { delayMs: 40 };
    expect(() => encodeGif([], options)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: encodeGif: expected at least one frame, got none.]`,
    );
    expect(() => encodeGif([frame, noise([4, 5, 3], 1)], options)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: encodeGif: expected all frames of shape [4, 4, 3], got [4, 5, 3] for frame 1.]`,
    );
    expect(() => encodeGif([noise([4, 4, 4], 1)], options)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: encodeGif: expected frames of shape [height, width, 3] with sides of 1 to 65535, got [4, 4, 4].]`,
    );
    expect(() => encodeGif([ndarray('uint8', [0, 4, 3])], options)).toThrow(ShapeError);
    expect(() => encodeGif([ndarray('uint8', [1, 65536, 3])], options)).toThrow(ShapeError);
    expect(() => encodeGif([ndarray('float32', [1, 1, 3]) as never], options)).toThrow(
      /uint8 data is a Uint8Array, got Float32Array/,
    );
    expect(() => encodeGif([frame], { delayMs: NaN })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: encodeGif: expected delayMs in [0, 655350], got NaN.]`,
    );
    for (const delayMs of [-1, 655351, Infinity]) expect(() => encodeGif([frame], { delayMs })).toThrow(ConfigError);
  });
});

describe('animated PNG', () => {
  const frames = (count: number): NdArray<'uint8'>[] => Array.from({ length: count }, (_, i) => noise([3, 4, 3], i));

  /** The chunks of a file, whose checksums the decoder of each frame looks at. */
  function chunksOf(bytes: Uint8Array): { type: string; data: Uint8Array }[] {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const chunks: { type: string; data: Uint8Array }[] = [];
    for (let at = 8; at < bytes.length; at += 12 + view.getUint32(at)) {
      const type = new TextDecoder().decode(bytes.subarray(at + 4, at + 8));
      chunks.push({ type, data: bytes.subarray(at + 8, at + 8 + view.getUint32(at)) });
    }
    return chunks;
  }

  test.prop([fc.integer({ min: 1, max: 5 }), fc.boolean()])('has every frame, in order', (count, loop) => {
    const all = frames(count);
    const bytes = encodeApng(all, { delayMs: 40, loop });
    expect(decodePng(bytes)).toEqual(all[0]);
    const chunks = chunksOf(bytes);
    const [, control] = chunks;
    expect([control!.type, [...control!.data]]).toEqual(['acTL', [0, 0, 0, count, 0, 0, 0, loop ? 0 : 1]]);
    expect(chunks.filter(({ type }) => type === 'fcTL')).toHaveLength(count);
    const numbered = chunks.filter(({ type }) => type === 'fcTL' || type === 'fdAT').map(({ data }) => data[3]);
    expect(numbered).toEqual(numbered.map((_, i) => i));
    // The data of a later frame under its own name are the PNG of that frame.
    const alone = chunksOf(encodePng(all.at(-1)!)).filter(({ type }) => type === 'IDAT')[0]!.data;
    const last = chunks.filter(({ type }) => type === 'IDAT' || type === 'fdAT').at(-1)!;
    expect(last.type === 'fdAT' ? last.data.subarray(4) : last.data).toEqual(alone);
  });

  test('wrong frames', () => {
    expect(() => encodeApng([], { delayMs: 0 })).toThrow('encodeApng: expected at least one frame, got none.');
    expect(() => encodeApng([...frames(1), noise([4, 4, 3], 0)], { delayMs: 0 })).toThrow('got [4, 4, 3] for frame 1.');
    expect(() => encodeApng(frames(1), { delayMs: 70_000 })).toThrow('expected delayMs in [0, 65535], got 70000.');
  });
});
