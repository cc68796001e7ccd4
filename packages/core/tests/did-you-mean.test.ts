import { expect } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import { didYouMean } from '@tessera/core';

const known = ['learningRate', 'batchSize', 'beta', 'codebookSize', 'codeDim'];

test.each([
  ['batchsize', 'batchSize'],
  ['bacthSize', 'batchSize'],
  ['learning_rate', 'learningRate'],
  ['bta', 'beta'],
  ['codeDimm', 'codeDim'],
])("'%s' suggests '%s'", (word, meant) => {
  expect(didYouMean(word, known)).toBe(` Did you mean '${meant}'?`);
});

test.each(['', 'x', 'gamma', 'optimiserMomentum', 'beta'.repeat(1000)])("'%.12s' suggests nothing", (word) => {
  expect(didYouMean(word, known)).toBe('');
});

test('nothing known, nothing suggested; __proto__ is a word like any other', () => {
  expect(didYouMean('beta', [])).toBe('');
  expect(didYouMean('__proto_', ['__proto__'])).toBe(" Did you mean '__proto__'?");
});

const word = fc.string({ minLength: 3, maxLength: 20 });

test.prop([word, fc.array(word)])('a known word suggests itself', (w, others) => {
  expect(didYouMean(w, [w, ...others])).toBe(` Did you mean '${w}'?`);
});

test.prop([word, fc.nat(), fc.string({ minLength: 1, maxLength: 1 })])(
  'one deletion, insertion, substitution or swap is found again',
  (w, at, letter) => {
    const i = at % (w.length - 1);
    const edits = [
      w.slice(0, i) + w.slice(i + 1),
      w.slice(0, i) + letter + w.slice(i),
      w.slice(0, i) + letter + w.slice(i + 1),
      w.slice(0, i) + w[i + 1] + w[i] + w.slice(i + 2),
    ];
    for (const edited of edits) expect(didYouMean(edited, [w])).toBe(` Did you mean '${w}'?`);
  },
);
