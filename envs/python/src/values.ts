// Values as JSON without loss, as python/tessera_bridge/values.py describes it: what JSON has is itself, everything else is a list that opens with a word for
// its kind. Arrays arrive flat, in row-major order, whatever their rank.
import { ConfigError, FormatError, typedArrayOf } from '@tessera/core';
import type { DType } from '@tessera/core';
import type { TypedArray } from 'gymnasium-js';

const dtypeNames: readonly (readonly [new (...args: never[]) => TypedArray, DType])[] = [
  [Float64Array, 'float64'],
  [Float32Array, 'float32'],
  [BigInt64Array, 'int64'],
  [BigUint64Array, 'uint64'],
  [Int32Array, 'int32'],
  [Int16Array, 'int16'],
  [Int8Array, 'int8'],
  [Uint32Array, 'uint32'],
  [Uint16Array, 'uint16'],
  [Uint8Array, 'uint8'],
];

/** JSON of a value; throws ConfigError that says where a value is that has no place in Python: a function, an instance of a class, a symbol. */
export function encodeValue(value: unknown, where: string): unknown {
  if (value === null || value === undefined) return null;
  if (typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'bigint') return ['i', String(value)];
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return value;
    return ['f', Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf'];
  }
  if (Array.isArray(value)) return ['l', ...value.map((item, i) => encodeValue(item, `${where}[${i}]`))];
  const dtype = dtypeNames.find(([kind]) => value instanceof kind)?.[1];
  if (dtype !== undefined) {
    const { buffer, byteOffset, byteLength } = value as TypedArray;
    return ['a', dtype, Buffer.from(buffer, byteOffset, byteLength).toString('base64')];
  }
  const prototype: unknown = typeof value === 'object' ? Object.getPrototypeOf(value) : undefined;
  if (prototype === Object.prototype || prototype === null) {
    const items = Object.entries(value as object).map(([key, item]) => [key, encodeValue(item, `${where}.${key}`)]);
    return ['d', Object.fromEntries(items)];
  }
  const got = typeof value === 'object' ? `an object of class ${value.constructor.name}` : `a ${typeof value}`;
  throw new ConfigError(`${where}: expected plain data that Python has too, got ${got}.`);
}

/** The value back; throws FormatError for JSON that `encode` does not make. */
export function decodeValue(json: unknown): unknown {
  if (!Array.isArray(json)) return json;
  const [kind, ...rest] = json as [string, ...unknown[]];
  switch (kind) {
    case 'l':
      return rest.map(decodeValue);
    case 'd':
      return Object.fromEntries(Object.entries(rest[0] as object).map(([key, item]) => [key, decodeValue(item)]));
    case 'a': {
      // A copy of its own, since Buffers share a pool and need not be aligned.
      const bytes = Uint8Array.from(Buffer.from(rest[1] as string, 'base64'));
      return new (typedArrayOf(rest[0] as DType) as Float64ArrayConstructor)(bytes.buffer);
    }
    case 'f':
      return rest[0] === 'nan' ? NaN : rest[0] === 'inf' ? Infinity : -Infinity;
    case 'i':
      return BigInt(rest[0] as string);
    default:
      throw new FormatError(`python: expected a value, got a list that opens with ${JSON.stringify(kind)}.`);
  }
}
