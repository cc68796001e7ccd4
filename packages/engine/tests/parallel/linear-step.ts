// A linear model in two halves, for the tests of data parallelism: what goes wrong in a worker is an option.
import { ndarray } from '@tessera/core';
import { f32, gradients, matMul, mean, square, sub } from '@tessera/engine';
import type { Engine } from '@tessera/engine';
import type { ParallelStep } from '@tessera/engine/node';

export function createStep(engine: Engine, { broken = '' }: { readonly broken?: string }): ParallelStep {
  if (broken === 'start') throw new Error('no such data');
  const state = engine.state({ w: ndarray('float32', [3, 2], Float32Array.of(1, 2, 3, 4, 5, 6)) });
  return {
    gradientShapes: { w: [3, 2] },
    gradients({ x, y }) {
      if (broken === 'exit' && x!.data[0] === 7) process.exit(3);
      if (x!.data.some((value) => Number.isNaN(Number(value)))) throw new RangeError('x has NaN in it');
      if (broken === 'names') return { gradients: {} };
      const rows = x!.shape[0]!;
      const program = state.program('slopes', { x: f32(rows, 3), y: f32(rows, 2) }, (inputs, { w }) => {
        const loss = mean(square(sub(matMul(inputs.x, w), inputs.y)));
        return { loss, w: gradients(loss, [w])[0]! };
      });
      const { loss, w } = program.run({ x: x!, y: y! });
      program.dispose();
      return { gradients: { w }, metrics: { loss: loss.data[0] as number, rows } };
    },
    apply({ w: slope }) {
      const w = state.readOne('w');
      const moved = Float32Array.from(w.data as Float32Array, (value, i) => value - 0.1 * Number(slope!.data[i]));
      state.write({ w: ndarray('float32', [3, 2], moved) });
    },
    state: () => state.read(),
  };
}
