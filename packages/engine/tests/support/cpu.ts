// The plain cpu backend alone, for tests that need no other: looking for TensorFlow costs seconds.
import { createEngine } from '../../src/index.ts';
import type { Engine } from '../../src/index.ts';

/** The plain lowering of every op on TensorFlow.js's JavaScript kernels. */
export const cpu: Engine = await createEngine({ backend: 'cpu' });
