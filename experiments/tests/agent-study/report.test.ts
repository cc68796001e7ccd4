// Table and picture of the ablations, from units that are made up.
import { expect, test } from 'vitest';
import { agentChart, agentNotes, agentTable } from '../../src/agent-study/report.ts';
import { agentUnit } from './units.ts';

const units = [
  agentUnit('end-to-end', 0),
  agentUnit('default', 0, { returns: [0, 0, 4, 4] }),
  agentUnit('default', 1, { returns: [4, 4, 4, 4] }),
  agentUnit('default', 2, { returns: [4, 4, 4, 4], imaginationSince: null }),
  agentUnit('default', 3, { returns: [40, 40, 40, 40] }),
  // Accurate enough for an imagination that is not asked for.
  agentUnit('real-only', 0, { imaginedSteps: 0 }),
];

test('the table has means with their ranges, interquartile means of the seeds, and the cost of training without evaluation', () => {
  expect(agentTable(units)).toMatchInlineSnapshot(`
    "| changed | variant | seeds | return, drawn | IQM | return, greedy | IQM | changed tokens, % | 10 steps open loop, % | imagines since step | imagined steps | training, s | TFLOP |
    | --- | --- | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |
    | default | default | 4 | 12.50 [2.00, 40.00] | 4.00 | 25.00 [4.00, 80.00] | 8.00 | 95.1 | 90 | 3072 (3 of 4) | 8192 | 15 | 3 |
    | mode | end-to-end | 1 | 4.00 | 4.00 | 8.00 | 8.00 | 95.1 | 90 | 3072 | 8192 | 15 | 3 |
    | Dyna | real-only | 1 | 4.00 | 4.00 | 8.00 | 8.00 | 95.1 | 90 | – | 0 | 15 | 3 |"
  `);
});

test('the notes say what the numbers are of', () => {
  expect(agentNotes(units, 2)).toMatchInlineSnapshot(`
    "2048 steps, 4 episodes a seed; over the seeds: means [smallest, largest] and interquartile means (IQM); accuracies on held-out steps.
    Each variant is to be compared with default, end-to-end with ema.
    Policies that learn nothing: random 0.50.
    wasm, 2 runs side by side on 2 cores."
  `);
});

const linesAcross = (svg: string) =>
  [...svg.matchAll(/<line x1="([\d.]+)" x2="\1" [^>]*dasharray/g)].map(([, x]) => Number(x));
const barEnds = (svg: string) =>
  [...svg.matchAll(/<rect x="([\d.]+)" y="(\d+)" width="([\d.]+)" height="13"/g)].map(([, x, y, width]) => ({
    y: Number(y),
    end: Number(x) + Number(width),
  }));

test('the picture groups variants by what was changed, and its lines stand where the bars of the default end', () => {
  const svg = agentChart(units, 'A < B');
  expect(svg).toContain('A &lt; B');
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  const texts = [...svg.matchAll(/<text x="(8|140)"[^>]*>([^<]*)</g)].map(
    ([, x, text]) => `${x === '8' ? '# ' : ''}${text}`,
  );
  expect(texts).toEqual(['# A &lt; B', 'default', '# mode', 'end-to-end', '# Dyna', 'real-only']);
  const ends = barEnds(svg);
  expect(ends).toHaveLength(6);
  expect(new Set(ends.map(({ y }) => y)).size).toBe(3);
  const first = Math.min(...ends.map(({ y }) => y));
  const defaults = ends.filter(({ y }) => y === first).map(({ end }) => end);
  const lines = linesAcross(svg);
  expect(lines).toHaveLength(2);
  for (const [i, x] of lines.entries()) expect(x).toBeCloseTo(defaults[i]!, 1);
});

test('without the default there is no line', () => {
  expect(linesAcross(agentChart([agentUnit('vq', 0)], 'title'))).toEqual([]);
});
