// Samples of every space against the Gymnasium that is installed, from a seed that is new each time.
import { test } from '@fast-check/vitest';
import { npRandom, spaceFromJSON } from 'gymnasium-js';
import type { SpaceJSON } from 'gymnasium-js';
import { expect } from 'vitest';
import { canon, optionsOf } from './canon.ts';
import { hasGymnasium, runScript, whyNoGymnasium } from './python-gymnasium.ts';

interface Live {
  readonly name: string;
  readonly space: SpaceJSON;
  readonly options: object;
  readonly lines: string[];
}

test.runIf(hasGymnasium)(`fresh seeds draw what Gymnasium draws${whyNoGymnasium}`, { timeout: 300_000 }, () => {
  const { seed } = npRandom();
  const script = new URL('../golden/make_spaces.py', import.meta.url);
  for (const { name, space: json, options, lines } of runScript(script, ['live', String(seed), '20']) as Live[]) {
    const space = spaceFromJSON(json);
    space.seed(seed);
    const given = optionsOf(space, options);
    const drawn = lines.map(() => canon(space.sample(given)));
    expect({ name, seed, drawn }).toEqual({ name, seed, drawn: lines });
  }
});
