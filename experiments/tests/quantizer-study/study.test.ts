// The study of quantizers as a command, at a tiny size: every kind from end to end, stopped once and resumed.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { decodePng } from '@tessera/core';
import { RunFolder } from '@tessera/runs';
import { expect, test } from 'vitest';
import { main } from '../../src/program.ts';
import { quantizerKinds } from '../../src/quantizer-study/kinds.ts';
import type { QuantizerUnit } from '../../src/quantizer-study/unit.ts';
import { fakeIo } from '../fake-experiment.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const tiny = ['bits=4', 'trainFrames=24', 'testFrames=16', 'channels=4', 'codeDim=4', 'steps=10', 'batch=4'].flatMap(
  (setting) => ['--set', setting],
);

test('stops after what it is doing, goes on, and leaves table, pictures and result', async () => {
  const root = temporaryFolder();
  const stopped = fakeIo();
  const write = stopped.stderr.write.bind(stopped.stderr);
  Object.assign(stopped.stderr, {
    write(text: string) {
      if (text.startsWith('vq, rotation trick')) stopped.controller.abort();
      return write(text);
    },
  });
  const words = ['study', 'quantizers', '--quick', '--backend', 'wasm', '--runs', root, ...tiny];
  expect(await main(words, stopped)).toBe(130);
  const directory = stopped.out().trim();
  expect(stopped.err()).toContain(`Continue with: tessera study quantizers --resume ${directory}`);
  expect(readdirSync(join(directory, 'units'))).toEqual(['vq-rotation-trick-s0.json', 'vq-s0.json']);
  expect(existsSync(join(directory, 'table.md'))).toBe(false);

  const resumed = fakeIo();
  expect(await main(['study', 'quantizers', '--resume', directory, '--backend', 'wasm'], resumed)).toBe(0);
  expect(resumed.err()).not.toMatch(/^vq, seed 0/m);
  const names = quantizerKinds({ bits: 4, codeDim: 4 }).map(({ name }) => name);
  const { units } = (await (await RunFolder.open(directory)).readResult())!.study as { units: QuantizerUnit[] };
  expect(units.map(({ kind }) => kind)).toEqual(names);
  for (const unit of units) {
    expect(unit.rateBits).toBe(100);
    expect(unit.usage).toBeLessThanOrEqual(unit.usageCeiling);
    expect(unit.perplexity).toBeLessThanOrEqual(unit.perplexityCeiling * (1 + 1e-9));
    for (const share of [unit.usage, unit.ballRecall, unit.churn, unit.noiseChurn]) {
      expect(share).toBeGreaterThanOrEqual(0);
      expect(share).toBeLessThanOrEqual(1);
    }
    expect(unit.cpuSeconds).toBeGreaterThan(0);
  }
  const table = readFileSync(join(directory, 'table.md'), 'utf8');
  expect(resumed.err()).toContain(table.trim());
  for (const name of names) expect(table).toContain(`\n| ${name} |`);
  expect(readFileSync(join(directory, 'quantizers.svg'), 'utf8')).toMatch(/^<svg .*<\/svg>\n$/s);
  // Rows of real frames and of each kind, 20 pixels three times as large and 6 apart.
  const { shape } = decodePng(readFileSync(join(directory, 'media', 'reconstructions.png')));
  expect(shape).toEqual([60 * 16 + 6 * 15, 60 * 12 + 3 * 11, 3]);
}, 120_000);
