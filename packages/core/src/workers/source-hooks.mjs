// What a worker thread that runs from TypeScript source needs of a loader: `.ts` modules lose their types, and a module that is named as it will be called once it is
// compiled is found. With no more than that a worker starts in half the time that tsx takes. `spawnWorker` registers it from source alone; compiled packages never come here.

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { threadId } from 'node:worker_threads';

// Short, as functions print themselves in messages.
const options = { loader: 'ts', format: 'esm', target: 'node20', sourcemap: 'inline', minifyWhitespace: true };

let require;
let cache;

/** `tsx`: path of its package.json. Its compiler is used, and what was compiled is kept in the folder for such things beside it. */
export function initialize({ tsx }) {
  require = createRequire(tsx);
  cache = join(dirname(dirname(tsx)), '.cache', `tessera-source-${require('esbuild/package.json').version}`);
  mkdirSync(cache, { recursive: true });
}

export async function resolve(specifier, context, nextResolve) {
  try {
    return await nextResolve(specifier, context);
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND' || !/^(?:\.{0,2}\/|file:).*\.js$/.test(specifier)) throw error;
    return nextResolve(specifier.replace(/\.js$/, '.ts'), context);
  }
}

export function load(url, context, nextLoad) {
  if (!/^file:[^?#]*\.ts(?:$|[?#])/.test(url)) return nextLoad(url, context);
  const path = fileURLToPath(url);
  const text = readFileSync(path, 'utf8');
  return { format: 'module', source: compiled(path, text), shortCircuit: true };
}

function compiled(path, text) {
  const file = join(
    cache,
    `${createHash('sha256')
      .update(JSON.stringify([options, path, text]))
      .digest('hex')}.js`,
  );
  try {
    return readFileSync(file, 'utf8');
  } catch {
    const { code } = require('esbuild').transformSync(text, { ...options, sourcefile: path });
    // Workers start side by side: none may read what another has half written.
    const begun = `${file}.${process.pid}.${threadId}`;
    writeFileSync(begun, code);
    renameSync(begun, file);
    return code;
  }
}
