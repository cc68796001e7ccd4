// What may stand in the JSON of a spec: plain data that comes back as it was.
import { ConfigError } from '@tessera/core';

/** Throws ConfigError when `value` has a part that JSON would lose or change. */
export function checkJsonable(owner: string, where: string, value: unknown): void {
  const fail = (what: string): never => {
    throw new ConfigError(
      `${what} found in ${owner} for ${where}. JSON cannot hold it: build such an environment by code.`,
    );
  };
  if (value === undefined || value === null || typeof value === 'string' || typeof value === 'boolean') return;
  if (typeof value === 'function') return fail('Callable');
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : fail(String(value));
  if (typeof value !== 'object') return fail(`A ${typeof value}`);
  if (Array.isArray(value)) return value.forEach((item, i) => checkJsonable(owner, `${where}[${i}]`, item));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return fail(`An object of class ${value.constructor.name}`);
  for (const [key, item] of Object.entries(value)) checkJsonable(owner, `${where}.${key}`, item);
}
