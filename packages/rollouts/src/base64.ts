// Bytes as text, for states that are plain JSON. `btoa` is there in browsers and in Node, but takes a text of bytes, piece by piece lest the stack overflow.

import { FormatError } from '@tessera/core';

const piece = 8192;

export function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let start = 0; start < bytes.length; start += piece) {
    text += String.fromCharCode(...bytes.subarray(start, start + piece));
  }
  return btoa(text);
}

/** Throws FormatError for a text that is no base64; `where` opens the message. */
export function fromBase64(text: string, where = 'base64'): Uint8Array<ArrayBuffer> {
  let binary: string;
  try {
    binary = atob(text);
  } catch (cause) {
    const shown = text.length > 40 ? `${text.slice(0, 40)}...` : text;
    throw new FormatError(`${where}: expected bytes as base64 text, got ${JSON.stringify(shown)}.`, { cause });
  }
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
