// Pieces of the report: tables, rows of figures, the table of all models, and the pictures of a run folder put into the page.
import { join } from 'node:path';
import { readFileBounded } from '@tessera/core/node';
import { barChart, escapeHtml, shortNumber } from './charts.ts';
import { rangeText, unitsOf } from './claims.ts';
import { spreadOf } from './compare.ts';
import type { Spread } from './compare.ts';
import { modeParts, realFrames } from './units.ts';
import type { MatchedUnit, StudyUnit } from './units.ts';

/** A table as HTML; null is a dash, numbers have three digits. */
export function table(headings: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string {
  const cell = (value: string | number | null) =>
    typeof value === 'string'
      ? `<td>${escapeHtml(value)}</td>`
      : `<td class="n">${value === null ? '–' : shortNumber(value)}</td>`;
  const head = headings.map((heading) => `<th>${escapeHtml(heading)}</th>`).join('');
  return `<table><tr>${head}</tr>${rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('')}</table>`;
}

/** A spread for a table; null where nothing was measured. */
export function rangeCell(spread: Spread): string | null {
  return spread.count === 0 ? null : rangeText(spread);
}

/** Figures beside each other, with what they show below. */
export function figures(charts: readonly string[], caption: string): string {
  const shown = charts.map((chart) => `<figure>${chart}</figure>`).join('');
  return `${shown}<p class="caption">${escapeHtml(caption)}</p>`;
}

type Column = readonly [heading: string, value: (own: readonly MatchedUnit[]) => string | number | null];

function mean(value: (unit: MatchedUnit) => number | null): (own: readonly MatchedUnit[]) => number | null {
  return (own) => {
    const { mean: average, count } = spreadOf(own.map(value));
    return count === 0 ? null : average;
  };
}

function besideCeiling(
  value: (unit: MatchedUnit) => number | null,
  ceiling: (unit: MatchedUnit) => number | null,
): (own: readonly MatchedUnit[]) => string | null {
  return (own) => {
    const [x, most] = [mean(value)(own), mean(ceiling)(own)];
    return x === null || most === null ? null : `${shortNumber(x)} (${shortNumber(most)})`;
  };
}

function modelRows(units: readonly MatchedUnit[], columns: readonly Column[]): string {
  const models = [...new Set(units.map((unit) => unit.model))];
  return table(
    ['model', ...columns.map(([heading]) => heading)],
    models.map((model) => {
      const own = units.filter((unit) => unit.model === model);
      return [model, ...columns.map(([, value]) => value(own))];
    }),
  );
}

/** A row for each model: means over the seeds. */
export function modelTables(units: readonly MatchedUnit[]): string[] {
  const vqs = units.filter((unit) => unit.kind === 'vq');
  return [
    '<p>All models, means over the seeds. "Mode kept" is the share of reconstructions whose mode the parser reads as that of their frame, "invalid" the share that it takes for no frame at all. The plain autoencoder\'s rate is not bounded.</p>',
    modelRows(units, [
      ['parameters', mean((unit) => unit.parameters)],
      ['rate, bits', mean((unit) => unit.rateBits)],
      ['NMSE', mean((unit) => unit.nmse)],
      ['NMSE of means', mean((unit) => unit.ofMeans?.nmse ?? null)],
      ['PSNR, dB', mean((unit) => unit.psnr)],
      ['foreground PSNR, dB', mean((unit) => unit.foregroundPsnr)],
      ['ball recall', mean((unit) => unit.ballRecall)],
      ['mode kept', mean((unit) => unit.modesKept)],
      ['invalid', mean((unit) => unit.invalid)],
      ['sharpness, mean', mean((unit) => unit.sharpnessMean)],
      ['sharpness, min', mean((unit) => unit.sharpnessMin)],
      ['Fréchet', mean((unit) => unit.frechet)],
      ['active units', mean((unit) => unit.activeUnits)],
    ]),
    "<p>The codes of the VQ-VAEs on all test frames. In brackets, what as many tokens would show if all codes were equally likely. The probe reads the parts of a frame's mode off its tokens by naive Bayes; in brackets, what it reads without tokens.</p>",
    modelRows(vqs, [
      ['rate, bits', mean((unit) => unit.rateBits)],
      ['at their frequencies, bits', mean((unit) => unit.entropyBits)],
      ['under the learned prior, bits', mean((unit) => unit.priorBits)],
      [
        'usage',
        besideCeiling(
          (unit) => unit.usage,
          (unit) => unit.usageCeiling,
        ),
      ],
      [
        'perplexity',
        besideCeiling(
          (unit) => unit.perplexity,
          (unit) => unit.perplexityCeiling,
        ),
      ],
      ['quantisation error', mean((unit) => unit.quantizationError)],
      ['changed by a grey level', mean((unit) => unit.noiseChurn)],
      ...modeParts.map((part): Column => [
        `probe: ${part}`,
        besideCeiling(
          (unit) => unit.probe?.[part].accuracy ?? null,
          (unit) => unit.probe?.[part].floor ?? null,
        ),
      ]),
    ]),
  ];
}

/** How often each code is used, a figure a model. */
export function codeUsage(units: readonly MatchedUnit[]): string {
  const charts = units.map((unit) => {
    const sorted = unit.codeCounts!.toSorted((a, b) => b - a);
    const total = sorted.reduce((sum, hits) => sum + hits, 0);
    return barChart(
      sorted.map((_, i) => String(i + 1)),
      [{ name: 'share of the tokens', values: sorted.map((hits) => hits / total) }],
      { title: `Codes of ${unit.model}`, x: 'code, most used first', y: 'share of the tokens' },
    );
  });
  return figures(charts, 'How often each code occurs in the test frames, of the first seed.');
}

const maxPictureBytes = 2 ** 24;

/** The pictures of the first seed, each in a line of its own: of each set of frames the real ones first. */
export async function picturePart({
  units,
  directory,
}: {
  readonly units: readonly StudyUnit[];
  readonly directory: string;
}): Promise<string[]> {
  const matched = unitsOf(units, 'matched');
  const [seed] = matched.map((unit) => unit.seed);
  const shown = matched.filter((unit) => unit.seed === seed);
  const parts: string[] = [];
  for (const data of new Set(shown.map((unit) => unit.data))) {
    const own = shown.filter((unit) => unit.data === data);
    const labelled = own.flatMap(({ model, pictures }, i) =>
      Object.entries(pictures)
        .filter(([what]) => what !== realFrames || i === 0)
        .map(
          ([what, file]) => [what === realFrames ? `${data}: ${what}` : `${data}, ${model}: ${what}`, file] as const,
        ),
    );
    for (const [label, file] of labelled) {
      const bytes = await readFileBounded(join(directory, 'media', file), { maxBytes: maxPictureBytes });
      const encoded = Buffer.from(bytes).toString('base64');
      parts.push(
        `<p>${escapeHtml(label)}<br><img alt="${escapeHtml(label)}" src="data:image/png;base64,${encoded}"></p>`,
      );
    }
  }
  return parts;
}
