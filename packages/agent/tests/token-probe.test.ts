// Churn: the share of tokens that changed, and the same for 100 updates.
import { ndarray } from '@tessera/core';
import type { Tokenizer } from '@tessera/vqvae';
import { expect, test } from 'vitest';
import { TokenProbe } from '../src/training/token-probe.ts';
import { PixelTokenizer } from './pixel-tokenizer.ts';

/** A tokenizer of which a share of the tokens is another one: the first so many of each frame's 16. */
function changed(tokens: number): Tokenizer {
  const tokenizer = new PixelTokenizer();
  return {
    spec: tokenizer.spec,
    encode: (frames: Parameters<Tokenizer['encode']>[0]) => {
      const codes = tokenizer.encode(frames);
      codes.data.forEach((code, i) => (codes.data[i] = i % 16 < tokens ? (code + 1) % 16 : code));
      return codes;
    },
  } as unknown as Tokenizer;
}

const draw = async (count: number) => ndarray('uint8', [count, 4, 4, 1]);

test('is told for as many updates as there were, and for a hundred', async () => {
  const probe = new TokenProbe();
  expect(await probe.look(changed(0), { updates: 300, draw })).toEqual({ churn: NaN, perHundred: NaN });
  expect(await probe.look(changed(4), { updates: 400, draw })).toEqual({ churn: 0.25, perHundred: 0.25 });
  // 3 of 4 tokens stay in 50 updates, so 9 of 16 in 100; and in 200, the root of it.
  const { churn, perHundred } = await probe.look(changed(0), { updates: 450, draw });
  expect([churn, perHundred]).toEqual([0.25, 7 / 16]);
  const resumed = new TokenProbe();
  resumed.loadState(probe.state(), changed(0));
  const slow = await resumed.look(changed(4), { updates: 650, draw });
  expect(slow.perHundred).toBeCloseTo(1 - Math.sqrt(0.75), 12);
  // Codes that nothing moved have no pace.
  expect(await resumed.look(changed(4), { updates: 650, draw })).toEqual({ churn: 0, perHundred: NaN });
});
