// Picks and starts a backend of those that run anywhere: wasm with our kernels, or plain JavaScript.
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { env, findBackend, getBackend, ready, setBackend } from '@tensorflow/tfjs-core';
import { BackendError, ConfigError, didYouMean } from '@tessera/core';
import { Engine, kernelEngine } from './engine.ts';
import { KernelContext } from './execute/kernel-context.ts';
import { WasmContext } from './execute/wasm-context.ts';
import { wasmHeap } from './wasm/heap.ts';
import type { Precision } from './tensorflow/graph-context.ts';
import { loadWasmKernels } from './wasm/kernels.ts';

/** Names that `createEngine` takes. */
export type BackendChoice = 'auto' | 'tensorflow' | 'wasm' | 'cpu';

const choices: readonly BackendChoice[] = ['auto', 'tensorflow', 'wasm', 'cpu'];

/** How to start an engine. */
export interface EngineOptions {
  /** Default `auto`: the best that is at hand. */
  readonly backend?: BackendChoice;
  /** Where a bundler put TensorFlow.js's wasm files: a folder ending in `/`, or one address per file name. Node finds them itself. */
  readonly wasmPaths?: string | Record<string, string>;
  /**
   * What matrix products and convolutions compute with; default `float32`. `bf16` rounds their factors to bfloat16, while weights, sums and everything else
   * stay float32. TensorFlow alone can; elsewhere it is float32, and the engine's note says so.
   */
  readonly precision?: Precision;
  /** Told, once each, what a user should know and no error says; default `console.warn`. */
  readonly warn?: ((line: string) => void) | undefined;
}

/** Names that `precision` takes. */
const precisions: readonly Precision[] = ['float32', 'bf16'];

/** Throws ConfigError for a name that is no precision. */
export function checkPrecision(name: string): Precision {
  const known = precisions.find((precision) => precision === name);
  if (known !== undefined) return known;
  throw new ConfigError(
    `precision: expected one of ${precisions.join(', ')}, got '${name}'.${didYouMean(name, precisions)}`,
  );
}

/** Throws ConfigError for a name that is no backend. */
export function checkBackendChoice(name: string): BackendChoice {
  const known = choices.find((choice) => choice === name);
  if (known !== undefined) return known;
  throw new ConfigError(`backend: expected one of ${choices.join(', ')}, got '${name}'.${didYouMean(name, choices)}`);
}

/** Starts an engine on wasm, or on plain JavaScript where wasm or its SIMD is missing. Throws BackendError when the backend that was asked for cannot run. */
export async function createEngine(options: EngineOptions = {}): Promise<Engine> {
  return portableEngine(options);
}

/** `createEngine` whose note goes on with `advice`: how to get a better backend than these. */
export async function portableEngine(
  { backend = 'auto', wasmPaths, precision = 'float32', warn }: EngineOptions,
  { advice: hint = '' }: { advice?: string } = {},
): Promise<Engine> {
  checkBackendChoice(backend);
  const rounding = checkPrecision(precision) === 'bf16' ? 'Products are float32: bf16 needs TensorFlow.' : '';
  const advice = [hint, rounding].filter((text) => text !== '').join(' ');
  const note = (text: string): string => (rounding === '' ? text : `${text} ${rounding}`);
  if (backend === 'tensorflow') {
    throw new BackendError(
      "backend 'tensorflow': only '@tessera/engine/node' has it. Import createEngine from there, or choose wasm or cpu.",
    );
  }
  // Silences TensorFlow.js's advice to install another package.
  env().set('IS_TEST', true);
  if (backend === 'cpu') return cpuEngine({ note: note('cpu: plain JavaScript, as asked.'), warn });
  if (wasmPaths !== undefined) setWasmPaths(wasmPaths);
  const context = await wasmContext();
  if (context !== undefined) {
    const found =
      backend === 'wasm'
        ? note('wasm: WebAssembly SIMD, one thread, as asked.')
        : `wasm: WebAssembly SIMD, one thread.${advice && ` ${advice}`}`;
    return kernelEngine('wasm', context, { note: found, warn });
  }
  const why = 'WebAssembly with SIMD cannot run here';
  if (backend === 'wasm') throw new BackendError(`backend 'wasm': ${why}. Choose cpu, or a newer browser or Node.`);
  return cpuEngine({ note: `cpu: plain JavaScript, slow, because ${why}.${advice && ` ${advice}`}`, warn });
}

async function cpuEngine(words: { note: string; warn: EngineOptions['warn'] }): Promise<Engine> {
  await start('cpu');
  return kernelEngine('cpu', new KernelContext(findBackend('cpu'), 'cpu'), words);
}

async function wasmContext(): Promise<WasmContext | undefined> {
  if (!(await start('wasm'))) return undefined;
  const backend = findBackend('wasm');
  const heap = wasmHeap(backend);
  const kernels = heap && (await loadWasmKernels(heap.memory));
  return heap && kernels && new WasmContext(backend, heap, kernels);
}

let lastStart: Promise<unknown> = Promise.resolve();

// TensorFlow.js gives up a backend that is still starting when another start comes: they take turns.
function start(name: string): Promise<boolean> {
  const started = lastStart.then(() => select(name));
  lastStart = started.catch(() => undefined);
  return started;
}

// TensorFlow.js initialises a backend only by selecting it; the one that was selected before stays so.
async function select(name: string): Promise<boolean> {
  const before = getBackend();
  const started = await setBackend(name);
  await ready();
  if (before && before !== name) await setBackend(before);
  return started;
}
