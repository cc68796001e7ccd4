// A person plays: keys and ticks are given by hand.
import { RunFolder } from '@tessera/runs';
import { expect, test } from 'vitest';
import { main } from '../../src/program.ts';
import type { PlayableGame } from '../../src/terminal/game.ts';
import { playSession } from '../../src/terminal/session.ts';
import { fakeIo } from '../fake-experiment.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { FakeKeyboard, terminalIo } from './fake-terminal.ts';

/** Episodes of three steps; a step gives its action as reward. */
function countingGame(
  options: { idle?: number; throwsAt?: number; slow?: boolean; comment?: () => string } = {},
): PlayableGame & { readonly taken: number[] } {
  const taken: number[] = [];
  const picture = { height: 1, width: 1, channels: 1, data: [7] };
  return {
    taken,
    title: 'counting',
    keys: new Map([
      ['left', 1],
      ['2', 2],
    ]),
    idle: options.idle,
    ...(options.comment && { comment: options.comment }),
    framesPerSecond: 10,
    reset: () => (options.slow === true ? Promise.resolve(picture) : picture),
    step(action) {
      taken.push(action);
      if (taken.length === options.throwsAt) throw new Error('broken');
      const step = { picture, reward: action, ended: taken.length % 3 === 0 };
      return options.slow === true ? Promise.resolve(step) : step;
    },
    close() {},
  };
}

/** Plays; before each step of the game the next of `ticks` is typed. A wait without an end lasts until something is typed. */
async function play(
  ticks: readonly string[],
  { game = countingGame({ idle: 0 }), turns = false }: { game?: ReturnType<typeof countingGame>; turns?: boolean } = {},
) {
  const keyboard = new FakeKeyboard();
  const written: string[] = [];
  const waits: number[] = [];
  let next = 0;
  const run = playSession({
    game,
    keyboard,
    screen: { write: (text) => written.push(text), columns: 20, rows: 10 },
    framesPerSecond: 20,
    turns,
    signal: AbortSignal.timeout(5000),
    async wait(ms, signal) {
      waits.push(ms);
      while (next < ticks.length) {
        const typed = ticks[next++]!;
        expect(keyboard.raw).toBe(true);
        keyboard.press(typed);
        if (ms < Infinity || signal.aborted) return;
      }
      if (!signal.aborted) keyboard.press('q');
    },
  });
  const outcome = await run.then(
    (episodes) => ({ episodes }),
    (error: unknown) => ({ error }),
  );
  return { ...outcome, keyboard, waits, taken: game.taken, text: written.join('') };
}

/** The terminal is as it was. */
function expectRestored({ keyboard, text }: Awaited<ReturnType<typeof play>>): void {
  expect(keyboard.raw).toBe(false);
  expect(text.startsWith('\u001b[?1049h\u001b[?25l')).toBe(true);
  expect(text.endsWith('\u001b[?25h\u001b[?1049l')).toBe(true);
}

test('a step at every tick, by the last key that means something', async () => {
  // The pause after the end of an episode takes a tick of its own.
  const session = await play(['', '\u001b[D', 'x2', '', '2\u001b[D', 'y']);
  expect(session.taken).toEqual([0, 1, 2, 1, 0]);
  expect(session).toMatchObject({
    episodes: [
      { return: 3, steps: 3, ended: true },
      { return: 1, steps: 2, ended: false },
    ],
    waits: [50, 50, 50, 500, 50, 50, 50],
  });
  expect(session.text).toContain('counting: episode 2, step 1, return 1, best 3');
  expectRestored(session);
});

test('without an idle action the last one is held', async () => {
  const session = await play(['', '2', '', '', '', ''], { game: countingGame() });
  expect(session.taken).toEqual([1, 2, 2, 2, 2]);
});

test('in turns nothing happens without a key that acts', async () => {
  const session = await play(['2', 'z', '\u001b[D'], { turns: true });
  expect(session.taken).toEqual([2, 1]);
  expect(session.waits.every((ms) => ms === Infinity)).toBe(true);
});

test('p holds the game until it is pressed again', async () => {
  const session = await play(['2', 'p', '2', '2', 'p', '2']);
  expect(session.taken).toEqual([2, 2]);
  expect(session.text).toContain('paused');
});

test.each(['q', '\u001b', '\u0003'])('%j leaves, and the step before it is not taken', async (key) => {
  const session = await play(['2', `2${key}`, '2']);
  expect(session).toMatchObject({ taken: [2], episodes: [{ return: 2, steps: 1, ended: false }] });
  expectRestored(session);
});

test('a game that takes its time is waited for, and its comment is a line of its own', async () => {
  let said = 0;
  const game = countingGame({ idle: 0, slow: true, comment: () => `comment ${++said}.` });
  const session = await play(['', '2', '2'], { game });
  expect(session).toMatchObject({ taken: [0, 2, 2], episodes: [{ return: 4, steps: 3, ended: true }] });
  // Before the first step, after each, and at the beginning of the next episode.
  for (const line of [1, 2, 3, 4, 5]) expect(session.text).toContain(`comment ${line}.\u001b[K\r\n`);
  expect(said).toBe(5);
  expectRestored(session);
});

test('a game that throws gives the terminal back', async () => {
  const session = await play(['2', '2'], { game: countingGame({ idle: 0, throwsAt: 2 }) });
  expect(session).toMatchObject({ error: { message: 'broken' } });
  expectRestored(session);
});

test('tessera play: a game of Catch by its keys, its return on stdout', async () => {
  const io = terminalIo();
  const write = io.stderr.write.bind(io.stderr);
  Object.assign(io.stderr, {
    write(text: string) {
      if (text.includes('episode 2,')) io.keyboard.press('q');
      else if (text.includes('Catch-v0: episode 1,')) setImmediate(() => io.keyboard.press('\u001b[D'));
      return write(text);
    },
  });
  expect(await main(['play', 'Catch-v0', '--seed', '3', '--turns'], io)).toBe(0);
  expect(io.out()).toMatch(/^-?1\n$/);
  expect(io.err()).toContain('38;2;190;40;40;');
  expect(io.err()).toMatch(/seed +3/);
});

test('what cannot be played is an error, and the terminal is left alone', async () => {
  const message = async (words: readonly string[], io: ReturnType<typeof fakeIo> = terminalIo()) => {
    const code = await main(['play', ...words], io);
    return `${code} ${io.err().split('\n')[0]!}`;
  };
  expect(await message(['Catch-v0'], fakeIo())).toMatch(/^1 error: play: expected a terminal/);
  expect(await message(['Cathc-v0'])).toMatch(/^1 error: play: --env Cathc-v0: .*Catch/);
  expect(await message(['python:CartPole-v1'])).toMatch(/^1 error: play: .*lives in a Python/);
  expect(await message(['FrozenLake-v1', '--set', 'envKwargs={"is_slippery":3}'])).toMatch(/^1 error: /);
  expect(await message(['Catch-v0', '--fps', '0'])).toMatch(/^2 error: --fps: expected a whole number >= 1/);
  expect(await message(['Catch-v0', '--real'])).toMatch(
    /^2 error: play: --real and --backend are for run folders, .*'Catch-v0'/,
  );
  expect(await message(['runs/none'])).toMatch(/^1 error: .*runs\/none/);
  expect(await message(['Catch-v0', '--set', 'envKwarg={}'])).toMatch(/^1 error: --set .*unknown field 'envKwarg'/);
});

test('of a run that cannot dream: errors that say why', async () => {
  const root = temporaryFolder();
  const options = { root, experiment: 'tokenizer', seed: 0, command: '', config: { steps: 4 } };
  const { directory } = await RunFolder.create({ ...options, env: 'Catch-v0' });
  const message = async (words: readonly string[]) => {
    const io = terminalIo();
    const code = await main(['play', ...words], io);
    return `${code} ${io.err().split('\n')[0]!}`.replaceAll(directory, '<run>').replaceAll(root, '<root>');
  };
  expect(await message([root])).toMatchInlineSnapshot(
    `"1 error: open run: '<root>' is a folder of runs. Name one of them, such as '<run>'."`,
  );
  expect(await message([directory])).toMatchInlineSnapshot(
    `"1 error: play: expected a run that dreams, got one of the experiment 'tokenizer': it has no world model. --real plays its real game."`,
  );
  expect(await message([directory, '--set', 'envKwargs={}'])).toMatchInlineSnapshot(
    `"2 error: play: --set is for environments; '<run>' is a run and has settings of its own."`,
  );
  expect(await message([directory, '--backend', 'abacus'])).toMatch(/abacus/);
});
