// Numbers and times as a person reads them in progress lines and tables.

/** Seconds in the two largest units: `45 s`, `2 min 05 s`, `1 h 02 min`. */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number): string => String(value).padStart(2, '0');
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}

/** Four significant digits, without an exponent where it can be read so: `0.01234`, `12.35`, `12346`, `1.235e-7`. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e9 || size < 1e-4) return value.toExponential(3);
  if (Number.isInteger(value) || size >= 1e4) return String(Math.round(value));
  return String(Number(value.toPrecision(4)));
}

/** A count with an SI prefix: `12`, `3.46 k`, `1.2 M`, `7.1 G`. */
export function formatCount(value: number): string {
  if (!Number.isFinite(value) || Math.abs(value) < 1000) return formatNumber(value);
  const prefixes = ['k', 'M', 'G', 'T', 'P'];
  let scaled = value / 1000;
  let prefix = 0;
  while (Math.abs(scaled) >= 999.5 && prefix < prefixes.length - 1) {
    scaled /= 1000;
    prefix += 1;
  }
  return `${Number(scaled.toPrecision(3))} ${prefixes[prefix]!}`;
}

/** Bytes in binary units: `512 B`, `1.5 KiB`, `2.25 GiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1023.5 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${Number(value.toPrecision(3))} ${units[unit]!}`;
}
