// An agent trains on the tokens of any quantizer, several tokens a place included, and knows nothing of it.
import { expect, test } from 'vitest';
import type { QuantizerConfig } from '@tessera/vqvae';
import { wasm } from './toy.ts';
import { copyOf, finish, runOn, saved } from './training-toy.ts';

const kinds: readonly Partial<QuantizerConfig>[] = [
  { kind: 'residual', vocabulary: 5, codeDim: 4, stages: 3, quantizeDropout: true, restartAfter: 2 },
  { kind: 'product', vocabulary: 5, codeDim: 4 },
  { kind: 'grouped-residual', vocabulary: 3, codeDim: 4, stages: 2 },
  { kind: 'fsq', levels: [5, 3] },
  { kind: 'lfq', bits: 4 },
  { kind: 'simvq', vocabulary: 8, codeDim: 4 },
  { kind: 'gumbel', vocabulary: 8, codeDim: 4 },
];

test.each(kinds)('%j: it trains to the end, and a run that was stopped ends the same', async (quantizer) => {
  const options = { tokenizer: 'vqvae', quantizer, training: { tokenizer: { untilSteps: 99 } } } as const;
  const whole = await runOn(wasm, options);
  const { slots = [0], tokenShape, vocabulary } = whole.tokenizer.spec;
  expect(tokenShape).toEqual([2, 2 * slots.length]);
  const events = [];
  let middle;
  while (!whole.trainer.done) {
    events.push(await whole.trainer.next());
    if (events.length === 20) middle = { state: saved(whole), store: await copyOf(whole.store) };
  }
  expect(saved(whole).meta.counters.envSteps).toBe(56);
  const losses = events.flatMap((event) =>
    Object.entries((event as { metrics?: Record<string, number> }).metrics ?? {}).filter(([name]) =>
      name.endsWith('loss'),
    ),
  );
  expect(losses.some(([name]) => name.startsWith('tokenizer/'))).toBe(true);
  for (const [, loss] of losses) expect(Number.isFinite(loss)).toBe(true);
  expect(vocabulary).toBeGreaterThan(1);

  const again = await runOn(wasm, options, middle!);
  expect(await finish(again)).toEqual(events.slice(20));
  expect(saved(again)).toEqual(saved(whole));
});
