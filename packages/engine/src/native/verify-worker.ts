// The process that tries an addon: `verify-worker ADDON`. Its last line is a VerifyAnswer as JSON.
import { createRequire } from 'node:module';
import { createEngine } from '../create-engine.ts';
import { Engine } from '../engine.ts';
import type { TensorFlowBinding } from '../tensorflow/binding.ts';
import { TensorFlowExecutor, graphOptions } from '../tensorflow/executor.ts';
import { compareGradients } from './compare-gradients.ts';
import type { VerifyAnswer } from './verify.ts';

async function tryAddon(addon: string): Promise<VerifyAnswer> {
  let binding: TensorFlowBinding;
  try {
    binding = createRequire(import.meta.url)(addon) as TensorFlowBinding;
  } catch (error) {
    return { failure: (error as Error).message.split('\n')[0]! };
  }
  const cpu = await createEngine({ backend: 'cpu' });
  const options = graphOptions(binding, 'float32');
  const executor = new TensorFlowExecutor(options);
  const { eagerContext } = executor;
  const gpu = binding.isUsingGpuDevice();
  const backend = gpu ? 'tensorflow-gpu' : 'tensorflow-cpu';
  const tensorflow = new Engine({ backend, note: '', executor, eagerContext });
  const { route, ownKernels } = options;
  return { version: binding.TF_Version, gpu, route, ownKernels, ...compareGradients(tensorflow, cpu) };
}

process.stdout.write(`${JSON.stringify(await tryAddon(process.argv[2]!))}\n`);
