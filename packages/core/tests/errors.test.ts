import { describe, expect } from 'vitest';
import { test } from '@fast-check/vitest';
import * as core from '@tessera/core';
import { FileError, InternalError, TesseraError } from '@tessera/core';

const plain = {
  TesseraError: core.TesseraError,
  ConfigError: core.ConfigError,
  ShapeError: core.ShapeError,
  DTypeError: core.DTypeError,
  NonFiniteError: core.NonFiniteError,
  FormatError: core.FormatError,
  FileError: core.FileError,
  EnvironmentError: core.EnvironmentError,
  WorkerError: core.WorkerError,
  BackendError: core.BackendError,
  CancelledError: core.CancelledError,
};

describe('the error tree', () => {
  test.each(Object.entries(plain))('%s is a TesseraError that knows its name, message and cause', (name, Class) => {
    const cause = new RangeError('below');
    const error = new Class('where: what.', { cause });
    expect(error).toBeInstanceOf(TesseraError);
    expect(error).toBeInstanceOf(Error);
    expect(String(error)).toBe(`${name}: where: what.`);
    expect(error.cause).toBe(cause);
  });

  test('an error without a cause has no cause property at all', () => {
    expect('cause' in new TesseraError('x')).toBe(false);
    expect('cause' in new FileError('x', { code: 'ENOENT' })).toBe(false);
  });

  test('a FileError carries the code of the file system', () => {
    expect(new FileError('x', { code: 'ENOSPC' }).code).toBe('ENOSPC');
    expect(new FileError('x').code).toBeUndefined();
  });

  test('an InternalError says internal, once', () => {
    expect(new InternalError('no such state').message).toBe('internal: no such state');
    expect(new InternalError('internal: no such state').message).toBe('internal: no such state');
    expect(new InternalError('x')).toBeInstanceOf(TesseraError);
  });
});
