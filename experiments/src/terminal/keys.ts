// Keys out of what a terminal in raw mode sends.

/** The keys that games know; every other one is its character. */
export type Key = 'up' | 'down' | 'left' | 'right' | 'escape' | 'interrupt' | (string & {});

const arrows: Readonly<Record<string, Key>> = { A: 'up', B: 'down', C: 'right', D: 'left' };

const escape = '\u001b';

/** Reads keys from pieces of input, which may end in the middle of one. */
export class KeyReader {
  #rest = '';

  /** The keys that are whole with this piece. */
  read(piece: string): Key[] {
    const text = this.#rest + piece;
    const keys: Key[] = [];
    let at = 0;
    while (at < text.length) {
      const sequence = text[at] === escape ? /^(?:\[[0-9;]*|O)(.)?/s.exec(text.slice(at + 1)) : null;
      if (sequence !== null) {
        // The rest of it comes with the next piece.
        if (sequence[1] === undefined) break;
        const arrow = arrows[sequence[1]];
        if (arrow !== undefined) keys.push(arrow);
        at += 1 + sequence[0].length;
        continue;
      }
      const character = String.fromCodePoint(text.codePointAt(at)!);
      keys.push(names[character] ?? character.toLowerCase());
      at += character.length;
    }
    this.#rest = text.slice(at);
    return keys;
  }
}

const names: Readonly<Record<string, Key>> = { '\u0003': 'interrupt', [escape]: 'escape' };
