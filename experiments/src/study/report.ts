// The report of the study: one HTML file that needs nothing else, with figures as SVG and pictures as PNG inside it.
import { barChart, escapeHtml, lineChart, shortNumber } from './charts.ts';
import type { ChartSeries } from './charts.ts';
import { familyAtRate, gapShare, middleRate, samplesAt, unitsOf } from './claims.ts';
import type { Claim } from './claims.ts';
import { spreadOf } from './compare.ts';
import type { StudyConfig } from './config.ts';
import { codeUsage, figures, modelTables, picturePart, rangeCell, table } from './report-parts.ts';
import type { CollapseUnit, MatchedUnit, StudyUnit } from './units.ts';

/** What the report is made of. */
export interface ReportContent {
  readonly units: readonly StudyUnit[];
  readonly claims: readonly Claim[];
  readonly config: StudyConfig;
  readonly seconds: number;
  readonly command: string;
  readonly backend: string;
  /** The run folder, whose pictures are put in. */
  readonly directory: string;
}

const style = `body{font:15px/1.5 sans-serif;max-width:1160px;margin:2em auto;padding:0 1em;color:#222}
h1,h2{line-height:1.2}table{border-collapse:collapse;margin:1em 0;font-size:13px}td,th{border:1px solid #ccc;padding:3px 8px;text-align:left}
td.n{text-align:right}.held{color:#1d6b2c}.not{color:#a4231c}figure{display:inline-block;margin:0 8px 8px 0}img{image-rendering:pixelated;max-width:100%}.caption{margin-top:0;color:#555;font-size:13px}td:first-child{white-space:nowrap}.claims td:first-child{white-space:normal}code{background:#f2f2f2}`;

/** The whole HTML file. */
export async function renderReport(content: ReportContent): Promise<string> {
  const { units, claims, config, seconds, command, backend } = content;
  const sprites = unitsOf(units, 'matched').filter((unit) => unit.data === 'sprite-world');
  const parts = [
    '<h1>VAE or VQ-VAE?</h1>',
    `<p>Measured with <code>${escapeHtml(command)}</code> on the backend ${escapeHtml(backend)} in ${shortNumber(seconds / 60)} minutes of work. Ranges are the smallest and largest of the seeds; two models differ only where their ranges do not overlap${config.seeds === 1 ? ', and with one seed, as here, a range is a point: take no small difference for one' : ''}.</p>`,
    '<p>Published numbers do not show VQ-VAEs ahead in likelihood or reconstruction (CIFAR-10: 4.67 bits a dimension against 4.51 of the VAE, arXiv 1711.00937). What can be claimed has to be compared at the same rate, and with a learned prior on both sides.</p>',
    '<h2>The usual claims</h2>',
    `<p>${escapeHtml(summary(claims))}</p>`,
    claimTable(claims),
    '<h2>Real frames and the parser</h2>',
    ...controlPart(units),
    '<h2>A. Collapse against an exact oracle</h2>',
    ...linearPart(units),
    '<h2>B. Collapse with a strong decoder</h2>',
    ...collapsePart(units),
    '<h2>C. Sharpness at matched rate</h2>',
    ...ratePart(sprites, units, config),
    '<h2>D. Mode coverage of samples</h2>',
    ...coveragePart(sprites, config),
    `<h2>Frames of ${escapeHtml(config.environment.id)}</h2>`,
    ...environmentPart(units, config),
    '<h2>Pictures</h2>',
    ...(await picturePart(content)),
    '<h2>Settings</h2>',
    `<pre>${escapeHtml(JSON.stringify(config, null, 2))}</pre>`,
  ];
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>VAE or VQ-VAE?</title><style>${style}</style></head><body>${parts.join('\n')}</body></html>\n`;
}

/** How many claims came out how. */
function summary(claims: readonly Claim[]): string {
  const verdicts = [...new Set(claims.map(({ verdict }) => verdict))];
  const counts = verdicts.map((verdict) => `${verdict}: ${claims.filter((claim) => claim.verdict === verdict).length}`);
  return `Of ${claims.length} claims, each at its rate, ${counts.join('; ')}.`;
}

function claimTable(claims: readonly Claim[]): string {
  const rows = claims.map(({ claim, verdict, rateBits, evidence }) => {
    const mark = verdict === 'held' ? 'held' : verdict === 'did not hold' ? 'not' : '';
    return `<tr><td>${escapeHtml(claim)}</td><td class="${mark}"><b>${verdict}</b></td><td class="n">${rateBits === null ? '–' : shortNumber(rateBits)}</td><td>${escapeHtml(evidence)}</td></tr>`;
  });
  return `<table class="claims"><tr><th>claim</th><th>verdict</th><th>rate, bits a frame</th><th>measured</th></tr>${rows.join('')}</table>`;
}

function controlPart(units: readonly StudyUnit[]): string[] {
  return unitsOf(units, 'control').map(
    (unit) =>
      `<p>${unit.frames} real frames: the parser finds ${unit.modes} of 640 modes and reads ${shortNumber(100 * unit.accuracy)} % of the frames as they are; ${shortNumber(100 * unit.invalid)} % are beyond the threshold of ${shortNumber(unit.threshold)}, their own 99.9th percentile; the ball is found in ${shortNumber(100 * unit.ballRecall)} %. KL of their modes to uniform: ${shortNumber(unit.klToUniform)} nats, which is what the size of the sample leaves. Fréchet distances below are of random features, in no relation to published ones; two sets of real frames are ${shortNumber(unit.frechet)} apart.</p>`,
  );
}

function linearPart(units: readonly StudyUnit[]): string[] {
  const linear = unitsOf(units, 'linear');
  const [first] = linear;
  if (first === undefined) return [];
  return [
    table(
      ['seed', 'active units', 'exact', 'KL, nats', 'exact', 'mutual information, nats', 'its ceiling ln N'],
      linear.map((unit) => [
        unit.seed,
        unit.activeUnits,
        unit.optimalActiveUnits,
        unit.totalKl,
        unit.optimalTotalKl,
        unit.mutualInformation.nats,
        unit.mutualInformation.ceiling,
      ]),
    ),
    figures(
      [
        barChart(
          first.kl.map((_, i) => String(i + 1)),
          [
            { name: `measured, seed ${first.seed}`, values: first.kl },
            { name: 'closed form', values: first.optimalKl },
          ],
          { title: 'KL per unit of the linear VAE', x: 'unit, largest first', y: 'nats' },
        ),
      ],
      'Data of a Gaussian with the eigenvalues 4, 2, 1, 0.5, 0.25, 0.11, 0.09 and 0.05, noise 0.1: the two below the noise collapse, as they should.',
    ),
  ];
}

function collapsePart(units: readonly StudyUnit[]): string[] {
  const collapse = unitsOf(units, 'collapse');
  const models = [...new Set(collapse.map((unit) => unit.model))];
  const [seed] = collapse.map((unit) => unit.seed);
  const strong = collapse.filter((unit) => unit.decoder === 'strong' && unit.seed === seed && unit.klPerUnit !== null);
  return [
    '<p>Frames at eight levels a channel, every number one class of eight, so likelihoods are exact and the same for all. The strong decoder also sees the true numbers before each one. The gap is what the latents of another frame add to <code>-ln p(x | z)</code>. Mutual information is estimated on at most 1,000 frames, which show no more than ln 1000 = 6.91 nats.</p>',
    collapseTable(collapse),
    figures(
      [
        barChart(
          models,
          (['weak', 'strong'] as const).map((decoder) => ({
            name: `${decoder} decoder`,
            values: models.map((model) => meanGap(collapse, { model, decoder })),
          })),
          { title: 'Latent ablation gap', x: '', y: 'bits a frame' },
        ),
        lineChart(
          strong.map((unit) => ({
            name: unit.model,
            points: unit.klPerUnit!.toSorted((a, b) => b - a).map((y, i) => ({ x: i + 1, y })),
          })),
          { title: 'KL per unit with the strong decoder', x: 'unit, largest first', y: 'nats' },
        ),
      ],
      'Left: means over the seeds. Right: the first seed.',
    ),
  ];
}

function collapseTable(units: readonly CollapseUnit[]): string {
  const names = [...new Set(units.map((unit) => `${unit.model}\n${unit.decoder}`))];
  const rows = names.map((name) => {
    const own = units.filter((unit) => `${unit.model}\n${unit.decoder}` === name);
    const range = (value: (unit: CollapseUnit) => number | null) => rangeCell(spreadOf(own.map(value)));
    return [
      ...name.split('\n'),
      range((unit) => unit.nllBits),
      range((unit) => unit.gapBits),
      range((unit) => gapShare(unit, units)),
      range((unit) => unit.rateBits),
      range((unit) => unit.activeUnits),
      range((unit) => unit.mutualInformation?.nats ?? null),
      range((unit) => unit.usage),
      range((unit) => unit.perplexity),
      range((unit) => unit.perplexityCeiling),
    ];
  });
  const all = units.find((unit) => unit.units !== null)?.units;
  return table(
    [
      'model',
      'decoder',
      '-ln p(x|z), bits',
      'gap, bits',
      "of the weak decoder's",
      'rate, bits',
      all === undefined ? 'active units' : `active units of ${all}`,
      'mutual information, nats',
      'code usage',
      'perplexity',
      'its ceiling',
    ],
    rows,
  );
}

function meanGap(
  units: readonly CollapseUnit[],
  { model, decoder }: { readonly model: string; readonly decoder: CollapseUnit['decoder'] },
): number {
  return spreadOf(units.filter((unit) => unit.model === model && unit.decoder === decoder).map((unit) => unit.gapBits))
    .mean;
}

/** A family of models as points of mean rate and mean value over the seeds. */
function family(
  units: readonly MatchedUnit[],
  {
    kind,
    name,
    value,
  }: {
    readonly kind: MatchedUnit['kind'];
    readonly name: string;
    readonly value: (unit: MatchedUnit) => number | null;
  },
): ChartSeries {
  const models = [...new Set(units.filter((unit) => unit.kind === kind).map((unit) => unit.model))];
  const points = models.map((model) => {
    const own = units.filter((unit) => unit.model === model);
    const spread = spreadOf(own.map(value));
    return { x: spreadOf(own.map((unit) => unit.rateBits)).mean, y: spread.mean, low: spread.low, high: spread.high };
  });
  return { name, points: points.toSorted((a, b) => a.x - b.x) };
}

/** The two figures that say most, as SVG by the names of their files. */
export function rateCharts(sprites: readonly MatchedUnit[]): Record<'rate-distortion' | 'sharpness', string> {
  return {
    'rate-distortion': rateChart(sprites, {
      title: 'Rate and distortion',
      y: 'MSE',
      value: (unit) => unit.mse,
      logY: true,
    }),
    sharpness: rateChart(sprites, {
      title: 'Sharpness of reconstructions',
      y: 'Laplacian variance, real = 1',
      value: (unit) => unit.sharpnessMean,
    }),
  };
}

interface RateChart {
  readonly title: string;
  readonly y: string;
  readonly value: (unit: MatchedUnit) => number | null;
  readonly logY?: boolean;
}

function rateChart(sprites: readonly MatchedUnit[], { title, y, value, logY = false }: RateChart): string {
  const lines = [
    family(sprites, { kind: 'vae', name: 'VAE, beta varies', value }),
    family(sprites, { kind: 'vq', name: 'VQ-VAE', value }),
  ];
  const plain = spreadOf(sprites.filter((unit) => unit.kind === 'ae').map(value)).mean;
  const ends = lines.flatMap((line) => line.points.map((point) => point.x)).filter((x) => Number.isFinite(x));
  const reference = {
    name: 'plain AE (no rate)',
    dashed: true,
    points: [Math.min(...ends), Math.max(...ends)].map((x) => ({ x, y: plain })),
  };
  return lineChart([...lines, reference], { title, x: 'rate, bits a frame', y, logX: true, logY });
}

function ratePart(sprites: readonly MatchedUnit[], units: readonly StudyUnit[], config: StudyConfig): string[] {
  const { rates } = config.matched;
  const measures: readonly (readonly [string, (unit: MatchedUnit) => number | null])[] = [
    ['MSE', (unit) => unit.mse],
    ["MSE of the posteriors' means", (unit) => (unit.kind === 'vq' ? null : (unit.ofMeans?.mse ?? null))],
    ['PSNR, dB', (unit) => unit.psnr],
    ['SSIM', (unit) => unit.ssim],
    ['foreground PSNR, dB', (unit) => unit.foregroundPsnr],
    ['ball recall', (unit) => unit.ballRecall],
    ['Laplacian variance, mean', (unit) => unit.sharpnessMean],
    ['high frequencies', (unit) => unit.highFrequency],
  ];
  const control = unitsOf(units, 'control').map((unit) => ({
    name: 'real frames',
    dashed: true,
    points: spectrumPoints(unit.spectrum),
  }));
  const [seed] = sprites.map((unit) => unit.seed);
  const spectra = sprites.filter(
    (unit) => unit.seed === seed && (unit.kind !== 'vae' || isNearMiddle(unit, sprites, middleRate(config))),
  );
  return [
    '<p>The rate of a VAE is its KL, that of a VQ-VAE its tokens times log2 K. A VAE decodes draws of its posteriors, which is what its KL pays for; their means carry bits that it does not bound. At a rate between two betas the VAE is interpolated, never beyond them. Laplacian variance and high frequencies are over those of real frames.</p>',
    table(
      ['measure', ...rates.flatMap((rate) => [`VAE, ${rate} bits`, `VQ-VAE, ${rate} bits`])],
      measures.map(([name, measure]) => [
        name,
        ...rates.flatMap((rate) =>
          (['vae', 'vq'] as const).map((kind) => rangeCell(familyAtRate(sprites, kind, { rate, measure }))),
        ),
      ]),
    ),
    figures(
      [
        ...Object.values(rateCharts(sprites)),
        rateChart(sprites, {
          title: 'Errors on sprites and ball',
          y: 'foreground PSNR, dB',
          value: (unit) => unit.foregroundPsnr,
        }),
        rateChart(sprites, { title: 'Ball recall', y: 'share of frames', value: (unit) => unit.ballRecall }),
        lineChart(
          [...control, ...spectra.map((unit) => ({ name: unit.model, points: spectrumPoints(unit.spectrum) }))],
          { title: 'Spectra of reconstructions', x: 'cycles over the frame', y: 'energy', logY: true },
        ),
      ],
      'Points are means over the seeds, vertical lines go from the smallest to the largest. Spectra are of the first seed.',
    ),
    ...modelTables(sprites),
    codeUsage(sprites.filter((unit) => unit.seed === seed && unit.codeCounts !== null)),
  ];
}

function spectrumPoints(spectrum: readonly number[]): { x: number; y: number }[] {
  return spectrum.slice(1).map((y, i) => ({ x: i + 1, y }));
}

/** Whether a model is the VAE of its seed that is nearest the middle rate. */
function isNearMiddle(unit: MatchedUnit, units: readonly MatchedUnit[], rate: number): boolean {
  return (
    samplesAt(
      units.filter((other) => other.seed === unit.seed),
      { kind: 'vae', source: 'N(0, I)', rate },
    )[0] === unit
  );
}

function coveragePart(sprites: readonly MatchedUnit[], config: StudyConfig): string[] {
  const keys = [
    ...new Set(sprites.flatMap((unit) => Object.keys(unit.samples).map((source) => `${unit.model}\n${source}`))),
  ];
  const rows = keys.map((key) => {
    const [model, source] = key.split('\n') as [string, string];
    const own = sprites.filter((unit) => unit.model === model && unit.samples[source] !== undefined);
    const range = (value: (unit: MatchedUnit) => number | null) => rangeCell(spreadOf(own.map(value)));
    return [
      model,
      source,
      spreadOf(own.map((unit) => unit.samples[source]!.count)).mean,
      range((unit) => unit.rateBits),
      range((unit) => unit.samples[source]!.modes),
      range((unit) => unit.samples[source]!.klToUniform),
      range((unit) => unit.samples[source]!.invalid),
      range((unit) => unit.samples[source]!.frechet),
      range((unit) => unit.samples[source]!.sharpnessMean),
      range((unit) => unit.samples[source]!.sharpnessMin),
      range((unit) => unit.samples[source]!.highFrequency),
    ];
  });
  return [
    `<p>A sample is invalid when it is farther from its nearest template than 99.9 % of real frames are from theirs. The claims above take, of each family, the model nearest ${middleRate(config)} bits.</p>`,
    table(
      [
        'model',
        'latents from',
        'samples',
        'rate, bits',
        'modes of 640',
        'KL to uniform, nats',
        'invalid',
        'Fréchet',
        'sharpness mean',
        'min',
        'high frequencies',
      ],
      rows,
    ),
  ];
}

function environmentPart(units: readonly StudyUnit[], { environment }: StudyConfig): string[] {
  const own = unitsOf(units, 'matched').filter((unit) => unit.data === environment.id);
  return [
    '<p>Reconstructions alone, one seed, random actions.</p>',
    table(
      ['model', 'rate, bits', 'NMSE', 'PSNR, dB', 'SSIM', 'ball recall', 'sharpness mean', 'usage', 'ceiling'],
      own.map((unit) => [
        unit.model,
        unit.rateBits,
        unit.nmse,
        unit.psnr,
        unit.ssim,
        unit.ballRecall,
        unit.sharpnessMean,
        unit.usage,
        unit.usageCeiling,
      ]),
    ),
    figures(
      [
        lineChart(
          [
            family(own, { kind: 'vae', name: 'VAE, beta varies', value: (unit) => unit.mse }),
            family(own, { kind: 'vq', name: 'VQ-VAE', value: (unit) => unit.mse }),
          ],
          {
            title: `Rate and distortion on ${environment.id}`,
            x: 'rate, bits a frame',
            y: 'MSE',
            logX: true,
            logY: true,
          },
        ),
      ],
      'One seed.',
    ),
  ];
}
