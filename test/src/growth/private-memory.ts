import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

/**
 * What this process alone holds, in bytes, when garbage is collected and V8's threads have given back what they swept. Wants `--expose-gc`.
 *
 * Resident memory alone lies on a machine short of it: pages of the program's files come and go, and idle ones move to swap.
 */
export async function privateMemory(): Promise<number> {
  let settled = Infinity;
  for (let calm = 0; calm < 3;) {
    (globalThis as { gc?: () => void }).gc!();
    await wait(50);
    const now = heldNow();
    calm = now < 0.995 * settled ? 0 : calm + 1;
    settled = Math.min(settled, now);
  }
  return settled;
}

function heldNow(): number {
  if (process.platform !== 'linux') return process.memoryUsage.rss();
  const status = readFileSync('/proc/self/status', 'utf8');
  const kilobytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)![1]);
  return 1024 * (kilobytes('RssAnon') + kilobytes('VmSwap'));
}
