// The `tessera` command with the fake experiment, as a process of its own; FAKE says how it misbehaves.

import { setTimeout as sleep } from 'node:timers/promises';
import { exitWhenWritten, processIo } from '../src/process-io.ts';
import { main } from '../src/program.ts';
import { fakeExperiment } from './fake-experiment.ts';

const experiment = fakeExperiment({
  async run({ signal }) {
    if (process.env['FAKE'] === 'rejects') void Promise.reject(new TypeError('nobody caught this'));
    process.stderr.write('ready\n');
    while (!signal.aborted || process.env['FAKE'] === 'hangs') await sleep(10);
  },
});

exitWhenWritten(await main(process.argv.slice(2), processIo([experiment])));
