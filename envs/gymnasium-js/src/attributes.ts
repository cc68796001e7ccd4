// Attributes by name (`hasattr`, `getattr` and `setattr` of Python), behind has-, get- and setWrapperAttr.
import { ConfigError } from '@tessera/core';

export interface SetAttrOptions {
  /** Whether to make the attribute where nobody has it; true by default. */
  readonly force?: boolean;
}

// What every object has is no attribute of an environment, and a new prototype would make it another thing.
const isHidden = (name: string): boolean => Object.hasOwn(Object.prototype, name) && name !== 'toString';

/** Whether `owner` has a property or method of this name, inherited ones included, those of every object not. */
export function hasAttribute(owner: object, name: string): boolean {
  return !isHidden(name) && name in owner;
}

/** The value; a method comes bound to its owner, as in Python. */
export function readAttribute(owner: object, name: string): unknown {
  const value: unknown = Reflect.get(owner, name);
  return typeof value === 'function' && !Object.hasOwn(owner, name) ? (value.bind(owner) as unknown) : value;
}

/** Writes or makes a property; throws ConfigError when it cannot be written. */
export function writeAttribute(owner: object, name: string, value: unknown): void {
  if (!isHidden(name) && Reflect.set(owner, name, value)) return;
  throw new ConfigError(`${owner.constructor.name}: the attribute ${JSON.stringify(name)} cannot be set.`);
}
