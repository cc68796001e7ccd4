// Reads golden files and compares long streams with their digests.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';

export function golden<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`./golden/${name}`, import.meta.url), 'utf8')) as T;
}

export function goldenBytes(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`./golden/${name}`, import.meta.url)));
}

/** A stream as golden/make.py keeps it. */
export interface Stream {
  readonly count: number;
  readonly first: readonly string[];
  readonly sha256: string;
}

/** Float64s are compared by their bytes, so that -0 and the last bit count. */
export function hexOf(value: number): string {
  return Buffer.from(Float64Array.of(value).buffer).toString('hex');
}

export function expectFloats(stream: Stream, draw: () => number): void {
  const values = Float64Array.from({ length: stream.count }, draw);
  expect([...values.subarray(0, stream.first.length)].map(hexOf)).toEqual(stream.first);
  expect(sha256(values)).toBe(stream.sha256);
}

export function expectIntegers(stream: Stream, values: Iterable<number | bigint>): void {
  const all = BigInt64Array.from(values as Iterable<number>, BigInt);
  expect(all.length).toBe(stream.count);
  expect([...all.subarray(0, stream.first.length)].map(String)).toEqual(stream.first);
  expect(sha256(all)).toBe(stream.sha256);
}

function sha256(values: Float64Array | BigInt64Array): string {
  return createHash('sha256').update(new Uint8Array(values.buffer)).digest('hex');
}
