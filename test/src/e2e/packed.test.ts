import { execFile, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildAll, compiler, repository } from '../support/repository.ts';
import { sharedFolder } from '../support/temporary-folder.ts';

const run = promisify(execFile);
const consumer = fileURLToPath(new URL('../support/fixtures/consumer/', import.meta.url));

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly exports: Record<string, unknown>;
}

const manifestIn = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;

/** Folders of what is published, relative to the repository. */
const published = [
  ...['packages', 'envs'].flatMap((group) => readdirSync(join(repository, group)).map((name) => join(group, name))),
  'experiments',
].filter(
  (folder) =>
    existsSync(join(repository, folder, 'package.json')) && manifestIn(join(repository, folder)).private !== true,
);

// npm tells its children where it was called; those below work elsewhere.
const environment = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^(npm_package|npm_config_(local_prefix|call)|INIT_CWD|NODE_OPTIONS)/.test(name),
  ),
);

const npm = (words: readonly string[], cwd: string) =>
  run('npm', [...words], { cwd, env: environment, maxBuffer: 2 ** 26 });

const hasNpm = spawnSync('npm', ['--version'], { stdio: 'ignore' }).status === 0;
const why = hasNpm ? '' : ' (skipped: there is no npm)';
const offline = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED/;

describe.skipIf(!hasNpm)(`the packages, packed and installed into an empty folder${why}`, () => {
  const folder = sharedFolder();
  let noRegistry = '';

  beforeAll(async () => {
    await buildAll();
    const tarballs = join(folder, 'tarballs');
    mkdirSync(tarballs);
    await npm(
      ['pack', '--ignore-scripts', '--pack-destination', tarballs, ...published.flatMap((path) => ['-w', path])],
      repository,
    );
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
    const files = readdirSync(tarballs).map((file) => join(tarballs, file));
    expect(files.length).toBe(published.length);
    try {
      await npm(['install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', ...files], folder);
    } catch (error) {
      const { stderr } = error as { stderr?: string };
      if (!offline.test(stderr ?? '')) throw error;
      noRegistry = 'no registry to install from';
    }
    for (const file of ['main.mjs', 'types.mts']) cpSync(join(consumer, file), join(folder, file));
  }, 300_000);

  const installed = (name: string): string => join(folder, 'node_modules', name);
  const manifests = published.map((path) => manifestIn(join(repository, path)));

  test('are whole: every door is there with its declarations, and nothing of the repository is needed', ({ skip }) => {
    skip(noRegistry !== '', noRegistry);
    const files = manifests.flatMap(({ name }) => {
      const { exports } = manifestIn(installed(name)) as { exports: Record<string, Record<string, string>> };
      return Object.values(exports).flatMap((door) => Object.values(door).map((file) => join(installed(name), file)));
    });
    expect(files.length).toBeGreaterThan(3 * manifests.length - 1);
    expect(files.filter((file) => !existsSync(file))).toEqual([]);
    expect(manifests.filter(({ name }) => existsSync(join(installed(name), 'tests')))).toEqual([]);
  });

  test('import, step an environment in a worker, train, save and load', { timeout: 60_000 }, async ({ skip }) => {
    skip(noRegistry !== '', noRegistry);
    const doors = manifests.flatMap(({ name, exports }) => Object.keys(exports).map((door) => name + door.slice(1)));
    const { stdout, stderr } = await run(process.execPath, ['main.mjs', JSON.stringify(doors)], {
      cwd: folder,
      env: environment,
    });
    const { loss, ...rest } = JSON.parse(stdout) as { loss: number };
    expect(rest).toEqual({ doors: doors.length, empty: [], steps: 64, codes: [8, 5, 5], agree: true, backend: 'wasm' });
    expect(loss).toBeGreaterThan(0);
    expect(stderr).toBe('');
  });

  test('types are found and refuse what is wrong', { timeout: 60_000 }, async ({ skip }) => {
    skip(noRegistry !== '', noRegistry);
    const compilerOptions = {
      module: 'NodeNext',
      moduleResolution: 'NodeNext',
      target: 'ES2022',
      strict: true,
      skipLibCheck: true,
      noEmit: true,
      types: [],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['types.mts'] }));
    const { stdout, code } = await run(process.execPath, [compiler, '-p', folder], { cwd: folder }).then(
      ({ stdout: text }) => ({ stdout: text, code: 0 }),
      (error: { stdout: string; code: number }) => error,
    );
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  });

  test('the command runs', { timeout: 60_000 }, async ({ skip }) => {
    skip(noRegistry !== '', noRegistry);
    const { stdout } = await run(join(folder, 'node_modules', '.bin', 'tessera'), ['train', 'tokenizer', '--help'], {
      cwd: dirname(folder),
      env: environment,
    });
    expect(stdout).toContain('model.quantizer.vocabulary');
  });
});
