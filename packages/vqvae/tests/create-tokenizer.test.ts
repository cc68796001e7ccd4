// One setting swaps the tokenizer: what it makes, what it refuses, and that its schema fits into the settings of an experiment.
import { expect, describe } from 'vitest';
import { test } from '@fast-check/vitest';
import { ConfigError } from '@tessera/core';
import { z } from 'zod';
import {
  NearestTokenizer,
  VQVAE,
  codeTable,
  createTokenizer,
  evaluateTokenizer,
  nearestConfig,
  tokenizerChoiceSchema,
  vqvaeConfig,
} from '../src/index.ts';
import type { Tokenizer, TokenizerChoiceOptions } from '../src/index.ts';
import { arcadeFrames, cpu } from './toy.ts';

const frameShape = [20, 20, 3];
const kinds = ['vqvae', 'nearest'] as const;

describe('createTokenizer', () => {
  test.each(kinds)('%s: a tokenizer for frames of the environment', (kind) => {
    const choice = { kind, vqvae: { channels: 2 }, nearest: { vocabulary: 64 } };
    const tokenizer: Tokenizer = createTokenizer(cpu, choice, { frameShape, seed: 3 });
    expect(tokenizer).toBeInstanceOf(kind === 'vqvae' ? VQVAE : NearestTokenizer);
    expect(tokenizer.spec).toMatchObject({ frameShape, tokenShape: [5, 5], vocabulary: 64 });
    const { evaluation } = evaluateTokenizer(tokenizer, arcadeFrames(4, 1));
    expect(evaluation).toMatchObject({ frames: 4, tokens: 100 });
    expect(codeTable(tokenizer).shape).toEqual([64, tokenizer.spec.codeDim]);
    tokenizer.dispose();
  });

  test('the seed is that of the starting values', () => {
    const parameters = (seed: number) => {
      const tokenizer = createTokenizer(cpu, { kind: 'vqvae', vqvae: { channels: 2 } }, { frameShape, seed });
      const state = tokenizer.state();
      tokenizer.dispose();
      return state;
    };
    expect(parameters(1)).toEqual(parameters(1));
    expect(parameters(1)).not.toEqual(parameters(2));
  });

  test('its messages', () => {
    const create = (choice: object, shape = frameShape) => {
      return () => createTokenizer(cpu, choice as TokenizerChoiceOptions, { frameShape: shape });
    };
    expect(create({ kind: 'nearset' })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: tokenizer: kind: expected one of "vqvae"|"nearest", got 'nearset'. Did you mean 'nearest'?]`,
    );
    expect(create({ kin: 'nearest' })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: tokenizer: unknown field 'kin'. Did you mean 'kind'?]`,
    );
    // A misspelt setting of the kind that is not chosen is misspelt all the same.
    expect(
      create({ kind: 'nearest', vqvae: { quantizer: { kind: 'ema', decai: 0.9 } } }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: tokenizer: vqvae.quantizer: unknown field 'decai'. Did you mean 'decay'?]`,
    );
    expect(create({ nearest: { threshold: 'none' } })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: tokenizer: nearest.threshold: expected number, got 'none'.]`,
    );
    expect(create({ nearest: null })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: tokenizer: nearest: expected object, got null.]`,
    );
    expect(create({ nearest: { frameShape: [8, 8, 3] } })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: tokenizer: nearest: unknown field 'frameShape'.]`,
    );
    expect(create({}, [20, 21, 3])).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: NearestTokenizer: a frame of 20 x 21 pixels cannot be cut into 5 x 5 equal patches. Choose tokenShape so that rows divide the height and columns the width.]`,
    );
    expect(create({ kind: 'vqvae' }, [20, 21, 3])).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: VQVAE: a frame of 20 x 21 pixels does not halve down to 5 x 5 tokens. Choose tokenShape so that height / rows = width / columns is a power of two.]`,
    );
    expect(create({}, [4])).toThrow(ConfigError);
  });
});

test('the schema fits into settings, and its defaults are those of the tokenizers', () => {
  const schema = z.strictObject({ tokenizer: tokenizerChoiceSchema.prefault({}) });
  const { frameShape: pixels, ...vqvae } = vqvaeConfig();
  const { frameShape: same, ...nearest } = nearestConfig();
  expect(schema.parse({})).toEqual({ tokenizer: { kind: 'nearest', vqvae, nearest } });
  expect([pixels, same]).toEqual([frameShape, frameShape]);
  expect(schema.parse({ tokenizer: { kind: 'vqvae', nearest: { vocabulary: 9 } } })).toEqual({
    tokenizer: { kind: 'vqvae', vqvae, nearest: { ...nearest, vocabulary: 9 } },
  });
  expect(schema.safeParse({ tokenizer: { vqvae: { frameShape } } }).success).toBe(false);
});
