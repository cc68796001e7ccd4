// Measures what a random policy, doing nothing and the best simple rule score in each game, and writes it to docs/returns.json, from which make-pages.mjs takes it.
//   npx tsc -b && node envs/arcade/scripts/measure-returns.mjs [--episodes 10000] [--seed 0] [Id-v0 ...]
// The random policy plays `episodes` of them, the others a tenth. Prints how far the random policy's mean is from the one measured on the original package, in combined standard
// errors, and exits with 1 when that is more than 3. The file is written only when all games are measured over 10,000 episodes from seed 0.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { npRandom } from '@tessera/core';
import { baselinePolicies } from '@tessera/env-arcade';
import { make } from 'gymnasium-js';
import { games } from './games.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { episodes: { type: 'string', default: '10000' }, seed: { type: 'string', default: '0' } },
});
const episodes = Number(values.episodes);
const seed = Number(values.seed);
const ids = positionals.length > 0 ? positionals : Object.keys(games);
const isKnown = ids.every((id) => Object.hasOwn(games, id));
if (!isKnown || !(Number.isInteger(episodes) && episodes >= 20) || !(Number.isInteger(seed) && seed >= 0)) {
  console.error(
    `measure-returns: expected --episodes N >= 20, --seed N >= 0 and games out of ${Object.keys(games).join(', ')}, got ${process.argv.slice(2).join(' ')}.`,
  );
  process.exit(2);
}

/** Plays episodes, as far as `make` lets them go on. */
function play(id, policy, count) {
  const env = make(id, { disableEnvChecker: true });
  let { observation } = env.reset({ seed });
  const returns = [];
  let steps = 0;
  while (returns.length < count) {
    let sum = 0;
    for (;;) {
      const result = env.step(policy(observation));
      observation = result.observation;
      sum += result.reward;
      steps += 1;
      if (result.terminated || result.truncated) break;
    }
    returns.push(sum);
    ({ observation } = env.reset());
  }
  const mean = returns.reduce((sum, x) => sum + x, 0) / count;
  const variance = returns.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (count - 1);
  return { mean, error: Math.sqrt(variance / count), episodes: count, length: steps / count };
}

const measures = {};
for (const id of ids) {
  const { noop, trivial } = baselinePolicies(id);
  const { n } = make(id).actionSpace;
  const chance = npRandom(seed);
  const few = Math.ceil(episodes / 10);
  const policies = [
    ['random', () => chance.integers(n), episodes],
    // Doing nothing at the surface of Seaquest never ends.
    ['no-op', noop, id === 'Seaquest-v0' ? Math.min(few, 20) : few],
    [trivial.name, trivial.policy, few],
  ];
  measures[id] = policies.map(([policy, act, count]) => ({ policy, ...play(id, act, count) }));
  for (const { policy, mean, error, length } of measures[id]) {
    console.log(`${id} ${policy}: ${mean.toFixed(3)} ± ${error.toFixed(3)}, length ${length.toFixed(1)}`);
  }
  const [random] = measures[id];
  const [theirs, theirError] = games[id].measured;
  const apart = Math.abs(random.mean - theirs) / Math.hypot(random.error, theirError);
  console.log(
    `${id} random on the original package: ${theirs} ± ${theirError}, ${apart.toFixed(1)} standard errors apart`,
  );
  if (apart > 3) process.exitCode = 1;
}
if (positionals.length === 0 && episodes === 10_000 && seed === 0) {
  writeFileSync(new URL('../docs/returns.json', import.meta.url), `${JSON.stringify(measures, null, 2)}\n`);
}
