// A Python for the tests, and environments made for them.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import '@tessera/env-python';
import type { PythonVectorEnv, PythonVecOptions } from '@tessera/env-python';
import { makeVec, setWarningHandler } from 'gymnasium-js';
import { afterAll, afterEach } from 'vitest';

/** TESSERA_PYTHON when gymnasium is installed in it. */
export const python: string | undefined = hasModules('gymnasium') ? process.env['TESSERA_PYTHON'] : undefined;

/** For the name of a test that needs it. */
export const whyNoPython: string =
  python === undefined ? ' (skipped: TESSERA_PYTHON names no Python with gymnasium)' : '';

/** Whether TESSERA_PYTHON has all of these modules. */
export function hasModules(...modules: string[]): boolean {
  const command = process.env['TESSERA_PYTHON'];
  if (!command) return false;
  try {
    const found = modules.map((name) => `importlib.util.find_spec("${name}") is not None`).join(' and ');
    const script = `import importlib.util, sys; sys.exit(0 if ${found} else 1)`;
    execFileSync(command, ['-c', script], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export const fixtures: string = fileURLToPath(new URL('fixtures', import.meta.url));
// Modules of environments are found where Python looks for all of them.
process.env['PYTHONPATH'] = fixtures;

const open: PythonVectorEnv<unknown>[] = [];

/** Environments of tessera_fixtures.py; closed after the test. */
export async function fixture<Obs = Float32Array>(
  name: string,
  options: PythonVecOptions = {},
): Promise<PythonVectorEnv<Obs>> {
  return bridged<Obs>(`tessera_fixtures:Tessera/${name}`, options);
}

/** Environments of Python; closed after the test. */
export async function bridged<Obs = Float32Array>(
  id: string,
  options: PythonVecOptions = {},
): Promise<PythonVectorEnv<Obs>> {
  const envs = (await makeVec(`python:${id}`, options)) as unknown as PythonVectorEnv<Obs>;
  open.push(envs);
  return envs;
}

/** Warnings since the test began. */
export const warnings: string[] = [];
const before = setWarningHandler((message) => warnings.push(message));

afterEach(async () => {
  warnings.length = 0;
  await Promise.all(open.splice(0).map((envs) => envs.close()));
});
afterAll(() => {
  setWarningHandler(before);
});

/** Whether a process is alive; zombies are not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Waits until `condition` holds; throws after ten seconds. */
export async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited += 20) {
    if (waited > 10_000) throw new Error('waited in vain');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A path that does not exist yet. */
export function freshPath(name: string): string {
  return join(mkdtempSync(join(tmpdir(), 'tessera-bridge-')), name);
}

/** A command that runs the real Python after some lines of Python have changed it. */
export function changedPython(lines: string): string {
  const path = freshPath('python');
  const script = `import runpy, sys\n${lines}\nsys.argv = sys.argv[1:]\nsys.path.insert(0, "")\nrunpy.run_path(sys.argv[0], run_name="__main__")`;
  writeFileSync(path, `#!/bin/sh\nexec '${python}' -c '${script}' "$@"\n`, { mode: 0o755 });
  return path;
}
