// The returns of a task as the rows of a table, in a terminal and on a page.
import { bootstrapInterval, interquartileMean } from '@tessera/agent';
import { npRandom } from '@tessera/core';
import { formatSeconds } from '../format.ts';
import type { LearnedResults, Scores, TaskResults } from './schema.ts';

/** Of `returnRows`. */
export const headings: readonly string[] = ['policy', 'seeds', 'mean', 'IQM', '95 % interval', 'time'];

/** A row a policy: over seeds the mean of its mean returns, their interquartile mean and its 95 % interval. */
export function returnRows(results: TaskResults): string[][] {
  const rows = learnedRows(results);
  for (const [name, baseline] of Object.entries(results.baselines)) {
    if ('experiment' in baseline) rows.push(...learnedRows(baseline, name));
    else rows.push(scoreRow(name, Object.values(baseline.seeds)));
  }
  return rows;
}

function learnedRows({ experiment, seeds }: LearnedResults, name = experiment): string[][] {
  const all = Object.values(seeds);
  const seconds = all.reduce((sum, { wallSeconds }) => sum + wallSeconds, 0) / all.length;
  const other = all[0]!.policy === 'sampled' ? 'greedy' : 'sampled';
  const others = all.flatMap((seed) => seed[other] ?? []);
  return [
    scoreRow(`${name}, ${all[0]!.policy}`, all, formatSeconds(seconds)),
    ...(others.length > 0 ? [scoreRow(`${name}, ${other}`, others)] : []),
  ];
}

function scoreRow(name: string, seeds: readonly Scores[], time = ''): string[] {
  const scores = seeds.map(({ meanReturn }) => meanReturn);
  const shown = (value: number): string => value.toFixed(2);
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  // One seed says nothing of others.
  const interval =
    scores.length < 2
      ? '-'
      : bootstrapInterval([scores], { generator: npRandom(0), samples: 10_000 })
          .map(shown)
          .join(' to ');
  return [name, String(scores.length), shown(mean), shown(interquartileMean(scores)), interval, time];
}
