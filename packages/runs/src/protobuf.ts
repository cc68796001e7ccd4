// The part of the protocol buffer wire format that event files need: varints, doubles, floats and nested bytes. It writes
// only; fields appear in the order they are added (https://protobuf.dev/programming-guides/encoding/).

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** Collects the fields of one message. */
export class MessageWriter {
  readonly #parts: Uint8Array[] = [];

  /** Adds a non-negative integer up to `2^53 - 1` as a varint: proto types int32, int64, uint64 and bool. */
  integer(field: number, value: number): this {
    return this.#add(tag(field, VARINT), varint(value));
  }

  /** Adds a proto double. */
  double(field: number, value: number): this {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value, true);
    return this.#add(tag(field, FIXED64), bytes);
  }

  /** Adds a proto float, rounded to single precision. */
  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.#add(tag(field, FIXED32), bytes);
  }

  /** Adds bytes, a UTF-8 string or a nested message. */
  bytes(field: number, value: Uint8Array | string | MessageWriter): this {
    const payload =
      typeof value === 'string'
        ? new TextEncoder().encode(value)
        : value instanceof MessageWriter
          ? value.finish()
          : value;
    return this.#add(tag(field, BYTES), varint(payload.length), payload);
  }

  /** The encoded message. */
  finish(): Uint8Array {
    return concatBytes(this.#parts);
  }

  #add(...parts: Uint8Array[]): this {
    this.#parts.push(...parts);
    return this;
  }
}

/** Joins byte arrays into one. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

function tag(field: number, wireType: number): Uint8Array {
  return varint(field * 8 + wireType);
}

/** Divides instead of shifting, because shifts cut integers at 32 bits. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  while (value >= 128) {
    bytes.push((value % 128) + 128);
    value = Math.floor(value / 128);
  }
  bytes.push(value);
  return Uint8Array.from(bytes);
}
