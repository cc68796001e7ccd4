import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { npRandom } from '@tessera/core';
import { beforeAll, describe, expect, test } from 'vitest';
import { endState } from '../support/end-state.ts';
import type { EndState } from '../support/end-state.ts';
import { buildAll } from '../support/repository.ts';
import { sessionRunner } from '../support/stopped-process.ts';
import type { Session, Stop } from '../support/stopped-process.ts';
import { sharedFolder } from '../support/temporary-folder.ts';
import { tessera } from '../support/tessera.ts';
import { rounds, tinyAgent } from '../support/tiny-agent.ts';
import { onlyRun, until } from '../support/tiny-run.ts';

/** TESSERA_KILLS: stops in all. */
const kills = Number(process.env['TESSERA_KILLS'] ?? 4);
/** TESSERA_KILL_SEED: decides the moments. */
const seed = Number(process.env['TESSERA_KILL_SEED'] ?? 0);
/** Stops of one run, from its start to its end. */
const chainLength = 5;

interface Variant {
  readonly name: string;
  /** Of the stops. */
  readonly share: number;
  /** Plain JavaScript takes ten times as long. */
  readonly backend: 'cpu' | 'wasm';
  readonly set: readonly string[];
}

const variants: readonly Variant[] = [
  { name: 'alternating, a VQ-VAE, a checkpoint every round', share: 0.3, backend: 'cpu', set: [] },
  {
    name: 'interleaved, a VQ-VAE, a checkpoint every third round',
    share: 0.2,
    backend: 'wasm',
    set: ['training.mode=interleaved', 'checkpointEvery=3'],
  },
  {
    name: 'alternating, remembered patches',
    share: 0.25,
    backend: 'wasm',
    set: ['tokenizer.kind=nearest', 'checkpointEvery=2'],
  },
  {
    name: 'rounds played meanwhile, steps drawn by their losses',
    share: 0.25,
    backend: 'wasm',
    set: ['training.collection=meanwhile', 'training.sampling.kind=prioritised'],
  },
];

const root = sharedFolder();
const session = sessionRunner();

beforeAll(() => buildAll(), 240_000);

/** A run that nobody stops, and how long its parts take. */
interface Reference {
  readonly end: EndState;
  readonly workMs: number;
  readonly evaluationMs: number;
}

const begun = (folder: string): boolean =>
  existsSync(join(folder, 'runs')) && readdirSync(join(folder, 'runs')).some((name) => !name.startsWith('.'));
/** The agent is saved when everything is learned, before the evaluation. */
const learned = (folder: string): boolean =>
  begun(folder) && existsSync(join(onlyRun(folder), 'agent', 'agent.safetensors'));

async function referenceRun(folder: string, { backend, set }: Variant): Promise<Reference> {
  mkdirSync(folder);
  let [working, evaluating] = [0, 0];
  const watch = (err: string): boolean => {
    if (working === 0 && err !== '') working = performance.now();
    if (evaluating === 0 && learned(folder)) evaluating = performance.now();
    return false;
  };
  const ended = await session(tinyAgent({ root: folder, backend, set }), {
    signal: 'SIGKILL',
    delayMs: 0,
    after: watch,
  });
  expect(ended).toMatchObject({ code: 0 });
  const end = await endState(onlyRun(folder));
  return { end, workMs: evaluating - working, evaluationMs: performance.now() - evaluating };
}

/** What a person sees who stopped a run. */
function expectAdvice({ code, err, out }: Session, stop: Stop, folder: string): void {
  // Before the command runs there is nobody to catch the signal, and after SIGKILL there is nobody left.
  if (stop.signal === 'SIGKILL' || code === null) return;
  expect(err).toContain('Stopping after this step; once more stops at once.\n');
  if (!begun(folder)) return;
  const directory = onlyRun(folder);
  expect(out).toBe(`${directory}\n`);
  expect(err).toMatch(/Stopped before the last step; what was done until then is saved\.\n/);
  expect(err).toContain(`Continue with: tessera train agent --resume ${directory}\n`);
}

describe.concurrent(`runs that are stopped ${kills} times (moments of seed ${seed})`, () => {
  for (const [index, variant] of variants.entries()) {
    const { name, share, backend, set } = variant;
    const quota = Math.round(kills * share);
    test(
      `on ${backend}, ${name}: end as one that nobody stopped, ${quota} stops`,
      { timeout: 120_000 + 12_000 * kills },
      async ({ onTestFailed }) => {
        const log: string[] = [];
        onTestFailed(() => void process.stderr.write(`${log.join('\n')}\n`));
        const reference = await referenceRun(join(root, `reference-${index}`), variant);
        checkReference(reference.end, set);
        const draw = npRandom(seed * variants.length + index);
        let landed = 0;
        for (let chain = 0; landed < quota; chain++) {
          const folder = join(root, `chain-${index}-${chain}`);
          mkdirSync(folder);
          log.push(`chain ${chain}`);
          for (let kill = 0; kill < chainLength && landed < quota; kill++) {
            const stop: Stop = {
              signal: landed % 2 === 0 ? 'SIGKILL' : 'SIGINT',
              ...(kill === 0
                ? { delayMs: draw.uniform(0, 1000) }
                : kill < chainLength - 1
                  ? { after: (err) => err !== '', delayMs: draw.uniform(0, 0.4 * reference.workMs) }
                  : { after: () => learned(folder), delayMs: draw.uniform(0, reference.evaluationMs) }),
            };
            const ended = await session(next(folder, variant), stop);
            log.push(`${stop.signal} ${kill} after ${stop.delayMs.toFixed(0)} ms: ${ended.code ?? ended.signal}`);
            // It may have been done before the stop came, but nothing else.
            expect({ ...ended, failed: !ended.stopped && ended.code !== 0 }).toMatchObject({ failed: false });
            if (!ended.stopped) break;
            landed++;
            expectAdvice(ended, stop, folder);
          }
          const last = await session(next(folder, variant));
          expect(last).toMatchObject({ code: 0 });
          expect(await endState(onlyRun(folder))).toEqual(reference.end);
        }
      },
    );
  }
});

describe('a folder in use', () => {
  test(
    'by a process that trains is left alone; once that has died, the run goes on',
    { timeout: 120_000 },
    async () => {
      const folder = join(root, 'in-use');
      mkdirSync(folder);
      const begin = tinyAgent({ root: folder, backend: 'wasm', set: ['steps=100000'] });
      let pid: number | undefined;
      const holder = session(begin, { signal: 'SIGKILL', delayMs: 0, after: () => pid !== undefined });
      const shards = (): string => join(onlyRun(folder), 'replay', 'shard-000001.safetensors');
      await until(() => begun(folder) && existsSync(shards()), 'a second round');
      const directory = onlyRun(folder);
      const resume = ['train', 'agent', '--resume', directory, '--backend', 'wasm'];
      const refused = await tessera(resume);
      pid = Number(/in use by process (\d+)/.exec(refused.err)?.[1]);
      const { signal } = await holder;
      expect(refused).toMatchObject({ code: 1, out: '' });
      expect(refused.err).toMatch(/^error: lock run: '\S+' is in use by process \d+, since/);
      expect([signal, pid === process.pid, Number.isNaN(pid)]).toEqual(['SIGKILL', false, false]);
      const going = new AbortController();
      const on = tessera(resume, going.signal);
      going.abort();
      expect(await on).toMatchObject({ code: 130, out: `${directory}\n` });
      expect((await on).err).toMatch(/going on after \d+ steps\n/);
      expect(readdirSync(directory)).not.toContain('.lock');
    },
  );
});

describe('Ctrl-C', () => {
  test(
    'in the middle of a long round is heard at once, and what the round has done is kept',
    { timeout: 60_000 },
    async () => {
      const folder = join(root, 'long-round');
      mkdirSync(folder);
      const words = tinyAgent({ root: folder, backend: 'wasm', set: ['training.worldModel.firstUpdates=100000'] });
      const shard = (): string => join(onlyRun(folder), 'replay', 'shard-000000.safetensors');
      const collected = (): boolean => begun(folder) && existsSync(shard());
      const ended = await session(words, { signal: 'SIGINT', after: collected, delayMs: 500 });
      expect(ended).toMatchObject({ code: 130, out: `${onlyRun(folder)}\n` });
      const { meta } = await endState(onlyRun(folder));
      expect(meta['counters']).toMatchObject({ round: 0, envSteps: 40 });
      expect((meta['counters'] as { item: number }).item).toBeGreaterThan(1);
    },
  );
});

/** The command that a person would give next. */
function next(folder: string, { backend, set }: Variant): string[] {
  return begun(folder)
    ? ['train', 'agent', '--resume', onlyRun(folder), '--backend', backend]
    : tinyAgent({ root: folder, backend, set });
}

/** The reference has something to get wrong: every kind of update, as often as planned, and a replay that is full. */
function checkReference({ meta, metrics, files, result }: EndState, set: readonly string[]): void {
  const isVqvae = !set.includes('tokenizer.kind=nearest');
  expect(metrics.length).toBe(rounds);
  expect(meta['counters']).toMatchObject({
    envSteps: 40 * rounds,
    round: rounds,
    item: 0,
    tokenizerUpdates: isVqvae ? 23 : 0,
  });
  expect((meta['counters'] as { imaginedSteps: number }).imaginedSteps).toBeGreaterThan(100);
  const { firstShard, nextShard } = meta['replay'] as { firstShard: number; nextShard: number };
  expect(nextShard).toBe(rounds);
  expect(firstShard).toBeGreaterThan(3);
  expect(Object.keys(files).filter((path) => path.startsWith('replay')).length).toBe(nextShard - firstShard);
  expect(result).toMatchObject({ steps: 40 * rounds, worldModel: { updates: 8 + 4 * (rounds - 1) } });
}
