import { expect } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import { ProtoWriter } from '@tessera/core';
import { readFields, text } from './proto-reader.ts';

const hex = (writer: ProtoWriter): string => Buffer.from(writer.bytes()).toString('hex');

// The examples of https://protobuf.dev/programming-guides/encoding/.
test('the examples of the specification', () => {
  expect(hex(new ProtoWriter().integer(1, 150))).toBe('089601');
  expect(hex(new ProtoWriter().string(2, 'testing'))).toBe('120774657374696e67');
  expect(hex(new ProtoWriter().message(3, new ProtoWriter().integer(1, 150)))).toBe('1a03089601');
  expect(hex(new ProtoWriter().integers(6, [3, 270, 86942]))).toBe('3206038e029ea705');
  expect(hex(new ProtoWriter().integer(1, -2))).toBe('08feffffffffffffffff01');
  expect(hex(new ProtoWriter().integer(1, 2n ** 64n - 1n))).toBe('08ffffffffffffffffff01');
});

// python -c "import struct; print(struct.pack('<f', 0.1).hex())"
test('floats are little-endian single precision', () => {
  expect(hex(new ProtoWriter().float(4, 0.1))).toBe('25cdcccc3d');
  expect(hex(new ProtoWriter().floats(4, [0.1, -1]))).toBe('2208cdcccc3d000080bf');
});

// python -c "import struct; print(struct.pack('<d', 0.1).hex())"
test('doubles are little-endian', () => {
  expect(hex(new ProtoWriter().double(1, 0.1))).toBe('099a9999999999b93f');
});

// The largest field numbers do not fit the reader's 32-bit shifts.
const field = fc.integer({ min: 1, max: 2 ** 28 - 1 });

test.prop([field, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n })])('integers come back', (number, value) => {
  const fields = readFields(new ProtoWriter().integer(number, value).bytes());
  expect(fields).toEqual([{ field: number, value: BigInt.asUintN(64, value) }]);
});

test.prop([fc.array(fc.string({ unit: 'binary' }))])(
  'strings come back in order, whatever their characters',
  (values) => {
    const writer = new ProtoWriter();
    for (const value of values) writer.string(7, value);
    expect(readFields(writer.bytes()).map(({ value }) => text(value))).toEqual(values);
  },
);

test('a nested message is taken as it is when it is added; length counts what bytes() has', () => {
  const inner = new ProtoWriter().integer(1, 1);
  const outer = new ProtoWriter().message(2, inner);
  inner.integer(1, 2);
  expect(hex(outer)).toBe('12020801');
  expect(outer.length).toBe(outer.bytes().length);
  expect(hex(new ProtoWriter().append(inner))).toBe('08010802');
});
