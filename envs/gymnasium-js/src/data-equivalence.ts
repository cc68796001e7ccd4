// Equality of anything that results and saved states hold (data_equivalence of gymnasium/utils/env_checker.py).
import { dtypeOf } from './spaces/dtype.ts';
import type { Info } from './types.ts';

/** Exact, deep equality; NaN equals itself, 0 and -0 differ. */
export function isEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (dtypeOf(a) !== undefined || Array.isArray(a)) {
    const [x, y] = [a as ArrayLike<unknown>, b as ArrayLike<unknown>];
    if (x.length !== y.length) return false;
    for (let i = 0; i < x.length; i++) if (!isEqual(x[i], y[i])) return false;
    return true;
  }
  const [x, y] = [a as Info, b as Info];
  const keys = Object.keys(x);
  return keys.length === Object.keys(y).length && keys.every((key) => Object.hasOwn(y, key) && isEqual(x[key], y[key]));
}

/** Whether two values have the same structure and numbers: to `1e-5 + 1e-5 * |b|` as Gymnasium compares them, or with `exact` to the bit. */
export function dataEquivalence(a: unknown, b: unknown, options: { readonly exact?: boolean } = {}): boolean {
  if (options.exact === true || isEqual(a, b)) return isEqual(a, b);
  if (typeof a === 'number' && typeof b === 'number') return Math.abs(a - b) <= 1e-5 + 1e-5 * Math.abs(b);
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  const [keys, others] = [Object.keys(a), Object.keys(b)];
  return (
    keys.length === others.length &&
    keys.every((key) => Object.hasOwn(b, key) && dataEquivalence((a as Info)[key], (b as Info)[key]))
  );
}
