// The table of the study as Markdown, and its picture.
import { shortNumber } from '../study/charts.ts';
import { spreadOf } from '../study/compare.ts';
import { markdownTable, percent, rangeBars, rangeText } from '../study/range-report.ts';
import type { QuantizerUnit } from './unit.ts';

/** The units of each kind, in the order in which kinds come first. */
export function byKind(units: readonly QuantizerUnit[]): ReadonlyMap<string, readonly QuantizerUnit[]> {
  const kinds = new Map<string, QuantizerUnit[]>();
  for (const unit of units) kinds.set(unit.kind, [...(kinds.get(unit.kind) ?? []), unit]);
  return kinds;
}

interface Column {
  readonly heading: string;
  readonly of: (unit: QuantizerUnit) => number;
  /** The ceiling of `of`. */
  readonly ceiling?: (unit: QuantizerUnit) => number;
  readonly show?: (value: number) => string;
}

const columns: readonly Column[] = [
  { heading: 'bits a frame', of: (unit) => unit.rateBits },
  { heading: 'PSNR, dB', of: (unit) => unit.psnr, show: (value) => value.toFixed(1) },
  { heading: 'NMSE', of: (unit) => unit.nmse },
  { heading: 'ball recall, %', of: (unit) => unit.ballRecall, show: percent },
  { heading: 'usage, %', of: (unit) => unit.usage, ceiling: (unit) => unit.usageCeiling, show: percent },
  { heading: 'perplexity', of: (unit) => unit.perplexity, ceiling: (unit) => unit.perplexityCeiling },
  { heading: 'churn, %', of: (unit) => unit.churn, show: percent },
  { heading: 'noise churn, %', of: (unit) => unit.noiseChurn, show: percent },
  { heading: 'training, s', of: (unit) => unit.trainSeconds },
  { heading: 'CPU, s', of: (unit) => unit.cpuSeconds },
];

/** Means over the seeds with the smallest and the largest; usage and perplexity with their ceilings. */
export function quantizerTable(units: readonly QuantizerUnit[]): string {
  const headings = ['quantizer', ...columns.map(({ heading, ceiling }) => heading + (ceiling ? ' (ceiling)' : ''))];
  const rows = [...byKind(units)].map(([kind, own]) => [
    kind,
    ...columns.map(({ of, ceiling, show = shortNumber }) => {
      const value = rangeText(spreadOf(own.map(of)), show);
      return ceiling ? `${value} (${show(spreadOf(own.map(ceiling)).mean)})` : value;
    }),
  ]);
  return markdownTable(headings, rows);
}

/** Bars for each kind with the range of the seeds, a panel each for PSNR, usage, churn and the time, as an SVG element. */
export function quantizerChart(units: readonly QuantizerUnit[], title: string): string {
  const kinds = [...byKind(units)];
  const panels: readonly (readonly [heading: string, value: (unit: QuantizerUnit) => number])[] = [
    ['PSNR, dB', (unit) => unit.psnr],
    ['codes used, % of ceiling', (unit) => (100 * unit.usage) / unit.usageCeiling],
    ['churn in the last tenth, %', (unit) => 100 * unit.churn],
    ['CPU seconds of training', (unit) => unit.cpuSeconds],
  ];
  return rangeBars(
    kinds.map(([name]) => ({ name })),
    panels.map(([heading, value]) => ({ heading, spreads: kinds.map(([, own]) => spreadOf(own.map(value))) })),
    title,
  );
}
