// Aligned tables for terminals: the one at the end of a run, and lists with a heading.

/** A row of the table at the end: what, how much, and a remark such as a ceiling. */
export interface TableRow {
  readonly name: string;
  readonly value: string;
  readonly note?: string;
}

/** Names to the left, values aligned at their right ends, remarks after them; a line each, without a line break at the end. */
export function renderTable(rows: readonly TableRow[]): string {
  const names = Math.max(0, ...rows.map((row) => row.name.length));
  // Paths are values too; they must not push the numbers to the right.
  const values = Math.max(0, ...rows.map((row) => row.value.length).filter((length) => length <= 16));
  return rows
    .map((row) => {
      const value = row.value.length > 16 ? row.value : row.value.padStart(values);
      return `${row.name.padEnd(names)}  ${value}${row.note === undefined ? '' : `  ${row.note}`}`.trimEnd();
    })
    .join('\n');
}

/** Columns under headings, as wide as their widest cell. */
export function renderColumns(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((_, column) => Math.max(...[headings, ...rows].map((row) => row[column]!.length)));
  return [headings, ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
