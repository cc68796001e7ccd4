// The backends at hand: every test of an op runs on each of them. The plain cpu backend is the one that the others are compared with.
import { Engine, createEngine } from '../../src/index.ts';
import { findTensorFlow } from '../../src/tensorflow/binding.ts';
import { TensorFlowExecutor, graphOptions } from '../../src/tensorflow/executor.ts';
import { cpu } from './cpu.ts';

/** One backend, or the reason why it is not at hand, which goes into the title of its skipped tests. */
export interface Backend {
  readonly name: string;
  readonly engine: Engine | undefined;
  readonly skipped: string;
}

const wasm = await createEngine({ backend: 'wasm' });

/** TensorFlow as it runs programs by itself, and with what only our addon has: functions and our kernels. */
async function tensorFlow(route: 'session' | 'function'): Promise<Backend> {
  const name = route === 'session' ? 'tensorflow' : 'tensorflow with our addon';
  const found = await findTensorFlow();
  if (!found.available) return { name, engine: undefined, skipped: ` (skipped: ${found.reason})` };
  const best = graphOptions(found.binding, 'float32');
  if (route === 'function' && best.route !== 'function') {
    return { name, engine: undefined, skipped: ' (skipped: the addon was compiled without our sources)' };
  }
  const executor = new TensorFlowExecutor(
    route === 'session' ? { ...best, route, ownKernels: false, ownProducts: false } : best,
  );
  const { eagerContext } = executor;
  return { name, engine: new Engine({ backend: 'tensorflow-cpu', note: '', executor, eagerContext }), skipped: '' };
}

/** All backends. */
export const backends: readonly Backend[] = [
  { name: 'cpu', engine: cpu, skipped: '' },
  { name: 'wasm', engine: wasm, skipped: '' },
  await tensorFlow('session'),
  await tensorFlow('function'),
];

/** The backends that are compared with cpu. */
export const others: readonly Backend[] = backends.filter(({ name }) => name !== 'cpu');

/** How many random samples a backend gets where the kernel backends get `count`: TensorFlow loads a graph for each. */
export function runsOn({ name }: Backend, count: number): number {
  return name.startsWith('tensorflow') ? Math.ceil(count / 3) : count;
}

/** A backend's engine, inside a test that is not skipped. */
export function engineOf({ engine, skipped }: Backend): Engine {
  if (engine === undefined) throw new Error(skipped);
  return engine;
}
