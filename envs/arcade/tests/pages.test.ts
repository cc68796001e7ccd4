// The pages in docs/ say what the code says: they are made by scripts/make-pages.mjs, and have to be made again when it changes:
//   npx tsc -b && node envs/arcade/scripts/make-pages.mjs && npx prettier --write envs/arcade/docs
import { test } from '@fast-check/vitest';
import { decodePng } from '@tessera/core';
import { baselinePolicies } from '@tessera/env-arcade';
import { make, registry } from 'gymnasium-js';
import { readFileSync } from 'node:fs';
import { format } from 'prettier';
import { describe, expect } from 'vitest';

interface Game {
  source: string;
  kwargs: Record<string, unknown>;
  steps: number;
}
const script = new URL('../scripts/games.mjs', import.meta.url).href;
const { games, pageOf } = (await import(script)) as {
  games: Record<string, Game>;
  pageOf: (id: string, parts: object) => string;
};
const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const returns = JSON.parse(read('docs/returns.json')) as Record<string, unknown>;

test('every game has a page', () => {
  expect(Object.keys(games)).toEqual([...registry.keys()]);
  expect(Object.keys(returns)).toEqual(Object.keys(games));
});

describe.each(Object.entries(games))('%s', (id, { source, kwargs, steps }) => {
  test('the page holds the specification in the code', async () => {
    const { actionSpace, observationSpace } = make(id);
    const page = pageOf(id, {
      code: read(`src/${source}.ts`),
      rows: returns[id],
      spaces: { action: String(actionSpace), observation: String(observationSpace) },
      rule: baselinePolicies(id)!.trivial,
    });
    const options = { parser: 'markdown', singleQuote: true, printWidth: 120, trailingComma: 'all' } as const;
    expect(await format(page, options)).toBe(read(`docs/${source}.md`));
  });

  test('the picture is what its simple rule comes to', () => {
    const env = make(id, { ...kwargs });
    const { policy } = baselinePolicies(id, kwargs)!.trivial;
    let { observation } = env.reset({ seed: 0 });
    for (let t = 0; t < steps; t++) {
      const result = env.step(policy(observation as Uint8Array));
      observation = result.terminated ? env.reset().observation : result.observation;
    }
    const picture = decodePng(readFileSync(new URL(`../docs/media/${id}.png`, import.meta.url)));
    expect(picture).toEqual(env.render());
  });
});
