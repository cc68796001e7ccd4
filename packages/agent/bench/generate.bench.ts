// Generation with a key-value cache: what a causal token world model does in a dream, a frame of tokens at a time.
import { TokenGenerator, initCausalTransformer } from '@tessera/nn';
import { ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { flatten } from '@tessera/engine';
import { createEngine } from '@tessera/engine/node';
import type { BackendChoice } from '@tessera/engine';
import type { Benchmark, BenchOptions, Comparison } from '@tessera/experiments';

export const benchmark: Benchmark = {
  name: 'generate',
  describe:
    'A frame of 16 tokens in 64 dreams after 324 tokens (4 layers, width 256, key-value cache), against PyTorch.',
  prepare,
};

const sizes = {
  full: { batch: 64, tokens: 16, config: { vocabulary: 512, length: 340, width: 256, layers: 4, heads: 4 } },
  tiny: { batch: 3, tokens: 4, config: { vocabulary: 11, length: 12, width: 8, layers: 2, heads: 2 } },
} as const;
const chanceSeed = 7;

async function prepare({ backend, precision, tiny }: BenchOptions): Promise<Comparison> {
  const { batch, tokens: count, config } = tiny ? sizes.tiny : sizes.full;
  const engine = await createEngine({ precision, ...(backend !== undefined && { backend: backend as BackendChoice }) });
  const generator = npRandom(0);
  const parameters = initCausalTransformer(generator, config);
  const integers = (shape: readonly [number, number]): NdArray<'int32'> => {
    const array = ndarray('int32', shape);
    for (let i = 0; i < array.data.length; i++) array.data[i] = generator.integers(config.vocabulary);
    return array;
  };
  // The frame's first token is the last of what came before, as after an action.
  const before = integers([batch, config.length - count]);
  const last = integers([batch, 1]);
  const chances = ndarray('float32', [count, batch]);
  const drawing = npRandom(chanceSeed);
  for (let i = 0; i < chances.data.length; i++) chances.data[i] = drawing.random();

  const dreams = new TokenGenerator(engine, parameters, config, { batch });
  dreams.append(before);
  const frame = (chance = npRandom(chanceSeed)): NdArray<'int32'> => {
    dreams.rewind(config.length - count);
    return dreams.generate(last, { count, generator: chance });
  };
  const chance = npRandom(1);
  return {
    ours: {
      name: engine.backend,
      values: () => ({ drawn: frame() }),
      times: (calls) =>
        Array.from({ length: calls }, () => {
          const start = performance.now();
          frame(chance);
          return performance.now() - start;
        }),
      dispose: () => {
        dreams.dispose();
        engine.dispose();
      },
    },
    theirs: {
      script: 'bench/peers/generate.py',
      arguments: ['--heads', String(config.heads)],
      arrays: { ...Object.fromEntries(flatten<NdArray>(parameters)), before, last, chances },
    },
    unit: 'ms/frame',
    items: { count: batch * count, name: 'tokens' },
    backend: engine.backend,
    note: engine.note,
  };
}
