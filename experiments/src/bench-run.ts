// One benchmark from its preparation to its numbers: start both sides, see that they agree, time them in rounds.

import { FormatError } from '@tessera/core';
import { checkAgreement } from './bench-agreement.ts';
import { findPython, startPeer } from './bench-peer.ts';
import type { PeerOptions } from './bench-peer.ts';
import { quiet } from './bench-quiet.ts';
import { othersText } from './bench-report.ts';
import { timeRounds } from './bench-rounds.ts';
import type { Benchmark, BenchOptions, BenchResult, Comparison, Peer, Side } from './benchmark.ts';
import { formatNumber } from './format.ts';

/** How to run it. */
export interface RunOptions extends BenchOptions, Omit<PeerOptions, 'python'> {
  readonly rounds: number;
  /** Our side alone. */
  readonly alone: boolean;
  /** Further sides too. */
  readonly others: boolean;
  /** Takes lines for people. */
  readonly say: (text: string) => void;
}

/** What came of it. */
export interface Run {
  readonly result: BenchResult;
  /** What a unit of work handles. */
  readonly rates: Comparison['items'];
}

/** Values may differ by so much: float32, and products whose factors are rounded to 8 bits of mantissa. */
const tolerances = { float32: 1e-3, bf16: 0.1 } as const;

const quietLimit = 5000;

/** Runs a benchmark. Throws NoPeerError where its peer cannot run, and InternalError when the sides disagree. */
export async function runBenchmark(benchmark: Benchmark, options: RunOptions): Promise<Run> {
  const { rounds, threads, precision, tiny, alone, others, extra, signal, say } = options;
  const comparison = await benchmark.prepare(options);
  const { ours, unit, items, backend } = comparison;
  const sides: Side[] = [ours];
  try {
    if (!alone) sides.push(await sideOf(comparison.theirs, options));
    say(comparison.note);
    if (sides[1]) say(`against ${sides[1].name}`);
    if (others) sides.push(...((await comparison.others?.()) ?? []));
    const rounded = precision === 'bf16' || extra.includes('bf16');
    const tolerance = tolerances[rounded ? 'bf16' : 'float32'];
    const expected = { name: ours.name, values: await ours.values() };
    for (const side of sides.slice(1)) {
      signal.throwIfAborted();
      const agreed = checkAgreement(expected, { name: side.name, values: await side.values() }, { tolerance });
      say(
        `${side.name} agrees in ${agreed.arrays} arrays; most different: ${agreed.worst}, by ${formatNumber(agreed.difference)}`,
      );
    }
    const burst = tiny ? 5 : 500;
    const wait = tiny ? async (): Promise<boolean> => true : () => quiet({ limit: quietLimit });
    const { times, counts, quietBursts } = await timeRounds(sides, { rounds, signal, burst, quiet: wait });
    say(
      `${rounds} rounds of ${counts.join(' and ')} times; ${quietBursts} of ${rounds * sides.length} bursts began on a quiet machine`,
    );
    const further = sides.slice(alone ? 1 : 2);
    const reference = sides[1] ?? ours;
    const referenceTimes = times[sides.indexOf(reference)]!;
    if (further.length > 0) {
      say(othersText(further, times.slice(alone ? 1 : 2), { name: reference.name, times: referenceTimes }));
    }
    for (const line of comparison.report?.() ?? []) say(line);
    const measured = precision === 'bf16' ? `${backend} (bf16)` : backend;
    const used = backend.startsWith('tensorflow') ? threads : 1; // all else is single-threaded
    const result = { ours: times[0]!, theirs: alone ? [] : times[1]!, unit, backend: measured, threads: used };
    checkResult(benchmark.name, result);
    return { result, rates: items };
  } finally {
    for (const side of sides) await side.dispose();
  }
}

async function sideOf(theirs: Side | Peer, options: RunOptions): Promise<Side> {
  if ('times' in theirs) return theirs;
  return startPeer(theirs, { ...options, python: await findPython(options.variables, theirs.modules) });
}

function checkResult(name: string, { ours, theirs }: BenchResult): void {
  if ([...ours, ...theirs].every((value) => Number.isFinite(value) && value > 0)) return;
  throw new FormatError(`${name}: expected times > 0, got ours [${ours.join(', ')}], theirs [${theirs.join(', ')}].`);
}
