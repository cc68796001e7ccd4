import { readFileSync } from 'node:fs';
import { concatBytes } from '@tessera/core';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { crc32c, maskedCrc32c } from '../src/crc32c.ts';
import { encodeFileVersion, encodeRestart, encodeSummaries, frameRecord } from '../src/event-encoding.ts';

const golden = (name: string): Buffer => readFileSync(new URL(`./golden/${name}`, import.meta.url));
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('crc32c', () => {
  test('check value of the CRC catalogue', () => {
    expect(crc32c(utf8('123456789'))).toBe(0xe3069283);
  });

  test('masked values equal those of TensorBoard', () => {
    const expected = JSON.parse(golden('masked-crc32c.json').toString()) as Record<string, number>;
    for (const [text, masked] of Object.entries(expected)) expect(maskedCrc32c(utf8(text))).toBe(masked);
  });

  test.prop([fc.uint8Array({ minLength: 1 }), fc.nat(), fc.integer({ min: 1, max: 255 })])(
    'a changed byte changes the checksum',
    (bytes, position, change) => {
      const damaged = Uint8Array.from(bytes);
      damaged[position % bytes.length]! ^= change;
      expect(crc32c(damaged)).not.toBe(crc32c(bytes));
    },
  );
});

describe('event records', () => {
  test('equal the bytes that TensorBoard writes (golden/make.py)', () => {
    const png = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
    const ours = concatBytes([
      encodeFileVersion({ wallTime: 1700000000.25 }),
      encodeSummaries({
        wallTime: 1700000001.5,
        step: 1,
        summaries: [
          { tag: 'loss/total', scalar: 0.1 },
          { tag: 'bälle', scalar: -Infinity },
        ],
      }),
      encodeSummaries({
        wallTime: 1700000002,
        step: 2 ** 40 + 7,
        summaries: [{ tag: 'x'.repeat(200), image: { height: 300, width: 2, channels: 3, png } }],
      }),
      encodeRestart({ wallTime: 1700000003, step: 300 }),
    ]);
    expect(Buffer.from(ours).toString('hex')).toBe(golden('events.bin').toString('hex'));
  });

  test.prop([fc.uint8Array({ maxLength: 300 })])('a frame is its data and sixteen bytes around it', (data) => {
    const frame = frameRecord(data);
    const view = new DataView(frame.buffer);
    expect(frame.length).toBe(data.length + 16);
    expect(view.getBigUint64(0, true)).toBe(BigInt(data.length));
    expect(frame.subarray(12, 12 + data.length)).toEqual(data);
    expect(view.getUint32(8, true)).toBe(maskedCrc32c(frame.subarray(0, 8)));
    expect(view.getUint32(12 + data.length, true)).toBe(maskedCrc32c(data));
  });
});
