// What an experiment tells the person in front of the terminal: lines and one progress at a time, on stderr.

import { createProgress } from './progress.ts';
import type { HumanStream, Progress, ProgressOptions, ProgressView } from './progress.ts';
import { renderTable } from './table.ts';
import type { TableRow } from './table.ts';

/** The human side of a command. */
export interface Reporter {
  /** One line; a bar on the screen moves down. */
  line(text: string): void;
  /** An aligned table. */
  table(rows: readonly TableRow[]): void;
  /** Starts showing how far something is; what was shown before is stopped. */
  progress(options: ProgressOptions): Progress;
  /** Stops what is shown, whatever happened to who started it. */
  close(): void;
}

/** A reporter that writes to `stream`; `nowMs` is a clock in milliseconds. */
export function createReporter(stream: HumanStream, nowMs: () => number): Reporter {
  let shown: ProgressView | undefined;
  const line = (text: string): void => {
    if (shown) shown.line(text);
    else stream.write(`${text}\n`);
  };
  const close = (): void => {
    shown?.stop();
    shown = undefined;
  };
  return {
    line,
    close,
    table: (rows) => line(renderTable(rows)),
    progress(options) {
      close();
      const view = createProgress(options, { stream, nowMs });
      shown = view;
      return {
        update: (done, values) => view.update(done, values),
        stop() {
          view.stop();
          if (shown === view) shown = undefined;
        },
      };
    },
  };
}
