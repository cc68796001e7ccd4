// The page of the results that a folder holds: a table of returns, a picture and what the world model is worth for each task, all of it made from the files.
import { formatSeconds } from '../format.ts';
import { shortNumber } from '../study/charts.ts';
import { spreadOf } from '../study/compare.ts';
import type { Spread } from '../study/compare.ts';
import { markdownTable, percent, rangeBars, rangeText } from '../study/range-report.ts';
import { headings, returnRows } from './returns.ts';
import type { SeedResult, TaskResults } from './schema.ts';

/** The page's text, by the names of the tasks; pictures are `TASK.svg` beside it. */
export function resultsPage(all: readonly TaskResults[]): string {
  const introduction =
    'Made by `tessera results` from the files beside it, which hold every return. Over seeds: the mean of their mean returns, its interquartile mean (IQM) and a 95 % bootstrap interval of that; time is the mean of the wall times, with evaluation.';
  const byTask = all.toSorted((a, b) => (a.task < b.task ? -1 : 1));
  return `${['# Results', introduction, ...byTask.map(section)].join('\n\n')}\n`;
}

/** A picture of a task: the mean return of every policy with the range of its seeds. An SVG element. */
export function resultsChart(results: TaskResults): string {
  const policies = [
    { name: results.experiment, seeds: Object.values(results.seeds) },
    ...Object.entries(results.baselines).map(([name, { seeds }]) => ({ name, seeds: Object.values(seeds) })),
  ];
  const spreads = policies.map(({ seeds }) => spreadOf(seeds.map(({ meanReturn }) => meanReturn)));
  const rows = policies.map(({ name }) => ({ name }));
  return rangeBars(rows, [{ heading: 'return', spreads }], `${results.task}: ${results.steps} steps`);
}

function section(results: TaskResults): string {
  const { task, env, steps, command, commit, machine, backend } = results;
  const parts = [
    `## ${task}`,
    `${env}, ${steps} environment steps, ${episodes(results)} episodes a seed. ${backend} on ${machine}, commit \`${commit.slice(0, 12)}\`. The first seed again: \`${command}\`.`,
    markdownTable(headings, returnRows(results)),
    `![${task}](${task}.svg)`,
  ];
  const measured = measures(Object.values(results.seeds));
  if (measured.length > 0) parts.push(markdownTable(['measured', 'mean [smallest, largest]'], measured));
  return parts.join('\n\n');
}

const episodes = ({ seeds }: TaskResults): number => Object.values(seeds)[0]!.returns.length;

/** What a run measured of itself: where it stands in the seed's result, and how it is shown. */
const columns: readonly (readonly [string, readonly string[], (value: number) => string])[] = [
  ['tokens right, one step, %', ['worldModel', 'tokens'], percent],
  ['of the tokens that change, %', ['worldModel', 'changedTokens'], percent],
  ['the last frame copied, tokens right, %', ['worldModel', 'copyLastFrame'], percent],
  ['tokens right, 10 steps open loop, %', ['worldModel', 'openLoop', 'tokens'], percent],
  ['the last real frame copied, %', ['worldModel', 'openLoop', 'lastRealFrame'], percent],
  ['reward F1', ['worldModel', 'rewardF1'], shortNumber],
  ['end F1', ['worldModel', 'endF1'], shortNumber],
  ['delta-PSNR, dB', ['worldModel', 'deltaPsnr', 'mean'], shortNumber],
  ['delta-PSNR, lower end of 95 %', ['worldModel', 'deltaPsnr', 'low'], shortNumber],
  ['tokenizer NMSE', ['tokenizer', 'nmse'], shortNumber],
  ['codes used, %', ['tokenizer', 'usage'], percent],
  ['tokens changed in 100 updates as the world model begins, %', ['tokenizer', 'churnAtWorldModelStart'], percent],
  ['imagines since step', ['worldModel', 'imaginationSince'], shortNumber],
  ['imagined steps', ['worldModel', 'imaginedSteps'], shortNumber],
  ['imagined steps per second, with learning from them', ['worldModel', 'imaginedStepsPerSecond'], shortNumber],
];

function measures(seeds: readonly SeedResult[]): string[][] {
  const rows: string[][] = [];
  const add = (name: string, spread: Spread, show: (value: number) => string): void => {
    if (spread.count > 0) rows.push([name, rangeText(spread, show)]);
  };
  for (const [name, path, show] of columns) add(name, spreadOf(seeds.map((seed) => numberAt(seed, path))), show);
  for (const phase of new Set(seeds.flatMap(({ phases = {} }) => Object.keys(phases)))) {
    const own = seeds.flatMap(({ phases }) => phases?.[phase] ?? []);
    add(`${phase}, time`, spreadOf(own.map(({ seconds }) => seconds)), formatSeconds);
    add(`${phase}, GFLOPS`, spreadOf(own.map(({ seconds, flops }) => flops / seconds / 1e9)), shortNumber);
  }
  return rows;
}

function numberAt(value: unknown, path: readonly string[]): number | null {
  const found = path.reduce<unknown>((at, name) => (at as Readonly<Record<string, unknown>> | null)?.[name], value);
  return typeof found === 'number' ? found : null;
}
