// Command lines that are shown can be pasted into a shell.

/** A word as a POSIX shell takes it: in quotes where it holds more than letters, digits and harmless signs. */
export function quoteWord(word: string): string {
  return /^[A-Za-z0-9_./:=@,+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
