// Two worker threads on wasm against one: the training step of tokenizer-step, each worker with half of the rows.
import { ndarray } from '@tessera/core';
import { createEngine } from '@tessera/engine';
import { DataParallel } from '@tessera/engine/node';
import type { Benchmark } from '@tessera/experiments';
import { convVq, convVqSizes } from './models/conv-vq.ts';
import { stepSide } from './sides.ts';

const firstLosses = 5;

export const benchmark: Benchmark = {
  name: 'wasm-workers',
  describe: 'The training step of tokenizer-step on wasm, in two worker threads (ours) and on one (theirs).',
  prepare: async ({ tiny }) => {
    const size = tiny ? 'tiny' : 'large';
    const model = convVq(convVqSizes[size]);
    const engine = await createEngine({ backend: 'wasm' });
    const module = new URL('./models/parallel-step.js', import.meta.url);
    const start = () => DataParallel.create({ module, options: { size }, workers: 2 });
    let running: DataParallel | undefined;
    const one = stepSide(engine, model);
    return {
      ours: {
        name: 'wasm, two workers',
        values: async () => {
          const crew = await start();
          const losses = ndarray('float32', [firstLosses]);
          for (let i = 0; i < firstLosses; i++) losses.data[i] = (await crew.step(model.batch))['loss']!;
          await crew.dispose();
          return { losses };
        },
        times: async (count) => {
          running ??= await start();
          const times: number[] = [];
          for (let i = 0; i < count; i++) {
            const began = performance.now();
            await running.step(model.batch);
            times.push(performance.now() - began);
          }
          return times;
        },
        dispose: async () => running?.dispose(),
      },
      theirs: {
        ...one,
        name: 'wasm, one thread',
        values: async () => {
          const { losses } = await one.values();
          return { losses: losses! };
        },
      },
      unit: 'ms/step',
      items: { count: convVqSizes[size].batch, name: 'frames' },
      backend: 'wasm',
      note: engine.note,
    };
  },
};
