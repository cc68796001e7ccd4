import { createHash } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { injectFaults } from '@tessera/core/node';
import type { Faults } from '@tessera/core/node';
import { RunFolder } from '@tessera/runs';
import { createEngine } from '@tessera/engine';
import { loadTokenizer } from '@tessera/vqvae/node';
import { test } from '@fast-check/vitest';
import { beforeAll, describe, expect } from 'vitest';
import { sharedFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { tessera } from '../support/tessera.ts';
import { onlyRun, tinyRun } from '../support/tiny-run.ts';
import type { TinyOptions } from '../support/tiny-run.ts';

/** Exit code and what a person reads of the error, with the folder of the test taken out. */
async function refusal(words: readonly string[], root = '\0'): Promise<string> {
  const { code, out, err } = await tessera(words);
  expect(out).toBe('');
  const at = err.indexOf('error: ');
  return `exit ${code}: ${(at < 0 ? err : err.slice(at)).trimEnd().replaceAll(root, '<root>')}`;
}

/** A tiny run that must fail. */
async function refusedRun(options: Omit<TinyOptions, 'root'>): Promise<string> {
  const root = temporaryFolder();
  return refusal(tinyRun({ root, ...options }), root);
}

describe('settings that make no sense', () => {
  test('an unknown environment, by name and by version', async () => {
    expect(await refusedRun({ env: 'Breakuot-v0' })).toMatchInlineSnapshot(
      `"exit 1: error: train: --env Breakuot-v0: Environment \`Breakuot\` doesn't exist. Did you mean: \`Breakout\`? Name modules that register others in rollouts.envModules."`,
    );
    expect(await refusedRun({ env: 'Breakout-v7' })).toMatchInlineSnapshot(
      `"exit 1: error: train: --env Breakout-v7: Environment version \`v7\` for environment \`Breakout\` doesn't exist. It provides versioned environments: [ \`v0\` ]. Name modules that register others in rollouts.envModules."`,
    );
    expect(await refusedRun({ set: ['rollouts.envModules=["no-such-package"]'] })).toMatch(
      /^exit 1: error: train: cannot import 'no-such-package', which was to register Gallery-v0: .*Name a package, or a file such as \.\/my-envs\.js, in rollouts\.envModules\.$/,
    );
  });

  test('an unknown experiment, field, argument of the environment or back end', async () => {
    expect(await refusal(['train', 'tokeniser'])).toMatchInlineSnapshot(
      `"exit 2: error: train: unknown experiment 'tokeniser'. Did you mean 'tokenizer'? There are: catch, breakout, agent, ppo, dqn, tokenizer."`,
    );
    expect(await refusedRun({ set: ['model.quantizer.vocabluary=8'] })).toMatchInlineSnapshot(
      `"exit 1: error: --set model.quantizer.vocabluary=8: unknown field 'vocabluary' in 'model.quantizer'. Did you mean 'vocabulary'?"`,
    );
    expect(await refusedRun({ env: 'Breakout-v0', set: ['rollouts.envKwargs={"celSize":4}'] })).toMatchInlineSnapshot(
      `"exit 1: error: Breakout: unknown option 'celSize'. Did you mean 'cellSize'? Its options are cellSize, stickyActions, renderMode."`,
    );
    expect(await refusal(['train', 'tokenizer', '--backend', 'wsm'])).toMatchInlineSnapshot(
      `"exit 2: error: --backend: unknown back end 'wsm'. Did you mean 'wasm'? There are: tensorflow, wasm, cpu."`,
    );
    expect(await refusal(['eval', 'runs', '--backend', 'webgpu'])).toMatchInlineSnapshot(
      `"exit 2: error: --backend: unknown back end 'webgpu'. There are: tensorflow, wasm, cpu."`,
    );
  });

  test('codebooks of 0 and 1, a batch of 0, nothing to train', async () => {
    expect(await refusedRun({ set: ['model.quantizer.vocabulary=0'] })).toMatchInlineSnapshot(
      `"exit 1: error: --set model.quantizer.vocabulary=0: model.quantizer.vocabulary: expected integer in [2, 65536], got 0."`,
    );
    expect(await refusedRun({ set: ['model.quantizer.vocabulary=1'] })).toMatchInlineSnapshot(
      `"exit 1: error: --set model.quantizer.vocabulary=1: model.quantizer.vocabulary: expected integer in [2, 65536], got 1."`,
    );
    expect(await refusedRun({ set: ['training.batchSize=0'] })).toMatchInlineSnapshot(
      `"exit 1: error: --set training.batchSize=0: training.batchSize: expected integer >= 1, got 0."`,
    );
    expect(await refusedRun({ set: ['steps=50'] })).toMatchInlineSnapshot(
      `"exit 1: error: train tokenizer: expected steps >= 116 (training.warmupSteps 100, and a batch of 16 at training.trainRatio 1), got 50: nothing would be trained. Raise steps or lower training.warmupSteps."`,
    );
  });

  test('frames that do not divide into tokens', async () => {
    const set = ['rollouts.envKwargs={"cellSize":4}', 'model.tokenShape=[3,3]'];
    expect(await refusedRun({ env: 'Breakout-v0', set })).toMatchInlineSnapshot(
      `"exit 1: error: VQVAE: a frame of 40 x 40 pixels does not halve down to 3 x 3 tokens. Choose tokenShape so that height / rows = width / columns is a power of two."`,
    );
  });
});

describe('environments that break after training has begun', () => {
  const failures = {
    throw:
      /^exit 1: error: rollouts: Gallery-v0 \(environment \d, worker 0\), step \d+ of episode \d+ threw: the square left the gallery$/,
    observation:
      /^exit 1: error: rollouts: Gallery-v0 \(environment \d, worker 0\), step \d+ of episode \d+: the observation is outside its space: expected Box\(0, 255, \(20, 20, 3\), uint8\), a Uint8Array of 1200 values; got Uint8Array\(7\)\.$/,
    exit: /^exit 1: error: rollouts: Gallery-v0 \(environment \d, worker 0\), step \d+ of episode \d+: worker 'rollout-worker': ended with exit code 7 before its work was done/,
    hang: /^exit 1: error: rollouts: Gallery-v0 \(environment \d, worker 0\), step \d+ of episode \d+: nothing came from the worker for 1500 ms\. Raise timeoutMs if the environment may be that slow\.$/,
  } as const;
  for (const [failure, message] of Object.entries(failures)) {
    test(`${failure}: the message says where, and what was saved stays`, async () => {
      const root = temporaryFolder();
      const kwargs = { failure: failure as keyof typeof failures, failStep: 150 };
      const { code, out, err } = await tessera(tinyRun({ root, kwargs, set: ['rollouts.timeoutMs=1500'] }));
      expect(`exit ${code}: ${err.slice(err.indexOf('error: ')).trimEnd()}`).toMatch(message);
      expect(out).toBe('');
      const directory = onlyRun(root);
      expect(err).toContain(`What was saved before is in ${directory}; tessera eval reads it.\n`);
      await expectEvaluable(directory);
    });
  }
});

async function expectEvaluable(directory: string): Promise<void> {
  const { code, out } = await tessera(['eval', directory, '--backend', 'wasm']);
  expect(code).toBe(0);
  const { tokenizer } = JSON.parse(out) as { tokenizer: { nmse: number } };
  expect(tokenizer.nmse).toBeGreaterThan(0);
}

describe('file systems that refuse', () => {
  /** Runs with faults that begin with the write number `from` of a file whose path contains `part`. */
  async function runOnFullDisk(
    part: string,
    from: number,
  ): Promise<{ code: number | null; err: string; root: string }> {
    const root = temporaryFolder();
    const words = tinyRun({ root });
    let writes = 0;
    let full = false;
    const write = ({ path }: { path: string }): string | undefined => {
      full ||= path.includes(part) && ++writes >= from;
      return full ? 'ENOSPC' : undefined;
    };
    using _ = injectFaults({ write });
    return { ...(await tessera(words)), root };
  }

  test('a disk that is full while a checkpoint is written leaves the one before', async () => {
    const { code, err, root } = await runOnFullDisk('checkpoints', 5);
    const directory = onlyRun(root);
    expect(`exit ${code}: ${err.slice(err.indexOf('error: '))}`.replaceAll(/<?\/\S*\/checkpoints\/\S+/g, '<path>'))
      .toMatchInlineSnapshot(`
      "exit 1: error: files: cannot write '<path> the disk is full. Free some space and try again; what was saved before is intact (ENOSPC).
      "
    `);
    const run = await RunFolder.open(directory);
    expect((await run.readCheckpoint()).meta['updates']).toBe(10);
    expect((await run.readMetrics()).length).toBeGreaterThanOrEqual(5);
    expect(await run.readResult()).toBeUndefined();
    await expectEvaluable(directory);
  });

  test('a disk that is full while metrics are written leaves the lines before', async () => {
    const { code, err, root } = await runOnFullDisk('metrics.jsonl', 4);
    expect(code).toBe(1);
    expect(err).toMatch(
      /error: files: cannot append to '.*metrics\.jsonl': the disk is full\. Free some space .*what was saved before is intact \(ENOSPC\)\.$/m,
    );
    const run = await RunFolder.open(onlyRun(root));
    expect((await run.readMetrics()).length).toBe(3);
    expect((await run.readCheckpoint()).meta['updates']).toBe(5);
  });

  test('no permission to make the run folder', async () => {
    const root = temporaryFolder();
    const words = tinyRun({ root });
    const mkdir: NonNullable<Faults['mkdir']> = () => 'EACCES';
    using _ = injectFaults({ mkdir });
    expect(await refusal(words, root)).toMatchInlineSnapshot(
      `"exit 1: error: files: cannot make the folder '<root>/runs': no permission. Give this user the right to it, or choose a folder of your own (EACCES)."`,
    );
  });
});

describe('run folders that are damaged', () => {
  const shared = sharedFolder();
  let original = '';

  beforeAll(async () => {
    expect(await tessera(tinyRun({ root: shared }))).toMatchObject({ code: 0 });
    original = onlyRun(shared);
  });

  /** The error of evaluating a copy of a good run that `damage` has changed. */
  async function evaluationOf(damage: (copy: string) => void): Promise<string> {
    const root = temporaryFolder();
    const copy = join(root, 'run');
    cpSync(original, copy, { recursive: true });
    damage(copy);
    return refusal(['eval', copy, '--backend', 'wasm'], root);
  }

  const edit = (path: string, change: (text: string) => string): void =>
    writeFileSync(path, change(readFileSync(path, 'utf8')));
  const checkpoint = (copy: string): string => join(copy, 'checkpoints', readdirSync(join(copy, 'checkpoints'))[0]!);

  test('missing, a file, a folder of runs, no run', async () => {
    const root = temporaryFolder();
    const nothing = join(root, 'nothing');
    expect(await refusal(['eval', nothing], root)).toMatchInlineSnapshot(
      `"exit 1: error: open run: there is no folder '<root>/nothing'. \`tessera list\` shows the runs that there are."`,
    );
    writeFileSync(nothing, '');
    expect(await refusal(['eval', nothing], root)).toMatchInlineSnapshot(
      `"exit 1: error: open run: '<root>/nothing' is a file. Name the run folder, which holds config.json."`,
    );
    expect(await refusal(['eval', root], root)).toMatchInlineSnapshot(
      `"exit 1: error: open run: '<root>' is not a run folder: it has no config.json."`,
    );
    expect(await refusal(['eval', join(shared, 'runs')], shared)).toMatch(
      /^exit 1: error: open run: '<root>\/runs' is a folder of runs\. Name one of them, such as '<root>\/runs\/tokenizer-Gallery-v0-s0-/,
    );
  });

  test('settings cut short, from a newer version, with an unknown field', async () => {
    const config = (change: (text: string) => string) =>
      evaluationOf((copy) => edit(join(copy, 'config.json'), change));
    expect(await config((text) => text.slice(0, 100))).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/config.json: it is cut short or damaged, and no longer JSON. Restore it from a copy, or leave this run out."`,
    );
    expect(await config((text) => text.replace('"formatVersion": 1', '"formatVersion": 2'))).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/config.json: its formatVersion is 2, and this Tessera reads up to 1. Upgrade Tessera to read it."`,
    );
    expect(await config((text) => text.replace('"batchSize"', '"batchsize"'))).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/config.json: config: unknown field 'batchsize' in 'training'. Did you mean 'batchSize'?"`,
    );
    expect(
      await config((text) => text.replace('"experiment": "tokenizer"', '"experiment": "world-model"')),
    ).toMatchInlineSnapshot(
      `"exit 1: error: eval: '<root>/run' is a run of the experiment 'world-model', which is not known here. There are: catch, breakout, agent, ppo, dqn, tokenizer. Update Tessera if a newer one wrote it."`,
    );
  });

  test('checkpoints cut short, altered, newer, gone', async () => {
    const tensors = (copy: string): string => join(checkpoint(copy), 'tensors.safetensors');
    const clean = (text: string): string =>
      text.replaceAll(/\d{5,} bytes/g, '<n> bytes').replaceAll(/expected \d+ bytes, got/g, 'expected <n> bytes, got');
    expect(clean(await evaluationOf((copy) => truncateSync(tensors(copy), 1000)))).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/checkpoints/000004-tokenizer/tensors.safetensors: expected <n> bytes, got 1000. It was cut short. It is the only one."`,
    );
    expect(
      await evaluationOf((copy) => {
        const bytes = readFileSync(tensors(copy));
        bytes[bytes.length - 5]! ^= 1;
        writeFileSync(tensors(copy), bytes);
      }),
    ).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/checkpoints/000004-tokenizer/tensors.safetensors: its content is not what was written (SHA-256 differs). It was altered. It is the only one."`,
    );
    expect(
      await evaluationOf((copy) =>
        edit(join(checkpoint(copy), 'checkpoint.json'), (text) =>
          text.replace('"formatVersion": 1', '"formatVersion": 9'),
        ),
      ),
    ).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/checkpoints/000004-tokenizer/checkpoint.json: its formatVersion is 9, and this Tessera reads up to 1. Upgrade Tessera to read it. It is the only one."`,
    );
    expect(await evaluationOf((copy) => rmSync(checkpoint(copy), { recursive: true }))).toMatchInlineSnapshot(
      `"exit 1: error: <root>/run/checkpoints: no checkpoint yet. The run ended before it wrote one."`,
    );
  });

  /** Rewrites the JSON header of a safetensors file. */
  function lie(path: string, change: (header: string) => string): Buffer {
    const bytes = readFileSync(path);
    const end = 8 + Number(bytes.readBigUInt64LE());
    const header = Buffer.from(change(bytes.toString('utf8', 8, end)));
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(header.length));
    const lying = Buffer.concat([size, header, bytes.subarray(end)]);
    writeFileSync(path, lying);
    return lying;
  }

  test('a safetensors header that lies about sizes, though its checksum is right', async () => {
    const error = await evaluationOf((copy) => {
      const bytes = lie(join(checkpoint(copy), 'tensors.safetensors'), (header) => header.replace('[8,4]', '[8,5]'));
      edit(join(checkpoint(copy), 'checkpoint.json'), (text) => {
        const info = JSON.parse(text) as Record<string, unknown>;
        const tensorSha256 = createHash('sha256').update(bytes).digest('hex');
        return JSON.stringify({ ...info, tensorSha256, tensorBytes: bytes.length });
      });
    });
    expect(error).toMatchInlineSnapshot(
      `"exit 1: error: safetensors '<root>/run/checkpoints/000004-tokenizer/tensors.safetensors': tensor "adam.first.quantizer/codebook" of shape [8,5] and dtype "F32" takes 160 bytes, but has 128. It is the only one."`,
    );
  });

  test('a saved tokenizer whose header lies, or names a path', async () => {
    const engine = await createEngine({ backend: 'wasm' });
    try {
      const root = temporaryFolder();
      const load = async (change: (header: string) => string): Promise<string> => {
        const folder = join(root, 'tokenizer');
        cpSync(join(original, 'tokenizer'), folder, { recursive: true });
        lie(join(folder, 'tokenizer.safetensors'), change);
        const error = await loadTokenizer(engine, folder).catch((reason: unknown) => reason);
        expect(error).toMatchObject({ name: 'FormatError' });
        return (error as Error).message.replaceAll(root, '<root>');
      };
      const before = engine.tensorCount();
      expect(await load((header) => header.replace('[8,4]', '[8,5]'))).toMatchInlineSnapshot(
        `"safetensors '<root>/tokenizer/tokenizer.safetensors': tensor "adam.first.quantizer/codebook" of shape [8,5] and dtype "F32" takes 160 bytes, but has 128."`,
      );
      expect(
        await load((header) => header.replace('parameters.quantizer.codebook', '../../codebook')),
      ).toMatchInlineSnapshot(
        `"<root>/tokenizer/tokenizer.safetensors: the tensors do not fit the settings: loadState: 'parameters.quantizer.codebook' is missing."`,
      );
      expect(existsSync(join(root, '..', 'codebook'))).toBe(false);
      expect(engine.tensorCount()).toBe(before);
    } finally {
      engine.dispose();
    }
  });
});
