import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { ndarray } from '@tessera/core';
import { FrameCache } from '../src/frame-cache.ts';

describe('FrameCache', () => {
  const call = fc.record({
    kind: fc.constantFrom('get' as const, 'add' as const, 'delete' as const),
    id: fc.nat({ max: 5 }),
    bytes: fc.nat({ max: 6 }),
  });

  test.prop([fc.array(call, { maxLength: 60 }), fc.nat({ max: 12 })])(
    'holds what was used last, as far as it fits',
    (calls, maxBytes) => {
      const cache = new FrameCache(maxBytes);
      // Most recently used last.
      let model: { id: number; bytes: number }[] = [];
      for (const { kind, id, bytes } of calls) {
        const known = model.find((entry) => entry.id === id);
        if (kind === 'get') {
          expect(cache.get(id)?.data.byteLength).toBe(known?.bytes);
          if (known !== undefined) model = [...model.filter((entry) => entry !== known), known];
        } else {
          model = model.filter((entry) => entry !== known);
          if (kind === 'delete') cache.delete(id);
          else {
            cache.add(id, ndarray('uint8', [bytes, 1, 1, 1]));
            if (bytes <= maxBytes) model.push({ id, bytes });
          }
          while (model.reduce((sum, entry) => sum + entry.bytes, 0) > maxBytes) model.shift();
        }
        expect(cache.bytes).toBe(model.reduce((sum, entry) => sum + entry.bytes, 0));
      }
      for (let id = 0; id <= 5; id++) {
        expect(cache.get(id)?.data.byteLength).toBe(model.find((entry) => entry.id === id)?.bytes);
      }
    },
  );
});
