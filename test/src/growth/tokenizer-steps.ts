// A thousand training steps in a process of its own: prints tensors alive and memory on the way.
import { createEngine } from '@tessera/engine';
import { VQVAE } from '@tessera/vqvae';
import { ndarray, npRandom } from '@tessera/core';
import { privateMemory } from './private-memory.ts';

const engine = await createEngine({ backend: 'wasm' });
const vqvae = new VQVAE(engine, {
  frameShape: [8, 8, 1],
  tokenShape: [2, 2],
  channels: 4,
  quantizer: { vocabulary: 8, codeDim: 3, restartAfter: 5 },
});
const generator = npRandom(1);
const [tensors, memory]: Record<string, number>[] = [{}, {}];
for (let step = 1; step <= 1000; step++) {
  const frames = ndarray(
    'float32',
    [8, 8, 8, 1],
    Float32Array.from({ length: 512 }, () => generator.random()),
  );
  vqvae.trainStep(frames);
  if (step % 10 === 0) vqvae.decode(vqvae.encode(frames));
  if (![10, 200, 1000].includes(step)) continue;
  tensors![step] = engine.tensorCount();
  memory![step] = await privateMemory();
}
process.stdout.write(JSON.stringify({ tensors, memory }));
