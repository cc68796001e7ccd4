// The ways to a TensorFlow, in the order in which they are tried: one that the user names, that of a named Python, a wheel taken by pip, TensorFlow.js's own binary.
import { BackendError, ConfigError } from '@tessera/core';
import type { StrategyName, TensorFlowFolder } from './cache.ts';
import { problems } from './messages.ts';
import { inspectTensorFlow } from './tensorflow-folder.ts';
import { keptWheel, provideWheel, wheelSize } from './wheel.ts';
import type { WheelOptions } from './wheel.ts';

/** What a user may ask for; nothing of it means: whatever works. */
export interface StrategyChoice {
  /** A folder that holds TensorFlow. */
  readonly tensorflow?: string | undefined;
  /** A Python that has TensorFlow. */
  readonly python?: string | undefined;
  /** The wheel, whatever else is there. */
  readonly wheel?: boolean | undefined;
  /** TensorFlow.js's own binary. */
  readonly prebuilt?: boolean | undefined;
  /** Libraries with CUDA instead of those for the CPU. */
  readonly gpu?: boolean | undefined;
}

/** Asks a person; resolves to whether they agree. */
export type Confirm = (question: string) => Promise<boolean>;

/** One way. */
export interface Strategy {
  readonly name: StrategyName;
  readonly why: string;
  /** Absent for a binary that comes compiled. Throws BackendError. */
  readonly provide?: () => Promise<TensorFlowFolder>;
}

/** The ways to try, and whether the user named the one there is. Throws ConfigError for flags that exclude one another. */
export function chooseStrategies(
  choice: StrategyChoice,
  options: Omit<WheelOptions, 'gpu'> & { readonly confirm?: Confirm | undefined },
): { readonly named: boolean; readonly strategies: readonly Strategy[] } {
  const { env, platform } = options.system;
  const { tensorflow, python, prebuilt = false, gpu = false } = choice;
  const wheel = choice.wheel ?? (gpu && tensorflow === undefined && python === undefined && !prebuilt);
  const flags = Object.entries({ tensorflow, python, wheel, prebuilt }).filter(
    ([, value]) => value !== undefined && value !== false,
  );
  if (flags.length > 1) throw new ConfigError(problems.manyWays(flags.map(([name]) => `--${name}`)));
  const userFolder = (folder: string, why: string): Strategy => ({
    name: 'tensorflow',
    why,
    provide: () => inspectTensorFlow(folder, platform),
  });
  const ofPython = (command: string, why: string): Strategy => ({
    name: 'python',
    why,
    provide: () => tensorFlowOfPython(command, options),
  });
  const ofWheel = (why: string): Strategy => ({
    name: 'wheel',
    why,
    async provide() {
      const settings = { ...options, gpu };
      if (gpu && !(await keptWheel(settings))) await askForCuda(options.confirm);
      return provideWheel(settings);
    },
  });
  const one = (strategy: Strategy) => ({ named: true, strategies: [strategy] });
  if (tensorflow !== undefined) return one(userFolder(tensorflow, '--tensorflow names it'));
  if (python !== undefined) return one(ofPython(python, '--python names it'));
  if (wheel) return one(ofWheel(gpu ? '--gpu asks for it' : '--wheel asks for it'));
  if (prebuilt) return one({ name: 'prebuilt', why: '--prebuilt asks for it' });
  const [folder, command] = [env['TESSERA_TENSORFLOW'], env['TESSERA_PYTHON']];
  return {
    named: false,
    strategies: [
      ...(folder ? [userFolder(folder, 'TESSERA_TENSORFLOW names it')] : []),
      ...(command ? [ofPython(command, 'TESSERA_PYTHON names a Python that has it')] : []),
      ofWheel('no other TensorFlow was named, and pip has the newest'),
      { name: 'prebuilt', why: 'nothing else worked' },
    ],
  };
}

const findInPython = `
import importlib.util
spec = importlib.util.find_spec('tensorflow')
print(spec.submodule_search_locations[0] if spec and spec.submodule_search_locations else '')
`;

async function tensorFlowOfPython(
  python: string,
  { system, signal }: Pick<WheelOptions, 'system' | 'signal'>,
): Promise<TensorFlowFolder> {
  const answer = await system.run(python, ['-c', findInPython], { signal });
  if (answer?.code !== 0) throw new BackendError(problems.noPython(python));
  const folder = answer.stdout.trim();
  if (folder === '') throw new BackendError(problems.pythonWithout(python));
  return inspectTensorFlow(folder, system.platform);
}

async function askForCuda(confirm: Confirm | undefined): Promise<void> {
  const { download, disk } = wheelSize(true);
  const size = `about ${(download / 1e9).toFixed(0)} GB to download and ${(disk / 1e9).toFixed(0)} GB on disk`;
  const agreed = await confirm?.(`TensorFlow with CUDA is ${size}, and experimental here. Go on?`);
  if (agreed !== true) throw new BackendError(problems.gpuRefused());
}
