// Entry of `npm run bench`; `bin/bench.js` imports it.

import { fileURLToPath } from 'node:url';
import { restart } from './bench-environment.ts';
import { bench } from './bench-program.ts';
import { exitWhenWritten, processIo } from './process-io.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
exitWhenWritten(await bench(process.argv.slice(2), processIo([]), { root, restart }));
