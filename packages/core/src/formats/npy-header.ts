// Reads the header of a .npy file, a Python literal such as `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`: a grammar of its own, never evaluated.

/** The three fields of a header. */
export interface NpyHeader {
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
}

const token = /\s*(?:('[^'\\]*'|"[^"\\]*")|(True|False)\b|(\d+)|([{}():,])|($))/y;
const maxShown = 20;

/** Throws an Error that says what was expected where, when the text is no such literal or has other fields. */
export function parseNpyHeader(text: string): NpyHeader {
  let position = 0;
  const next = (): string => {
    token.lastIndex = position;
    const match = token.exec(text);
    if (match === null) throw unexpected('a string, a number, True, False or a bracket');
    position = token.lastIndex;
    return match[0].trim();
  };
  const unexpected = (expected: string): Error =>
    new Error(
      `expected ${expected} at character ${position}, got ${JSON.stringify(text.slice(position, position + maxShown))}.`,
    );
  const take = (expected: string): void => {
    const start = position;
    if (next() === expected) return;
    position = start;
    throw unexpected(`'${expected}'`);
  };
  const peek = (wanted: string): boolean => {
    const start = position;
    const found = next() === wanted;
    position = start;
    return found;
  };

  const values = {
    descr: (): string => {
      const literal = next();
      if (!/^['"]/.test(literal)) throw new Error(`expected 'descr' to be a plain type, got one of fields or shapes.`);
      return literal.slice(1, -1);
    },
    fortran_order: (): boolean => {
      const literal = next();
      if (literal !== 'True' && literal !== 'False')
        throw new Error(`expected 'fortran_order' to be True or False, got ${literal}.`);
      return literal === 'True';
    },
    shape: (): number[] => {
      const sizes: number[] = [];
      take('(');
      while (!peek(')')) {
        const size = next();
        if (!/^\d+$/.test(size) || !Number.isSafeInteger(Number(size)))
          throw new Error(`expected a size in 'shape', got ${size}.`);
        sizes.push(Number(size));
        if (!peek(')')) take(',');
      }
      take(')');
      return sizes;
    },
  };

  const fields = new Map<string, unknown>();
  take('{');
  while (!peek('}')) {
    const key = next().slice(1, -1);
    if (!Object.hasOwn(values, key) || fields.has(key)) {
      throw new Error(`expected each of 'descr', 'fortran_order' and 'shape' once, got ${JSON.stringify(key)}.`);
    }
    take(':');
    fields.set(key, values[key as keyof typeof values]());
    if (!peek('}')) take(',');
  }
  take('}');
  take('');
  for (const key of Object.keys(values)) if (!fields.has(key)) throw new Error(`the field '${key}' is missing.`);
  return {
    descr: fields.get('descr') as string,
    fortranOrder: fields.get('fortran_order') as boolean,
    shape: fields.get('shape') as number[],
  };
}
