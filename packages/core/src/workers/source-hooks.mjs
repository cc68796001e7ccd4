// What a worker thread that runs from TypeScript source needs of a loader: `.ts` modules lose their types. Modules of this repository are named with their endings, so that
// nothing is looked up, and a worker starts in half the time that tsx takes. `spawnWorker` registers it from source alone; compiled packages never come here.

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
