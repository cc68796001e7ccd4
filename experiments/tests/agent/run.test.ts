import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RunFolder } from '@tessera/runs';
import { test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { main } from '../../src/program.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { terminalIo } from '../terminal/fake-terminal.ts';
import { agentIo, command, experiments } from './settings.ts';

const timeout = 120_000;

describe('--dry-run', () => {
  test('says what a run would cost and makes no folder', { timeout }, async () => {
    const root = temporaryFolder();
    const io = agentIo();
    expect(await main(command(root, '--dry-run'), io)).toBe(0);
    expect(io.err()).toMatch(
      /^parameters +[\d.]+ k\nFLOPs a training step +[\d.]+ M\nmemory +[\d.]+ [MG]iB\nexpected time +\d+ s\n$/,
    );
    const plan = JSON.parse(io.out()) as { plan: Record<string, number> };
    expect(plan).toMatchObject({
      experiment: 'catch',
      env: 'Catch-v0',
      config: { worldModel: { width: 8, context: 1 } },
    });
    for (const value of Object.values(plan.plan)) expect(value).toBeGreaterThan(0);
    expect(existsSync(join(root, 'runs'))).toBe(false);
  });
});

const play = {
  meanReturn: expect.any(Number) as number,
  standardError: expect.any(Number) as number,
  episodes: 6,
  meanLength: 9,
  truncated: 0,
  returns: expect.any(Array) as number[],
};
const number = expect.any(Number) as number;

/** What somebody sees who plays with a run, four steps of each episode. */
async function played(directory: string, words: readonly string[]) {
  const playing = terminalIo({ experiments });
  const write = playing.stderr.write.bind(playing.stderr);
  let shown = 0;
  Object.assign(playing.stderr, {
    write(text: string) {
      // A dream may be over sooner than a game.
      if (text.includes(': episode ')) setImmediate(() => playing.keyboard.press(++shown > 4 ? 'q' : '\u001b[D'));
      return write(text);
    },
  });
  const backend = words.length === 0 ? ['--backend', 'wasm'] : [];
  expect(await main(['play', directory, '--turns', '--seed', '1', ...words, ...backend], playing)).toBe(0);
  return playing;
}

describe('a run', () => {
  test('leaves everything that was promised, and can be evaluated, watched and played', { timeout }, async () => {
    const root = temporaryFolder();
    const io = agentIo();
    expect(await main(command(root, '--seed', '3'), io)).toBe(0);
    const [name, ...others] = readdirSync(join(root, 'runs'));
    expect(others).toEqual([]);
    const directory = join(root, 'runs', name!);
    expect(io.out()).toBe(`${directory}\n`);
    for (const row of ['engine: wasm', 'return', 'random', 'no-op', 'next tokens', 'changed ones', 'dream.gif']) {
      expect(io.err()).toContain(row);
    }

    const run = await RunFolder.open(directory);
    const result = (await run.readResult())!;
    expect(result).toMatchObject({
      formatVersion: 1,
      experiment: 'catch',
      env: 'Catch-v0',
      seed: 3,
      steps: 144,
      wallSeconds: number,
      backend: 'wasm',
      versions: { node: process.versions.node, tessera: expect.stringMatching(/^\d+\.\d+\.\d+/) as string },
      command: `tessera train catch --seed 3 --config ${join(root, 'tiny.json')} --backend wasm`,
      machine: expect.stringMatching(/^\d+ cores of /) as string,
      evaluation: { ...play, policy: 'sampled', greedy: play },
      tokenizer: {
        kind: 'vqvae',
        updates: 5,
        nmse: number,
        ballRecall: number,
        churnPer100Updates: number,
        churnAtWorldModelStart: number,
      },
      worldModel: {
        tokens: number,
        changedTokens: number,
        copyLastFrame: number,
        updates: 5,
        transitions: 144,
        parameters: number,
        openLoop: { windows: 16, horizon: 10, tokens: number, lastRealFrame: number },
        deltaPsnr: { mean: number, low: number, high: number, rollouts: 16, step: 4 },
        objects: { ball: { real: 1, imagined: number, wrong: number }, paddle: { real: 1 } },
        imaginedStepsPerSecond: number,
      },
    });
    const logged = (await run.readMetrics()).map(({ values }) => values);
    for (const name of [
      'world_model/open_loop_accuracy',
      'world_model/delta_psnr_low',
      'codes/usage',
      'codes/perplexity',
      'objects/ball',
      'objects/ball_real',
      'objects/ball_wrong',
      'speed/imagined_steps_per_second',
      'speed/world_model_seconds',
      'speed/world_model_gflops',
    ])
      for (const values of logged) expect([name, values[name]]).toEqual([name, number]);
    const shares = ['tokens', 'changedTokens', 'frames', 'copyLastFrame'].map((key) => result.worldModel![key]);
    for (const share of [...shares, result.tokenizer!.ballRecall])
      expect([share, 0 <= (share as number) && (share as number) <= 1]).toEqual([share, true]);
    const { baselines = {}, phases = {} } = result;
    const [random, noop, trivial, ...more] = Object.entries(baselines);
    expect([random?.[0], noop?.[0], more]).toEqual(['random', 'no-op', []]);
    for (const [, baseline] of [random!, noop!, trivial!]) expect(baseline).toMatchObject(play);
    expect(trivial![1]).toMatchObject({
      meanReturn: 1,
      note: expect.stringContaining('best trivial policy') as string,
    });
    expect(Object.keys(phases).toSorted()).toEqual(
      ['collect', 'evaluation', 'imagination', 'measure', 'real', 'tokenizer', 'world model'].toSorted(),
    );
    for (const { seconds, flops, gflops } of Object.values(phases)) {
      expect(seconds).toBeGreaterThan(0);
      expect(flops).toBeGreaterThan(0);
      expect(gflops).toBeCloseTo(flops / seconds / 1e9);
    }

    expect((await run.readMetrics()).map(({ step }) => step)).toEqual([72, 144]);
    expect(readdirSync(join(directory, 'replay'))).toEqual(['shard-000000.safetensors', 'shard-000001.safetensors']);
    expect(readdirSync(join(directory, 'agent')).toSorted()).toEqual(['agent.safetensors', 'tokenizer']);
    expect(readFileSync(join(directory, 'media', 'dream.gif')).toString('latin1', 0, 6)).toBe('GIF89a');

    const again = agentIo();
    expect(await main(['eval', directory, '--backend', 'wasm'], again)).toBe(0);
    const { evaluation, baselines: same, worldModel } = JSON.parse(again.out()) as typeof result;
    expect(evaluation).toEqual(result.evaluation);
    expect(same).toEqual(baselines);
    expect(result.worldModel).toMatchObject(worldModel!);

    const fewer = agentIo();
    expect(await main(['eval', directory, '--backend', 'wasm', '--episodes', '2'], fewer)).toBe(0);
    const short = JSON.parse(fewer.out()) as typeof result;
    expect(short.evaluation).toMatchObject({
      episodes: 2,
      returns: (result.evaluation!['returns'] as number[]).slice(0, 2),
    });

    const watching = agentIo();
    expect(await main(['watch', directory, '--seed', '5', '--backend', 'wasm'], watching)).toBe(0);
    expect(watching.out()).toBe(`${join(directory, 'media', 'watch.gif')}\n`);
    expect(watching.err()).toMatch(/return +-?1 +9 steps, seed 5/);
    expect(readFileSync(watching.out().trim()).toString('latin1', 0, 6)).toBe('GIF89a');

    for (const [words, title] of [
      [[], 'Catch-v0, dreamed'],
      [['--real'], 'Catch-v0'],
    ] as const) {
      const playing = await played(directory, words);
      expect(playing.err()).toContain(`${title}: episode 1, step 0, return 0`);
      expect(playing.err().includes('the agent would: ')).toBe(words.length === 0);
      expect(playing.err()).toMatch(/episode 1 +\S+ +\d steps/);
    }
  });

  test('whose policy has a memory can be played', { timeout }, async () => {
    const root = temporaryFolder();
    const io = agentIo();
    expect(await main(command(root, '--set', 'behaviour.input=state'), io)).toBe(0);
    const playing = await played(io.out().trim(), []);
    expect(playing.err()).toContain('the agent would: ');
    expect(playing.err()).toMatch(/episode 1 +\S+ +\d steps/);
  });

  test(
    'Ctrl-C: the item is finished, everything is saved, and the last word is how to go on',
    { timeout },
    async () => {
      const root = temporaryFolder();
      const io = agentIo();
      const stderr = {
        write(text: string): unknown {
          if (text.startsWith('training')) io.controller.abort();
          return io.stderr.write(text);
        },
      };
      expect(await main(command(root), { ...io, stderr })).toBe(130);
      const directory = io.out().trim();
      expect(io.err()).toMatch(/Continue with: tessera train catch --resume \S+\n$/);
      const run = await RunFolder.open(directory);
      expect(await run.readResult()).toBeUndefined();
      const { trainer } = (await run.readCheckpoint()).meta as { trainer: { counters: { itemsDone: number } } };
      // Of 11 in the first round.
      expect(trainer.counters.itemsDone).toBeLessThan(11);
      expect(trainer.counters.itemsDone).toBeGreaterThan(0);
      const player = terminalIo({ experiments });
      expect(await main(['play', directory], player)).toBe(1);
      expect(player.err()).toContain('has no agent yet, because the run has not ended.');
      const refused = agentIo();
      expect(await main(['watch', directory], refused)).toBe(1);
      expect(refused.err().replaceAll(directory, '<run>')).toMatchInlineSnapshot(`
        "error: <run>: has no agent yet, because the run has not ended. Go on with: tessera train catch --resume <run>
        "
      `);
      const next = agentIo();
      expect(await main(['train', 'catch', '--resume', directory], next)).toBe(0);
      expect(next.err()).toContain('engine: wasm');
      expect(await run.readResult()).toMatchObject({ steps: 144, worldModel: { updates: 5 } });
    },
  );
});
