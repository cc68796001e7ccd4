// Tokenizers in files: exact resumption, and what damaged, lying, newer and missing files say.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, describe, onTestFinished } from 'vitest';
import { test } from '@fast-check/vitest';
import type { Safetensors } from '@tessera/core';
import { FileError, FormatError, decodeSafetensors, encodeSafetensors, ndarray } from '@tessera/core';
import type { Engine } from '@tessera/engine';
import { injectFaults } from '@tessera/core/node';
import { loadTokenizer, loadVideoTokenizer, saveTokenizer } from '../src/node.ts';
import { NearestTokenizer, VQVAE, VideoVQVAE, videoVqvaePresets } from '../src/index.ts';
import type { VqvaeOptions } from '../src/index.ts';
import { arcadeFrames, cpu, engines, noise, squares, temporaryFolder, tiny, tokenizer } from './toy.ts';

const kinds = ['vq', 'ema'] as const;

async function saved(options: VqvaeOptions = tiny(), steps = 3) {
  const folder = temporaryFolder();
  const vqvae = tokenizer(cpu, options, { seed: 4 });
  for (let i = 0; i < steps; i++) vqvae.trainStep(squares(16, i));
  await saveTokenizer(folder, vqvae);
  return { folder, vqvae };
}

/** Writes the file again with other content. */
function rewrite(folder: string, change: (content: Safetensors) => Safetensors): void {
  const path = join(folder, 'tokenizer.safetensors');
  const { tensors, metadata } = change(decodeSafetensors(readFileSync(path)));
  writeFileSync(path, encodeSafetensors(tensors, metadata));
}

/** Writes the file again with other settings. */
function edit(folder: string, change: (settings: Record<string, unknown>) => object): void {
  rewrite(folder, ({ tensors, metadata }) => {
    const settings = JSON.parse(metadata['tokenizer']!) as Record<string, unknown>;
    return { tensors, metadata: { tokenizer: JSON.stringify(change(settings)) } };
  });
}

async function failure(folder: string): Promise<{ error: unknown; message: string }> {
  const error: unknown = await loadTokenizer(cpu, folder).catch((reason: unknown) => reason);
  return { error, message: `${(error as Error).name}: ${(error as Error).message}`.replaceAll(folder, '<folder>') };
}

async function loadVqvae(engine: Engine, folder: string): Promise<VQVAE> {
  const loaded = await loadTokenizer(engine, folder);
  if (!(loaded instanceof VQVAE)) throw new TypeError('expected a VQVAE');
  return loaded;
}

describe.each(engines.flatMap(([name, engine]) => kinds.map((kind) => [name, kind, engine] as const)))(
  'on %s, kind %s',
  (_, kind, engine) => {
    // 0: nothing was drawn yet but the starting values.
    test.each([0, 5])('a tokenizer saved after %i steps goes on bit for bit', async (steps) => {
      const folder = temporaryFolder();
      const vqvae = tokenizer(engine, tiny({ kind, restartAfter: 2 }), { seed: 4 });
      for (let i = 0; i < steps; i++) vqvae.trainStep(squares(16, 0));
      await saveTokenizer(folder, vqvae);
      const again = await loadVqvae(engine, folder);
      const frames = squares(9, 99);
      const tokens = vqvae.encode(frames);
      expect(again.encode(frames)).toEqual(tokens);
      expect(again.decode(tokens)).toEqual(vqvae.decode(tokens));
      expect(again.config).toEqual(vqvae.config);
      // Dark frames first, so that there are codes to restart.
      const batch = (i: number) => (i < 3 ? ndarray('float32', [16, 8, 8, 1]) : squares(16, i));
      const next = (which: typeof vqvae) => Array.from({ length: 6 }, (_unused, i) => which.trainStep(batch(i)));
      const metrics = next(vqvae);
      expect(next(again)).toEqual(metrics);
      expect(again.state()).toEqual(vqvae.state());
      expect(steps > 0 || metrics.some(({ restarted }) => restarted > 0)).toBe(true);
      again.dispose();
    });
  },
);

describe('a nearest-patch tokenizer', () => {
  test('comes back with its codes and goes on alike', async () => {
    const folder = temporaryFolder();
    const nearest = new NearestTokenizer({ vocabulary: 40 });
    nearest.observe(arcadeFrames(30, 1));
    await saveTokenizer(folder, nearest);
    const again = await loadTokenizer(cpu, folder);
    expect(again).toBeInstanceOf(NearestTokenizer);
    expect(again.config).toEqual(nearest.config);
    expect(again.state()).toEqual(nearest.state());
    const more = arcadeFrames(5, 2);
    expect((again as NearestTokenizer).observe(more)).toBe(nearest.observe(more));
    expect(again.encode(more)).toEqual(nearest.encode(more));
  });

  test('replaces a VQVAE in the folder at once', async () => {
    const { folder } = await saved();
    await saveTokenizer(folder, new NearestTokenizer());
    expect(readdirSync(folder)).toEqual(['tokenizer.safetensors']);
    expect(await loadTokenizer(cpu, folder)).toBeInstanceOf(NearestTokenizer);
  });

  test('whose codes are not those of its settings', async () => {
    const folder = temporaryFolder();
    await saveTokenizer(folder, new NearestTokenizer());
    edit(folder, (settings) => ({ ...settings, config: { vocabulary: 8 } }));
    expect((await failure(folder)).message).toMatchInlineSnapshot(
      `"FormatError: <folder>/tokenizer.safetensors: the tensors do not fit the settings: loadState: 'codes' is of shape [8, 48], got [192, 48]. Build the tokenizer with the settings that it was saved with."`,
    );
    edit(folder, (settings) => ({ ...settings, config: { tokenShape: [3, 3] } }));
    expect((await failure(folder)).error).toBeInstanceOf(FormatError);
  });
});

describe('what a file says', () => {
  test('missing', async () => {
    const { error, message } = await failure(temporaryFolder());
    expect(error).toBeInstanceOf(FileError);
    expect(message).toContain('<folder>/tokenizer.safetensors');
  });

  test('no settings, or settings that are no JSON', async () => {
    const { folder } = await saved();
    rewrite(folder, ({ tensors }) => ({ tensors, metadata: { format: 'pt' } }));
    expect((await failure(folder)).message).toMatchInlineSnapshot(
      `"FormatError: <folder>/tokenizer.safetensors: expected the settings of a tokenizer in its metadata, got none. Is it the right file?"`,
    );
    rewrite(folder, ({ tensors }) => ({ tensors, metadata: { tokenizer: '{"formatVersion": 1, "ki' } }));
    const { error, message } = await failure(folder);
    expect(error).toBeInstanceOf(FormatError);
    expect(message).toMatch(
      /^FormatError: <folder>\/tokenizer.safetensors: expected settings in JSON, got .*The file was edited\.$/,
    );
  });

  test('a newer version, an older one, another kind', async () => {
    const { folder } = await saved();
    edit(folder, (settings) => ({ ...settings, formatVersion: 2, somethingNew: true }));
    expect((await failure(folder)).message).toMatchInlineSnapshot(
      `"FormatError: <folder>/tokenizer.safetensors: format version 2 is newer than 1, the newest that this Tessera reads. Update Tessera."`,
    );
    edit(folder, (settings) => ({ ...settings, formatVersion: 0, somethingNew: undefined }));
    expect((await failure(folder)).message).toMatchInlineSnapshot(
      `"FormatError: <folder>/tokenizer.safetensors: settings: formatVersion: expected 1, got 0."`,
    );
    edit(folder, (settings) => ({ ...settings, formatVersion: 1, kind: 'vqvea' }));
    expect((await failure(folder)).message).toMatchInlineSnapshot(
      `"FormatError: <folder>/tokenizer.safetensors: settings: kind: expected one of "vqvae"|"video-vqvae"|"nearest", got 'vqvea'. Did you mean 'vqvae'?"`,
    );
    edit(folder, () => []);
    expect((await failure(folder)).error).toBeInstanceOf(FormatError);
  });

  test('settings that are none', async () => {
    const { folder } = await saved();
    edit(folder, (settings) => ({ ...settings, config: { ...(settings['config'] as object), chanels: 3 } }));
    expect((await failure(folder)).message).toMatchInlineSnapshot(
      `"FormatError: <folder>/tokenizer.safetensors: VQVAE settings: unknown field 'chanels'. Did you mean 'channels'?"`,
    );
  });

  test('settings that the tensors do not fit', async () => {
    const { folder } = await saved();
    edit(folder, (settings) => ({ ...settings, config: { ...(settings['config'] as object), channels: 5 } }));
    const { error, message } = await failure(folder);
    expect(error).toBeInstanceOf(FormatError);
    expect(message).toMatchInlineSnapshot(
      `"FormatError: <folder>/tokenizer.safetensors: the tensors do not fit the settings: state: 'adam.first.decoder/input/bias' is of shape [5], got [4]."`,
    );
    edit(folder, (settings) => ({ ...settings, kind: 'nearest', config: {} }));
    expect((await failure(folder)).error).toBeInstanceOf(FormatError);
  });

  test('generators that are none', async () => {
    const { folder } = await saved();
    for (const generators of [{ restart: { state: 1 } }, 3, undefined]) {
      edit(folder, (settings) => ({ ...settings, generators }));
      expect((await failure(folder)).error).toBeInstanceOf(FormatError);
    }
  });

  test('tensors cut short anywhere, or changed in their header', async () => {
    const { folder } = await saved();
    const path = join(folder, 'tokenizer.safetensors');
    const bytes = readFileSync(path);
    for (const length of [0, 7, 8, 100, bytes.length / 2, bytes.length - 1]) {
      writeFileSync(path, bytes.subarray(0, length));
      const { error, message } = await failure(folder);
      expect(error).toBeInstanceOf(FormatError);
      expect(message).toContain('<folder>/tokenizer.safetensors');
    }
    writeFileSync(path, bytes.fill(0xff, 0, 8));
    expect((await failure(folder)).error).toBeInstanceOf(FormatError);
  });

  test('tensors that lie', async () => {
    const { folder } = await saved();
    const { tensors, metadata } = decodeSafetensors(readFileSync(join(folder, 'tokenizer.safetensors')));
    const lie = async (changes: Parameters<typeof encodeSafetensors>[0], without = '') => {
      const all = Object.entries({ ...tensors, ...changes }).filter(([name]) => name !== without);
      rewrite(folder, () => ({ tensors: Object.fromEntries(all), metadata }));
      return (await failure(folder)).message;
    };
    expect(await lie({}, 'adam.step')).toMatchInlineSnapshot(
      `"FormatError: <folder>/tokenizer.safetensors: the tensors do not fit the settings: loadState: 'adam.step' is missing."`,
    );
    expect(await lie({ extra: ndarray('float32', [1]) })).toMatchInlineSnapshot(
      `"FormatError: <folder>/tokenizer.safetensors: the tensors do not fit the settings: state: there is no 'extra'."`,
    );
    expect(await lie({ 'parameters.quantizer.codebook': ndarray('float32', [3, 8]) })).toMatchInlineSnapshot(
      `"FormatError: <folder>/tokenizer.safetensors: the tensors do not fit the settings: state: 'parameters.quantizer.codebook' is of shape [8, 3], got [3, 8]."`,
    );
    expect(await lie({ 'parameters.quantizer.codebook': ndarray('float64', [8, 3]) })).toMatchInlineSnapshot(
      `"FormatError: <folder>/tokenizer.safetensors: the tensors do not fit the settings: state: 'parameters.quantizer.codebook' is float32, got float64."`,
    );
    expect(await lie({ 'counters.idle': ndarray('uint8', [8]) })).toMatchInlineSnapshot(
      `"FormatError: <folder>/tokenizer.safetensors: the tensors do not fit the settings: loadState: expected counters.idle as counts, int32 [8], got uint8 [8]."`,
    );
  });

  test('a failed load leaves nothing behind on the engine', async () => {
    const { folder } = await saved();
    const before = cpu.tensorCount();
    edit(folder, (settings) => ({ ...settings, config: { ...(settings['config'] as object), channels: 5 } }));
    await failure(folder);
    expect(cpu.tensorCount()).toBe(before);
  });
});

test('a full disk loses nothing saved before', async () => {
  const { folder, vqvae } = await saved();
  const tokens = vqvae.encode(squares(5, 5));
  for (const operation of ['open', 'write', 'sync', 'rename'] as const) {
    const restore = injectFaults({ [operation]: () => 'ENOSPC' });
    const later = tokenizer(cpu, tiny(), { seed: 5 });
    await expect(saveTokenizer(folder, later)).rejects.toThrow(FileError);
    restore();
    const again = await loadTokenizer(cpu, folder);
    expect(again.encode(squares(5, 5))).toEqual(tokens);
    again.dispose();
  }
});

test('a tokenizer of videos comes back as one, and neither is taken for the other', async () => {
  const [videos, pictures] = [temporaryFolder(), temporaryFolder()];
  const options = { ...videoVqvaePresets.tiny, quantizer: { vocabulary: 8 } };
  const video = new VideoVQVAE(cpu, options, { seed: 1 });
  onTestFinished(() => video.dispose());
  const frames = noise(2, 3, video.spec.frameShape);
  video.trainStep(frames);
  await saveTokenizer(videos, video);
  await saveTokenizer(pictures, tokenizer(cpu));
  const again = await loadVideoTokenizer(cpu, videos);
  onTestFinished(() => again.dispose());
  expect(again.trainStep(frames)).toEqual(video.trainStep(frames));
  expect(again.state()).toEqual(video.state());
  await expect(loadTokenizer(cpu, videos)).rejects.toThrow('got one of videos. Load it with loadVideoTokenizer.');
  await expect(loadVideoTokenizer(cpu, pictures)).rejects.toThrow('got one of pictures. Load it with loadTokenizer.');
});
