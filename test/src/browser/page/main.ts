/// <reference types="vite/client" />
// The page: trains on the wasm backend, whose files Vite has put beside it, and leaves the losses where the test finds them.

import { createEngine } from '@tessera/engine';
import plain from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url';
import simd from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import threaded from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url';
import { tenSteps } from '../ten-steps.ts';

const wasmPaths = {
  'tfjs-backend-wasm.wasm': plain,
  'tfjs-backend-wasm-simd.wasm': simd,
  'tfjs-backend-wasm-threaded-simd.wasm': threaded,
};

async function train(): Promise<object> {
  const engine = await createEngine({ backend: 'wasm', wasmPaths });
  try {
    return { losses: tenSteps(engine), backend: engine.backend, note: engine.note };
  } finally {
    engine.dispose();
  }
}

const outcome = await train().catch((error: unknown) => ({ error: String(error) }));
Object.assign(globalThis, { outcome });
