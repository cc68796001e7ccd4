// Entry of the `tessera` command; `bin/tessera.js` imports it.

import { experiments } from './experiments.ts';
import { exitWhenWritten, processIo } from './process-io.ts';
import { main } from './program.ts';

exitWhenWritten(await main(process.argv.slice(2), processIo(experiments)));
