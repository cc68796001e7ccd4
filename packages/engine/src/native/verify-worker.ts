// The process that tries an addon: `verify-worker ADDON`. Its last line is a VerifyAnswer as JSON.
import { createRequire } from 'node:module';
import { createEngine } from '../create-engine.ts';
import { Engine } from '../engine.ts';
import type { TensorFlowBinding } from '../tensorflow/binding.ts';
import { TensorFlowExecutor } from '../tensorflow/graph-store.ts';
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
  const executor = new TensorFlowExecutor({ binding, precision: 'float32' });
  const { eagerContext } = executor;
  const gpu = binding.isUsingGpuDevice();
  const backend = gpu ? 'tensorflow-gpu' : 'tensorflow-cpu';
  const tensorflow = new Engine({ backend, note: '', executor, eagerContext });
  return { version: binding.TF_Version, gpu, ...compareGradients(tensorflow, cpu) };
}

process.stdout.write(`${JSON.stringify(await tryAddon(process.argv[2]!))}\n`);
