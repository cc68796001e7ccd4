// Picks and starts a backend in Node: TensorFlow on a GPU or the CPU where its addon loads, else what runs anywhere.
import { env } from '@tensorflow/tfjs-core';
import { BackendError, ConfigError } from '@tessera/core';
import { checkBackendChoice, checkPrecision, portableEngine } from './create-engine.ts';
import type { BackendChoice, EngineOptions } from './create-engine.ts';
import { Engine } from './engine.ts';
import { findTensorFlow } from './tensorflow/binding.ts';
import type { TensorFlow } from './tensorflow/binding.ts';
import { TensorFlowExecutor, graphOptions } from './tensorflow/executor.ts';

const variable = 'TESSERA_BACKEND';

/**
 * Starts the best engine at hand: tensorflow-gpu, tensorflow-cpu, wasm, cpu. Without `backend` the environment variable TESSERA_BACKEND says which one.
 *
 * Throws ConfigError for an unknown name and BackendError when the backend that was asked for cannot run.
 */
export async function createEngine({ backend, ...options }: EngineOptions = {}): Promise<Engine> {
  const choice = backend === undefined ? fromEnvironment() : checkBackendChoice(backend);
  if (choice === 'wasm' || choice === 'cpu') return portableEngine({ backend: choice, ...options });
  // Silences TensorFlow.js's advice about itself.
  env().set('IS_TEST', true);
  const found = await findTensorFlow();
  if (found.available) return tensorFlowEngine(found, options);
  if (choice === 'tensorflow') throw new BackendError(`backend 'tensorflow': ${withoutPrefix(found.reason)}`);
  return portableEngine(options, { advice: `For tensorflow-cpu: ${withoutPrefix(found.reason)}` });
}

function fromEnvironment(): BackendChoice {
  const name = process.env[variable];
  if (name === undefined || name === '') return 'auto';
  try {
    return checkBackendChoice(name);
  } catch (error) {
    const { message } = error as ConfigError;
    throw new ConfigError(`${variable}: ${withoutPrefix(message)}`, { cause: error });
  }
}

// 'backend: expected ...' without 'backend: '.
function withoutPrefix(message: string): string {
  return message.slice(message.indexOf(': ') + 2);
}

function tensorFlowEngine({ binding, version, gpu }: TensorFlow, { precision: wanted, warn }: EngineOptions): Engine {
  const precision = checkPrecision(wanted ?? 'float32');
  const options = graphOptions(binding, precision);
  const executor = new TensorFlowExecutor(options);
  const products = precision === 'bf16' ? ', products in bfloat16' : '';
  const how = options.route === 'function' ? 'one function' : 'one graph of a session';
  const library = `TensorFlow ${version}, each program ${how}${options.ownKernels ? ' with kernels of ours' : ''}${products}`;
  const note = gpu
    ? `tensorflow-gpu: ${library}, on the GPU.`
    : `tensorflow-cpu: ${library}, on the CPU. For tensorflow-gpu, build the addon against a TensorFlow with CUDA on a machine with a GPU that it supports.`;
  const { eagerContext } = executor;
  return new Engine({ backend: gpu ? 'tensorflow-gpu' : 'tensorflow-cpu', note, executor, eagerContext, warn });
}
