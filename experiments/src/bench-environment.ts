// The surroundings that both sides get alike: threads, and what the C library does with freed memory. They have to be there before a process starts, so the
// command starts itself again with them; peers inherit them.

import { spawn } from 'node:child_process';

/** Names that `--allocator` takes. */
export type Allocator = 'keep' | 'default';

// glibc keeps what was freed instead of giving it back: steps that allocate the same sizes again and again meet no fresh pages.
const keep: Readonly<Record<string, string>> = {
  MALLOC_MMAP_THRESHOLD_: String(2 ** 32),
  MALLOC_TRIM_THRESHOLD_: String(2 ** 34),
  MALLOC_TOP_PAD_: String(2 ** 28),
};

/** The environment variables that a measurement wants; undefined: not set. */
export function benchVariables(allocator: Allocator, threads: number): Readonly<Record<string, string | undefined>> {
  const memory = Object.entries(keep).map(([name, value]) => [name, allocator === 'keep' ? value : undefined]);
  return {
    ...(Object.fromEntries(memory) as Record<string, string | undefined>),
    TF_NUM_INTRAOP_THREADS: String(threads),
    TF_CPP_MIN_LOG_LEVEL: '2',
  };
}

/** Whether `variables` are as wanted. */
export function isSet(
  wanted: Readonly<Record<string, string | undefined>>,
  variables: Readonly<Record<string, string | undefined>>,
): boolean {
  return Object.entries(wanted).every(([name, value]) => variables[name] === value);
}

/** The allocator's settings in one line. */
export function allocatorText(variables: Readonly<Record<string, string | undefined>>): string {
  const set = Object.keys(keep).filter((name) => variables[name] !== undefined);
  return set.length === 0 ? 'as the C library has it' : set.map((name) => `${name}=${variables[name]}`).join(' ');
}

/** Runs this process's command line again with `wanted` variables, and returns its exit code. */
export async function restart(wanted: Readonly<Record<string, string | undefined>>): Promise<number> {
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: 'inherit',
    env: { ...process.env, ...wanted },
  });
  // Ctrl-C reaches the whole group; another signal is passed on. The child decides when to stop.
  process.removeAllListeners('SIGINT');
  process.removeAllListeners('SIGTERM');
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
