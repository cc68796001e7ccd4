// The table of the study as Markdown, and its picture.
import { escapeHtml, shortNumber } from '../study/charts.ts';
import { spreadOf } from '../study/compare.ts';
import type { Spread } from '../study/compare.ts';
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

const percent = (share: number): string => (Number.isFinite(share) ? String(Number((100 * share).toFixed(1))) : '–');

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
  const rule = headings.map((_, i) => (i === 0 ? '---' : '--:'));
  return [headings, rule, ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

function rangeText({ mean, low, high, count }: Spread, show: (value: number) => string): string {
  if (count === 0) return '–';
  const [from, to] = [show(low), show(high)];
  return from === to ? show(mean) : `${show(mean)} [${from}, ${to}]`;
}

const bar = { height: 13, step: 19, width: 150, gap: 26 };
const [left, top] = [148, 42];

/** Bars for each kind with the range of the seeds, a panel each for PSNR, usage, churn and the time, as an SVG element. */
export function quantizerChart(units: readonly QuantizerUnit[], title: string): string {
  const kinds = [...byKind(units)];
  const panels: readonly (readonly [heading: string, value: (unit: QuantizerUnit) => number])[] = [
    ['PSNR, dB', (unit) => unit.psnr],
    ['codes used, % of ceiling', (unit) => (100 * unit.usage) / unit.usageCeiling],
    ['churn in the last tenth, %', (unit) => 100 * unit.churn],
    ['CPU seconds of training', (unit) => unit.cpuSeconds],
  ];
  const width = left + panels.length * (bar.width + bar.gap);
  const height = top + kinds.length * bar.step + 10;
  const labels = kinds.map(
    ([kind], i) => `<text x="${left - 8}" y="${top + i * bar.step + 11}" text-anchor="end">${escapeHtml(kind)}</text>`,
  );
  const bars = panels.flatMap(([heading, value], panel) => {
    const x = left + panel * (bar.width + bar.gap);
    const spreads = kinds.map(([, own]) => spreadOf(own.map(value)));
    const most = Math.max(1e-9, ...spreads.map(({ high }) => high).filter((high) => Number.isFinite(high)));
    // Room for the number behind the longest bar.
    const place = (number: number) => (number / most) * (bar.width - 30);
    return [
      `<text x="${x}" y="${top - 9}" font-weight="bold">${escapeHtml(heading)}</text>`,
      ...spreads.flatMap(({ mean, low, high, count }, i) => {
        if (count === 0) return [];
        const y = top + i * bar.step;
        const middle = y + bar.height / 2;
        return [
          `<rect x="${x}" y="${y}" width="${place(mean).toFixed(1)}" height="${bar.height}" fill="#7fb2c4"/>`,
          `<line x1="${(x + place(low)).toFixed(1)}" x2="${(x + place(high)).toFixed(1)}" y1="${middle}" y2="${middle}" stroke="#1b3a4b" stroke-width="2"/>`,
          `<text x="${(x + place(high) + 4).toFixed(1)}" y="${y + 10.5}" font-size="10">${shortNumber(mean)}</text>`,
        ];
      }),
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeHtml(title)}" font-family="sans-serif" font-size="11" fill="#222">`,
    `<rect width="${width}" height="${height}" fill="#fff"/><text x="8" y="18" font-size="13" font-weight="bold">${escapeHtml(title)}</text>`,
    ...labels,
    ...bars,
    '</svg>',
  ].join('');
}
