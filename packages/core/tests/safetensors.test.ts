import { describe, expect } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import {
  ConfigError,
  decodeSafetensors,
  DTypeError,
  encodeSafetensors,
  FormatError,
  ndarray,
  ShapeError,
} from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { anyArray, arrays } from './formats-golden.ts';
import { goldenBytes } from './golden.ts';

const { uint8, int8, uint16, int32 } = arrays as Record<string, NdArray>;
const everything: Record<string, NdArray> = {
  ...arrays,
  'é"\\\n\x01': uint8!,
  ['__proto__']: int8!,
  '../../up': uint16!,
  '': int32!,
  '\ue000': int8!,
  '🐈': int8!,
};

describe('against the reference implementation', () => {
  test('equal bytes', () => {
    expect(encodeSafetensors(everything, { formatVersion: '1' })).toEqual(goldenBytes('all.safetensors'));
    expect(encodeSafetensors({})).toEqual(goldenBytes('empty.safetensors'));
  });

  test('equal arrays', () => {
    const { tensors, metadata } = decodeSafetensors(goldenBytes('all.safetensors'));
    expect(new Map(Object.entries(tensors))).toEqual(new Map(Object.entries(everything)));
    expect(metadata).toEqual({ formatVersion: '1' });
    expect(decodeSafetensors(goldenBytes('empty.safetensors'))).toEqual({ tensors: {}, metadata: {} });
  });
});

const name = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('__proto__', 'constructor', 'toString', '/etc/passwd', '..\\..', 'a\0b'),
);
const tensors = fc.uniqueArray(fc.tuple(name, anyArray), { selector: ([key]) => key, maxLength: 5 });

describe('round trip', () => {
  test.prop([tensors, fc.dictionary(name, fc.string({ unit: 'grapheme' })), fc.nat(9)])(
    'whatever the names, and at whatever byte the file starts',
    (entries, metadata, offset) => {
      const bytes = encodeSafetensors(Object.fromEntries(entries), metadata);
      const shifted = new Uint8Array(offset + bytes.length + 3);
      shifted.set(bytes, offset);
      const decoded = decodeSafetensors(shifted.subarray(offset, offset + bytes.length));
      shifted.fill(0);
      expect(new Map(Object.entries(decoded.tensors))).toEqual(new Map(entries));
      expect(new Map(Object.entries(decoded.metadata))).toEqual(new Map(Object.entries(metadata)));
      for (const array of Object.values(decoded.tensors))
        expect(array.data.byteLength).toBe(array.data.buffer.byteLength);
    },
  );

  test.prop([tensors, fc.dictionary(name, fc.string({ unit: 'grapheme' }))])(
    'the order of names changes no byte; data is aligned',
    (entries, metadata) => {
      const bytes = encodeSafetensors(Object.fromEntries(entries), metadata);
      const reversed = Object.fromEntries(Object.entries(metadata).toReversed());
      expect(encodeSafetensors(Object.fromEntries(entries.toReversed()), reversed)).toEqual(bytes);
      expect(new DataView(bytes.buffer).getUint32(0, true) % 8).toBe(0);
    },
  );

  test('a name that is not in the file is absent', () => {
    const { tensors: read, metadata } = decodeSafetensors(encodeSafetensors({}));
    expect(read['constructor']).toBeUndefined();
    expect(metadata['toString']).toBeUndefined();
    expect(({} as Record<string, unknown>)['dtype']).toBeUndefined();
  });
});

describe('what cannot be written', () => {
  test('says why', () => {
    const x = ndarray('uint8', [2]);
    expect(() => encodeSafetensors({ __metadata__: x })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: encodeSafetensors: a tensor cannot be named __metadata__. Choose another name.]`,
    );
    expect(() => encodeSafetensors({ '\ud800': x })).toThrow(ConfigError);
    expect(() => encodeSafetensors({ x }, { steps: 5 as never })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: encodeSafetensors: expected metadata of texts, got 5 for "steps". Turn it into JSON.]`,
    );
    expect(() => encodeSafetensors({ x: { ...x, shape: [3] } })).toThrow(ShapeError);
    expect(() => encodeSafetensors({ x: { ...x, dtype: 'float16' as 'uint8' } })).toThrow(DTypeError);
    expect(() =>
      encodeSafetensors({ x: ndarray('bool', [2], Uint8Array.of(0, 255)) }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: encodeSafetensors: tensor "x" is of dtype bool, expected 0 or 1, got 255 at element 1.]`,
    );
  });
});

/** A file with this header, as text or as a value, and this many bytes of data. */
function file(header: unknown, dataBytes = 0, claimed?: bigint): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, claimed ?? BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}
const f32 = (shape: unknown, offsets: unknown, dtype: unknown = 'F32') => ({ dtype, shape, data_offsets: offsets });

describe('hostile files', () => {
  const hostile: [string, Uint8Array][] = [
    ['no byte', new Uint8Array(0)],
    ['seven bytes', new Uint8Array(7)],
    ['a header longer than the file', file({}, 0, 3n)],
    ['a header of 2^64 - 1 bytes', file({}, 0, 2n ** 64n - 1n)],
    ['a header of 2^32 + 2 bytes', file({}, 0, 2n ** 32n + 2n)],
    ['a header of no byte', file('')],
    ['a header that is no JSON', file('{"a":')],
    ['a header that is no UTF-8', file({}, 1, 3n).fill(0xff, 10)],
    ['a byte order mark', file('\ufeff{}')],
    ['a list', file([])],
    ['null', file('null')],
    [
      'a name twice',
      file(
        '{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\\u0061":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}',
        1,
      ),
    ],
    ['a field twice', file('{"a":{"dtype":"U8","shape":[9],"shape" : [1],"data_offsets":[0,1]}}', 1)],
    ['metadata twice', file('{"__metadata__":{},"__metadata__":{}}')],
    ['a tensor that is no object', file({ a: 5 })],
    ['a dtype unknown here', file({ a: f32([2], [0, 4], 'BF16') }, 4)],
    ['a dtype that is a property of every object', file({ a: f32([2], [0, 4], 'constructor') }, 4)],
    ['no dtype', file({ a: { shape: [1], data_offsets: [0, 4] } }, 4)],
    ['a negative size', file({ a: f32([-1], [0, 4]) }, 4)],
    ['a fraction of a size', file({ a: f32([0.5], [0, 4]) }, 4)],
    ['a size as text', file({ a: f32(['1'], [0, 4]) }, 4)],
    ['a size of 1e400', file('{"a":{"dtype":"F32","shape":[1e400],"data_offsets":[0,4]}}', 4)],
    ['sizes that overflow', file({ a: f32([2 ** 31, 2 ** 31, 4], [0, 4]) }, 4)],
    ['sizes that overflow to nothing', file({ a: f32([2 ** 52, 2 ** 52, 0], [0, 0]) })],
    ['offsets in the wrong order', file({ a: f32([1], [4, 0]) }, 4)],
    ['three offsets', file({ a: f32([1], [0, 4, 4]) }, 4)],
    ['offsets beyond the file', file({ a: f32([2], [0, 8]) }, 4)],
    ['a shape that does not fit its bytes', file({ a: f32([2], [0, 4]) }, 4)],
    ['an overlap', file({ a: f32([1], [0, 4]), b: f32([1], [2, 6]) }, 6)],
    ['the same bytes twice', file({ a: f32([1], [0, 4]), b: f32([1], [0, 4]) }, 4)],
    ['a gap', file({ a: f32([1], [0, 4]), b: f32([1], [8, 12]) }, 12)],
    ['a gap at the start', file({ a: f32([1], [4, 8]) }, 8)],
    ['bytes at the end', file({ a: f32([1], [0, 4]) }, 5)],
    ['data without tensors', file({}, 1)],
    ['metadata that is no object', file({ __metadata__: [] })],
    ['metadata that is no text', file({ __metadata__: { step: 5 } })],
    ['a bool of 2', file({ a: f32([1], [0, 1], 'BOOL') }, 1).fill(2, -1)],
  ];
  test.each(hostile)('%s', (_, bytes) => {
    expect(() => decodeSafetensors(bytes)).toThrow(FormatError);
    expect(() => decodeSafetensors(bytes)).toThrowErrorMatchingSnapshot();
  });

  test('the message names the file', () => {
    expect(() =>
      decodeSafetensors(new Uint8Array(3), { source: 'weights.safetensors' }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[FormatError: safetensors 'weights.safetensors': expected 8 bytes of header length, but there are only 3 bytes. The file is cut off.]`,
    );
  });

  const good = encodeSafetensors(everything, { a: 'b' });

  test.prop([fc.nat(good.length - 1)])('a file cut off anywhere is refused', (length) => {
    expect(() => decodeSafetensors(good.subarray(0, length))).toThrow(FormatError);
  });

  test.prop([fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })], {
    numRuns: 500,
  })('damaged bytes give a FormatError or arrays, nothing else', (damage) => {
    const bytes = good.slice();
    for (const [at, value] of damage) bytes[at] = value;
    try {
      for (const { shape, data } of Object.values(decodeSafetensors(bytes).tensors)) {
        expect(data.length).toBe(shape.reduce((a, b) => a * b, 1));
      }
    } catch (error) {
      expect(error).toBeInstanceOf(FormatError);
    }
  });

  test('a million tensors over the same bytes are refused before they are copied', () => {
    const size = 1e6;
    const header = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`t${i}`, f32([size], [0, size], 'U8')]));
    expect(() => decodeSafetensors(file(header, size))).toThrow(FormatError);
  });
});
