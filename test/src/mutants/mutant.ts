// A bug that is planted on purpose: one replacement in one file of the sources. Tests that let it live assert too little.

/** A replacement in a source. */
export interface Replacement {
  /** From the root of the repository. */
  readonly file: string;
  /** What stands there, exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** A bug with the tests that have to notice it. */
export interface Mutant extends Replacement {
  readonly name: string;
  /** What is wrong then, and where it was seen, in one line. */
  readonly what: string;
  /** Test files from the root of the repository. */
  readonly tests: readonly string[];
  /** A pattern of the full names of tests, as vitest's `-t`: where the other tests of the files would take long. */
  readonly only?: string;
}

/** `source` with the bug in it; undefined when the text to replace is not there exactly once. */
export function plant(source: string, { find, replace }: Replacement): string | undefined {
  const parts = source.split(find);
  return parts.length === 2 ? parts.join(replace) : undefined;
}
