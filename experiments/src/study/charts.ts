// Figures of the report as inline SVG: lines with ranges, and bars. They carry their own colours and need no script.

/** A line of a chart: points in the order in which they are joined; `low` and `high` draw a range. */
export interface ChartSeries {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number; readonly low?: number; readonly high?: number }[];
  /** Points alone. */
  readonly scatter?: boolean;
  /** Dashes, for what is a reference and no model. */
  readonly dashed?: boolean;
}

/** How a chart is drawn. */
export interface ChartOptions {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  /** Logarithmic axes; numbers that are not positive are left out. */
  readonly logX?: boolean;
  readonly logY?: boolean;
}

const palette = ['#1f6f8b', '#d1495b', '#5a8f3d', '#b07d12', '#6b4fa0', '#444444', '#0f9b8e', '#c2579d'];
const [width, plotHeight] = [460, 220];
const margins = { left: 62, right: 12, bottom: 46 };
const legendColumns = 2;

/** Where things are: the names of the series stand in lines of two between title and plot, where no point can hide them. */
interface Frame {
  readonly names: readonly string[];
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

function frameFor(series: readonly { readonly name: string }[]): Frame {
  const names = series.length < 2 ? [] : series.map(({ name }) => name);
  const top = 32 + 15 * Math.ceil(names.length / legendColumns);
  return { names, left: margins.left, right: width - margins.right, top, bottom: top + plotHeight };
}

/** Escapes text for HTML and SVG. */
export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** A number as an axis and a table show it: three digits. */
export function shortNumber(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e5)) return value.toExponential(1).replace('e+', 'e');
  return String(Number(value.toPrecision(3)));
}

/** A chart of lines as an SVG element. */
export function lineChart(series: readonly ChartSeries[], options: ChartOptions): string {
  const shown = series.map((one) => ({ ...one, points: one.points.filter((point) => isShown(point, options)) }));
  const points = shown.flatMap((one) => one.points);
  if (points.length === 0) return `<p>${escapeHtml(options.title)}: nothing to show.</p>`;
  const frame = frameFor(series);
  const x = axis(
    points.map((point) => point.x),
    { log: options.logX === true, from: frame.left, to: frame.right },
  );
  const y = axis(
    points.flatMap((point) => [point.y, point.low ?? point.y, point.high ?? point.y]),
    { log: options.logY === true, from: frame.bottom, to: frame.top },
  );
  const body = shown.map((one, i) => {
    const colour = palette[i % palette.length]!;
    const at = one.points.map((point) => `${fix(x.place(point.x))},${fix(y.place(point.y))}`);
    const dash = one.dashed === true ? ' stroke-dasharray="5 4"' : '';
    const line =
      one.scatter === true || at.length < 2
        ? ''
        : `<polyline points="${at.join(' ')}" fill="none" stroke="${colour}" stroke-width="1.8"${dash}/>`;
    const marks = one.points.map((point) => {
      const [cx, cy] = [fix(x.place(point.x)), fix(y.place(point.y))];
      const range =
        point.low === undefined || point.high === undefined
          ? ''
          : `<line x1="${cx}" x2="${cx}" y1="${fix(y.place(point.low))}" y2="${fix(y.place(point.high))}" stroke="${colour}" stroke-width="1.2"/>`;
      return one.points.length > 24 ? range : `${range}<circle cx="${cx}" cy="${cy}" r="2.8" fill="${colour}"/>`;
    });
    return line + marks.join('');
  });
  return svg(options, frame, [
    ...x.ticks.map((tick) => {
      const at = fix(x.place(tick));
      return `<line x1="${at}" x2="${at}" y1="${frame.top}" y2="${frame.bottom}" stroke="#e4e4e4"/><text x="${at}" y="${frame.bottom + 15}" text-anchor="middle">${shortNumber(tick)}</text>`;
    }),
    ...rules(y, frame),
    ...body,
  ]);
}

/** Bars side by side, one group a label, as an SVG element. */
export function barChart(
  labels: readonly string[],
  series: readonly { readonly name: string; readonly values: readonly number[] }[],
  options: ChartOptions,
): string {
  const values = series.flatMap((one) => one.values).filter((value) => Number.isFinite(value));
  if (values.length === 0) return `<p>${escapeHtml(options.title)}: nothing to show.</p>`;
  const frame = frameFor(series);
  const y = axis([0, ...values], { log: false, from: frame.bottom, to: frame.top });
  const step = (frame.right - frame.left) / labels.length;
  const bar = Math.max(0.5, (step * 0.8) / series.length);
  const zero = y.place(0);
  const body = series.flatMap(({ values: own }, s) =>
    own.map((value, i) => {
      const top = Number.isFinite(value) ? y.place(value) : zero;
      const left = frame.left + i * step + step * 0.1 + s * bar;
      return `<rect x="${fix(left)}" y="${fix(Math.min(top, zero))}" width="${fix(bar)}" height="${fix(Math.abs(zero - top))}" fill="${palette[s % palette.length]!}"/>`;
    }),
  );
  const every = Math.ceil(labels.length / 12);
  return svg(options, frame, [
    ...rules(y, frame),
    ...body,
    ...labels.flatMap((label, i) =>
      i % every === 0
        ? [
            `<text x="${fix(frame.left + (i + 0.5) * step)}" y="${frame.bottom + 15}" text-anchor="middle">${escapeHtml(label)}</text>`,
          ]
        : [],
    ),
  ]);
}

function isShown(point: { readonly x: number; readonly y: number }, { logX, logY }: ChartOptions): boolean {
  const fits = (value: number, log: boolean | undefined) => Number.isFinite(value) && (log !== true || value > 0);
  return fits(point.x, logX) && fits(point.y, logY);
}

interface Axis {
  readonly ticks: readonly number[];
  place(value: number): number;
}

function axis(
  values: readonly number[],
  { log, from, to }: { readonly log: boolean; readonly from: number; readonly to: number },
): Axis {
  const usable = values.filter((value) => Number.isFinite(value) && (!log || value > 0));
  let [low, high] = [Math.min(...usable), Math.max(...usable)];
  if (low === high) {
    if (log) [low, high] = [low / 2, high * 2];
    else [low, high] = low === 0 ? [0, 1] : [low - Math.abs(low) / 2, low + Math.abs(low) / 2];
  }
  const scale = log ? Math.log : (value: number) => value;
  const margin = (scale(high) - scale(low)) * 0.06;
  const [start, end] = [scale(low) - (low === 0 ? 0 : margin), scale(high) + margin];
  const place = (value: number) =>
    from + ((scale(log ? Math.max(value, low / 2) : value) - start) / (end - start)) * (to - from);
  return { place, ticks: log ? logTicks(Math.exp(start), Math.exp(end)) : linearTicks(start, end) };
}

function linearTicks(low: number, high: number): number[] {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough)!;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) =>
    Number(((first + i) * step).toPrecision(12)),
  );
}

function logTicks(low: number, high: number): number[] {
  const span = high / low;
  const factors = span > 30 ? [1] : span > 4 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 8];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++) {
    for (const factor of factors) {
      const tick = factor * 10 ** power;
      if (tick >= low && tick <= high) ticks.push(tick);
    }
  }
  return ticks;
}

function rules(y: Axis, { left, right }: Frame): string[] {
  return y.ticks.map((tick) => {
    const at = fix(y.place(tick));
    return `<line x1="${left}" x2="${right}" y1="${at}" y2="${at}" stroke="#e4e4e4"/><text x="${left - 6}" y="${Number(at) + 4}" text-anchor="end">${shortNumber(tick)}</text>`;
  });
}

function svg(
  { title, x, y }: ChartOptions,
  { names, left, right, top, bottom }: Frame,
  parts: readonly string[],
): string {
  const height = bottom + margins.bottom;
  const legend = names.map((name, i) => {
    const [column, line] = [i % legendColumns, Math.floor(i / legendColumns)];
    const [at, middle] = [left + (column * (right - left)) / legendColumns, 33 + line * 15];
    return `<rect x="${fix(at)}" y="${middle - 5}" width="10" height="10" fill="${palette[i % palette.length]!}"/><text x="${fix(at + 14)}" y="${middle + 4}">${escapeHtml(name)}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeHtml(title)}" font-family="sans-serif" font-size="11" fill="#222">`,
    `<rect width="${width}" height="${height}" fill="#fff"/><text x="${left}" y="18" font-size="13" font-weight="bold">${escapeHtml(title)}</text>`,
    ...legend,
    ...parts,
    `<text x="${(right + left) / 2}" y="${height - 10}" text-anchor="middle">${escapeHtml(x)}</text>`,
    `<text transform="translate(14 ${(bottom + top) / 2}) rotate(-90)" text-anchor="middle">${escapeHtml(y)}</text>`,
    '</svg>',
  ].join('');
}

function fix(value: number): string {
  return value.toFixed(1);
}
