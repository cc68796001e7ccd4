import { execFileSync } from 'node:child_process';
import { ndarray } from '@tessera/core';
import { test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { RunFolder } from '../src/run-folder.ts';
import { noon, runOptions, temporaryFolder } from './temporary-folder.ts';

const python = process.env.TESSERA_PYTHON;
const why = python === undefined ? ' (skipped: TESSERA_PYTHON names no Python with tensorboard in it)' : '';

const READER = `
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
import glob, os
folder = sys.argv[1]
files = sorted(glob.glob(os.path.join(folder, "*tfevents*")))
versions = [next(iter(EventFileLoader(path).Load())).file_version for path in files]
events = EventAccumulator(folder)
events.Reload()
print(json.dumps({
    "versions": versions,
    "tags": {kind: events.Tags()[kind] for kind in ("scalars", "images")},
    "loss": [[e.step, e.wall_time, repr(e.value)] for e in events.Scalars("loss/total")],
    "image": [[e.step, e.width, e.height, e.encoded_image_string[1:4].decode()] for e in events.Images("frames")],
}))
`;

/** What TensorBoard finds in a folder. */
function read(directory: string): unknown {
  const output = execFileSync(python!, ['-c', READER, directory], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return JSON.parse(output);
}

describe("TensorBoard's own reader", () => {
  test.skipIf(python === undefined)(`loads scalars and pictures, also of a run that went on later${why}`, async () => {
    const run = await RunFolder.create(runOptions(temporaryFolder()));
    await run.logMetrics(1, { 'loss/total': 0.5, other: 2 });
    await run.logMetrics(2, { 'loss/total': Number.NaN });
    await run.logPicture(2, 'frames', ndarray('uint8', [4, 5, 3]));
    const again = await RunFolder.open(run.directory, { now: () => new Date(noon().getTime() + 1000) });
    await again.logMetrics(3_000_000_000, { 'loss/total': -Infinity });
    const start = noon().getTime() / 1000;
    expect(read(run.directory)).toEqual({
      versions: ['brain.Event:2', 'brain.Event:2'],
      tags: { scalars: ['loss/total', 'other'], images: ['frames'] },
      loss: [
        [1, start, '0.5'],
        [2, start, 'nan'],
        [3_000_000_000, start + 1, '-inf'],
      ],
      image: [[2, 5, 4, 'PNG']],
    });
  });

  test.skipIf(python === undefined)(`forgets what a resumed run left behind${why}`, async () => {
    const run = await RunFolder.create(runOptions(temporaryFolder()));
    for (const step of [1, 2, 3, 4]) await run.logMetrics(step, { 'loss/total': step, other: 0 });
    await run.logPicture(2, 'frames', ndarray('uint8', [4, 5, 3]));
    await run.logPicture(4, 'frames', ndarray('uint8', [4, 5, 3]));
    const again = await RunFolder.open(run.directory, { now: () => new Date(noon().getTime() + 1000) });
    expect(await again.rewindMetrics(2, { step: 3 })).toBe(2);
    await again.logMetrics(4, { 'loss/total': 0.25 });
    await again.logMetrics(5, { 'loss/total': 0.5 });
    const start = noon().getTime() / 1000;
    expect(read(run.directory)).toMatchObject({
      loss: [
        [1, start, '1.0'],
        [2, start, '2.0'],
        [3, start, '3.0'],
        [4, start + 1, '0.25'],
        [5, start + 1, '0.5'],
      ],
      image: [[2, 5, 4, 'PNG']],
    });
  });
});
