// A reader of the protocol buffer wire format for tests, written from the specification and sharing nothing with the writer.

export interface Field {
  readonly field: number;
  /** A varint as an unsigned 64-bit number, or the bytes of a fixed64, fixed32 or length-delimited field. */
  readonly value: bigint | Uint8Array;
}

export function readFields(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error('truncated varint');
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asUintN(64, value);
    }
  };
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw new Error('truncated field');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const key = Number(varint());
    const wireType = key & 7;
    if (wireType === 0) fields.push({ field: key >> 3, value: varint() });
    else if (wireType === 1) fields.push({ field: key >> 3, value: take(8) });
    else if (wireType === 2) fields.push({ field: key >> 3, value: take(Number(varint())) });
    else if (wireType === 5) fields.push({ field: key >> 3, value: take(4) });
    else throw new Error(`unexpected wire type ${wireType}`);
  }
  return fields;
}

/** The values of a repeated length-delimited field. */
export function all(bytes: Uint8Array, field: number): Uint8Array[] {
  return readFields(bytes)
    .filter((entry) => entry.field === field)
    .map(({ value }) => value as Uint8Array);
}

/** The value of a field that occurs once. */
export function one(bytes: Uint8Array, field: number): bigint | Uint8Array {
  const entries = readFields(bytes).filter((entry) => entry.field === field);
  if (entries.length !== 1) throw new Error(`field ${field} occurs ${entries.length} times`);
  return entries[0]!.value;
}

export function text(value: bigint | Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value as Uint8Array);
}
