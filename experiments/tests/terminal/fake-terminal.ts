// A terminal whose keys are pressed by tests.
import type { Experiment } from '../../src/experiment.ts';
import type { Keyboard } from '../../src/terminal/session.ts';
import { fakeIo } from '../fake-experiment.ts';
import type { FakeIo } from '../fake-experiment.ts';

export class FakeKeyboard implements Keyboard {
  readonly isTTY = true;
  raw = false;
  #listener: ((piece: string) => void) | undefined;

  setRawMode(raw: boolean): void {
    this.raw = raw;
  }
  setEncoding(): void {}
  resume(): void {}
  pause(): void {}
  on(_event: 'data', listener: (piece: string) => void): void {
    this.#listener = listener;
  }
  off(): void {
    this.#listener = undefined;
  }
  press(piece: string): void {
    this.#listener?.(piece);
  }
}

/** Surroundings with a terminal of 60 columns and 30 lines. */
export function terminalIo(
  options: { readonly experiments?: readonly Experiment[] } = {},
): FakeIo & { readonly keyboard: FakeKeyboard } {
  const io = fakeIo(options);
  const keyboard = new FakeKeyboard();
  Object.assign(io.stderr, { isTTY: true, columns: 60, rows: 30 });
  return Object.assign(io, { stdin: keyboard as Keyboard, keyboard });
}
