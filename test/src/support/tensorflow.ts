import { createEngine } from '@tessera/engine/node';
import type { Engine } from '@tessera/engine';

/** TensorFlow, or why its tests are skipped. */
export const tensorFlow: { readonly engine: Engine | undefined; readonly skipped: string } = await createEngine({
  backend: 'tensorflow',
}).then(
  (engine) => ({ engine, skipped: '' }),
  (error: Error) => ({ engine: undefined, skipped: ` (skipped: ${error.message})` }),
);
