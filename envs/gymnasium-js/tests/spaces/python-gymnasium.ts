// The Gymnasium of TESSERA_PYTHON, for tests that ask it live.
import { execFileSync } from 'node:child_process';

const python = process.env['TESSERA_PYTHON'];

function version(): string | undefined {
  if (!python) return undefined;
  try {
    return execFileSync(python, ['-c', 'import gymnasium; print(gymnasium.__version__)'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return undefined;
  }
}

/** Whether there is one. */
export const hasGymnasium: boolean = version() !== undefined;

/** For the name of a test that needs it. */
export const whyNoGymnasium: string = hasGymnasium
  ? ''
  : ' (skipped: TESSERA_PYTHON names no Python with gymnasium in it)';

/** What a script prints, read as JSON. */
export function runScript(script: URL, words: readonly string[]): unknown {
  const output = execFileSync(python!, [script.pathname, ...words], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    // Gymnasium warns on stderr.
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return JSON.parse(output);
}
