// What agents program against: which tokenizers learn how, and the table of their codes.
import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { elementCount, ndarray } from '@tessera/core';
import { codeTable, isStreaming, isTrainable } from '../src/index.ts';
import type { StreamingTokenizer, Tokenizer, TrainableTokenizer } from '../src/index.ts';
import { cpu, squares, tiny, tokenizer } from './toy.ts';

/** A tokenizer whose code k is [k, -k]. */
function counting(vocabulary: number, tokenShape: readonly number[]): Tokenizer {
  return {
    spec: { frameShape: [2, 2, 1], tokenShape, vocabulary, codeDim: 2 },
    encode: ({ shape }) => ndarray('int32', [shape[0]!, ...tokenShape]),
    embed({ shape, data }) {
      const vectors = ndarray('float32', [...shape, 2]);
      (data as Int32Array).forEach((k, i) => vectors.data.set([k, -k], 2 * i));
      return vectors;
    },
    decode: ({ shape }) => ndarray('float32', [shape[0]!, 2, 2, 1]),
    dispose() {},
  };
}

describe('codeTable', () => {
  test.prop([fc.integer({ min: 1, max: 50 }), fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 })])(
    'row k is code k, for any shape of the grid',
    (vocabulary, tokenShape) => {
      const table = codeTable(counting(vocabulary, tokenShape));
      expect([table.dtype, table.shape]).toEqual(['float32', [vocabulary, 2]]);
      expect(table.data).toHaveLength(2 * vocabulary);
      table.data.forEach((x, i) => expect(x + 0).toBe(i % 2 === 0 ? i / 2 : -((i - 1) / 2) + 0));
    },
  );

  test('is the codebook of a VQVAE', () => {
    const vqvae = tokenizer(cpu, tiny({ vocabulary: 11 }));
    vqvae.trainStep(squares(8, 1));
    expect(codeTable(vqvae)).toEqual(vqvae.parameters().quantizer.codebook);
    expect(elementCount(vqvae.spec.tokenShape)).toBe(4); // 11 codes do not fill three grids
  });
});

test('how a tokenizer learns can be asked', () => {
  const vqvae: Tokenizer = tokenizer(cpu);
  const fixed = counting(3, [1]);
  const streaming: Tokenizer = { ...fixed, observe: () => 0 } as Tokenizer;
  expect([vqvae, fixed, streaming].map(isTrainable)).toEqual([true, false, false]);
  expect([vqvae, fixed, streaming].map(isStreaming)).toEqual([false, false, true]);
  // What is asked for is there for the compiler too.
  const names = (x: Tokenizer): (keyof TrainableTokenizer | keyof StreamingTokenizer)[] =>
    isTrainable(x) ? Object.keys(x.generatorState()).map(() => 'trainStep') : isStreaming(x) ? ['observe'] : [];
  expect(names(vqvae)[0]).toBe('trainStep');
  expect(names(streaming)).toEqual(['observe']);
});
