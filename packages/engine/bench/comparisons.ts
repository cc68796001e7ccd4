// The comparisons that come in two sizes: training steps of a tokenizer and of a transformer.
import type { BenchOptions, Comparison } from '@tessera/experiments';
import { convVq, convVqSizes } from './models/conv-vq.ts';
import type { ConvVqSizes } from './models/conv-vq.ts';
import type { StepModel } from './models/step-model.ts';
import { transformer, transformerSizes } from './models/transformer.ts';
import type { TransformerSizes } from './models/transformer.ts';
import { benchEngine, otherSides, stepArrays, stepSide } from './sides.ts';

/** A step of `models/conv-vq.ts`. */
export async function tokenizerComparison(full: ConvVqSizes, options: BenchOptions): Promise<Comparison> {
  const sizes = options.tiny ? convVqSizes.tiny : full;
  return stepComparison(convVq(sizes), options, {
    peer: { script: 'bench/peers/tokenizer.py', arguments: ['--task', 'step'] },
    items: { count: sizes.batch, name: 'frames' },
  });
}

/** A step of `models/transformer.ts`. */
export async function gptComparison(full: TransformerSizes, options: BenchOptions): Promise<Comparison> {
  const sizes = options.tiny ? transformerSizes.tiny : full;
  return stepComparison(transformer(sizes), options, {
    peer: { script: 'bench/peers/gpt.py', arguments: ['--heads', String(sizes.heads)] },
    items: { count: sizes.batch * sizes.length, name: 'tokens' },
  });
}

async function stepComparison<P extends object>(
  model: StepModel<P>,
  options: BenchOptions,
  { peer, items }: { peer: { script: string; arguments: readonly string[] }; items: Comparison['items'] },
): Promise<Comparison> {
  const engine = await benchEngine(options);
  return {
    ours: stepSide(engine, model),
    theirs: { ...peer, arrays: stepArrays(model) },
    others: () => otherSides(engine, model),
    unit: 'ms/step',
    items,
    backend: engine.backend,
    note: engine.note,
  };
}
