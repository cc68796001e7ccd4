import { describe, expect } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import { decodeNpy, encodeNpy, FormatError, ndarray, ShapeError } from '@tessera/core';
import { anyArray, arrays } from './formats-golden.ts';
import { goldenBytes } from './golden.ts';

describe('against numpy.save', () => {
  test.each(Object.entries(arrays))('%s: equal bytes, equal array', (name, array) => {
    expect(encodeNpy(array)).toEqual(goldenBytes(`${name}.npy`));
    expect(decodeNpy(goldenBytes(`${name}.npy`))).toEqual(array);
  });

  test('version 2.0', () => {
    expect(decodeNpy(goldenBytes('version2.npy'))).toEqual(arrays['float32']);
  });
});

test.prop([anyArray, fc.nat(9)])('round trip, at whatever byte the file starts', (array, offset) => {
  const bytes = encodeNpy(array);
  const shifted = new Uint8Array(offset + bytes.length);
  shifted.set(bytes, offset);
  expect(decodeNpy(shifted.subarray(offset))).toEqual(array);
});

test('a header of more than 65535 bytes is written in version 2.0', () => {
  const many = ndarray(
    'uint8',
    Array.from({ length: 30_000 }, () => 1),
  );
  const bytes = encodeNpy(many);
  expect([...bytes.subarray(6, 8)]).toEqual([2, 0]);
  expect(decodeNpy(bytes)).toEqual(many);
});

test('an array that is none is not written', () => {
  expect(() => encodeNpy({ dtype: 'uint8', shape: [3], data: new Uint8Array(2) })).toThrow(ShapeError);
});

/** A version 1.0 file with this header and this many bytes of data. */
function file(header: string, dataBytes = 0, version: readonly [number, number] = [1, 0]): Uint8Array {
  const text = Buffer.from(header, 'latin1');
  const length = text.length;
  return Uint8Array.from([
    0x93,
    ...Buffer.from('NUMPY'),
    ...version,
    length & 255,
    length >> 8,
    ...text,
    ...new Uint8Array(dataBytes),
  ]);
}
const fields = (descr: string, shape: string, order = 'False') =>
  `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }\n`;

describe('headers', () => {
  test.each([
    ['no spaces, other quotes and order', `{"shape":(2,1),"descr":"<i2","fortran_order":False}`],
    ['line breaks', `{ 'descr' : '<i2',\n 'fortran_order':False ,'shape':( 2 , 1 ,) , }\n\n`],
  ])('also read: %s', (_, header) => {
    expect(decodeNpy(file(header, 4))).toEqual(ndarray('int16', [2, 1]));
  });

  test('bytes have no order, whatever the file says', () => {
    for (const descr of ['<u1', '|u1']) expect(decodeNpy(file(fields(`'${descr}'`, '(2,)'), 2)).dtype).toBe('uint8');
  });

  const hostile: [string, Uint8Array][] = [
    ['no byte', new Uint8Array(0)],
    ['a PNG', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0)],
    ['version 3.0', file(fields("'<f4'", '(1,)'), 4, [3, 0])],
    ['a version 2.0 that ends in its length', file('', 0, [2, 0])],
    ['a header longer than the file', file(fields("'<f4'", '(1,)'), 4).subarray(0, 40)],
    ['Fortran order', file(fields("'<f4'", '(2, 3)', 'True'), 24)],
    ['big-endian', file(fields("'>f4'", '(1,)'), 4)],
    ['complex numbers', file(fields("'<c8'", '(1,)'), 8)],
    ['objects, which are pickled', file(fields("'|O'", '(1,)'), 8)],
    ['fields', file(fields("[('x', '<f4')]", '(1,)'), 4)],
    ['code', file(fields("'<f4'", '(__import__("os").getpid(),)'), 4)],
    ['a product', file(fields("'<f4'", '(2 * 3,)'), 24)],
    ['a negative size', file(fields("'<f4'", '(-1,)'), 4)],
    ['a size beyond 2^53', file(fields("'<f4'", '(9007199254740993,)'), 4)],
    ['sizes that overflow', file(fields("'<f4'", '(4294967296, 4294967296)'), 4)],
    ['a number for a shape', file(fields("'<f4'", '1'), 4)],
    ['a shape without commas', file(fields("'<f4'", '(1 1)'), 4)],
    ['a shape without an end', file("{'descr': '<f4', 'fortran_order': False, 'shape': (1,")],
    ['a field twice', file(`{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (1,)}`, 4)],
    ['a field unknown', file(`{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'toString': 1}`, 4)],
    ['a field missing', file(`{'descr': '<f4', 'shape': (1,)}`, 4)],
    ['an order that is no truth value', file(fields("'<f4'", '(1,)', '0'), 4)],
    ['something after the literal', file(`${fields("'<f4'", '(1,)').trim()} + {}`, 4)],
    ['an escape', file(fields("'<f\\x34'", '(1,)'), 4)],
    ['nothing', file('')],
    ['too few bytes', file(fields("'<f4'", '(2,)'), 7)],
    ['too many bytes', file(fields("'<f4'", '(2,)'), 9)],
    ['a bool of 2', file(fields("'|b1'", '(1,)'), 1).fill(2, -1)],
  ];
  test.each(hostile)('refused: %s', (_, bytes) => {
    expect(() => decodeNpy(bytes, { source: 'a.npy' })).toThrow(FormatError);
    expect(() => decodeNpy(bytes, { source: 'a.npy' })).toThrowErrorMatchingSnapshot();
  });

  const good = encodeNpy(arrays['float32']!);

  test.prop([fc.nat(good.length - 1)])('a file cut off anywhere is refused', (length) => {
    expect(() => decodeNpy(good.subarray(0, length))).toThrow(FormatError);
  });

  test.prop([fc.nat(127), fc.nat(255)], { numRuns: 500 })(
    'a damaged header gives a FormatError or an array',
    (at, value) => {
      const bytes = good.slice();
      bytes[at] = value;
      try {
        const { shape, data } = decodeNpy(bytes);
        expect(data.length).toBe(shape.reduce((a, b) => a * b, 1));
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError);
      }
    },
  );

  test('a long header costs no more than its length', () => {
    const sizes = '1,'.repeat(32_000);
    expect(() => decodeNpy(file(fields("'<f4'", `(${sizes}`)))).toThrow(FormatError);
  });
});
