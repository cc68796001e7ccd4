// How NumPy prints numbers and small arrays, as far as the text of a Box needs it (numpy/_core/arrayprint.py with its default options).
// Unlike NumPy it never breaks a row into lines, and it shortens arrays of more than 1000 elements as one flat row.
import type { DType } from '@tessera/core';
import type { TypedArray } from '../types.ts';

const precision = 8;
const threshold = 1000;
const edgeItems = 3;

/** `str(array)`: numbers in brackets, padded to columns. */
export function formatArray(data: TypedArray, shape: readonly number[], dtype: DType): string {
  const values = Array.from(data as ArrayLike<number | bigint>);
  if (values.length > threshold) {
    const shown = [...values.slice(0, edgeItems), ...values.slice(-edgeItems)];
    const texts = formatColumn(shown, dtype);
    return `[${texts.slice(0, edgeItems).join(' ')} ... ${texts.slice(edgeItems).join(' ')}]`;
  }
  return bracket(formatColumn(values, dtype), shape, 1);
}

/** `str(x)` of a NumPy scalar: the shortest digits that give this number back. */
export function formatScalar(value: number | bigint, dtype: DType): string {
  if (dtype === 'bool') return value === 0 ? 'False' : 'True';
  if (typeof value === 'bigint' || !isFloat(dtype)) return String(value);
  if (!Number.isFinite(value)) return nonFinite(value);
  const [digits, exponent] = shortest(value, dtype);
  if (value !== 0 && (exponent < -4 || exponent >= 16)) return scientific(value, digits, exponent);
  const text = positional(value, digits, exponent);
  return text.endsWith('.') ? `${text}0` : text;
}

function bracket(texts: readonly string[], shape: readonly number[], depth: number): string {
  if (shape.length === 0) return texts[0]!;
  if (shape.length === 1) return `[${texts.join(' ')}]`;
  const [rows, ...inner] = shape as [number, ...number[]];
  const size = rows === 0 ? 0 : texts.length / rows;
  const parts = Array.from({ length: rows }, (_, i) =>
    bracket(texts.slice(i * size, (i + 1) * size), inner, depth + 1),
  );
  return `[${parts.join('\n'.repeat(shape.length - 1) + ' '.repeat(depth))}]`;
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
