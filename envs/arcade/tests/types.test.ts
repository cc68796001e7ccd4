// Importing this package tells `make` what its ids are.
import '@tessera/env-arcade';
import { make, makeVec } from 'gymnasium-js';
import type { Env, VectorEnv } from 'gymnasium-js';
import { expectTypeOf, test } from 'vitest';

test('make and makeVec know the types of observations and actions by id', () => {
  expectTypeOf(make('Catch-v0')).toEqualTypeOf<Env<Uint8Array, number>>();
  expectTypeOf(make('Breakout-v0', { cellSize: 4 }).reset().observation).toEqualTypeOf<Uint8Array>();
  expectTypeOf(makeVec('Catch-v0')).toEqualTypeOf<Promise<VectorEnv<Uint8Array>>>();
});
