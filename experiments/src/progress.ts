// How far a run is: a bar on a terminal, a plain line every few seconds elsewhere (a log file, CI). Always on stderr, since stdout
// is for data.

import cliProgress from 'cli-progress';
import { formatCount, formatNumber, formatSeconds } from './format.ts';
import { RateMeter } from './rate.ts';

/** Where human lines go. */
export interface HumanStream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

/** What is counted. */
export interface ProgressOptions {
  /** Before the bar: `training`. */
  readonly label: string;
  readonly total: number;
  /** Plural: `steps`. */
  readonly unit: string;
}

/** Something that goes on. */
export interface Progress {
  /** So much is done; `values` are shown beside it. */
  update(done: number, values?: Readonly<Record<string, number>>): void;
  /** Shows where it ended; safe to call twice. */
  stop(): void;
}

/** A progress that can let other lines pass. */
export interface ProgressView extends Progress {
  /** Writes a line above the bar. */
  line(text: string): void;
}

interface Surroundings {
  readonly stream: HumanStream;
  /** A clock in milliseconds. */
  readonly nowMs: () => number;
}

const PLAIN_EVERY_MS = 5000;

/** A bar on a terminal, plain lines elsewhere. */
export function createProgress(options: ProgressOptions, surroundings: Surroundings): ProgressView {
  return surroundings.stream.isTTY === true ? terminalBar(options, surroundings) : plainLines(options, surroundings);
}

interface State {
  done: number;
  values: Readonly<Record<string, number>>;
}

/** `310 steps/s, 12 s left, loss 0.0123`. */
function details({ total, unit }: ProgressOptions, meter: RateMeter, { done, values }: State): string {
  const left = done >= total ? [] : [`${formatSeconds(meter.secondsLeft(total))} left`];
  const shown = Object.entries(values).map(([name, value]) => `${name} ${formatNumber(value)}`);
  return [`${formatCount(meter.perSecond)} ${unit}/s`, ...left, ...shown].join(', ');
}

function percent(done: number, total: number): string {
  return `${total > 0 ? Math.floor((100 * Math.min(done, total)) / total) : 100} %`;
}

function plainLines(options: ProgressOptions, { stream, nowMs }: Surroundings): ProgressView {
  const { label, total, unit } = options;
  const meter = new RateMeter(nowMs);
  const state: State = { done: 0, values: {} };
  let shownAt = nowMs();
  let shown: number | undefined;
  const show = (): void => {
    stream.write(
      `${label}: ${state.done}/${total} ${unit} (${percent(state.done, total)}), ${details(options, meter, state)}\n`,
    );
    shownAt = nowMs();
    shown = state.done;
  };
  return {
    update(done, values = state.values) {
      meter.update(done);
      state.done = done;
      state.values = values;
      if (nowMs() - shownAt >= PLAIN_EVERY_MS) show();
    },
    stop() {
      if (shown !== state.done) show();
    },
    line: (text) => void stream.write(`${text}\n`),
  };
}

function terminalBar(options: ProgressOptions, { stream, nowMs }: Surroundings): ProgressView {
  const { label, total } = options;
  const meter = new RateMeter(nowMs);
  const state: State = { done: 0, values: {} };
  const render = (): string => {
    const text = ` ${percent(state.done, total).padStart(5)} ${details(options, meter, state)}`;
    const room = (stream.columns ?? 80) - label.length - text.length - 4;
    const width = Math.max(0, Math.min(30, room));
    const full = total > 0 ? Math.round((width * Math.min(state.done, total)) / total) : width;
    const bar = width < 5 ? '' : `[${'='.repeat(full)}${' '.repeat(width - full)}]`;
    return `${label} ${bar}${text}`.slice(0, (stream.columns ?? 80) - 1);
  };
  const bar = new cliProgress.SingleBar({
    stream: stream as NodeJS.WritableStream,
    format: render,
    fps: 10,
    forceRedraw: true,
    // Otherwise it switches the terminal's line wrapping off, and a killed process leaves it so.
    linewrap: true,
    // The command handles signals itself; the bar is stopped by whoever made it.
    gracefulExit: false,
  });
  bar.start(total, 0);
  let stopped = false;
  return {
    update(done, values = state.values) {
      if (stopped) return;
      meter.update(done);
      state.done = done;
      state.values = values;
      bar.update(Math.min(done, total));
    },
    stop() {
      if (!stopped) bar.stop();
      stopped = true;
    },
    line: (text) => void stream.write(`\r\u001b[K${text}\n`),
  };
}
