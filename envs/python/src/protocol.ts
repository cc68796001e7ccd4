// Frames between us and a child: `u32 length | u8 kind | 3 zero bytes | u32 length of the JSON | JSON | raw bytes`, little-endian; `length` counts what follows
// the 12 bytes of the header. The same is in python/tessera_bridge/connection.py.
import { constants } from 'node:buffer';
import { ConfigError, FormatError } from '@tessera/core';

/** Refused when the child speaks another one. */
export const protocolVersion = 1;

/**
 * H hello, M make, D description, R reset, S step, O observations with rewards and flags, X render, P pictures, E error, B bye.
 */
export type FrameKind = 'H' | 'M' | 'D' | 'R' | 'S' | 'O' | 'X' | 'P' | 'E' | 'B';

/** A frame that has arrived. `raw` is empty where its bytes went into targets. */
export interface Frame {
  readonly kind: FrameKind;
  readonly data: unknown;
  readonly raw: Uint8Array;
}

const headerSize = 12;
const answers = new Set(['H', 'D', 'O', 'P', 'E', 'B']);

/** The bytes of a frame. Throws ConfigError for more than its header can count. */
export function encodeFrame(kind: FrameKind, data?: unknown, raw: Uint8Array = new Uint8Array(0)): Uint8Array {
  const json = data === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(data));
  const length = json.length + raw.length;
  if (length >= 2 ** 32) {
    throw new ConfigError(`python: ${length} bytes for one child are too many. Put fewer environments into a child.`);
  }
  const frame = Buffer.alloc(headerSize + length);
  frame.writeUInt32LE(length, 0);
  frame[4] = kind.charCodeAt(0);
  frame.writeUInt32LE(json.length, 8);
  frame.set(json, headerSize);
  frame.set(raw, headerSize + json.length);
  return frame;
}

/**
 * Puts frames together from pieces of any size. The raw bytes of an `O` frame go straight into the arrays of `targets`, in their order: nothing is copied
 * twice.
 */
export class FrameReader {
  readonly #onFrame: (frame: Frame) => void;
  #targets: readonly Uint8Array[] = [];
  readonly #header = new Uint8Array(headerSize);
  #kind: FrameKind = 'H';
  #json = new Uint8Array(0);
  #raw = new Uint8Array(0);
  // The arrays that the present frame still has to fill.
  #filling: Uint8Array[] = [this.#header];
  #isHeader = true;
  #filled = 0;

  constructor(onFrame: (frame: Frame) => void) {
    this.#onFrame = onFrame;
  }

  /** Where the raw bytes of the next `O` frame belong. */
  expect(targets: readonly Uint8Array[]): void {
    this.#targets = targets.filter((target) => target.length > 0);
  }

  /** Takes the next piece. Throws FormatError when it is no part of a frame. */
  push(piece: Uint8Array): void {
    let at = 0;
    while (at < piece.length) {
      const target = this.#filling[0]!;
      const count = Math.min(target.length - this.#filled, piece.length - at);
      target.set(piece.subarray(at, at + count), this.#filled);
      this.#filled += count;
      at += count;
      if (this.#filled < target.length) return;
      this.#filled = 0;
      this.#filling.shift();
      while (this.#filling.length === 0) this.#turn();
    }
  }

  #turn(): void {
    if (this.#isHeader) return this.#begin();
    this.#isHeader = true;
    this.#filling = [this.#header];
    this.#onFrame({ kind: this.#kind, data: this.#parse(), raw: this.#raw });
  }

  #parse(): unknown {
    if (this.#json.length === 0) return undefined;
    try {
      return JSON.parse(Buffer.from(this.#json).toString());
    } catch (cause) {
      throw new FormatError(`expected JSON in a frame, got something else: ${(cause as Error).message}.`, { cause });
    }
  }

  #begin(): void {
    const header = new DataView(this.#header.buffer);
    const [length, jsonLength] = [header.getUint32(0, true), header.getUint32(8, true)];
    const kind = String.fromCharCode(header.getUint8(4));
    if (!answers.has(kind) || jsonLength > length) {
      throw new FormatError(`expected a frame of protocol ${protocolVersion}, got bytes that are none.`);
    }
    if (jsonLength > constants.MAX_STRING_LENGTH) {
      throw new FormatError(
        `expected at most ${constants.MAX_STRING_LENGTH} bytes of JSON in a frame, got ${jsonLength}.`,
      );
    }
    this.#isHeader = false;
    this.#kind = kind as FrameKind;
    this.#json = new Uint8Array(jsonLength);
    const rawLength = length - jsonLength;
    const isRows = kind === 'O';
    if (isRows) {
      const room = this.#targets.reduce((sum, target) => sum + target.length, 0);
      if (rawLength !== room) {
        throw new FormatError(`expected ${room} bytes of observations, rewards and flags, got ${rawLength}.`);
      }
    }
    this.#raw = new Uint8Array(isRows ? 0 : rawLength);
    const parts = isRows ? this.#targets : [this.#raw];
    this.#filling = [this.#json, ...parts].filter((part) => part.length > 0);
  }
}
