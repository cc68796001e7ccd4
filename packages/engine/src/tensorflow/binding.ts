// Finds TensorFlow: the native addon of the optional package @tensorflow/tfjs-node-gpu (the one of tfjs-node is the same source), as its maker compiled it or with our sources in it (`native/`).
// Node only. Nothing is imported before the addon's file has been seen, since an import that fails costs half a second.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { readAddonPackage } from '../native/addon-package.ts';
import { restoreLegacyUtil } from '../native/legacy-util.ts';
import { prepareAddon } from '../native/link.ts';
import { explainLoadFailure, installCommand, packageName } from '../native/messages.ts';
import { realSystem } from '../native/system.ts';

/** What the addon says of a tensor; `dtype` is TensorFlow's number. */
export interface TensorMetadata {
  readonly id: number;
  readonly shape: readonly number[];
  readonly dtype: number;
}

/** An attribute of an op that is executed eagerly. */
export interface EagerAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: boolean | number | string | readonly number[];
}

/** What our own sources add to the addon, where it was compiled with them (`native/addon.cc`). */
export interface OwnAddon {
  /** The version of the sources that it was compiled from. */
  readonly sources: string;
  /** Empty when TensorFlow knows our kernels, else why it does not. */
  readonly kernelProblem: string;
  /** What our kernels compute with here: `x86-64-v4` (AVX-512), `x86-64-v3` (AVX2) or `plain`. */
  readonly vectorLevel: string;
  /** Makes a graph a function of TensorFlow that `executeOp` calls by its name. `inputs` are placeholders, `outputs` first outputs of nodes. */
  addFunction(name: string, graphDef: Uint8Array, inputs: readonly string[], outputs: readonly string[]): void;
  removeFunction(name: string): void;
}

/** The part of the addon that Tessera uses. Tensors are numbered handles that live until `deleteTensor`. */
export interface TensorFlowBinding {
  readonly TF_Version: string;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_SHAPE: number;
  /** The tensor shares the memory of `data` as long as it lives. */
  createTensor(shape: readonly number[], dtype: number, data: Float32Array | Int32Array | Uint8Array): number;
  deleteTensor(id: number): void;
  /** A copy of the values; throws for uint8 and for the dtypes that TensorFlow.js does not know. */
  tensorDataSync(id: number): Float32Array | Int32Array | Uint8Array | BigInt64Array;
  executeOp(
    op: string,
    attributes: readonly EagerAttribute[],
    inputs: readonly number[],
    outputs: number,
  ): TensorMetadata[];
  loadSavedModel(directory: string, tags: string): number;
  deleteSavedModel(id: number): void;
  runSavedModel(id: number, inputs: readonly number[], inputNames: string, outputNames: string): TensorMetadata[];
  getNumOfSavedModels(): number;
  getNumOfTensors(): number;
  isUsingGpuDevice(): boolean;
  readonly tessera?: OwnAddon;
}

/** The loaded package: TensorFlow.js with its `tensorflow` backend registered. */
export type TensorFlowModule = typeof import('@tensorflow/tfjs-core');

/** TensorFlow, or why it cannot be had (one sentence and the way out). */
export type TensorFlowSearch =
  | {
      readonly available: true;
      readonly binding: TensorFlowBinding;
      readonly tf: TensorFlowModule;
      /** The version of the TensorFlow library, as `'2.21.0'`. */
      readonly version: string;
      readonly gpu: boolean;
    }
  | { readonly available: false; readonly reason: string };

/** TensorFlow, when it is available. */
export type TensorFlow = Extract<TensorFlowSearch, { available: true }>;

/**
 * Looks for the native addon and loads it; one that `engine install` built and a new install of the packages has wiped is linked again first.
 *
 * Loading it registers the TensorFlow.js backend `tensorflow`; the backend that was selected before stays selected. It never throws: what goes wrong is the `reason`.
 * TensorFlow's log is switched off unless TF_CPP_MIN_LOG_LEVEL is set (what goes wrong is thrown as well); two lines about oneDNN that it writes to stderr while it loads obey no variable.
 */
export async function findTensorFlow({
  from = import.meta.url,
}: {
  /** The module from which the package is resolved; tests name another one. */
  readonly from?: string;
} = {}): Promise<TensorFlowSearch> {
  const require = createRequire(from);
  let packageFile: string | undefined;
  try {
    packageFile = require.resolve(`${packageName}/package.json`);
    const addonPackage = readAddonPackage(packageFile);
    const name = `${packageName} ${addonPackage.version}`;
    const problem = await prepareAddon(addonPackage, realSystem());
    if (problem !== undefined) return missing(`${name}: ${problem}`);
    return await load(require.resolve(packageName), name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') {
      const name = packageFile === undefined ? `the optional package ${packageName}` : `a part of ${packageName}`;
      return missing(`${name} is not installed. Install it with 'npm install ${packageName}'.`);
    }
    return missing(`${packageName} is installed, but damaged: ${firstLine(error)}. Install it again.`);
  }
}

async function load(entry: string, name: string): Promise<TensorFlowSearch> {
  // Errors too: a pass that optimises graphs writes one for each graph that it leaves as it is, such as some with residual additions.
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '3';
  // TensorFlow switches these on by itself on processors with AVX512-VNNI alone; on one with AVX2 they took a quarter off the time of training steps.
  process.env['TF_ENABLE_ONEDNN_OPTS'] ??= '1';
  restoreLegacyUtil();
  const core = await import('@tensorflow/tfjs-core');
  const selected = core.getBackend();
  try {
    // An unknown module on purpose: the package is optional, so type checking must not need it.
    const module: unknown = await import(/* @vite-ignore */ pathToFileURL(entry).href);
    const tf = module as TensorFlowModule;
    const backend = tf.findBackend('tensorflow') as { readonly binding?: TensorFlowBinding } | null;
    const binding = backend?.binding;
    if (binding === undefined) return missing(`${name} loaded without registering its backend 'tensorflow'.`);
    if (selected) await core.setBackend(selected);
    return { available: true, binding, tf, version: binding.TF_Version, gpu: binding.isUsingGpuDevice() };
  } catch (error) {
    return missing(
      `the native addon of ${name} does not load in Node ${process.versions.node} (${process.platform} ${process.arch}): ${explainLoadFailure(firstLine(error))}: build it again with ${installCommand}.`,
    );
  }
}

function missing(reason: string): TensorFlowSearch {
  return { available: false, reason: `TensorFlow: ${reason}` };
}

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split('\n')[0]!.replace(/\.$/, '');
}
