// What every install has against what one has to build: our wasm kernels on one thread, and the same step on TensorFlow.
import type { Benchmark } from '@tessera/experiments';
import { convVq, convVqSizes } from './models/conv-vq.ts';
import { benchEngine, stepSide } from './sides.ts';

export const benchmark: Benchmark = {
  name: 'wasm-vs-native',
  describe: 'The training step of tokenizer-step on wasm (ours) and on TensorFlow (theirs).',
  prepare: async ({ backend: name = 'wasm', tiny }) => {
    const sizes = tiny ? convVqSizes.tiny : convVqSizes.large;
    const model = convVq(sizes);
    const precision = 'float32';
    const native = await benchEngine({ backend: 'tensorflow', precision });
    const engine = await benchEngine({ backend: name, precision });
    return {
      ours: stepSide(engine, model),
      theirs: stepSide(native, model),
      unit: 'ms/step',
      items: { count: sizes.batch, name: 'frames' },
      backend: engine.backend,
      note: `${engine.note}\n${native.note}`,
    };
  },
};
