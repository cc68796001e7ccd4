// States of environments as plain JSON. They may hold what JSON cannot: bigints, typed arrays, undefined, -0 and numbers that are not finite; each becomes an
// object with a `$type`. What comes back is equal to what went in, bit for bit.

import { EnvironmentError, FormatError } from '@tessera/core';
import type { StateValue } from 'gymnasium-js';
import { fromBase64, toBase64 } from './base64.ts';
import { describeValue } from './settings.ts';

/** What JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

const arrays = {
  Int8Array,
  Uint8Array,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
} as const;

/** Throws EnvironmentError, with the path, for a value that is no plain data. */
export function stateToJson(value: StateValue, path = 'state'): Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : tagged('number', Object.is(value, -0) ? '-0' : String(value));
    case 'bigint':
      return tagged('bigint', String(value));
    case 'undefined':
      return { $type: 'undefined' };
    case 'object':
      return value === null ? null : objectToJson(value, path);
    default:
      throw notPlain(value, path);
  }
}

function objectToJson(value: object, path: string): Json {
  if (Array.isArray(value)) return value.map((item: StateValue, index) => stateToJson(item, `${path}[${index}]`));
  const name = ArrayBuffer.isView(value) ? value.constructor.name : '';
  if (ArrayBuffer.isView(value) && Object.hasOwn(arrays, name)) {
    return tagged(name, toBase64(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)));
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw notPlain(value, path);
  const fields = Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, stateToJson(item as StateValue, `${path}.${key}`)]),
  );
  // A state that has a `$type` of its own must not be taken for one of ours.
  return Object.hasOwn(fields, '$type') ? { $type: 'object', value: fields } : fields;
}

/** The inverse of `stateToJson`. Throws FormatError for what it cannot have given. */
export function stateFromJson(json: Json): StateValue {
  if (json === null || typeof json !== 'object') return json;
  if (Array.isArray(json)) return json.map((item: Json) => stateFromJson(item));
  const object = json as { readonly [key: string]: Json };
  return Object.hasOwn(object, '$type') ? untagged(object) : fieldsFromJson(object);
}

function fieldsFromJson(object: { readonly [key: string]: Json }): StateValue {
  return Object.fromEntries(Object.entries(object).map(([key, item]) => [key, stateFromJson(item)]));
}

function untagged(object: { readonly [key: string]: Json }): StateValue {
  const { $type: type, value } = object;
  if (type === 'undefined') return undefined;
  if (type === 'object' && value !== null && typeof value === 'object' && !Array.isArray(value)) {
    return fieldsFromJson(value as { readonly [key: string]: Json });
  }
  if (typeof value === 'string') {
    if (type === 'number' && ['NaN', 'Infinity', '-Infinity', '-0'].includes(value)) return Number(value);
    if (type === 'bigint' && /^-?\d+$/.test(value)) return BigInt(value);
    if (typeof type === 'string' && Object.hasOwn(arrays, type)) {
      const TypedArray = arrays[type as keyof typeof arrays];
      const bytes = fromBase64(value);
      if (bytes.length % TypedArray.BYTES_PER_ELEMENT === 0) return new TypedArray(bytes.buffer);
    }
  }
  throw new FormatError(`state: expected a value of a saved environment, got ${describeValue(object)}.`);
}

function tagged(type: string, value: string): Json {
  return { $type: type, value };
}

function notPlain(value: unknown, path: string): EnvironmentError {
  const got = typeof value === 'object' ? `a ${value?.constructor?.name}` : describeValue(value);
  return new EnvironmentError(
    `${path}: expected plain data (JSON, bigints, typed arrays), got ${got}. Save it as one of these in saveState.`,
  );
}
