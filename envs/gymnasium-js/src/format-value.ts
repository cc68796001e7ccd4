// A readable line for the values of a spec: JSON, but for what JSON has no word for.

/** The text of any value; functions by name, other objects by class. */
export function formatValue(value: unknown): string {
  if (typeof value === 'function') return value.name === '' ? 'a function' : value.name;
  if (Array.isArray(value)) return `[${value.map(formatValue).join(', ')}]`;
  if (typeof value !== 'object' || value === null)
    return typeof value === 'string' ? JSON.stringify(value) : String(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return `an object of class ${value.constructor.name}`;
  const entries = Object.entries(value).map(([key, item]) => `${key}: ${formatValue(item)}`);
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
}
