// The table of the ablations as Markdown, and their picture.
import { interquartileMean } from '@tessera/agent';
import { shortNumber } from '../study/charts.ts';
import { spreadOf } from '../study/compare.ts';
import { markdownTable, percent, rangeBars, rangeText } from '../study/range-report.ts';
import type { AgentUnit } from './unit.ts';
import { variants } from './variants.ts';

interface Column {
  readonly heading: string;
  readonly of: (unit: AgentUnit) => number | null | undefined;
  readonly show?: (value: number) => string;
}

const worldModelNumber = (name: string) => (unit: AgentUnit) => {
  const value = unit.result.worldModel?.[name];
  return typeof value === 'number' ? value : null;
};

const imaginedSteps = worldModelNumber('imaginedSteps');

const whole = (value: number): string => String(Math.round(value));
const two = (value: number): string => value.toFixed(2);

const columns: readonly Column[] = [
  { heading: 'changed tokens, %', of: ({ result }) => result.worldModel?.changedTokens, show: percent },
  { heading: '10 steps open loop, %', of: ({ result }) => result.worldModel?.openLoop?.tokens, show: percent },
  // The world model may be good enough for what is never asked of it.
  {
    heading: 'imagines since step',
    of: (unit) => (imaginedSteps(unit) === 0 ? null : worldModelNumber('imaginationSince')(unit)),
    show: whole,
  },
  { heading: 'imagined steps', of: imaginedSteps, show: whole },
  { heading: 'training, s', of: (unit) => training(unit, 'seconds'), show: whole },
  { heading: 'TFLOP', of: (unit) => training(unit, 'flops') / 1e12 },
];

/** The sum over the phases of training: evaluation is the same for all. */
function training({ result }: AgentUnit, what: 'seconds' | 'flops'): number {
  const phases = Object.entries(result.phases ?? {}).filter(([name]) => name !== 'evaluation');
  return phases.reduce((sum, [, phase]) => sum + phase[what], 0);
}

/** Over the seeds: means with the smallest and the largest, and interquartile means of the returns. */
export function agentTable(units: readonly AgentUnit[]): string {
  const headings = ['changed', 'variant', 'seeds', 'return, drawn', 'IQM', 'return, greedy', 'IQM'];
  const rows = byVariant(units).map((own) => [
    own[0]!.group,
    own[0]!.variant,
    String(own.length),
    ...(['drawn', 'greedy'] as const).flatMap((kind) => [
      rangeText(returns(own, kind), two),
      two(interquartileMean(own.map((unit) => unit[kind].meanReturn))),
    ]),
    ...columns.map(({ of, show = shortNumber }) => {
      const spread = spreadOf(own.map((unit) => of(unit) ?? null));
      const some = spread.count > 0 && spread.count < own.length;
      return rangeText(spread, show) + (some ? ` (${spread.count} of ${own.length})` : '');
    }),
  ]);
  return markdownTable([...headings, ...columns.map(({ heading }) => heading)], rows, { texts: 2 });
}

/** Returns of every variant, drawn and greedy, with the range of the seeds, by what was changed; a line is where `default` is. An SVG element. */
export function agentChart(units: readonly AgentUnit[], title: string): string {
  const all = byVariant(units);
  const plain = units.filter(({ variant }) => variant === 'default');
  return rangeBars(
    all.map(([first]) => ({ name: first!.variant, ...(first!.group !== 'default' && { group: first!.group }) })),
    (['drawn', 'greedy'] as const).map((kind) => ({
      heading: `return, ${kind}`,
      spreads: all.map((own) => returns(own, kind)),
      ...(plain.length > 0 && { reference: returns(plain, kind).mean }),
    })),
    title,
  );
}

/** The lines under the table: what the numbers are of. `jobs` is how many runs were side by side. */
export function agentNotes(units: readonly AgentUnit[], jobs: number): string {
  const distinct = (values: readonly (string | number | undefined)[]) => [...new Set(values)].join(', ');
  const fixed = [...new Set(units.flatMap(({ baselines }) => Object.keys(baselines)))].map((name) => {
    const means = units.map(({ baselines }) => baselines[name]?.meanReturn ?? null);
    return `${name} ${rangeText(spreadOf(means), two)}`;
  });
  const compared = [...new Map(units.map(({ variant, against }) => [variant, against] as const))].flatMap(
    ([variant, against]) => (against === 'default' ? [] : [`${variant} with ${against}`]),
  );
  return [
    `${distinct(units.map(({ result }) => result.steps))} steps, ${distinct(units.map(({ drawn }) => drawn.returns.length))} episodes a seed; over the seeds: means [smallest, largest] and interquartile means (IQM); accuracies on held-out steps.`,
    `Each variant is to be compared with default${compared.map((pair) => `, ${pair}`).join('')}.`,
    ...(fixed.length > 0 ? [`Policies that learn nothing: ${fixed.join(', ')}.`] : []),
    `${distinct(units.map(({ result }) => result.backend))}, ${jobs} run${jobs === 1 ? '' : 's'} side by side on ${distinct(units.map(({ result }) => result.machine ?? 'an unknown machine'))}.`,
  ].join('\n');
}

const returns = (units: readonly AgentUnit[], kind: 'drawn' | 'greedy') =>
  spreadOf(units.map((unit) => unit[kind].meanReturn));

/** The units of each variant that has any, in the order of `variants`. */
function byVariant(units: readonly AgentUnit[]): (readonly AgentUnit[])[] {
  return variants.map(({ name }) => units.filter(({ variant }) => variant === name)).filter((own) => own.length > 0);
}
