// How long each kind of work took and how fast it computed.
import type { PhaseTotals } from '@tessera/agent';

/** A kind of work; no interface, because those have no place for further fields. */
export type PhaseResult = { readonly seconds: number; readonly flops: number; readonly gflops: number };

/** Floating-point operations over time. */
export function phaseResults(phases: Readonly<Record<string, PhaseTotals>>): Record<string, PhaseResult> {
  return Object.fromEntries(
    Object.entries(phases).map(([name, { seconds, flops }]) => [
      name,
      { seconds, flops, gflops: seconds > 0 ? flops / seconds / 1e9 : 0 },
    ]),
  );
}

/** The same of a run so far as numbers to be logged, and how fast it imagines. They alone differ between two runs of one seed. */
export function speedMetrics(
  phases: Readonly<Record<string, PhaseTotals>>,
  imaginedSteps: number,
): Record<string, number> {
  const of = Object.entries(phaseResults(phases)).flatMap(([name, { seconds, gflops }]) => [
    [`speed/${name.replaceAll(' ', '_')}_seconds`, seconds],
    [`speed/${name.replaceAll(' ', '_')}_gflops`, gflops],
  ]);
  const imagining = phases['imagination'];
  return {
    ...Object.fromEntries(of),
    ...(imagining && { 'speed/imagined_steps_per_second': imaginedSteps / imagining.seconds }),
  };
}
