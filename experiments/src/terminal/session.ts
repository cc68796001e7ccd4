// A person at a terminal plays a game: keys in, pictures out, a step at a time.
import type { HumanStream } from '../progress.ts';
import { halfBlocks } from './half-blocks.ts';
import type { TerminalPicture } from './half-blocks.ts';
import type { PlayableGame } from './game.ts';
import { KeyReader } from './keys.ts';
import type { Key } from './keys.ts';

/** The keyboard of a terminal. */
export interface Keyboard {
  readonly isTTY?: boolean | undefined;
  /** Whether keys come one by one, and Ctrl-C as one of them. */
  setRawMode(raw: boolean): unknown;
  setEncoding(encoding: 'utf8'): unknown;
  on(event: 'data', listener: (piece: string) => void): unknown;
  off(event: 'data', listener: (piece: string) => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

/** What a session is given. */
export interface SessionOptions {
  readonly game: PlayableGame;
  readonly keyboard: Keyboard;
  readonly screen: HumanStream;
  readonly framesPerSecond: number;
  /** The game waits for a key before each step. */
  readonly turns: boolean;
  /** Ends the session, as `q` does. */
  readonly signal: AbortSignal;
  /** Resolves after a time, or when the signal is aborted. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** An episode that was played. */
export interface PlayedEpisode {
  readonly return: number;
  readonly steps: number;
  /** False for the last one, when it was left before its end. */
  readonly ended: boolean;
}

const [hideCursor, showCursor] = ['\u001b[?25l', '\u001b[?25h'];
const [otherScreen, ownScreen] = ['\u001b[?1049h', '\u001b[?1049l'];
const home = '\u001b[H';
const [clearLine, clearBelow] = ['\u001b[K', '\u001b[J'];

/** Plays until `q`, Escape, Ctrl-C or the signal; the terminal is then as it was, whatever happened. Throws what the game throws. */
export async function playSession(options: SessionOptions): Promise<PlayedEpisode[]> {
  const { game, keyboard, screen, framesPerSecond, turns, wait } = options;
  const left = new AbortController();
  const signal = AbortSignal.any([options.signal, left.signal]);
  const reader = new KeyReader();
  let [pressed, wanted]: [Key[], AbortController] = [[], new AbortController()];
  const listen = (piece: string): void => {
    pressed.push(...reader.read(piece));
    if (pressed.some((key) => key === 'q' || key === 'escape' || key === 'interrupt')) left.abort();
    else if (pressed.length > 0) wanted.abort();
  };
  const episodes: PlayedEpisode[] = [];
  keyboard.setRawMode(true);
  try {
    keyboard.setEncoding('utf8');
    keyboard.on('data', listen);
    keyboard.resume();
    screen.write(`${otherScreen}${hideCursor}`);
    let picture = await game.reset();
    let [total, steps, last, paused] = [0, 0, firstAction(game), false];
    const show = (note = ''): void => {
      const comment = game.comment === undefined ? [] : [game.comment()];
      const status = statusText(game, { episodes, total, steps, note });
      screen.write(frameText(picture, screen, [status, ...comment, helpText(turns)]));
    };
    show();
    while (!signal.aborted) {
      if (turns || paused) await wait(Infinity, AbortSignal.any([signal, wanted.signal]));
      else await wait(1000 / framesPerSecond, signal);
      if (signal.aborted) break;
      const keys = pressed;
      [pressed, wanted] = [[], new AbortController()];
      if (keys.includes('p')) {
        paused = !paused;
        show(paused ? 'paused' : '');
        continue;
      }
      const chosen = keys.findLast((key) => game.keys.has(key));
      if (paused || (turns && chosen === undefined)) continue;
      last = chosen === undefined ? (game.idle ?? last) : game.keys.get(chosen)!;
      const { picture: next, reward, ended } = await game.step(last);
      picture = next;
      total += reward;
      steps++;
      if (ended) {
        episodes.push({ return: total, steps, ended });
        show('over');
        await wait(Math.max(500, 1000 / framesPerSecond), signal);
        picture = await game.reset();
        [total, steps] = [0, 0];
      }
      show();
    }
    if (steps > 0) episodes.push({ return: total, steps, ended: false });
    return episodes;
  } finally {
    keyboard.off('data', listen);
    keyboard.pause();
    keyboard.setRawMode(false);
    screen.write(`${showCursor}${ownScreen}`);
  }
}

function firstAction({ idle, keys }: PlayableGame): number {
  return idle ?? [...keys.values()][0]!;
}

/** The whole screen, drawn over what was there: clearing it first would flicker. */
function frameText(picture: TerminalPicture, screen: HumanStream, texts: readonly string[]): string {
  // A terminal that does not know its size says 0.
  const [columns, rows] = [screen.columns || 80, screen.rows || 24];
  // One line stays empty so that nothing scrolls.
  const lines = [...halfBlocks(picture, { columns, rows: Math.max(1, rows - texts.length - 1) }), ...texts];
  return `${home}${lines.map((line) => `${line}${clearLine}`).join('\r\n')}${clearBelow}`;
}

interface Status {
  readonly episodes: readonly PlayedEpisode[];
  readonly total: number;
  readonly steps: number;
  readonly note: string;
}

function statusText({ title }: PlayableGame, { episodes, total, steps, note }: Status): string {
  const best = episodes.length === 0 ? '' : `, best ${Math.max(...episodes.map((episode) => episode.return))}`;
  return `${title}: episode ${episodes.length + 1}, step ${steps}, return ${total}${best}${note && `   ${note}`}`;
}

const helpText = (turns: boolean): string =>
  `arrows, wasd, space or digits act${turns ? ', a step each' : '; p pauses'}; q leaves`;
