// `metrics.jsonl`: one line of numbers a step, appended as training goes. A process that dies in the middle of a line loses that
// line alone: readers ignore a last line without its line break, and the next writer cuts it off.

import { ConfigError, FormatError } from '@tessera/core';
import { appendLines, pathInfo, readFileBounded, readFileRange, writeFileAtomic } from '@tessera/core/node';
import { shortText } from './config-layers.ts';
import { parseJson } from './json-file.ts';
import { formatVersion, metricsLineSchema } from './schemas.ts';

const NEWLINE = 0x0a;

/** The numbers of one step; non-finite ones in their places. */
export interface MetricsRecord {
  readonly step: number;
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly values: Readonly<Record<string, number>>;
}

/** Throws ConfigError unless the step is a count and the values are numbers under names. */
export function checkMetrics(step: number, values: Readonly<Record<string, number>>): void {
  if (!Number.isSafeInteger(step) || step < 0) {
    throw new ConfigError(`logMetrics: expected a step >= 0 that is a whole number, got ${shortText(step)}.`);
  }
  for (const [name, value] of Object.entries(values)) {
    if (name === '' || name === '__proto__') {
      throw new ConfigError(`logMetrics: expected another name for a metric than ${JSON.stringify(name)}.`);
    }
    if (typeof value !== 'number') {
      throw new ConfigError(`logMetrics: expected '${name}' to be a number, got ${shortText(value)}.`);
    }
  }
}

/** One line of `metrics.jsonl`, with its line break. NaN and infinities become null, and `nonFinite` says what they were. */
function metricsLine({ step, wallTime, values }: MetricsRecord): string {
  const odd = Object.entries(values).filter(([, value]) => !Number.isFinite(value));
  const marker =
    odd.length > 0 ? { nonFinite: Object.fromEntries(odd.map(([name, value]) => [name, String(value)])) } : {};
  // JSON.stringify writes null for them itself.
  return `${JSON.stringify({ formatVersion, step, wallTime, values, ...marker })}\n`;
}

/** Appends records to `metrics.jsonl`; one call at a time. */
export class MetricsLog {
  readonly #path: string;
  #repaired = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** Adds a line, after cutting off a line that an earlier process left unfinished. Throws FileError. */
  async append(record: MetricsRecord): Promise<void> {
    if (!this.#repaired) await cutUnfinishedLine(this.#path);
    this.#repaired = true;
    await appendLines(this.#path, metricsLine(record));
  }

  /** All records; none where there is no file. Throws FileError, and FormatError naming the line that is wrong. */
  async read(): Promise<MetricsRecord[]> {
    const lines = new TextDecoder()
      .decode(await this.#complete())
      .split('\n')
      .slice(0, -1);
    return lines.map((line, index) => parseLine(line, `${this.#path}:${index + 1}`));
  }

  /** How many complete lines there are. Throws FileError. */
  async count(): Promise<number> {
    const bytes = await this.#complete();
    return bytes.reduce((lines, byte) => (byte === NEWLINE ? lines + 1 : lines), 0);
  }

  /**
   * Keeps the first `lines` lines and returns the records of the others, which are gone then; the file is the old or the new one at any time.
   * Throws FileError, and FormatError naming a line that is wrong.
   */
  async keep(
    lines: number,
  ): Promise<{ readonly kept: readonly MetricsRecord[]; readonly dropped: readonly MetricsRecord[] }> {
    const records = await this.read();
    const [kept, dropped] = [records.slice(0, lines), records.slice(lines)];
    if (dropped.length > 0) {
      const bytes = await this.#complete();
      let end = 0;
      for (let line = 0; line < lines; line++) end = bytes.indexOf(NEWLINE, end) + 1;
      await writeFileAtomic(this.#path, bytes.subarray(0, end));
    }
    return { kept, dropped };
  }

  /** The file up to its last line break. */
  async #complete(): Promise<Uint8Array> {
    if (!(await pathInfo(this.#path))) return new Uint8Array();
    const bytes = await readFileBounded(this.#path);
    return bytes.subarray(0, bytes.lastIndexOf(NEWLINE) + 1);
  }
}

function parseLine(line: string, source: string): MetricsRecord {
  const { step, wallTime, values, nonFinite = {} } = parseJson(line, { schema: metricsLineSchema, source });
  const restored = Object.entries(values).map(([name, value]): [string, number] => {
    if (value !== null) return [name, value];
    const marker = Object.hasOwn(nonFinite, name) ? nonFinite[name] : undefined;
    if (marker === undefined) {
      throw new FormatError(`${source}: '${name}' is null without saying in nonFinite what it was.`);
    }
    return [name, Number(marker)];
  });
  return { step, wallTime, values: Object.fromEntries(restored) };
}

async function cutUnfinishedLine(path: string): Promise<void> {
  const info = await pathInfo(path);
  if (!info || info.bytes === 0) return;
  const [last] = await readFileRange(path, { offset: info.bytes - 1, length: 1 });
  if (last === NEWLINE) return;
  const bytes = await readFileBounded(path);
  await writeFileAtomic(path, bytes.subarray(0, bytes.lastIndexOf(NEWLINE) + 1));
}
