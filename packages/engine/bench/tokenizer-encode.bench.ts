// Frames to codes: the encoder of tokenizer-step and the nearest codes.
import { flatten } from '@tessera/engine';
import type { NdArray } from '@tessera/core';
import type { Benchmark } from '@tessera/experiments';
import { convVq, convVqSizes, encode } from './models/conv-vq.ts';
import { benchEngine, functionSide } from './sides.ts';

export const benchmark: Benchmark = {
  name: 'tokenizer-encode',
  describe: 'Codes of 32 frames 64x64x3 (the encoder of tokenizer-step), against PyTorch.',
  prepare: async (options) => {
    const sizes = options.tiny ? convVqSizes.tiny : convVqSizes.large;
    const { parameters, batch } = convVq(sizes);
    const frames = batch['frames'] as NdArray<'float32'>;
    const engine = await benchEngine(options);
    const { backend, note } = engine;
    const ours = functionSide(engine, {
      name: 'tokenizer encode',
      state: parameters,
      inputs: { frames },
      outputs: (state, inputs) => ({ codes: encode(state, inputs['frames']!) }),
    });
    return {
      ours,
      theirs: {
        script: 'bench/peers/tokenizer.py',
        arguments: ['--task', 'encode'],
        arrays: { ...Object.fromEntries(flatten<NdArray>(parameters)), frames },
      },
      unit: 'ms/batch',
      items: { count: sizes.batch, name: 'frames' },
      backend,
      note,
    };
  },
};
