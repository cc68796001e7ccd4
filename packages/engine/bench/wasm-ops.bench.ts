// Single ops on wasm: our kernels, called by recorded programs on variables, and TensorFlow.js's own. Checks the floors that training on wasm stands on.
import { env, setBackend, tensor } from '@tensorflow/tfjs-core';
import type { Tensor as TfTensor } from '@tensorflow/tfjs-core';
import { ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { assign, createEngine, fill } from '@tessera/engine';
import type { Engine } from '@tessera/engine';
import type { Benchmark, Comparison, Side } from '@tessera/experiments';
import { normal } from './models/step-model.ts';
import { registerStockWasmKernels } from './stock-wasm-kernels.ts';
import { elementwiseCases, productCases } from './wasm-op-cases.ts';
import type { OpCase } from './wasm-op-cases.ts';

export const benchmark: Benchmark = {
  name: 'wasm-ops',
  describe: 'Single ops on wasm against those of TensorFlow.js: products in GFLOPS, element-wise ops in milliseconds.',
  prepare,
};

interface Timed {
  readonly case: OpCase;
  /** Milliseconds of one call, by round. */
  readonly ours: number[];
  readonly stock: number[];
}

async function prepare({ tiny }: { readonly tiny: boolean }): Promise<Comparison> {
  const engine = await createEngine({ backend: 'wasm' });
  registerStockWasmKernels();
  env().set('IS_TEST', false);
  await setBackend('wasm');
  const cases = [...productCases, ...elementwiseCases];
  const runners = (tiny ? cases.slice(0, 2) : cases).map((op) => ({
    timed: { case: op, ours: [], stock: [] } as Timed,
    ...callsOf(engine, op),
  }));
  for (const { ours, stock } of runners) for (const call of [ours, stock]) if (call) warmUp(call);
  const compared = runners.filter(({ stock }) => stock !== undefined);
  // One call of every op that both have; what we alone have is timed beside it.
  const side = (name: 'ours' | 'stock'): Side => ({
    name: name === 'ours' ? 'wasm' : 'TensorFlow.js on wasm',
    values: () => Object.fromEntries(compared.map((runner) => [runner.timed.case.name, runner.values[name]!()])),
    times: (count) =>
      Array.from({ length: count }, () => {
        for (const runner of runners) {
          const call = runner[name];
          if (call) runner.timed[name].push(perCall(call));
        }
        return compared.reduce((sum, { timed }) => sum + timed[name].at(-1)!, 0);
      }),
    dispose: () => {
      if (name === 'ours') for (const { dispose } of runners) dispose();
    },
  });
  const timings = runners.map(({ timed }) => timed);
  return {
    ours: side('ours'),
    theirs: side('stock'),
    unit: 'ms for one call of each op',
    items: { count: compared.length, name: 'calls' },
    backend: 'wasm',
    note: engine.note,
    report: () => [
      ...productLines(timings.filter(({ case: op }) => op.flops !== undefined)),
      ...elementwiseLines(timings.filter(({ case: op }) => op.flops === undefined)),
    ],
  };
}

function callsOf(
  engine: Engine,
  op: OpCase,
): {
  ours: () => void;
  stock: (() => void) | undefined;
  values: Record<'ours' | 'stock', () => NdArray>;
  dispose: () => void;
} {
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
    values: {
      ours: () => {
        program.run({});
        return state.readOne('result');
      },
      stock: () => {
        const y = stock!(tensors);
        const data = y.dataSync() as Float32Array;
        y.dispose();
        return { dtype: 'float32', shape, data };
      },
    },
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
function productLines(timings: readonly Timed[]): string[] {
  const rate = ({ case: op }: Timed, times: readonly number[]) => op.flops! / (1e6 * median(times));
  const plain = rate(timings[0]!, timings[0]!.ours);
  return timings.map((timed) => {
    const ours = rate(timed, timed.ours);
    const stock = timed.stock.length > 0 ? rate(timed, timed.stock).toFixed(1) : '-';
    const floor = timed.case.batched ? Math.min(10, plain / 3) : plain / 3;
    return `${timed.case.name.padEnd(44)} ${ours.toFixed(1).padStart(6)} GFLOPS, stock ${stock.padStart(6)}, ${(ours / plain).toFixed(2)} of plain${ours < floor ? '  BELOW THE FLOOR' : ''}`;
  });
}

// Ceiling: three times sigmoid.
function elementwiseLines(timings: readonly Timed[]): string[] {
  if (timings.length === 0) return [];
  const sigmoid = median(timings[0]!.ours);
  return timings.map((timed) => {
    const ours = median(timed.ours);
    const stock = timed.stock.length > 0 ? median(timed.stock).toFixed(2) : '-';
    return `${timed.case.name.padEnd(44)} ${ours.toFixed(2).padStart(6)} ms, stock ${stock.padStart(6)}, ${(ours / sigmoid).toFixed(2)} of sigmoid${ours > 3 * sigmoid ? '  ABOVE THE CEILING' : ''}`;
  });
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)]!;
}
