// How NumPy prints numbers and arrays with its default options (numpy/_core/arrayprint.py), and Python tuples and text, as far as the text
// of spaces needs it.
import type { DType } from '@tessera/core';
import type { TypedArray } from '../types.ts';

const precision = 8;
const threshold = 1000;
const edgeItems = 3;
const lineWidth = 75;

/** `str(array)`: numbers in brackets, padded to columns, broken into lines of 75; of more than 1000 elements the outer three of each axis. */
export function formatArray(data: TypedArray, shape: readonly number[], dtype: DType): string {
  const count = data.length;
  if (count === 0) return '[]';
  const isShort = count <= threshold;
  const shown = shape.map((size) => (isShort || size <= 2 * edgeItems ? size : 2 * edgeItems));
  const at = (axis: number, i: number): number => (i < edgeItems ? i : i + shape[axis]! - shown[axis]!);
  const values: (number | bigint)[] = [];
  const collect = (axis: number, offset: number): void => {
    if (axis === shape.length) values.push(data[offset]!);
    else for (let i = 0; i < shown[axis]!; i++) collect(axis + 1, offset * shape[axis]! + at(axis, i));
  };
  collect(0, 0);
  const texts = formatColumn(values, dtype);
  let next = 0;
  const bracket = (axis: number, indent: string, width: number): string => {
    if (axis === shape.length) return texts[next++]!;
    const inner = Array.from({ length: shown[axis]! }, () => bracket(axis + 1, `${indent} `, width - 1));
    if (shown[axis]! < shape[axis]!) inner.splice(edgeItems, 0, '...');
    if (axis === shape.length - 1) return `[${wrap(inner, indent, width - 1).slice(indent.length)}]`;
    return `[${inner.join('\n'.repeat(shape.length - axis - 1) + indent)}]`;
  };
  return bracket(0, ' ', lineWidth);
}

function wrap(words: readonly string[], indent: string, width: number): string {
  let text = '';
  let line = indent;
  words.forEach((word, i) => {
    if (line.length + word.length > width && line.length > indent.length) {
      text += `${line.trimEnd()}\n`;
      line = indent;
    }
    line += i < words.length - 1 ? `${word} ` : word;
  });
  return text + line;
}

/** `str(tuple)` of numbers: `(3,)`, `(3, 4)`. */
export function formatTuple(values: readonly number[]): string {
  return values.length === 1 ? `(${values[0]},)` : `(${values.join(', ')})`;
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** `repr(text)`: in quotes, double ones where single ones are inside. */
export function formatText(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const shown = Array.from(text, (char) => {
    if (char === quote) return `\\${char}`;
    if (Object.hasOwn(escapes, char)) return escapes[char]!;
    if (char === ' ' || !/[\p{C}\p{Z}]/u.test(char)) return char;
    const code = char.codePointAt(0)!;
    if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
    return code < 0x10000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`;
  });
  return quote + shown.join('') + quote;
}

/** Python's order of texts: by code points, where JavaScript's own is by 16-bit units. */
export function compareTexts(a: string, b: string): number {
  const [left, right] = [Array.from(a), Array.from(b)];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = left[i]!.codePointAt(0)! - right[i]!.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** `str(x)` of a NumPy scalar: the shortest digits that give this number back. */
export function formatScalar(value: number | bigint, dtype: DType): string {
  if (dtype === 'bool') return value === 0 ? 'False' : 'True';
  if (typeof value === 'bigint' || !isFloat(dtype)) return String(value);
  if (!Number.isFinite(value)) return nonFinite(value);
  const [digits, exponent] = shortest(value, dtype);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= (dtype === 'float32' ? 1e6 : 1e16))) {
    return scientific(value, digits, exponent);
  }
  const text = positional(value, digits, exponent);
  return text.endsWith('.') ? `${text}0` : text;
}

function formatColumn(values: readonly (number | bigint)[], dtype: DType): string[] {
  if (!isFloat(dtype)) return alignRight(values.map((value) => formatScalar(value, dtype)));
  const finite = values.filter((value) => Number.isFinite(value)) as number[];
  const sizes = finite.filter((value) => value !== 0).map(Math.abs);
  const largest = Math.max(...sizes);
  const smallest = Math.min(...sizes);
  if (sizes.length > 0 && (largest >= 1e8 || smallest < 1e-4 || largest / smallest > 1000)) {
    const fraction = Math.max(...finite.map((value) => Math.min(shortest(value, dtype)[0].length - 1, precision)));
    return alignRight(
      values.map((value) => {
        const x = Number(value);
        return Number.isFinite(x) ? scientific(x, ...shortest(x, dtype), Math.max(fraction, 0)) : nonFinite(x);
      }),
    );
  }
  const texts = values.map((value) => {
    const x = Number(value);
    return Number.isFinite(x) ? positional(x, ...shortest(x, dtype)) : nonFinite(x);
  });
  const fractions = texts.map((text) => (text.includes('.') ? text.length - text.indexOf('.') - 1 : 0));
  const right = Math.max(0, ...fractions);
  return alignRight(texts.map((text, i) => (text.includes('.') ? text + ' '.repeat(right - fractions[i]!) : text)));
}

/** The shortest significant digits that give `value` back in its dtype, and the decimal exponent of the first of them. */
function shortest(value: number, dtype: DType): [digits: string, exponent: number] {
  let text = value.toExponential();
  if (dtype === 'float32') {
    for (let digits = 0; digits < 9; digits++) {
      text = value.toExponential(digits);
      if (Math.fround(Number(text)) === value) break;
    }
  }
  const [mantissa, exponent] = text.replace('-', '').split('e') as [string, string];
  return [mantissa.replace('.', ''), text.includes('e-') ? -Number(text.split('e-')[1]) : Number(exponent)];
}

function positional(value: number, digits: string, exponent: number): string {
  const rounded = Number(`${digits[0]}.${digits.slice(1)}e${exponent}`);
  const fraction = Math.min(precision, Math.max(0, digits.length - 1 - exponent));
  const text = rounded.toFixed(fraction).replace(/(\.\d*?)0+$/, '$1');
  return `${isNegative(value) ? '-' : ''}${text.includes('.') ? text : `${text}.`}`;
}

// In an array there is always a point, and as many digits behind it as `fraction` says; a scalar goes without.
function scientific(value: number, digits: string, exponent: number, fraction?: number): string {
  const tail = digits.slice(1).padEnd(fraction ?? 0, '0');
  const point = tail !== '' || fraction !== undefined ? '.' : '';
  const power = String(Math.abs(exponent)).padStart(2, '0');
  return `${isNegative(value) ? '-' : ''}${digits[0]}${point}${tail}e${exponent < 0 ? '-' : '+'}${power}`;
}

function alignRight(texts: readonly string[]): string[] {
  const width = Math.max(0, ...texts.map((text) => text.length));
  return texts.map((text) => text.padStart(width));
}

const isFloat = (dtype: DType): boolean => dtype === 'float32' || dtype === 'float64';
const isNegative = (value: number): boolean => value < 0 || Object.is(value, -0);
const nonFinite = (value: number): string => (value > 0 ? 'inf' : value < 0 ? '-inf' : 'nan');
