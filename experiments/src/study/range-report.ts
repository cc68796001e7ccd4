// What studies that compare kinds of something over seeds share: means with their ranges, as Markdown and as bars.
import { escapeHtml, shortNumber } from './charts.ts';
import type { Spread } from './compare.ts';

/** A table in Markdown; all columns but the first `texts` are of numbers. */
export function markdownTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  { texts = 1 }: { readonly texts?: number } = {},
): string {
  const rule = headings.map((_, i) => (i < texts ? '---' : '--:'));
  return [headings, rule, ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** A mean with the smallest and the largest, which are left out where they look alike. */
export function rangeText({ mean, low, high, count }: Spread, show: (value: number) => string): string {
  if (count === 0) return '–';
  const [from, to] = [show(low), show(high)];
  return from === to ? show(mean) : `${show(mean)} [${from}, ${to}]`;
}

/** A share as a percentage with one decimal. */
export const percent = (share: number): string =>
  Number.isFinite(share) ? String(Number((100 * share).toFixed(1))) : '–';

/** A row of bars. */
export interface BarRow {
  readonly name: string;
  /** Neighbours of one group stand together under its name. */
  readonly group?: string;
}

/** A column of bars from 0 to the right, and to the left where something is negative; one a row. */
export interface BarPanel {
  readonly heading: string;
  /** One a row. */
  readonly spreads: readonly Spread[];
  /** A line across all rows. */
  readonly reference?: number;
}

const bar = { height: 13, step: 19, width: 150, gap: 26 };
const [left, top] = [148, 42];

/** Bars with their ranges as an SVG element. */
export function rangeBars(rows: readonly BarRow[], panels: readonly BarPanel[], title: string): string {
  const marks: string[] = [];
  let y = top;
  const places = rows.map(({ name, group }, i) => {
    if (group !== undefined && group !== rows[i - 1]?.group) {
      marks.push(`<text x="8" y="${y + 11}" font-weight="bold">${escapeHtml(group)}</text>`);
      y += bar.step;
    }
    marks.push(`<text x="${left - 8}" y="${y + 11}" text-anchor="end">${escapeHtml(name)}</text>`);
    y += bar.step;
    return y - bar.step;
  });
  const [width, height] = [left + panels.length * (bar.width + bar.gap), y + 10];
  const bars = panels.flatMap(({ heading, spreads, reference }, panel) => {
    const x = left + panel * (bar.width + bar.gap);
    const known = [...spreads.map(({ high }) => high), reference ?? NaN].filter((value) => Number.isFinite(value));
    const most = Math.max(1e-9, ...known);
    const least = Math.min(0, ...spreads.map(({ low }) => low).filter((value) => Number.isFinite(value)));
    // Room for the number behind the longest bar.
    const place = (number: number) => ((number - least) / (most - least)) * (bar.width - 30);
    const line = reference === undefined || !Number.isFinite(reference) ? undefined : (x + place(reference)).toFixed(1);
    return [
      `<text x="${x}" y="${top - 9}" font-weight="bold">${escapeHtml(heading)}</text>`,
      ...spreads.flatMap(({ mean, low, high, count }, i) => {
        if (count === 0) return [];
        const middle = places[i]! + bar.height / 2;
        return [
          `<rect x="${(x + place(Math.min(0, mean))).toFixed(1)}" y="${places[i]!}" width="${Math.abs(place(mean) - place(0)).toFixed(1)}" height="${bar.height}" fill="#7fb2c4"/>`,
          `<line x1="${(x + place(low)).toFixed(1)}" x2="${(x + place(high)).toFixed(1)}" y1="${middle}" y2="${middle}" stroke="#1b3a4b" stroke-width="2"/>`,
          `<text x="${(x + place(high) + 4).toFixed(1)}" y="${places[i]! + 10.5}" font-size="10">${shortNumber(mean)}</text>`,
        ];
      }),
      ...(line === undefined
        ? []
        : [
            `<line x1="${line}" x2="${line}" y1="${top - 3}" y2="${height - 8}" stroke="#d1495b" stroke-dasharray="4 3"/>`,
          ]),
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeHtml(title)}" font-family="sans-serif" font-size="11" fill="#222">`,
    `<rect width="${width}" height="${height}" fill="#fff"/><text x="8" y="18" font-size="13" font-weight="bold">${escapeHtml(title)}</text>`,
    ...marks,
    ...bars,
    '</svg>',
  ].join('');
}
