import { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodePng, ndarray } from '@tessera/core';
import { injectFaults } from '@tessera/core/node';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { encodeFileVersion, encodeRestart, encodeSummaries } from '../src/event-encoding.ts';
import { listRuns } from '../src/list-runs.ts';
import { RunFolder } from '../src/run-folder.ts';
import { messageOf, noon, runOptions, temporaryFolder } from './temporary-folder.ts';

const result = {
  experiment: 'tokenizer',
  env: 'Breakout-v0',
  seed: 0,
  steps: 10,
  wallSeconds: 1.5,
  backend: 'wasm' as const,
  versions: { node: '20.0.0' },
  command: 'tessera train tokenizer',
  tokenizer: {
    nmse: 0,
    psnr: Infinity,
    ballRecall: 1,
    usage: 1,
    usageCeiling: 1,
    perplexity: 8,
    perplexityCeiling: 9,
    churn: Number.NaN,
    deadCodes: 3,
  },
};

describe('RunFolder.create', () => {
  test('makes a folder named after the run, with its configuration', async () => {
    const root = temporaryFolder();
    const run = await RunFolder.create({
      ...runOptions(join(root, 'new', 'runs')),
      command: 'tessera train tokenizer',
    });
    expect(run.name).toBe('tokenizer-Breakout-v0-s0-20260131T120000Z');
    expect(readdirSync(run.directory)).toEqual(['checkpoints', 'config.json', 'media']);
    expect(readFileSync(join(run.directory, 'config.json'), 'utf8')).toMatchInlineSnapshot(`
      "{
        "formatVersion": 1,
        "experiment": "tokenizer",
        "env": "Breakout-v0",
        "seed": 0,
        "createdAt": "2026-01-31T12:00:00.250Z",
        "command": "tessera train tokenizer",
        "config": {
          "steps": 10
        }
      }
      "
    `);
    expect((await RunFolder.open(run.directory)).config).toEqual(run.config);
  });

  test('names are unique within one second, also when made at once', async () => {
    const root = temporaryFolder();
    const runs = await Promise.all(Array.from({ length: 5 }, () => RunFolder.create(runOptions(root))));
    expect(new Set(runs.map((run) => run.directory)).size).toBe(5);
    expect(readdirSync(root).length).toBe(5);
  });

  test('an environment id with slashes stays inside the root', async () => {
    const root = temporaryFolder();
    const run = await RunFolder.create({ ...runOptions(root), env: 'python:ALE/../Pong-v5' });
    expect(readdirSync(root)).toEqual([run.name]);
    expect(run.name).toBe('tokenizer-python_ALE_.._Pong-v5-s0-20260131T120000Z');
    expect(run.config.env).toBe('python:ALE/../Pong-v5');
  });

  test('refuses a seed that is no count', async () => {
    const root = temporaryFolder();
    expect(await messageOf(RunFolder.create({ ...runOptions(root), seed: -1 }), root)).toMatchInlineSnapshot(
      `"ConfigError: RunFolder.create: seed: expected integer >= 0, got -1."`,
    );
  });

  test.prop([fc.constantFrom('mkdir', 'write', 'rename', 'open', 'sync'), fc.constantFrom('ENOSPC', 'EACCES')], {
    numRuns: 20,
  })('a failing disk leaves no half-made run', async (operation, code) => {
    const root = temporaryFolder();
    const restore = injectFaults({ [operation]: () => code });
    const created = await RunFolder.create(runOptions(root)).then(
      () => undefined,
      (error: unknown) => error,
    );
    restore();
    expect(created).toMatchObject({ name: 'FileError', code });
    expect(readdirSync(root)).toEqual([]);
  });
});

describe('RunFolder.open', () => {
  const spoil = async (spoiler: (path: string, text: string) => void): Promise<string> => {
    const root = temporaryFolder();
    const run = await RunFolder.create(runOptions(root));
    const path = join(run.directory, 'config.json');
    spoiler(path, readFileSync(path, 'utf8'));
    return messageOf(RunFolder.open(run.directory), root);
  };

  test('a missing folder', async () => {
    const root = temporaryFolder();
    expect(await messageOf(RunFolder.open(join(root, 'x')), root)).toMatchInlineSnapshot(
      `"FileError: open run: there is no folder '<root>/x'. \`tessera list\` shows the runs that there are."`,
    );
  });

  test('a file, a folder of something else, a folder of runs', async () => {
    const root = temporaryFolder();
    writeFileSync(join(root, 'file'), '');
    mkdirSync(join(root, 'folder'));
    await RunFolder.create(runOptions(join(root, 'runs')));
    expect(await messageOf(RunFolder.open(join(root, 'file')), root)).toMatchInlineSnapshot(
      `"FormatError: open run: '<root>/file' is a file. Name the run folder, which holds config.json."`,
    );
    expect(await messageOf(RunFolder.open(join(root, 'folder')), root)).toMatchInlineSnapshot(
      `"FormatError: open run: '<root>/folder' is not a run folder: it has no config.json."`,
    );
    expect(await messageOf(RunFolder.open(join(root, 'runs')), root)).toMatchInlineSnapshot(
      `"FormatError: open run: '<root>/runs' is a folder of runs. Name one of them, such as '<root>/runs/tokenizer-Breakout-v0-s0-20260131T120000Z'."`,
    );
  });

  test('a configuration that was cut short', async () => {
    expect(await spoil((path, text) => writeFileSync(path, text.slice(0, 40)))).toMatchInlineSnapshot(
      `"FormatError: <root>/tokenizer-Breakout-v0-s0-20260131T120000Z/config.json: it is cut short or damaged, and no longer JSON. Restore it from a copy, or leave this run out."`,
    );
    expect(await spoil((path) => writeFileSync(path, ''))).toMatchInlineSnapshot(
      `"FormatError: <root>/tokenizer-Breakout-v0-s0-20260131T120000Z/config.json: it is empty. Restore it from a copy, or leave this run out."`,
    );
  });

  test('a newer version', async () => {
    const newer = await spoil((path, text) => {
      writeFileSync(path, text.replace('"formatVersion": 1', '"formatVersion": 2, "more": true'));
    });
    expect(newer).toMatchInlineSnapshot(
      `"FormatError: <root>/tokenizer-Breakout-v0-s0-20260131T120000Z/config.json: its formatVersion is 2, and this Tessera reads up to 1. Upgrade Tessera to read it."`,
    );
  });

  test('fields that are unknown, missing or wrong', async () => {
    const wrong = await spoil((path, text) => {
      writeFileSync(path, text.replace('"seed": 0', '"sede": 0').replace('"tokenizer"', '3'));
    });
    expect(wrong).toMatchInlineSnapshot(`
      "FormatError: <root>/tokenizer-Breakout-v0-s0-20260131T120000Z/config.json: unknown field 'sede'. Did you mean 'seed'?
      <root>/tokenizer-Breakout-v0-s0-20260131T120000Z/config.json: experiment: expected text, not empty, got 3.
      <root>/tokenizer-Breakout-v0-s0-20260131T120000Z/config.json: seed: is missing; expected integer >= 0."
    `);
  });

  test.prop([fc.nat()], { numRuns: 40 })('a configuration cut at any place is refused in words', async (at) => {
    const message = await spoil((path, text) => writeFileSync(path, text.slice(0, at % (text.length - 2))));
    expect(message).toMatch(/^FormatError: <root>.*config\.json: it is (empty|cut short or damaged)/);
  });
});

describe('metrics', () => {
  test('come back as they went in, non-finite ones too', async () => {
    const run = await RunFolder.create(runOptions(temporaryFolder()));
    await Promise.all([
      run.logMetrics(1, { 'loss/total': 0.5, 'a~b': -0 }),
      run.logMetrics(2, { 'loss/total': Number.NaN, 'loss/vq': Infinity, 'a~b': -Infinity }),
    ]);
    const wallTime = noon().getTime() / 1000;
    expect(await run.readMetrics()).toEqual([
      { step: 1, wallTime, values: { 'loss/total': 0.5, 'a~b': 0 } },
      { step: 2, wallTime, values: { 'loss/total': Number.NaN, 'loss/vq': Infinity, 'a~b': -Infinity } },
    ]);
    expect(readFileSync(join(run.directory, 'metrics.jsonl'), 'utf8').split('\n')[1]).toMatchInlineSnapshot(
      `"{"formatVersion":1,"step":2,"wallTime":1769860800.25,"values":{"loss/total":null,"loss/vq":null,"a~b":null},"nonFinite":{"loss/total":"NaN","loss/vq":"Infinity","a~b":"-Infinity"}}"`,
    );
  });

  const values = fc.dictionary(
    fc.string({ minLength: 1 }).filter((name) => name !== '__proto__'),
    fc.double().map((value) => value + 0),
  );

  test.prop([fc.array(values, { minLength: 1, maxLength: 4 }), fc.nat()], { numRuns: 30 })(
    'a file cut anywhere loses its last line at most, and later lines are added after the rest',
    async (records, cut) => {
      const run = await RunFolder.create(runOptions(temporaryFolder()));
      for (const [step, record] of records.entries()) await run.logMetrics(step, record);
      const path = join(run.directory, 'metrics.jsonl');
      const bytes = readFileSync(path);
      const keep = bytes.subarray(0, cut % (bytes.length + 1));
      writeFileSync(path, keep);
      const whole = keep.filter((byte) => byte === 0x0a).length;

      const again = await RunFolder.open(run.directory, { now: noon });
      const expected = records.slice(0, whole).map((record, step) => ({ step, values: { ...record } }));
      expect(await again.readMetrics()).toMatchObject(expected);
      expect((await again.readMetrics()).length).toBe(whole);
      await again.logMetrics(99, { after: 1 });
      const records2 = await again.readMetrics();
      expect(records2.length).toBe(whole + 1);
      expect(records2.at(-1)).toMatchObject({ step: 99, values: { after: 1 } });
    },
  );

  test('calls that nobody waits for are written one after the other, to one event file', async () => {
    const run = await RunFolder.create(runOptions(temporaryFolder()));
    const steps = Array.from({ length: 40 }, (_, step) => step);
    await Promise.all(steps.map((step) => run.logMetrics(step, { ['x'.repeat(40 - step)]: step })));
    expect((await run.readMetrics()).map((record) => record.step)).toEqual(steps);
    const events = readdirSync(run.directory).filter((name) => name.includes('tfevents'));
    expect(events.length).toBe(1);
    const bytes = readFileSync(join(run.directory, events[0]!));
    expect(bytes.toString('latin1').split('brain.Event:2').length - 1).toBe(1);
  });

  test.prop([fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 8 }), fc.boolean()], { numRuns: 40 })(
    'a rewind keeps the first lines, and what is logged then comes after them',
    async (logged, lines, torn) => {
      const run = await RunFolder.create(runOptions(temporaryFolder()));
      for (let step = 0; step < logged; step++) await run.logMetrics(step, { 'x\u2028': step, odd: NaN });
      expect(await run.metricsLines()).toBe(logged);
      if (torn) appendFileSync(join(run.directory, 'metrics.jsonl'), '{"step": ');
      const again = await RunFolder.open(run.directory, { now: noon });
      expect(await again.metricsLines()).toBe(logged);
      expect(await again.rewindMetrics(lines)).toBe(Math.max(0, logged - lines));
      await again.logMetrics(99, { x: 1 });
      const kept = Array.from({ length: Math.min(lines, logged) }, (_, step) => step);
      expect((await again.readMetrics()).map(({ step }) => step)).toEqual([...kept, 99]);
    },
  );

  test('a rewind that fails drops nothing', async () => {
    const root = temporaryFolder();
    const run = await RunFolder.create(runOptions(root));
    for (const step of [1, 2, 3]) await run.logMetrics(step, { loss: 1 });
    const restore = injectFaults({ write: () => 'ENOSPC' });
    expect(await messageOf(run.rewindMetrics(1), root)).toContain('the disk is full');
    restore();
    expect(await run.metricsLines()).toBe(3);
    expect(await messageOf(run.rewindMetrics(-1), root)).toMatchInlineSnapshot(
      `"ConfigError: rewindMetrics: expected a count of lines >= 0, got -1."`,
    );
  });

  test('after a rewind the next event file says at which step the run starts again', async () => {
    const run = await RunFolder.create(runOptions(temporaryFolder()));
    for (const step of [1, 2, 3]) await run.logMetrics(step, { loss: 1 });
    const events = (): string[] => readdirSync(run.directory).filter((name) => name.includes('tfevents'));
    const before = readFileSync(join(run.directory, events()[0]!));
    await run.rewindMetrics(2);
    expect(events().length).toBe(1);
    await run.logMetrics(4, { loss: 1 });
    expect(readFileSync(join(run.directory, events()[0]!))).toEqual(before);
    const wallTime = noon().getTime() / 1000;
    expect(readFileSync(join(run.directory, events()[1]!)).toString('hex')).toBe(
      Buffer.concat([
        encodeFileVersion({ wallTime }),
        encodeRestart({ wallTime, step: 3 }),
        encodeSummaries({ wallTime, step: 4, summaries: [{ tag: 'loss', scalar: 1 }] }),
      ]).toString('hex'),
    );
    await run.rewindMetrics(3, { step: 10 });
    await run.logPicture(11, 'frames', ndarray('uint8', [1, 1, 3]));
    expect(readFileSync(join(run.directory, events()[2]!)).toString('hex')).toContain(
      Buffer.from(encodeRestart({ wallTime, step: 11 })).toString('hex'),
    );
  });

  test('a damaged line is named', async () => {
    const root = temporaryFolder();
    const run = await RunFolder.create(runOptions(root));
    await run.logMetrics(1, { loss: 1 });
    const path = join(run.directory, 'metrics.jsonl');
    const line = readFileSync(path, 'utf8');
    writeFileSync(path, `${line}{"step": 2\n${line}`);
    expect(await messageOf(run.readMetrics(), root)).toMatchInlineSnapshot(
      `"FormatError: <root>/tokenizer-Breakout-v0-s0-20260131T120000Z/metrics.jsonl:2: it is cut short or damaged, and no longer JSON. Restore it from a copy, or leave this run out."`,
    );
    writeFileSync(path, line.replace('"loss":1', '"loss":null'));
    expect(await messageOf(run.readMetrics(), root)).toMatchInlineSnapshot(
      `"FormatError: <root>/tokenizer-Breakout-v0-s0-20260131T120000Z/metrics.jsonl:1: 'loss' is null without saying in nonFinite what it was."`,
    );
  });

  test('refuses steps and values that are none', async () => {
    const root = temporaryFolder();
    const run = await RunFolder.create(runOptions(root));
    expect(await messageOf(run.logMetrics(-1, { loss: 1 }), root)).toMatchInlineSnapshot(
      `"ConfigError: logMetrics: expected a step >= 0 that is a whole number, got -1."`,
    );
    expect(await messageOf(run.logMetrics(1, { loss: '1' as unknown as number }), root)).toMatchInlineSnapshot(
      `"ConfigError: logMetrics: expected 'loss' to be a number, got "1"."`,
    );
    expect(await messageOf(run.logMetrics(1, { '': 1 }), root)).toMatchInlineSnapshot(
      `"ConfigError: logMetrics: expected another name for a metric than ""."`,
    );
    expect(await run.readMetrics()).toEqual([]);
  });

  test('a full disk loses nothing that was written before', async () => {
    const root = temporaryFolder();
    const run = await RunFolder.create(runOptions(root));
    await run.logMetrics(1, { loss: 1 });
    let calls = 0;
    // The first write moves five bytes, the second finds the disk full.
    const restore = injectFaults({ write: () => (calls++ === 0 ? 5 : 'ENOSPC') });
    const message = await messageOf(run.logMetrics(2, { loss: 2 }), root);
    restore();
    expect(message).toMatchInlineSnapshot(
      `"FileError: files: cannot append to '<root>/tokenizer-Breakout-v0-s0-20260131T120000Z/metrics.jsonl': the disk is full. Free some space and try again; what was saved before is intact (ENOSPC)."`,
    );
    await run.logMetrics(3, { loss: 3 });
    expect((await run.readMetrics()).map((record) => record.step)).toEqual([1, 3]);
  });
});

describe('media', () => {
  test('a picture comes back pixel by pixel', async () => {
    const run = await RunFolder.create(runOptions(temporaryFolder()));
    const picture = ndarray(
      'uint8',
      [2, 3, 3],
      Uint8Array.from({ length: 18 }, (_, i) => i * 14),
    );
    const path = await run.writePicture('codebook', picture);
    expect(path).toBe(join(run.directory, 'media', 'codebook.png'));
    expect(decodePng(readFileSync(path))).toEqual(picture);
  });

  test.prop([fc.constantFrom('../x', 'a/b', '', '.hidden', 'a\0', 'a\\b')], { numRuns: 20 })(
    'a name that leaves the folder is refused',
    async (name) => {
      const root = temporaryFolder();
      const run = await RunFolder.create(runOptions(root));
      expect(await messageOf(run.writeMedia(name, new Uint8Array()), root)).toMatch(
        /^ConfigError: writeMedia: expected a name/,
      );
    },
  );
});

describe('result', () => {
  test('comes back as it went in, and is absent before', async () => {
    const run = await RunFolder.create(runOptions(temporaryFolder()));
    expect(await run.readResult()).toBeUndefined();
    await run.writeResult(result);
    expect(await run.readResult()).toEqual({ formatVersion: 1, ...result });
    const written = JSON.parse(readFileSync(join(run.directory, 'result.json'), 'utf8')) as Record<string, unknown>;
    expect(written.nonFinite).toEqual({ 'tokenizer/psnr': 'Infinity', 'tokenizer/churn': 'NaN' });
  });

  test("an agent's: evaluation, baselines, world model and phases, open for more fields", async () => {
    const root = temporaryFolder();
    const run = await RunFolder.create(runOptions(root));
    const agent = {
      ...result,
      evaluation: { meanReturn: 0.97, episodes: 200, standardError: 0.01 },
      baselines: {
        random: { meanReturn: -0.6, standardError: 0.03, episodes: 200, note: 'uniform actions' },
        'no-op': { meanReturn: Number.NaN, standardError: 0, episodes: 200, seconds: 1 },
      },
      worldModel: { accuracy: { all: 0.99, changed: 0.95 } },
      phases: { imagination: { seconds: 10, flops: 1e12, gflops: 100, updates: 30 } },
    };
    await run.writeResult(agent);
    expect(await run.readResult()).toEqual({ formatVersion: 1, ...agent });
    const wrong = {
      ...agent,
      evaluation: { meanReturn: '0.97', episodes: 1.5 },
      baselines: { random: { meanReturn: 1, episodes: 2, note: 3 } },
      worldModel: [],
      phases: { imagination: { seconds: 10, flops: 1e12 }, rest: 4 },
    };
    expect(await messageOf(run.writeResult(wrong as unknown as typeof agent), root)).toMatchInlineSnapshot(`
      "ConfigError: result: evaluation.meanReturn: expected a number.
      result: evaluation.episodes: expected integer >= 0, got 1.5.
      result: baselines.random.standardError: expected a number.
      result: baselines.random.note: expected text, got 3.
      result: worldModel: expected object, got [].
      result: phases.imagination.gflops: expected a number.
      result: phases.rest: expected object, got 4."
    `);
    expect(await run.readResult()).toEqual({ formatVersion: 1, ...agent });
  });

  test('refuses what does not fit', async () => {
    const root = temporaryFolder();
    const run = await RunFolder.create(runOptions(root));
    const wrong = {
      ...result,
      backend: 'wsam' as 'wasm',
      baseline: {},
      tokenizer: { ...result.tokenizer, psnr: 'high' },
    };
    expect(await messageOf(run.writeResult(wrong as unknown as typeof result), root)).toMatchInlineSnapshot(`
      "ConfigError: result: unknown field 'baseline'. Did you mean 'baselines'?
      result: backend: expected 'tensorflow-cpu' | 'tensorflow-gpu' | 'wasm' | 'webgpu' | 'cpu', got "wsam".
      result: tokenizer.psnr: expected a number."
    `);
    expect(await run.readResult()).toBeUndefined();
  });
});

describe('listRuns', () => {
  test('lists broken runs with what is wrong, oldest first', async () => {
    const root = temporaryFolder();
    const later = (): Date => new Date('2026-02-01T00:00:00Z');
    await (await RunFolder.create({ ...runOptions(root), seed: 1 })).writeResult(result);
    const broken = await RunFolder.create({ ...runOptions(root), seed: 2, now: later });
    await broken.writeResult(result);
    writeFileSync(join(broken.directory, 'result.json'), '{');
    mkdirSync(join(root, 'empty'));
    mkdirSync(join(root, '.creating-x'));
    writeFileSync(join(root, 'notes.txt'), '');
    const rows = (await listRuns(root)).map(
      (run) => `${run.name}: ${run.result?.steps ?? ''} ${run.problem ?? 'fine'}`,
    );
    expect(rows.join('\n').replaceAll(root, '<root>')).toMatchInlineSnapshot(`
      "empty:  open run: '<root>/empty' is not a run folder: it has no config.json.
      tokenizer-Breakout-v0-s1-20260131T120000Z: 10 fine
      tokenizer-Breakout-v0-s2-20260201T000000Z:  <root>/tokenizer-Breakout-v0-s2-20260201T000000Z/result.json: it is cut short or damaged, and no longer JSON. Restore it from a copy, or leave this run out."
    `);
  });

  test('no folder, no runs', async () => {
    expect(await listRuns(join(temporaryFolder(), 'none'))).toEqual([]);
  });
});
