// A process of its own that locks the run folder named on its command line, says so, and stays until it is killed.

import { RunFolder } from '../src/run-folder.ts';

const run = await RunFolder.open(process.argv[2]!);
await run.lock();
process.stdout.write('locked\n');
setInterval(() => undefined, 1000);
