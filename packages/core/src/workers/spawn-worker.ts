// Starts a worker thread from a module beside the caller's, in the compiled package and straight from TypeScript source alike.
// Node 20 applies no loader to a worker's entry, so from source the entry is a line of JavaScript that registers a small one (`source-hooks.mjs`) and then imports the module.
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import type { ResourceLimits, WorkerOptions } from 'node:worker_threads';
import { ConfigError } from '../errors.ts';

/** What a worker gets. */
export interface SpawnWorkerOptions {
  /** A structured clone of it is `workerData` in the worker. */
  readonly workerData?: unknown;
  /** What moves to the worker instead of being copied. */
  readonly transferList?: NonNullable<WorkerOptions['transferList']>;
  /** Memory limits of the worker. */
  readonly resourceLimits?: ResourceLimits;
}

/**
 * Starts the module `./name` beside `parentUrl` (the caller's `import.meta.url`) as a worker thread. A module that is missing or throws is an `error` event of the worker.
 *
 * Throws ConfigError when the name has an ending, the parent is no file, or source is run where tsx is not installed.
 */
export function spawnWorker(parentUrl: string, name: string, options: SpawnWorkerOptions = {}): Worker {
  if (/\.[cm]?[jt]s$/.test(name)) {
    throw new ConfigError(`spawnWorker: expected the module's name without its ending, got ${JSON.stringify(name)}.`);
  }
  const parent = parse(parentUrl);
  // No execArgv: the worker would lose the inherited conditions, and look for other packages' dist.
  const { workerData, transferList, resourceLimits } = options;
  const settings: WorkerOptions = { name, workerData };
  if (transferList !== undefined) settings.transferList = transferList;
  if (resourceLimits !== undefined) settings.resourceLimits = resourceLimits;
  if (!parent.pathname.endsWith('.ts')) return new Worker(new URL(`./${name}.js`, parent), settings);
  const entry = new URL(`./${name}.ts`, parent).href;
  const hooks = new URL('./source-hooks.mjs', import.meta.url).href;
  // Thrown outside of the promise, as the compiled module would throw it: a rejection wraps what is no Error.
  const bootstrap = `process.setSourceMapsEnabled(true);
    require('node:module').register(${JSON.stringify(hooks)}, { data: ${JSON.stringify({ tsx: tsxPackage(parent) })} });
    import(${JSON.stringify(entry)}).catch((error) => setImmediate(() => { throw error; }));`;
  return new Worker(bootstrap, { ...settings, eval: true });
}

function parse(parentUrl: string): URL {
  const url = URL.canParse(parentUrl) ? new URL(parentUrl) : undefined;
  if (url?.protocol !== 'file:') {
    throw new ConfigError(
      `spawnWorker: expected import.meta.url of the calling module, a file: address, got ${JSON.stringify(parentUrl)}.`,
    );
  }
  return url;
}

/** The package.json of tsx, whose compiler `source-hooks.mjs` uses. */
function tsxPackage(parent: URL): string {
  try {
    return createRequire(parent).resolve('tsx/package.json');
  } catch (cause) {
    throw new ConfigError(
      'spawnWorker: to run workers from TypeScript source needs tsx. Install it as a development dependency, or run the compiled package.',
      { cause },
    );
  }
}
