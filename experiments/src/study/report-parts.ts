// Pieces of the report: tables, rows of figures, the table of all models, and the pictures of a run folder put into the page.
import { join } from 'node:path';
import { readFileBounded } from '@tessera/core/node';
import { barChart, escapeHtml, shortNumber } from './charts.ts';
import { unitsOf } from './claims.ts';
import { spreadOf } from './compare.ts';
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

/** Figures beside each other. */
export function figures(...charts: readonly string[]): string {
  return charts.map((chart) => `<figure>${chart}</figure>`).join('');
}

/** A row for each model: means over the seeds. */
export function modelTable(units: readonly MatchedUnit[]): string {
  const models = [...new Set(units.map((unit) => unit.model))];
  const headings = [
    'model',
    'rate, bits',
    'marginal rate, bits',
    'rate of the prior, bits',
    'NMSE',
    'PSNR, dB',
    'foreground PSNR, dB',
    'ball recall',
    'sharpness mean',
    'min',
    'mode kept',
    'active units',
    'usage (ceiling)',
    'perplexity (ceiling)',
    'quantisation error',
    'changed by a grey level',
  ];
  const rows = models.map((model) => {
    const own = units.filter((unit) => unit.model === model);
    const mean = (value: (unit: MatchedUnit) => number | null) => {
      const { mean: average, count } = spreadOf(own.map(value));
      return count === 0 ? null : average;
    };
    const beside = (value: number | null, ceiling: number | null) =>
      value === null || ceiling === null ? null : `${shortNumber(value)} (${shortNumber(ceiling)})`;
    return [
      model,
      mean((unit) => unit.rateBits),
      mean((unit) => unit.entropyBits),
      // The density of real numbers has no length in bits.
      mean((unit) => (unit.kind === 'vq' ? unit.priorBits : null)),
      mean((unit) => unit.nmse),
      mean((unit) => unit.psnr),
      mean((unit) => unit.foregroundPsnr),
      mean((unit) => unit.ballRecall),
      mean((unit) => unit.sharpnessMean),
      mean((unit) => unit.sharpnessMin),
      mean((unit) => unit.modesKept),
      mean((unit) => unit.activeUnits),
      beside(
        mean((unit) => unit.usage),
        mean((unit) => unit.usageCeiling),
      ),
      beside(
        mean((unit) => unit.perplexity),
        mean((unit) => unit.perplexityCeiling),
      ),
      mean((unit) => unit.quantizationError),
      mean((unit) => unit.noiseChurn),
    ];
  });
  return `<p>Means over the seeds. Usage and perplexity are of all test frames, with what as many tokens would show of equally likely codes.</p>${table(headings, rows)}`;
}

/** How often each code is used, a figure a model. */
export function codeUsage(units: readonly MatchedUnit[]): string[] {
  return units.map((unit) => {
    const sorted = unit.codeCounts!.toSorted((a, b) => b - a);
    const total = sorted.reduce((sum, hits) => sum + hits, 0);
    return figures(
      barChart(
        sorted.map((_, i) => String(i + 1)),
        [{ name: 'share of the tokens', values: sorted.map((hits) => hits / total) }],
        { title: `Codes of ${unit.model}`, x: 'code, most used first', y: 'share of the tokens' },
      ),
    );
  });
}

const maxPictureBytes = 2 ** 24;

/** The pictures of the first seed, each in a line of its own. */
export async function picturePart(
  { units, directory }: { readonly units: readonly StudyUnit[]; readonly directory: string },
  sprites: readonly MatchedUnit[],
): Promise<string[]> {
  const [seed] = sprites.map((unit) => unit.seed);
  const named = [
    ...unitsOf(units, 'control').map((unit) => ['', unit.pictures] as const),
    ...unitsOf(units, 'matched')
      .filter((unit) => unit.seed === seed)
      .map(
        (unit) => [unit.data === 'sprite-world' ? unit.model : `${unit.data}, ${unit.model}`, unit.pictures] as const,
      ),
  ];
  const parts: string[] = [];
  for (const [model, pictures] of named) {
    for (const [what, file] of Object.entries(pictures)) {
      const bytes = await readFileBounded(join(directory, 'media', file), { maxBytes: maxPictureBytes });
      const data = Buffer.from(bytes).toString('base64');
      const source = what === 'reconstructions' || model === '' ? what : `samples, latents from ${what}`;
      const label = [model, source].filter((text) => text !== '').join(': ');
      parts.push(`<p>${escapeHtml(label)}<br><img alt="${escapeHtml(label)}" src="data:image/png;base64,${data}"></p>`);
    }
  }
  return parts;
}
