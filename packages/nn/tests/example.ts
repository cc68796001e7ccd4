import { ndarray, npRandom } from '@tessera/core';
import { createEngine, f32, gelu, mean, square, sub } from '@tessera/engine';
import { adamStep, dense, initAdam, initDense, learningRateAt } from '@tessera/nn';

const engine = await createEngine();
const generator = npRandom(0);
const model = {
  hidden: initDense(generator, { inputs: 2, outputs: 16 }),
  output: initDense(generator, { inputs: 16, outputs: 1 }),
};
const state = engine.state({ model, adam: initAdam(model) });

const train = state.program(
  'train',
  { x: f32(4, 2), y: f32(4, 1), learningRate: f32() },
  ({ x, y, learningRate }, { model: parameters, adam }) => {
    const prediction = dense(parameters.output, gelu(dense(parameters.hidden, x))); // [4, 1]
    const loss = mean(square(sub(prediction, y)));
    const { gradientNorm } = adamStep(loss, parameters, adam, { learningRate, clipNorm: 1 });
    return { loss, gradientNorm };
  },
);

const x = ndarray('float32', [4, 2], Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1));
const y = ndarray('float32', [4, 1], Float32Array.of(0, 1, 1, 0));
const steps = 300;
export let loss = Infinity;
for (let step = 0; step < steps; step++) {
  const learningRate = learningRateAt({ peak: 0.02, warmup: 10, decay: 'cosine' }, { step, progress: step / steps });
  loss = train.run({ x, y, learningRate }).loss.data[0] as number; // ends below 0.01
}
