import { isDeepStrictEqual } from 'node:util';
import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { EnvironmentError, FormatError } from '@tessera/core';
import type { StateValue } from 'gymnasium-js';
import { stateFromJson, stateToJson } from '../src/state-json.ts';
import type { Json } from '../src/state-json.ts';

const keys = fc.oneof(fc.string(), fc.constantFrom('$type', 'value', '__proto__', 'constructor', 'toString'));
const values: fc.Arbitrary<StateValue> = fc.letrec<{ value: StateValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.double(),
    fc.constantFrom(-0, NaN, Infinity, -Infinity, null, undefined, true, false),
    fc.bigInt(),
    fc.string({ unit: 'binary' }),
    fc.int8Array(),
    fc.uint8Array({ maxLength: 20_000 }),
    fc.int16Array(),
    fc.uint16Array(),
    fc.int32Array(),
    fc.uint32Array(),
    fc.float32Array(),
    fc.float64Array(),
    fc.bigInt64Array(),
    fc.bigUint64Array(),
    fc.array(tie('value')),
    fc.dictionary(keys, tie('value'), { noNullPrototype: true }),
  ),
})).value;

describe('a state', () => {
  test.prop([values])('comes back from JSON equal in every bit', (value) => {
    const json = JSON.parse(JSON.stringify(stateToJson(value))) as Json;
    // Not toStrictEqual, which takes a key named 'constructor' for the class.
    if (!isDeepStrictEqual(stateFromJson(json), value)) expect(json).toBe(value);
  });

  test.prop([fc.uint8Array({ minLength: 8, maxLength: 64 }), fc.nat({ max: 4 })])(
    'takes of an array only what it shows of its memory',
    (bytes, skip) => {
      const view = bytes.subarray(skip, bytes.length - 1);
      expect(stateFromJson(stateToJson(view))).toStrictEqual(view.slice());
    },
  );

  for (const [name, value] of Object.entries({
    function: () => 0,
    symbol: Symbol('x'),
    date: new Date(0),
    map: new Map(),
    view: new DataView(new ArrayBuffer(2)),
  })) {
    test(`is plain data: no ${name}`, () => {
      const state = { list: [1, value as never] };
      expect(() => stateToJson(state)).toThrow(EnvironmentError);
      expect(() => stateToJson(state)).toThrow(/^state\.list\[1\]: expected plain data/);
    });
  }

  for (const json of [
    { $type: 'Map', value: '' },
    { $type: 'number', value: '5' },
    { $type: 'bigint', value: '0x' },
    { $type: 'bigint' },
    { $type: 'object', value: [] },
    { $type: 'Float32Array', value: 'AAAA' },
    { $type: 'Uint8Array', value: '!' },
    { $type: 3, value: 'AAAA' },
    { $type: 'hasOwnProperty', value: 'AAAA' },
  ] as Json[]) {
    test(`is not ${JSON.stringify(json)}`, () => {
      expect(() => stateFromJson({ inner: [json] })).toThrow(FormatError);
    });
  }
});
