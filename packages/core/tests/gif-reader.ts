// A small reader of the GIFs that tests write: no interlacing, no transparency, frames of full size.

export interface Gif {
  readonly width: number;
  readonly height: number;
  /** Times to play: 0 for ever; undefined when the file does not say, which is once. */
  readonly repeat: number | undefined;
  /** RGB bytes of each frame, with its delay in ms. */
  readonly frames: readonly { readonly rgb: Uint8Array; readonly delayMs: number }[];
}

export function readGif(bytes: Uint8Array): Gif {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const byte = (): number => view.getUint8(at++);
  const short = (): number => view.getUint16((at += 2) - 2, true);
  const text = (length: number): string => String.fromCharCode(...bytes.subarray(at, (at += length)));
  const table = (flags: number): Uint8Array => bytes.subarray(at, (at += 3 * 2 ** ((flags & 7) + 1)));
  const blocks = (): number[] => {
    const all: number[] = [];
    for (let size = byte(); size > 0; size = byte()) all.push(...bytes.subarray(at, (at += size)));
    return all;
  };

  if (text(6) !== 'GIF89a') throw new Error('no GIF');
  const [width, height, flags] = [short(), short(), byte()];
  at += 2;
  const shared = table(flags);
  const frames: { rgb: Uint8Array; delayMs: number }[] = [];
  let repeat: number | undefined;
  let delayMs = 0;
  for (let kind = byte(); kind !== 0x3b; kind = byte()) {
    if (kind === 0x21) {
      const label = byte();
      const content = blocks();
      if (label === 0xf9) delayMs = 10 * (content[1]! + 256 * content[2]!);
      if (label === 0xff) repeat = content[12]! + 256 * content[13]!;
    } else if (kind === 0x2c) {
      if (short() !== 0 || short() !== 0 || short() !== width || short() !== height)
        throw new Error('a part of a frame');
      const own = byte();
      const colours = (own & 0x80) !== 0 ? table(own) : shared;
      const index = unpack(byte(), blocks());
      if (index.length !== width * height) throw new Error(`${index.length} pixels`);
      frames.push({ rgb: Uint8Array.from(index.flatMap((i) => [...colours.subarray(3 * i, 3 * i + 3)])), delayMs });
    } else throw new Error(`block ${kind}`);
  }
  if (at !== bytes.length) throw new Error('bytes after the end');
  return { width, height, repeat, frames };
}

/** LZW as GIF packs it: codes of growing width, lowest bit first. */
function unpack(minBits: number, data: readonly number[]): number[] {
  const clear = 2 ** minBits;
  const out: number[] = [];
  let words: number[][] = [];
  let bits = 0;
  let previous: number[] | undefined;
  let buffer = 0;
  let held = 0;
  const restart = (): void => {
    words = Array.from({ length: clear + 2 }, (_, i) => [i]);
    bits = minBits + 1;
    previous = undefined;
  };
  restart();
  for (const next of data) {
    buffer += next * 2 ** held;
    held += 8;
    while (held >= bits) {
      const code = buffer % 2 ** bits;
      buffer = Math.floor(buffer / 2 ** bits);
      held -= bits;
      if (code === clear) restart();
      else if (code === clear + 1) return out;
      else {
        const word: number[] = words[code] ?? [...previous!, previous![0]!];
        if (previous !== undefined && words.length < 4096) words.push([...previous, word[0]!]);
        if (words.length === 2 ** bits && bits < 12) bits++;
        out.push(...word);
        previous = word;
      }
    }
  }
  throw new Error('no end of the picture');
}
