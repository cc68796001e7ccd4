// The parts that need no machine: folders of the cache, places of headers, words for what the loader says, functions that Node 24 lacks, the twenty gradients.
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createEngine } from '../../src/index.ts';
import { cacheFolder } from '../../src/native/cache.ts';
import { compareGradients } from '../../src/native/compare-gradients.ts';
import { headerCandidates } from '../../src/native/headers.ts';
import { restoreLegacyUtil } from '../../src/native/legacy-util.ts';
import { explainLoadFailure } from '../../src/native/messages.ts';
import { realSystem } from '../../src/native/system.ts';
import { tolerance } from '../../src/native/verify.ts';

test('the cache folder: TESSERA_CACHE, then XDG_CACHE_HOME, then the custom of the system', () => {
  const folder = (env: Record<string, string>, platform = 'linux') => cacheFolder({ env, home: '/home/me', platform });
  expect(folder({ TESSERA_CACHE: '/big', XDG_CACHE_HOME: '/xdg' })).toBe('/big/native');
  expect(folder({ TESSERA_CACHE: '', XDG_CACHE_HOME: '/xdg' })).toBe('/xdg/tessera/native');
  expect(folder({})).toBe('/home/me/.cache/tessera/native');
  expect(folder({}, 'darwin')).toBe('/home/me/Library/Caches/tessera/native');
  expect(folder({ TESSERA_CACHE: 'here' })).toBe(join(process.cwd(), 'here/native'));
});

test('headers are looked for where the user says, beside Node, at node-gyp, in the system', () => {
  const env = { npm_config_nodedir: '/own' };
  const system = {
    ...realSystem(),
    env,
    execPath: '/opt/node/bin/node',
    includes: ['/usr/include'],
    home: '/home/me',
    platform: 'linux',
  };
  const candidates = headerCandidates({ ...system, versions: { node: '22.1.0', napi: '9', modules: '127' } });
  expect(candidates.filter((path) => !path.includes('node_modules'))).toEqual([
    '/own/include/node',
    '/opt/node/include/node',
    '/home/me/.cache/node-gyp/22.1.0/include/node',
    '/usr/include/node',
  ]);
});

test('why an addon does not load', () => {
  const lines = [
    'libtensorflow_cc.so.2: cannot open shared object file: No such file or directory',
    '/x/tfjs_binding.node: undefined symbol: TFE_NewContext',
    "The module '/x' was compiled against a different Node.js version using NODE_MODULE_VERSION 93",
    '/x/tfjs_binding.node: file too short',
    '/x/tfjs_binding.node: invalid ELF header',
    'something new',
  ];
  expect(lines.map((line) => explainLoadFailure(line).slice(line.length + 2))).toMatchInlineSnapshot(`
    [
      "The TensorFlow that it was built against has gone",
      "It was built against another TensorFlow or another system's libraries",
      "It was built for another Node",
      "It is damaged, or was built for another machine",
      "It is damaged, or was built for another machine",
      "It was built for another Node, another TensorFlow library or another machine",
    ]
  `);
});

test('functions that Node 24 took out of node:util are put back, and others left alone', () => {
  const own = (): boolean => true;
  const target: Record<string, unknown> = { isArray: own };
  restoreLegacyUtil(target);
  const isNullOrUndefined = target['isNullOrUndefined'] as (value: unknown) => boolean;
  expect([null, undefined, 0, '', false].map(isNullOrUndefined)).toEqual([true, true, false, false, false]);
  expect(target['isArray']).toBe(own);
});

describe('a command of the real system', () => {
  const { run, execPath } = realSystem();

  test('gives code and output, or undefined where there is no such command', async () => {
    const script = "console.log('out'); console.error('err' + process.env.EXTRA); process.exit(3)";
    const result = await run(execPath, ['-e', script], { env: { EXTRA: '1' } });
    expect(result).toEqual({ code: 3, stdout: 'out\n', stderr: 'err1\n' });
    expect(await run('tessera-no-such-command', [])).toBeUndefined();
  });

  test('is stopped by a signal', async () => {
    const running = run(execPath, ['-e', 'setTimeout(() => {}, 1e6)'], { signal: AbortSignal.timeout(50) });
    await expect(running).rejects.toThrowErrorMatchingInlineSnapshot(
      `[CancelledError: engine install: stopped. What was complete is kept; the next run goes on from there.]`,
    );
  });
});

test('twenty gradients agree between wasm and cpu, and a wrong one is seen', async () => {
  const [cpu, wasm] = [await createEngine({ backend: 'cpu' }), await createEngine({ backend: 'wasm' })];
  const { gradients, worst } = compareGradients(wasm, cpu);
  expect(gradients).toBe(20);
  expect(worst).toBeLessThan(tolerance);
  const program = wasm.program.bind(wasm);
  wasm.program = ((...args: Parameters<typeof program>) => {
    const inner = program(...args);
    const run = inner.run.bind(inner);
    inner.run = (inputs) => {
      const outputs = run(inputs);
      outputs['d7']!.data[0] = Number(outputs['d7']!.data[0]) * 1.01;
      return outputs;
    };
    return inner;
  }) as typeof wasm.program;
  expect(compareGradients(wasm, cpu).worst).toBeGreaterThan(tolerance);
  for (const engine of [cpu, wasm]) engine.dispose();
});
