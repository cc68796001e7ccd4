// Compares training steps: first the same losses from the same arrays everywhere, then milliseconds a step in interleaved rounds, so that a busy machine slows all of them.
import { BackendError, InternalError } from '@tessera/core';
import { createEngine } from '@tessera/engine/node';
import type { BackendChoice, Engine } from '@tessera/engine';
import type { StepModel } from './models/step-model.ts';
import { peerTrainer } from './peer-trainer.ts';
import { quiet } from './quiet.ts';
import { registerStockWasmKernels } from './stock-wasm-kernels.ts';
import { engineTrainer, tapeTrainer } from './trainers.ts';
import type { Trainer } from './trainers.ts';

/** What `npm run bench` hands to a benchmark. */
export interface BenchOptions {
  readonly signal: AbortSignal;
  readonly rounds: number | undefined;
  readonly backend: string | undefined;
}

/** What it prints. */
export interface BenchResult {
  readonly ours: readonly number[];
  readonly theirs: readonly number[];
  readonly unit: string;
  readonly backend: string;
  readonly threads: number;
}

const threads = 2;
const lossSteps = 5;
const tolerance = 1e-3;

/**
 * `ours` is the engine on `backend` (the best at hand by default), `theirs` the PyTorch peer, or the tape where there is none. All others go to stderr.
 *
 * Throws InternalError when losses differ by more than a thousandth.
 */
export async function compareSteps<P extends object>(
  model: StepModel<P>,
  { signal, rounds = 7, backend, cpuSteps }: BenchOptions & { readonly cpuSteps: number },
): Promise<BenchResult> {
  const best = await createEngine(backend === undefined ? {} : { backend: backend as BackendChoice });
  report(best.note);
  const wasm = await createEngine({ backend: 'wasm' });
  const native = await tensorFlow();
  registerStockWasmKernels();
  const trainers = [engineTrainer(best, model)];
  for (const engine of [native, wasm]) {
    if (engine && engine.backend !== best.backend) trainers.push(engineTrainer(engine, model));
  }
  if (native) trainers.push(tapeTrainer('tensorflow', model));
  trainers.push(tapeTrainer('wasm', model));
  const peer = await peerTrainer(model, { threads, signal });
  if (peer) trainers.push(peer);
  else report('PyTorch: not compared. Set TESSERA_PYTHON to a Python that has torch and numpy.');
  try {
    const losses = await compareLosses(trainers, model, cpuSteps);
    report(`losses of the first steps: ${losses.map((loss) => loss.toFixed(6)).join(' ')}`);
    const medians = await timeRounds(trainers, { rounds, signal });
    const reference = peer ?? trainers.find(({ name }) => name.startsWith('tape'))!;
    printTable(trainers, medians, reference);
    return {
      ours: medians.get(trainers[0]!)!,
      theirs: medians.get(reference)!,
      unit: `ms/step (theirs: ${reference.name})`,
      backend: best.backend,
      threads,
    };
  } finally {
    for (const trainer of trainers) await trainer.dispose();
  }
}

async function tensorFlow(): Promise<Engine | undefined> {
  try {
    return await createEngine({ backend: 'tensorflow' });
  } catch (error) {
    if (!(error instanceof BackendError)) throw error;
    report(`${error.message}`);
    return undefined;
  }
}

async function compareLosses<P extends object>(
  trainers: readonly Trainer[],
  model: StepModel<P>,
  cpuSteps: number,
): Promise<number[]> {
  const expected = await trainers[0]!.losses(lossSteps);
  const check = (name: string, losses: readonly number[]) => {
    for (const [t, loss] of losses.entries()) {
      if (!(Math.abs(loss - expected[t]!) <= tolerance * Math.abs(expected[t]!))) {
        throw new InternalError(
          `${model.name}: losses differ at step ${t}: ${trainers[0]!.name} ${expected.join(' ')}, ${name} ${losses.join(' ')}`,
        );
      }
    }
  };
  for (const trainer of trainers.slice(1)) check(trainer.name, await trainer.losses(lossSteps));
  const cpu = engineTrainer(await createEngine({ backend: 'cpu' }), model);
  check('cpu', await cpu.losses(cpuSteps));
  return expected;
}

// Bursts of half a second or so, in turn; one number a round each.
async function timeRounds(
  trainers: readonly Trainer[],
  { rounds, signal }: { rounds: number; signal: AbortSignal },
): Promise<Map<Trainer, number[]>> {
  const steps = new Map<Trainer, number>();
  for (const trainer of trainers) {
    const times = await trainer.times(3);
    steps.set(trainer, Math.min(20, Math.max(1, Math.round(500 / median(times)))));
  }
  const medians = new Map<Trainer, number[]>(trainers.map((trainer) => [trainer, []]));
  let quietBursts = 0;
  for (let round = 0; round < rounds; round++) {
    for (const trainer of trainers) {
      signal.throwIfAborted();
      if (await quiet({ limit: 5000 })) quietBursts++;
      medians.get(trainer)!.push(median(await trainer.times(steps.get(trainer)!)));
    }
  }
  report(`${quietBursts} of ${rounds * trainers.length} bursts began on a quiet machine`);
  return medians;
}

function printTable(
  trainers: readonly Trainer[],
  medians: ReadonlyMap<Trainer, readonly number[]>,
  reference: Trainer,
): void {
  const theirs = medians.get(reference)!;
  for (const trainer of trainers) {
    const ours = medians.get(trainer)!;
    const ratio = median(ours.map((time, round) => time / theirs[round]!));
    const [middle, least] = [median(ours), Math.min(...ours)].map((time) => time.toFixed(1).padStart(8));
    report(
      `${trainer.name.padEnd(20)} ${middle} ms median ${least} ms least ${ratio.toFixed(2).padStart(7)} of ${reference.name}`,
    );
  }
}

/** The middle value; of two the lower. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)]!;
}

/** A line for people. */
export function report(line: string): void {
  process.stderr.write(`${line}\n`);
}
