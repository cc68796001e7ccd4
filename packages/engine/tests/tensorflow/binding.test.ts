import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect } from 'vitest';
import { test } from '@fast-check/vitest';
import { findTensorFlow } from '../../src/tensorflow/binding.ts';
import { available, skipped, tensorFlow } from './available.ts';

const packageJson = JSON.stringify({ version: '1.2.3', main: 'index.js', binary: { napi_versions: [3, 8, 99] } });

describe('why TensorFlow is not available', () => {
  let folder: string;
  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'tessera-test-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  // Writes the files of a package and looks for it.
  async function reason(files: Record<string, string>): Promise<string> {
    for (const [name, content] of Object.entries(files)) {
      const path = join(folder, 'node_modules/@tensorflow/tfjs-node-gpu', name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
    }
    const found = await findTensorFlow({ from: pathToFileURL(join(folder, 'index.js')).href });
    return found.available ? 'available' : found.reason.replaceAll(folder, '<folder>');
  }

  test('the package is not installed', async () => {
    expect(await reason({})).toMatchInlineSnapshot(
      `"TensorFlow: the optional package @tensorflow/tfjs-node-gpu is not installed. Install it with 'npm install @tensorflow/tfjs-node-gpu'."`,
    );
  });

  test('the addon is missing: nothing is imported', async () => {
    const files = { 'package.json': packageJson, 'index.js': 'throw new Error("imported")' };
    expect(await reason(files)).toMatchInlineSnapshot(
      `"TensorFlow: @tensorflow/tfjs-node-gpu 1.2.3: it is installed without its native addon (<folder>/node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8/tfjs_binding.node). Build it with 'tessera engine install' (in this repository: npm run engine:native)."`,
    );
  });

  test('the addon does not load', async () => {
    const files = {
      'package.json': packageJson,
      'index.js': 'require("./lib/napi-v8/tfjs_binding.node")',
      'lib/napi-v8/tfjs_binding.node': 'this is no shared library',
    };
    const version = `Node ${process.versions.node} (${process.platform} ${process.arch})`;
    expect(await reason(files)).toMatch(
      `TensorFlow: the native addon of @tensorflow/tfjs-node-gpu 1.2.3 does not load in ${version}: `,
    );
  });

  test('the package registers no backend', async () => {
    const files = { 'package.json': packageJson, 'index.js': 'exports.findBackend = () => null' };
    expect(await reason({ ...files, 'lib/napi-v8/tfjs_binding.node': '' })).toMatchInlineSnapshot(
      `"TensorFlow: @tensorflow/tfjs-node-gpu 1.2.3 loaded without registering its backend 'tensorflow'."`,
    );
  });

  test('the package is damaged', async () => {
    expect(await reason({ 'package.json': '{' })).toMatch(
      /^TensorFlow: @tensorflow\/tfjs-node-gpu is installed, but damaged: .*JSON.*\. Install it again\.$/,
    );
  });
});

describe.skipIf(!available)(`the binding${skipped}`, () => {
  test('has a version and multiplies', async () => {
    const { binding, tf, version } = tensorFlow();
    expect(version).toMatch(/^2\.\d+\.\d+/);
    expect(binding.TF_Version).toBe(version);
    const backend = tf.getBackend();
    await tf.setBackend('tensorflow');
    try {
      const product = tf.tidy(() => tf.matMul(tf.ones([2, 3]), tf.ones([3, 2])).dataSync());
      expect([...product]).toEqual([3, 3, 3, 3]);
    } finally {
      if (backend) await tf.setBackend(backend);
    }
  });
});
