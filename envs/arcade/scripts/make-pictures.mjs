// Draws the pictures of the pages in docs/: each game after MinAtar as its simple rule has left it after some steps, 160 x 160 pixels.
//   npx tsc -b && node envs/arcade/scripts/make-pictures.mjs
import { mkdirSync, writeFileSync } from 'node:fs';
import { encodePng } from '@tessera/core';
import { baselinePolicies } from '@tessera/env-arcade';
import { make } from 'gymnasium-js';

const folder = new URL('../docs/media/', import.meta.url);
const kwargs = { frameSize: 160, renderMode: 'rgb_array' };
const pictures = { 'SpaceInvaders-v0': 44, 'Asterix-v0': 53, 'Freeway-v0': 300, 'Seaquest-v0': 175 };

mkdirSync(folder, { recursive: true });
for (const [id, steps] of Object.entries(pictures)) {
  const env = make(id, kwargs);
  const { policy } = baselinePolicies(id, kwargs).trivial;
  let { observation } = env.reset({ seed: 0 });
  for (let t = 0; t < steps; t++) {
    const result = env.step(policy(observation));
    observation = result.terminated ? env.reset().observation : result.observation;
  }
  writeFileSync(new URL(`${id}.png`, folder), encodePng(env.render()));
}
