import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { formatBytes, formatCount, formatNumber, formatSeconds } from '../src/format.ts';
import { createProgress } from '../src/progress.ts';
import { RateMeter } from '../src/rate.ts';
import { createReporter } from '../src/reporter.ts';
import { renderColumns, renderTable } from '../src/table.ts';

/** A stream that remembers, and a clock that is moved by hand. */
function stage(terminal?: { isTTY: boolean; columns: number }): {
  stream: { write: (text: string) => boolean };
  nowMs: () => number;
  at: (ms: number) => void;
  text: () => string;
} {
  let now = 0;
  const written: string[] = [];
  return {
    stream: { write: (text: string) => written.push(text) > 0, ...terminal },
    nowMs: () => now,
    at: (ms) => (now = ms),
    text: () => written.join(''),
  };
}

describe('formats', () => {
  test('seconds', () => {
    expect([0, 59.4, 59.6, 125, 3599.7, 3720, Infinity, NaN, -1].map(formatSeconds)).toEqual([
      '0 s',
      '59 s',
      '1 min 00 s',
      '2 min 05 s',
      '1 h 00 min',
      '1 h 02 min',
      '?',
      '?',
      '0 s',
    ]);
  });

  test('numbers, counts, bytes', () => {
    expect([0, 0.012345, 12.345, 12345.6, 1e-7, 42, -3e12, NaN].map(formatNumber)).toEqual([
      '0',
      '0.01235',
      '12.35',
      '12346',
      '1.000e-7',
      '42',
      '-3.000e+12',
      'NaN',
    ]);
    expect([12, 999, 3456, 999_999, 1.2e6, 7.1e9].map(formatCount)).toEqual([
      '12',
      '999',
      '3.46 k',
      '1 M',
      '1.2 M',
      '7.1 G',
    ]);
    expect([512, 1536, 3 * 2 ** 28].map(formatBytes)).toEqual(['512 B', '1.5 KiB', '768 MiB']);
  });

  test.prop([fc.double({ min: -1e300, max: 1e300, noNaN: true })])('a number keeps at least three digits', (value) => {
    expect(Math.abs(Number(formatNumber(value)) - value)).toBeLessThanOrEqual(1e-3 * Math.abs(value));
  });
});

describe('tables', () => {
  test('names left, values right, remarks after them; paths do not push the numbers away', () => {
    const rows = [
      { name: 'PSNR', value: '31.25', note: 'dB' },
      { name: 'ball recall', value: '0.9' },
      { name: 'run', value: 'runs/tokenizer-Breakout-v0-s0' },
    ];
    expect(`\n${renderTable(rows)}`).toMatchInlineSnapshot(`
      "
      PSNR         31.25  dB
      ball recall    0.9
      run          runs/tokenizer-Breakout-v0-s0"
    `);
  });

  test('columns are as wide as their widest cell', () => {
    expect(renderColumns(['a', 'long heading'], [['wide cell', 'b']])).toBe('a          long heading\nwide cell  b');
    expect(renderTable([])).toBe('');
  });
});

describe('RateMeter', () => {
  test.prop([fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 60 })])(
    'a constant speed is found exactly, whatever the interval',
    (interval, perUpdate, updates) => {
      let now = 0;
      const meter = new RateMeter(() => now);
      for (let i = 1; i <= updates; i++) {
        now = i * interval;
        meter.update(i * perUpdate);
      }
      expect(meter.perSecond).toBeCloseTo((perUpdate / interval) * 1000, 6);
      expect(meter.secondsLeft(updates * perUpdate)).toBe(0);
    },
  );

  test('a slow start is forgotten', () => {
    let now = 0;
    const meter = new RateMeter(() => now);
    now = 100_000;
    meter.update(10);
    for (let i = 1; i <= 60; i++) {
      now = 100_000 + i * 1000;
      meter.update(10 + i * 100);
    }
    expect(meter.perSecond).toBeCloseTo(100, 6);
    expect(meter.secondsLeft(7010)).toBeCloseTo(10, 6);
  });

  test('knows nothing at first', () => {
    expect(new RateMeter(() => 0).secondsLeft(10)).toBe(Infinity);
  });
});

describe('progress', () => {
  test('elsewhere than on a terminal: a line every five seconds and one at the end', () => {
    const { stream, nowMs, at, text } = stage();
    const progress = createProgress({ label: 'training', total: 100, unit: 'steps' }, { stream, nowMs });
    for (let second = 1; second <= 12; second++) {
      at(second * 1000);
      progress.update(second * 8, { loss: 1 / second });
    }
    progress.line('a line');
    progress.stop();
    progress.stop();
    expect(text()).toMatchInlineSnapshot(`
      "training: 40/100 steps (40 %), 8 steps/s, 8 s left, loss 0.2
      training: 80/100 steps (80 %), 8 steps/s, 3 s left, loss 0.1
      a line
      training: 96/100 steps (96 %), 8 steps/s, 1 s left, loss 0.08333
      "
    `);
  });

  test('on a terminal: a bar that fits, that lines can pass, and that ends with a line break', () => {
    const { stream, nowMs, at, text } = stage({ isTTY: true, columns: 60 });
    const progress = createProgress({ label: 'training', total: 100, unit: 'steps' }, { stream, nowMs });
    at(1000);
    progress.update(50, { loss: 0.5 });
    progress.line('a line');
    progress.stop();
    progress.stop();
    progress.update(60);
    // oxlint-disable-next-line no-control-regex -- what a terminal does with these is not the point here
    const plain = text().replaceAll(/\u001b(\[[?\d;]*[A-Za-z]|[78])/g, '');
    const bar = plain.split(/[\r\n]/).findLast((line) => line.includes('50 %'));
    expect(plain).toContain('\ra line\n');
    expect(bar).toMatchInlineSnapshot(`"training [======     ]  50 % 50 steps/s, 1 s left, loss 0.5"`);
    expect(bar!.length).toBeLessThan(60);
    expect(plain.endsWith('\n')).toBe(true);
  });

  test('a reporter stops one progress when the next begins, and at the end', () => {
    const { stream, nowMs, text } = stage();
    const reporter = createReporter(stream, nowMs);
    reporter.progress({ label: 'collecting', total: 2, unit: 'frames' }).update(1);
    reporter.progress({ label: 'training', total: 2, unit: 'steps' }).update(2);
    reporter.line('between');
    reporter.close();
    reporter.table([{ name: 'a', value: 'b' }]);
    expect(text()).toMatchInlineSnapshot(`
      "collecting: 1/2 frames (50 %), 0 frames/s, ? left
      between
      training: 2/2 steps (100 %), 0 steps/s
      a  b
      "
    `);
  });
});
