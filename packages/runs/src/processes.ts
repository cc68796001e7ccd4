// Whether a process of this machine still runs. An id alone does not say, for systems give the ids of ended processes to new ones; on
// Linux /proc also knows when a process started (proc(5), field 22 of /proc/<pid>/stat, in clock ticks since the machine's start).

import { readFileSync } from 'node:fs';

/** A process as it was once seen. */
export interface SeenProcess {
  readonly pid: number;
  /** `processStart` of that time; null where it was not known. */
  readonly processStart: string | null;
}

/** When a process started, in a form that is unique on this machine: `<boot>:<ticks>`. Undefined where it has ended or the system does not say. */
export function processStart(pid: number): string | undefined {
  const stat = processStat(pid);
  return stat && `${readOrNothing('/proc/sys/kernel/random/boot_id')?.trim() ?? ''}:${stat.ticks}`;
}

/** Whether this very process still runs. In doubt (no /proc) it does. */
export function isRunning(seen: SeenProcess): boolean {
  if (!canBeSignalled(seen.pid)) return false;
  const stat = processStat(seen.pid);
  // No /proc, or it has ended since.
  if (!stat) return canBeSignalled(seen.pid);
  // Z and X: it has ended, and its parent has not asked for its exit code yet.
  if (stat.state === 'Z' || stat.state === 'X') return false;
  return seen.processStart === null || processStart(seen.pid) === seen.processStart;
}

function canBeSignalled(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is there, and another user's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function processStat(pid: number): { readonly state: string; readonly ticks: string } | undefined {
  const text = readOrNothing(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // The second field is the program's name in brackets, which may hold spaces and brackets itself. After it comes field 3.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, ticks] = [fields[0], fields[22 - 3]];
  return state === undefined || ticks === undefined ? undefined : { state, ticks };
}

function readOrNothing(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
