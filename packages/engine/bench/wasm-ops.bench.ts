// Single ops on wasm: our kernels, called by recorded programs on variables, and TensorFlow.js's own. Checks the floors that training on wasm stands on.
import { env, setBackend, tensor } from '@tensorflow/tfjs-core';
import type { Tensor as TfTensor } from '@tensorflow/tfjs-core';
import { ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { assign, createEngine, fill } from '@tessera/engine';
import type { Engine } from '@tessera/engine';
import { median, report } from './compare-steps.ts';
import type { BenchOptions, BenchResult } from './compare-steps.ts';
import { normal } from './models/step-model.ts';
import { quiet } from './quiet.ts';
import { registerStockWasmKernels } from './stock-wasm-kernels.ts';
import { elementwiseCases, productCases } from './wasm-op-cases.ts';
import type { OpCase } from './wasm-op-cases.ts';

export const benchmark: {
  readonly name: string;
  readonly describe: string;
  run(options: BenchOptions): Promise<BenchResult>;
} = {
  name: 'wasm-ops',
  describe: 'single ops on wasm against those of TensorFlow.js: products in GFLOPS, element-wise ops in milliseconds',
  run,
};

interface Timed {
  readonly case: OpCase;
  /** Milliseconds of one call, by round. */
  readonly ours: number[];
  readonly stock: number[];
}

async function run({ signal, rounds = 7 }: BenchOptions): Promise<BenchResult> {
  const engine = await createEngine({ backend: 'wasm' });
  registerStockWasmKernels();
  env().set('IS_TEST', false);
  await setBackend('wasm');
  const runners = [...productCases, ...elementwiseCases].map((op) => ({
    timed: { case: op, ours: [], stock: [] } as Timed,
    ...callsOf(engine, op),
  }));
  for (const { ours, stock } of runners) for (const call of [ours, stock]) if (call) warmUp(call);
  let quietRounds = 0;
  for (let round = 0; round < rounds; round++) {
    if (await quiet({ limit: 5000 })) quietRounds++;
    for (const { timed, ours, stock } of runners) {
      signal.throwIfAborted();
      timed.ours.push(perCall(ours));
      if (stock) timed.stock.push(perCall(stock));
    }
  }
  for (const { dispose } of runners) dispose();
  report(`${quietRounds} of ${rounds} rounds began on a quiet machine`);
  const timings = runners.map(({ timed }) => timed);
  printProducts(timings.filter(({ case: op }) => op.flops !== undefined));
  printElementwise(timings.filter(({ case: op }) => op.flops === undefined));
  const compared = timings.filter(({ stock }) => stock.length > 0);
  const total = (times: (timed: Timed) => number[]) =>
    Array.from({ length: rounds }, (_, round) => compared.reduce((sum, timed) => sum + times(timed)[round]!, 0));
  return {
    ours: total(({ ours }) => ours),
    theirs: total(({ stock }) => stock),
    unit: 'ms for one call of each op',
    backend: 'wasm',
    threads: 1,
  };
}

function callsOf(
  engine: Engine,
  op: OpCase,
): { ours: () => void; stock: (() => void) | undefined; dispose: () => void } {
  const generator = npRandom(0);
  const arrays: NdArray<'float32'>[] = op.shapes.map((shape) => normal(generator, shape, 1));
  const inputs = Object.fromEntries(arrays.map((array, i) => [`x${i}`, array]));
  const shape = engine.eager(() => op.ours(op.shapes.map((sizes) => fill(sizes, 1))).shape);
  // The result becomes a variable, so that no copy out of the backend is part of the time.
  const state = engine.state({ inputs, result: ndarray('float32', shape) });
  const program = state.program(op.name, {}, (_, traced) => {
    assign(traced.result, op.ours(Object.values(traced.inputs)));
    return {};
  });
  const tensors: TfTensor[] = arrays.map((array) => tensor(array.data, [...array.shape]));
  const { stock } = op;
  return {
    ours: () => void program.run({}),
    stock: stock && (() => stock(tensors).dispose()),
    dispose: () => {
      program.dispose();
      state.dispose();
      for (const held of tensors) held.dispose();
    },
  };
}

// V8 optimises a wasm function only when it has been called a number of times.
function warmUp(call: () => void): void {
  const end = performance.now() + 1000;
  for (let i = 0; i < 40 && performance.now() < end; i++) call();
}

// The median over about 30 ms of calls.
function perCall(call: () => void): number {
  const first = performance.now();
  call();
  const count = Math.max(2, Math.ceil(30 / (performance.now() - first)));
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    call();
    times.push(performance.now() - start);
  }
  return median(times);
}

// Floors: 10 GFLOPS for small batched products, a third of the plain product for everything else.
function printProducts(timings: readonly Timed[]): void {
  const rate = ({ case: op }: Timed, times: readonly number[]) => op.flops! / (1e6 * median(times));
  const plain = rate(timings[0]!, timings[0]!.ours);
  for (const timed of timings) {
    const ours = rate(timed, timed.ours);
    const stock = timed.stock.length > 0 ? rate(timed, timed.stock).toFixed(1) : '-';
    const floor = timed.case.batched ? Math.min(10, plain / 3) : plain / 3;
    report(
      `${timed.case.name.padEnd(44)} ${ours.toFixed(1).padStart(6)} GFLOPS, stock ${stock.padStart(6)}, ${(ours / plain).toFixed(2)} of plain${ours < floor ? '  BELOW THE FLOOR' : ''}`,
    );
  }
}

// Ceiling: three times sigmoid.
function printElementwise(timings: readonly Timed[]): void {
  const sigmoid = median(timings[0]!.ours);
  for (const timed of timings) {
    const ours = median(timed.ours);
    const stock = timed.stock.length > 0 ? median(timed.stock).toFixed(2) : '-';
    report(
      `${timed.case.name.padEnd(44)} ${ours.toFixed(2).padStart(6)} ms, stock ${stock.padStart(6)}, ${(ours / sigmoid).toFixed(2)} of sigmoid${ours > 3 * sigmoid ? '  ABOVE THE CEILING' : ''}`,
    );
  }
}
