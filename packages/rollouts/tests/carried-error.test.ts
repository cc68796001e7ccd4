import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { ConfigError, EnvironmentError, FileError } from '@tessera/core';
import { carryError, uncarryError } from '../src/carried-error.ts';

const across = (error: unknown): Error => uncarryError(structuredClone(carryError(error))) as Error;

class NoSuchLevel extends ConfigError {
  override readonly name: string = 'NoSuchLevel';
}

describe('an error that crosses a thread', () => {
  test.prop([fc.string(), fc.string()])('keeps class, message, stack and cause', (message, why) => {
    const cause = new RangeError(why);
    const error = new EnvironmentError(message, { cause });
    const arrived = across(error);
    expect(arrived).toBeInstanceOf(EnvironmentError);
    expect(arrived.message).toBe(message);
    expect(arrived.stack).toBe(error.stack);
    expect(arrived.cause).toBeInstanceOf(Error);
    expect((arrived.cause as Error).name).toBe('RangeError');
    expect((arrived.cause as Error).message).toBe(why);
    expect((arrived.cause as Error).stack).toBe(cause.stack);
  });

  test('of a class that only the other side knows arrives as the nearest of ours, under its own name', () => {
    const arrived = across(new NoSuchLevel('level 9'));
    expect(arrived).toBeInstanceOf(ConfigError);
    expect(arrived.name).toBe('NoSuchLevel');
    expect(String(arrived)).toBe('NoSuchLevel: level 9');
  });

  test('keeps a code', () => {
    expect(across(new FileError('disk is full', { code: 'ENOSPC' }))).toMatchObject({
      code: 'ENOSPC',
      name: 'FileError',
    });
  });

  test('may be its own cause, or no error at all', () => {
    const ouroboros = new Error('tail');
    ouroboros.cause = ouroboros;
    expect(across(ouroboros).message).toBe('tail');
    expect(across('plain text')).toBe('plain text');
    expect(across(new Error('outer', { cause: 'plain text' })).cause).toBe('plain text');
  });
});
