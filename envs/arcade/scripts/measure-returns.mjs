// Measures what a random policy, doing nothing and the best simple rule score in the games after MinAtar, as the pages in docs/ have it.
//   npx tsc -b && node envs/arcade/scripts/measure-returns.mjs [--episodes 10000] [--seed 0] [Id-v0 ...]
// The random policy plays `episodes` of them, the others a tenth. Each line: game, policy, mean return, standard error, episodes, mean length, and for the random policy how far
// it is from the mean measured on MinAtar's own package, in combined standard errors. Exits with 1 when that is more than 3. A row is ready for a table in Markdown.
import { parseArgs } from 'node:util';
import { npRandom } from '@tessera/core';
import { baselinePolicies } from '@tessera/env-arcade';
import { make } from 'gymnasium-js';

/** Mean and standard error of a random policy on MinAtar's own package. */
const measured = {
  'SpaceInvaders-v0': [2.79, 0.04],
  'Asterix-v0': [0.507, 0.012],
  'Freeway-v0': [0.23, 0.07],
  'Seaquest-v0': [0.097, 0.007],
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { episodes: { type: 'string', default: '10000' }, seed: { type: 'string', default: '0' } },
});
const episodes = Number(values.episodes);
const seed = Number(values.seed);
const games = positionals.length > 0 ? positionals : Object.keys(measured);
const unknown = games.find((game) => !Object.hasOwn(measured, game));
if (
  unknown !== undefined ||
  !(Number.isInteger(episodes) && episodes >= 20) ||
  !(Number.isInteger(seed) && seed >= 0)
) {
  console.error(
    `measure-returns: expected --episodes N >= 20, --seed N >= 0 and games out of ${Object.keys(measured).join(', ')}, got ${process.argv.slice(2).join(' ')}.`,
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
  return { mean, error: Math.sqrt(variance / count), length: steps / count };
}

let isFar = false;
console.log('| game | policy | mean return | standard error | episodes | mean length | against MinAtar |');
console.log('| --- | --- | --- | --- | --- | --- | --- |');
for (const id of games) {
  const { noop, trivial } = baselinePolicies(id);
  const chance = npRandom(seed);
  // Doing nothing at the surface of Seaquest never ends.
  const few = Math.ceil(episodes / 10);
  const policies = [
    ['random', () => chance.integers(6), episodes],
    ['no-op', noop, id === 'Seaquest-v0' ? Math.min(few, 20) : few],
    [trivial.name, trivial.policy, few],
  ];
  for (const [name, policy, count] of policies) {
    const { mean, error, length } = play(id, policy, count);
    const [theirs, theirError] = measured[id];
    const apart = Math.abs(mean - theirs) / Math.hypot(error, theirError);
    if (name === 'random') isFar ||= apart > 3;
    const note = name === 'random' ? `${theirs} ± ${theirError}: ${apart.toFixed(1)} standard errors apart` : '';
    console.log(
      `| ${id} | ${name} | ${mean.toFixed(3)} | ${error.toFixed(3)} | ${count} | ${length.toFixed(1)} | ${note} |`,
    );
  }
}
process.exitCode = isFar ? 1 : 0;
