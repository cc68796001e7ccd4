import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createEngine } from '@tessera/engine';
import { test } from '@fast-check/vitest';
import { chromium } from 'playwright-core';
import { build } from 'vite';
import { describe, expect, onTestFinished } from 'vitest';
import { buildAll } from '../support/repository.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { serveFolder } from './serve-folder.ts';
import { tenSteps } from './ten-steps.ts';

const executablePath = process.env['TESSERA_CHROMIUM'] || '/usr/bin/chromium';
const hasChromium = existsSync(executablePath);
const why = hasChromium ? '' : ` (skipped: no ${executablePath}; TESSERA_CHROMIUM names another one)`;

const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

interface Outcome {
  readonly losses?: readonly number[];
  readonly backend?: string;
  readonly error?: string;
}

/** What the page leaves, when it is built from the packages as they are published and opened in Chromium. */
async function trainInChromium(): Promise<{ outcome: Outcome; problems: readonly string[] }> {
  const page = fileURLToPath(new URL('./page', import.meta.url));
  const outDir = join(temporaryFolder(), 'page');
  await build({ configFile: false, root: page, base: './', logLevel: 'silent', build: { outDir, target: 'es2022' } });
  const server = await serveFolder(outDir);
  onTestFinished(() => server.close());
  const browser = await chromium.launch({ executablePath, args: flags });
  onTestFinished(() => browser.close());
  const tab = await browser.newPage();
  const problems: string[] = [];
  tab.on('pageerror', (error) => problems.push(error.message));
  tab.on('requestfailed', (request) => problems.push(`${request.url()} failed`));
  tab.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  await tab.goto(server.address);
  await tab.waitForFunction('globalThis.outcome !== undefined || undefined', undefined, { timeout: 60_000 });
  return { outcome: await tab.evaluate<Outcome>('globalThis.outcome'), problems };
}

describe('in a browser', () => {
  test.skipIf(!hasChromium)(
    `ten training steps in Chromium, from a Vite build, give the losses that Node gives${why}`,
    { timeout: 360_000 },
    async () => {
      await buildAll();
      const { outcome, problems } = await trainInChromium();
      expect(problems).toEqual([]);
      expect(outcome).toMatchObject({ backend: 'wasm' });
      const losses = outcome.losses!;
      expect(losses.length).toBe(10);
      expect(losses.every((loss) => Number.isFinite(loss))).toBe(true);
      const engine = await createEngine({ backend: 'wasm' });
      onTestFinished(() => engine.dispose());
      for (const [step, loss] of tenSteps(engine).entries()) expect(losses[step]).toBeCloseTo(loss, 5);
      expect(losses.at(-1)).toBeLessThan(losses[0]!);
    },
  );
});
