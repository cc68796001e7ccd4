// A step of imagination: the world model of the Breakout agent predicts the next frame of 256 dreams at once.
import { WorldModel } from '@tessera/agent';
import { ndarray, npRandom } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';
import { createEngine } from '@tessera/engine/node';
import type { BackendChoice } from '@tessera/engine';
import type { Benchmark, BenchOptions, Comparison } from '@tessera/experiments';

export const benchmark: Benchmark = {
  name: 'imagination',
  describe: 'A step of the block-parallel world model (Breakout: 25 tokens, context 2) in 256 dreams, against PyTorch.',
  prepare,
};

// What the agent experiment plays Breakout with: a token for each patch of 4x4x3 numbers of a frame 20x20x3, and the default settings of the world model.
const breakout = { batch: 256, tokenShape: [5, 5], vocabulary: 256, codeDim: 48, actionCount: 6, config: {} };
const tiny = {
  batch: 8, // a size for which the world model has a program
  tokenShape: [2, 3],
  vocabulary: 9,
  codeDim: 4,
  actionCount: 2,
  config: { width: 8, stem: 4 },
};

async function prepare(options: BenchOptions): Promise<Comparison> {
  const { backend, precision } = options;
  const engine = await createEngine({ precision, ...(backend !== undefined && { backend: backend as BackendChoice }) });
  const { batch, tokenShape, vocabulary, codeDim, actionCount, config } = options.tiny ? tiny : breakout;
  const generator = npRandom(0);
  const frameShape = [4 * tokenShape[0]!, 4 * tokenShape[1]!, 3] as const;
  const model = new WorldModel(engine, config, {
    tokenizer: { frameShape, tokenShape, vocabulary, codeDim },
    actionCount,
  });
  const { context, heads } = model.config;
  const count = tokenShape[0]! * tokenShape[1]!;
  const state = away(model.state(), generator);
  model.loadState(state);
  const tokens = integers(generator, [batch, context, count], vocabulary);
  const actions = integers(generator, [batch, context], actionCount + 1);
  const weights = Object.entries(state).filter(([name]) => name === 'codes' || name.startsWith('parameters.'));
  return {
    ours: {
      name: engine.backend,
      values: () => {
        const out = model.predict({ tokens, actions });
        return {
          tokens: out.tokens,
          rewards: ndarray('int32', [batch], Int32Array.from(out.rewards)),
          ends: ndarray('int32', [batch], Int32Array.from(out.ends)),
        };
      },
      times: (calls) =>
        Array.from({ length: calls }, () => {
          const start = performance.now();
          model.predict({ tokens, actions });
          return performance.now() - start;
        }),
      dispose: () => {
        model.dispose();
        engine.dispose();
      },
    },
    theirs: {
      script: 'bench/peers/imagination.py',
      arguments: ['--heads', String(heads), '--grid', tokenShape.join('x')],
      arrays: { ...Object.fromEntries(weights), tokens, actions },
    },
    unit: 'ms/step',
    items: { count: batch, name: 'frames' },
    backend: engine.backend,
    note: engine.note,
  };
}

// Weights as if they had learned something: biases that start at 0 would hide whether both sides add them.
function away(state: Readonly<Record<string, NdArray>>, generator: Generator): Record<string, NdArray> {
  const moved = ([name, array]: [string, NdArray]): [string, NdArray] => {
    if (array.dtype !== 'float32' || !/^(parameters|codes)/.test(name)) return [name, array];
    return [name, { ...array, data: (array.data as Float32Array).map((value) => value + 0.2 * generator.normal()) }];
  };
  return Object.fromEntries(Object.entries(state).map(moved));
}

function integers(generator: Generator, shape: readonly number[], below: number): NdArray<'int32'> {
  const array = ndarray('int32', shape);
  for (let i = 0; i < array.data.length; i++) array.data[i] = generator.integers(0, below);
  return array;
}
