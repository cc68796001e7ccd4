// Writes the pages of docs/: the specification of each game, which is the doc comment of its class, a picture of it, and what simple policies score (docs/returns.json).
//   npx tsc -b && node envs/arcade/scripts/make-pages.mjs && npx prettier --write envs/arcade/docs
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { encodePng } from '@tessera/core';
import { baselinePolicies } from '@tessera/env-arcade';
import { make } from 'gymnasium-js';
import { games, pageOf } from './games.mjs';

const root = new URL('../', import.meta.url);
const returns = JSON.parse(readFileSync(new URL('docs/returns.json', root), 'utf8'));
mkdirSync(new URL('docs/media/', root), { recursive: true });
for (const [id, { source, kwargs, steps }] of Object.entries(games)) {
  const env = make(id, kwargs);
  const { policy } = baselinePolicies(id, kwargs).trivial;
  let { observation } = env.reset({ seed: 0 });
  for (let t = 0; t < steps; t++) {
    const result = env.step(policy(observation));
    observation = result.terminated ? env.reset().observation : result.observation;
  }
  writeFileSync(new URL(`docs/media/${id}.png`, root), encodePng(env.render()));
  const { actionSpace, observationSpace } = make(id);
  const page = pageOf(id, {
    code: readFileSync(new URL(`src/${source}.ts`, root), 'utf8'),
    rows: returns[id],
    spaces: { action: String(actionSpace), observation: String(observationSpace) },
    rule: baselinePolicies(id).trivial,
  });
  writeFileSync(new URL(`docs/${source}.md`, root), page);
}
