// A short text for any value, for error messages.
import type { TypedArray } from '../types.ts';
import { dtypeOf } from './dtype.ts';

/** A short text for any value: its kind, and its content where that is short. */
export function describe(x: unknown): string {
  if (x === null) return 'null';
  if (dtypeOf(x) !== undefined) return `a ${x!.constructor.name} of ${(x as TypedArray).length} values`;
  if (Array.isArray(x)) return `an array of ${x.length} values`;
  if (typeof x === 'object') return `an object of class ${x.constructor?.name ?? 'null'}`;
  if (typeof x === 'function') return 'a function';
  if (typeof x === 'string') return JSON.stringify(x.length > 80 ? `${x.slice(0, 80)}...` : x);
  return String(x as number | bigint | boolean | symbol | undefined);
}
