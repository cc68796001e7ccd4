import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { KeyReader } from '../../src/terminal/keys.ts';

const sent: readonly (readonly [string, readonly string[]])[] = [
  ['\u001b[A', ['up']],
  ['\u001bOB', ['down']],
  ['\u001b[C', ['right']],
  ['\u001b[1;5D', ['left']],
  // A key that no game knows.
  ['\u001b[3~', []],
  ['a', ['a']],
  ['W', ['w']],
  [' ', [' ']],
  ['7', ['7']],
  ['\u00e4', ['\u00e4']],
  ['\u0003', ['interrupt']],
];

test.prop([fc.array(fc.constantFrom(...sent)), fc.infiniteStream(fc.integer({ min: 1, max: 3 }))])(
  'keys are the same, wherever the input is cut behind an escape',
  (typed, cuts) => {
    const text = typed.map(([code]) => code).join('');
    const expected = typed.flatMap(([, keys]) => keys);
    expect(new KeyReader().read(text)).toEqual(expected);
    const reader = new KeyReader();
    const found: string[] = [];
    for (let at = 0; at < text.length;) {
      let end = at + cuts.next().value!;
      // Terminals send an escape alone for the key of that name.
      if (text[end - 1] === '\u001b') end++;
      found.push(...reader.read(text.slice(at, end)));
      at = end;
    }
    expect(found).toEqual(expected);
  },
);

test('an escape alone is the key', () => {
  expect(new KeyReader().read('\u001b')).toEqual(['escape']);
});
