// The part of the protocol buffer wire format that TensorFlow's graphs and event files and ONNX models need (https://protobuf.dev/programming-guides/encoding/).
// It writes only, and copies bytes once: a message keeps its parts until `bytes()` joins them, so that weights in a graph are not copied level by level.
import { concatBytes } from './concat-bytes.ts';

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** One message under construction; fields appear in the order they are added. */
export class ProtoWriter {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  /** The number of bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** Adds a whole number from `-2^63` to `2^64 - 1` as a varint: proto types int32, int64, uint64, bool and enums. */
  integer(field: number, value: number | bigint): this {
    return this.#push(tag(field, VARINT)).#push(varint(value));
  }

  /** Adds whole numbers as one packed field; none add nothing. */
  integers(field: number, values: readonly (number | bigint)[]): this {
    if (values.length === 0) return this;
    const packed = new ProtoWriter();
    for (const value of values) packed.#push(varint(value));
    return this.message(field, packed);
  }

  /** Adds a proto double. */
  double(field: number, value: number): this {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value, true);
    return this.#push(tag(field, FIXED64)).#push(bytes);
  }

  /** Adds a proto float, rounded to single precision. */
  float(field: number, value: number): this {
    return this.#push(tag(field, FIXED32)).#push(fixed32([value]));
  }

  /** Adds proto floats as one packed field; none add nothing. */
  floats(field: number, values: readonly number[]): this {
    if (values.length === 0) return this;
    return this.raw(field, fixed32(values));
  }

  /** Adds a UTF-8 string. */
  string(field: number, value: string): this {
    return this.raw(field, new TextEncoder().encode(value));
  }

  /** Adds bytes; they are not copied before `bytes()`. */
  raw(field: number, value: Uint8Array): this {
    return this.#push(tag(field, BYTES)).#push(varint(value.length)).#push(value);
  }

  /** Adds a nested message as it is now. */
  message(field: number, value: ProtoWriter): this {
    return this.#push(tag(field, BYTES)).#push(varint(value.#length)).append(value);
  }

  /** Adds the fields of another message as they are now. */
  append(other: ProtoWriter): this {
    for (const part of other.#parts) this.#push(part);
    return this;
  }

  /** The encoded message. */
  bytes(): Uint8Array<ArrayBuffer> {
    return concatBytes(this.#parts);
  }

  #push(part: Uint8Array): this {
    this.#parts.push(part);
    this.#length += part.length;
    return this;
  }
}

function tag(field: number, wireType: number): Uint8Array {
  return varint(field * 8 + wireType);
}

// Negative numbers are their 64-bit two's complement, so they always take ten bytes.
function varint(value: number | bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

function fixed32(values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, i) => view.setFloat32(4 * i, value, true));
  return new Uint8Array(view.buffer);
}
