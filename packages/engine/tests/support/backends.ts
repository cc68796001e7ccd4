// The backends at hand: every test of an op runs on each of them. The plain cpu backend is the one that the others are compared with.
import { createEngine } from '../../src/index.ts';
import type { Engine } from '../../src/index.ts';
import { findTensorFlow } from '../../src/tensorflow/binding.ts';
import { cpu } from './cpu.ts';

/** One backend, or the reason why it is not at hand, which goes into the title of its skipped tests. */
export interface Backend {
  readonly name: string;
  readonly engine: Engine | undefined;
  readonly skipped: string;
}

const wasm = await createEngine({ backend: 'wasm' });

async function tensorFlow(): Promise<Backend> {
  const found = await findTensorFlow();
  if (!found.available) return { name: 'tensorflow', engine: undefined, skipped: ` (skipped: ${found.reason})` };
  const node: { createEngine?: typeof createEngine } = await import('../../src/node.ts');
  if (node.createEngine === undefined) {
    return { name: 'tensorflow', engine: undefined, skipped: ' (skipped: the node entry has no createEngine)' };
  }
  return { name: 'tensorflow', engine: await node.createEngine({ backend: 'tensorflow' }), skipped: '' };
}

/** All backends. */
export const backends: readonly Backend[] = [
  { name: 'cpu', engine: cpu, skipped: '' },
  { name: 'wasm', engine: wasm, skipped: '' },
  await tensorFlow(),
];

/** The backends that are compared with cpu. */
export const others: readonly Backend[] = backends.filter(({ name }) => name !== 'cpu');

/** How many random samples a backend gets where the kernel backends get `count`: TensorFlow loads a graph for each. */
export function runsOn({ name }: Backend, count: number): number {
  return name === 'tensorflow' ? Math.ceil(count / 3) : count;
}

/** A backend's engine, inside a test that is not skipped. */
export function engineOf({ engine, skipped }: Backend): Engine {
  if (engine === undefined) throw new Error(skipped);
  return engine;
}
