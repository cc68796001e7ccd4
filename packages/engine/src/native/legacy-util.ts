// TensorFlow.js's Node package calls functions of `node:util` that Node 24 no longer has. They are put back, with the meaning they had.
import util from 'node:util';

/** Puts `isNullOrUndefined` and `isArray` back into `node:util` where they are missing. */
export function restoreLegacyUtil(target: object = util): void {
  const functions = target as Record<string, unknown>;
  functions['isNullOrUndefined'] ??= (value: unknown): boolean => value === null || value === undefined;
  functions['isArray'] ??= Array.isArray;
}
