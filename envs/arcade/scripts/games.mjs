// What the scripts know about the games: where their specifications are, what random policies score elsewhere, and after how many steps of the simple rule a picture is worth
// looking at.

/** Arguments with which pictures are drawn: 160 x 160 pixels where the game allows it. */
const large = { frameSize: 160, renderMode: 'rgb_array' };

/** By id. `measured` is mean and standard error of a random policy on the original package; the one of Catch is exact. */
export const games = {
  'Catch-v0': { source: 'catch', measured: [-0.6, 0], kwargs: { renderMode: 'rgb_array' }, steps: 5 },
  'Breakout-v0': {
    source: 'breakout',
    measured: [0.513, 0.005],
    kwargs: { cellSize: 16, renderMode: 'rgb_array' },
    steps: 150,
  },
  'SpaceInvaders-v0': { source: 'space-invaders', measured: [2.79, 0.04], kwargs: large, steps: 44 },
  'Asterix-v0': { source: 'asterix', measured: [0.507, 0.012], kwargs: large, steps: 53 },
  'Freeway-v0': { source: 'freeway', measured: [0.23, 0.07], kwargs: large, steps: 300 },
  'Seaquest-v0': { source: 'seaquest', measured: [0.097, 0.007], kwargs: large, steps: 175 },
};

/**
 * The page of a game: its specification, which is the doc comment of its class in the text `code`, and what simple policies score, `rows` of `{ policy, mean, error, episodes,
 * length }`. `spaces` are the texts of its spaces.
 */
export function pageOf(id, { code, rows, spaces, rule }) {
  const { source, measured } = games[id];
  const comment = /\/\*\*\n((?: \*.*\n)+?) \*\/\nexport class/.exec(code)[1];
  const specification = comment
    .split('\n')
    .map((line) => line.replace(/^ \* ?/, ''))
    .join('\n')
    .trim();
  const [mean, error] = measured;
  const elsewhere = error === 0 ? `${mean} exactly, by counting` : `${mean} ± ${error} on the original package`;
  const table = rows.map(
    (row) =>
      `| ${row.policy} | ${row.mean.toFixed(3)} | ${row.error.toFixed(3)} | ${row.episodes} | ${row.length.toFixed(1)} |`,
  );
  return `<!-- Made by scripts/make-pages.mjs from the doc comment in src/${source}.ts and docs/returns.json. -->

# ${id}

![${id}](media/${id}.png)

| | |
| --- | --- |
| Action space | \`${spaces.action}\` |
| Observation space | \`${spaces.observation}\` |
| Import | \`import '@tessera/env-arcade'; make('${id}');\` |

${specification}

## Returns of simple policies

Undiscounted, with the default arguments. A random policy scores ${elsewhere}. ${rule.name}: ${rule.description}.

| policy | mean return | standard error | episodes | mean length |
| --- | --- | --- | --- | --- |
${table.join('\n')}

Measured by \`node envs/arcade/scripts/measure-returns.mjs\` (seed 0).
`;
}
