// The quantizer alone: the nearest of 512 codes for many vectors.
import { npRandom } from '@tessera/core';
import { nearestCode } from '@tessera/engine';
import type { Benchmark } from '@tessera/experiments';
import { normal } from './models/step-model.ts';
import { benchEngine, functionSide } from './sides.ts';

export const benchmark: Benchmark = {
  name: 'nearest-code',
  describe: 'The nearest of 512 codes for each of 131072 vectors of 64 numbers, against PyTorch.',
  prepare: async (options) => {
    const [rows, codes, width] = options.tiny ? [50, 7, 4] : [131_072, 512, 64];
    const generator = npRandom(0);
    const arrays = { z: normal(generator, [rows, width], 1), codebook: normal(generator, [codes, width], 1) };
    const engine = await benchEngine(options);
    const { backend, note } = engine;
    const ours = functionSide(engine, {
      name: 'nearest code',
      state: arrays,
      inputs: {},
      outputs: ({ z, codebook }) => ({ codes: nearestCode(z, codebook) }),
    });
    const theirs = { script: 'bench/peers/nearest_code.py', arguments: [], arrays };
    return { ours, theirs, unit: 'ms/batch', items: { count: rows, name: 'vectors' }, backend, note };
  },
};
