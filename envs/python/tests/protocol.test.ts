// Frames and values on their way: whatever pieces a socket makes of them, they arrive whole.
import { fc, test } from '@fast-check/vitest';
import { ConfigError, FormatError } from '@tessera/core';
import { describe, expect } from 'vitest';
import { encodeFrame, FrameReader } from '../src/protocol.ts';
import type { Frame, FrameKind } from '../src/protocol.ts';
import { decodeValue, encodeValue } from '../src/values.ts';

const kinds: FrameKind[] = ['H', 'D', 'P', 'E', 'B'];
const anyFrame = fc.tuple(
  fc.constantFrom(...kinds),
  fc.option(fc.jsonValue({ maxDepth: 2 }), { nil: undefined }),
  fc.uint8Array({ maxLength: 50 }),
);

function read(bytes: Uint8Array, cuts: readonly number[], targets: readonly Uint8Array[] = []): Frame[] {
  const frames: Frame[] = [];
  const reader = new FrameReader((frame) => frames.push(frame));
  reader.expect(targets);
  let at = 0;
  for (const cut of cuts) {
    reader.push(bytes.subarray(at, at + cut));
    at += cut;
  }
  reader.push(bytes.subarray(at));
  return frames;
}

describe('frames', () => {
  test.prop([fc.array(anyFrame, { maxLength: 5 }), fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 40 })])(
    'arrive whole in pieces of any size',
    (sent, cuts) => {
      const bytes = Buffer.concat(sent.map(([kind, data, raw]) => encodeFrame(kind, data, raw)));
      const expected = sent.map(([kind, data, raw]) => ({
        kind,
        data: JSON.parse(JSON.stringify(data ?? null)) ?? undefined,
        raw,
      }));
      const got = read(bytes, cuts).map((frame) => ({ ...frame, data: frame.data ?? undefined }));
      expect(got).toEqual(expected);
    },
  );

  test.prop([
    fc.array(fc.uint8Array({ maxLength: 20 }), { minLength: 1, maxLength: 4 }),
    fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 20 }),
  ])('of observations fill the arrays that wait for them', (parts, cuts) => {
    const targets = parts.map(({ length }) => new Uint8Array(length));
    const [frame] = read(encodeFrame('O', { texts: [] }, new Uint8Array(Buffer.concat(parts))), cuts, targets);
    expect(targets).toEqual(parts);
    expect(frame).toEqual({ kind: 'O', data: { texts: [] }, raw: new Uint8Array(0) });
  });

  test('that are none are refused', () => {
    expect(() => read(Buffer.from('these are no frames at all'), [])).toThrow(FormatError);
    expect(() => read(encodeFrame('O', undefined, new Uint8Array(3)), [], [new Uint8Array(4)])).toThrow(
      new FormatError('expected 4 bytes of observations, rewards and flags, got 3.'),
    );
    const frame = encodeFrame('D', 12);
    frame.set(Buffer.from('{{'), 12);
    expect(() => read(frame, [])).toThrow(FormatError);
  });
});

describe('values', () => {
  const plain = fc.letrec((tie) => ({
    leaf: fc.oneof(
      fc.constant(null),
      fc.boolean(),
      fc.string(),
      fc.double(),
      fc.bigInt(),
      fc.uint8Array(),
      fc.float32Array(),
      fc.int32Array(),
      fc.bigInt64Array(),
      fc.float64Array(),
      fc.int16Array(),
    ),
    node: fc.oneof(
      { maxDepth: 3 },
      tie('leaf'),
      fc.array(tie('node'), { maxLength: 4 }),
      fc.dictionary(fc.string(), tie('node'), { maxKeys: 4, noNullPrototype: true }),
    ),
  })).node;

  test.prop([plain])('come back from JSON as they were', (value) => {
    const back = decodeValue(JSON.parse(JSON.stringify(encodeValue(value, 'here'))));
    // JSON has no -0, nor does Python's decoder need one.
    expect(unsigned(back)).toEqual(unsigned(value));
  });

  test('that Python has no place for are refused with their place', () => {
    expect(() => encodeValue({ a: [1, new Map()] }, 'kwargs')).toThrow(
      new ConfigError('kwargs.a[1]: expected plain data that Python has too, got an object of class Map.'),
    );
    expect(() => decodeValue(['z', 1])).toThrow(FormatError);
  });
});

function unsigned(value: unknown): unknown {
  if (value === 0) return 0;
  if (Array.isArray(value)) return value.map(unsigned);
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unsigned(item)]));
}
