// Actions of one real number.
import { InvalidAction } from 'gymnasium-js';

/** The float32 in an array of one number; throws InvalidAction for anything else. */
export function torqueOf(owner: string, action: ArrayLike<number>): number {
  const isArray = typeof action === 'object' && action !== null && action.length === 1;
  const value: unknown = isArray ? action[0] : undefined;
  if (typeof value === 'number' && Number.isFinite(value)) return Math.fround(value);
  const got = isArray ? `[${String(value)}]` : typeof action;
  throw new InvalidAction(`${owner}: ${got} invalid. Pass an array of one finite number: Float32Array.of(0.5).`);
}
