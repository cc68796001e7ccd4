// A module can import either plain or shared memory, and says which in one byte. TensorFlow.js's multi-threaded build has shared memory, so the
// same kernels are given that byte (and the maximum that goes with it) instead of being compiled and shipped twice.
import { InternalError } from '@tessera/core';

const importSection = 2;
const memoryImport = 2;
const plainWithoutMaximum = 0;
const sharedWithMaximum = 3;
/** 65536 pages, 4 GiB, as LEB128: at least the maximum of any memory. */
const maximumPages = [0x80, 0x80, 0x04];

/** The module `bytes`, whose only import is a plain memory, changed to import a shared one. */
export function withSharedMemory(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  let at = 8; // after the magic number and the version
  while (at < bytes.length && bytes[at] !== importSection) {
    const [size, start] = readLeb(bytes, at + 1);
    at = start + size;
  }
  const [size, start] = readLeb(bytes, at + 1);
  const section = [...bytes.subarray(start, start + size)];
  // count, module name, field name, kind, limits
  const [moduleLength, moduleStart] = readLeb(section, 1);
  const [fieldLength, fieldStart] = readLeb(section, moduleStart + moduleLength);
  const kind = fieldStart + fieldLength;
  const minimumEnd = readLeb(section, kind + 2)[1];
  if (section[0] !== 1 || section[kind] !== memoryImport || section[kind + 1] !== plainWithoutMaximum || size > 100) {
    throw new InternalError('internal: the kernel module imports something else than one plain memory');
  }
  section[kind + 1] = sharedWithMaximum;
  section.splice(minimumEnd, 0, ...maximumPages);
  return Uint8Array.from([
    ...bytes.subarray(0, at),
    importSection,
    section.length,
    ...section,
    ...bytes.subarray(start + size),
  ]);
}

/** An unsigned LEB128 number, and the position after it. */
function readLeb(bytes: ArrayLike<number>, at: number): [value: number, next: number] {
  let value = 0;
  for (let i = 0; ; i++) {
    const byte = bytes[at + i] ?? 0;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return [value, at + i + 1];
  }
}
