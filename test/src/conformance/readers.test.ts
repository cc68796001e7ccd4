import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodePng, decodeSafetensors } from '@tessera/core';
import { RunFolder } from '@tessera/runs';
import { test } from '@fast-check/vitest';
import { beforeAll, describe, expect } from 'vitest';
import { python, runPython, whyNoPython } from '../support/python.ts';
import { sharedFolder } from '../support/temporary-folder.ts';
import { tessera } from '../support/tessera.ts';
import { onlyRun, tinyRun } from '../support/tiny-run.ts';

const READ_EVENTS = `
import json, sys, zlib
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "images": 0})
events.Reload()
tags = events.Tags()
def size(png):
    assert png[:8] == b"\\x89PNG\\r\\n\\x1a\\n"
    at, data = 8, b""
    while at < len(png):
        length, kind = int.from_bytes(png[at:at + 4], "big"), png[at + 4:at + 8]
        content = png[at + 8:at + 8 + length]
        assert zlib.crc32(kind + content) == int.from_bytes(png[at + 8 + length:at + 12 + length], "big")
        data += content if kind == b"IDAT" else b""
        at += 12 + length
    return [int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big"), len(zlib.decompress(data))]
print(json.dumps({
    "scalars": {tag: [[e.step, e.value] for e in events.Scalars(tag)] for tag in tags["scalars"]},
    "images": {tag: [[e.step, e.width, e.height, size(e.encoded_image_string), e.encoded_image_string.hex()]
        for e in events.Images(tag)] for tag in tags["images"]},
}))
`;

const READ_TENSORS = `
import json, sys
from safetensors import safe_open
from safetensors.numpy import load_file
with safe_open(sys.argv[1], framework="np") as file:
    metadata = file.metadata()
print(json.dumps({
    "metadata": metadata,
    "tensors": {name: [str(array.dtype), list(array.shape), array.tobytes().hex()] for name, array in load_file(sys.argv[1]).items()},
}))
`;

interface Events {
  readonly scalars: Record<string, [step: number, value: number][]>;
  readonly images: Record<string, [step: number, width: number, height: number, size: number[], png: string][]>;
}

interface Tensors {
  readonly metadata: Record<string, string> | null;
  readonly tensors: Record<string, [dtype: string, shape: number[], bytes: string]>;
}

const root = sharedFolder();
let directory = '';

beforeAll(async () => {
  if (python === undefined) return;
  expect(await tessera(tinyRun({ root }))).toMatchObject({ code: 0 });
  directory = onlyRun(root);
});

describe("TensorBoard's own reader loads a run", () => {
  test.skipIf(python === undefined)(`scalars are those of metrics.jsonl${whyNoPython}`, async () => {
    const { scalars } = runPython(READ_EVENTS, [directory]) as Events;
    const records = await (await RunFolder.open(directory)).readMetrics();
    expect(records.length).toBe(9);
    const written: Events['scalars'] = {};
    for (const { step, values } of records) {
      for (const [tag, value] of Object.entries(values)) (written[tag] ??= []).push([step, Math.fround(value)]);
    }
    expect(scalars).toEqual(written);
  });

  test.skipIf(python === undefined)(`pictures are those of media/${whyNoPython}`, () => {
    const { images } = runPython(READ_EVENTS, [directory]) as Events;
    expect(Object.keys(images).toSorted()).toEqual(['codebook', 'reconstructions']);
    for (const [tag, shown] of Object.entries(images)) {
      expect(shown.length).toBe(1);
      const [step, width, height, size, png] = shown[0]!;
      const saved = readFileSync(join(directory, 'media', `${tag}.png`));
      expect(png).toBe(saved.toString('hex'));
      const [rows, columns] = decodePng(saved).shape;
      // A filter byte a row, and three bytes a pixel.
      expect([step, height, width]).toEqual([400, rows, columns]);
      expect(size).toEqual([columns, rows, rows! * (1 + 3 * columns!)]);
    }
  });
});

describe('the safetensors package loads a run', () => {
  const shapes = {
    'parameters.quantizer.codebook': [8, 4],
    'parameters.encoder.down.0.kernel': [4, 4, 3, 4],
    'counters.idle': [8],
    'counters.updates': [],
  };

  /** Every array under its name, as Python sees it, against what is on disk for us. */
  function check(file: string): Tensors {
    const read = runPython(READ_TENSORS, [file]) as Tensors;
    const { tensors } = decodeSafetensors(readFileSync(file), { source: file });
    const ours = Object.entries(tensors).map(([name, { dtype, shape, data }]) => {
      const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex');
      return [name, [dtype as string, [...shape], bytes]];
    });
    expect(read.tensors).toEqual(Object.fromEntries(ours));
    const named = Object.fromEntries(Object.keys(shapes).map((name) => [name, read.tensors[name]?.[1]]));
    expect(named).toEqual(shapes);
    return read;
  }

  test.skipIf(python === undefined)(
    `the tokenizer, and the same arrays in the newest checkpoint${whyNoPython}`,
    async () => {
      const tokenizer = check(join(directory, 'tokenizer', 'tokenizer.safetensors'));
      expect(Object.keys(tokenizer.metadata!)).toEqual(['tokenizer']);
      expect(JSON.parse(tokenizer.metadata!['tokenizer']!)).toMatchObject({
        formatVersion: 1,
        kind: 'vqvae',
        config: { frameShape: [20, 20, 3], quantizer: { vocabulary: 8, codeDim: 4 } },
      });
      const [newest] = await (await RunFolder.open(directory)).listCheckpoints();
      const checkpoint = check(join(newest!.directory, 'tensors.safetensors'));
      expect(checkpoint.tensors).toEqual(tokenizer.tensors);
      expect(
        Object.values(tokenizer.tensors)
          .map(([dtype]) => dtype)
          .toSorted()
          .at(-1),
      ).toBe('int32');
      expect(Buffer.from(tokenizer.tensors['counters.updates']![2], 'hex').readInt32LE()).toBe(18);
    },
  );
});
