// Waits for other processes to leave the processors: PyTorch's threads above all take many times longer when one of them has to wait for its turn.

import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until at most a tenth of the processors' time is used, and says whether that came within `limit` milliseconds. */
export async function quiet({ limit }: { readonly limit: number }): Promise<boolean> {
  const end = performance.now() + limit;
  let before = times();
  do {
    await sleep(100);
    const now = times();
    if (now.busy - before.busy <= 0.1 * (now.all - before.all)) return true;
    before = now;
  } while (performance.now() < end);
  return false;
}

function times(): { busy: number; all: number } {
  let busy = 0;
  let all = 0;
  for (const { times: spent } of cpus()) {
    const total = Object.values(spent).reduce((sum, part) => sum + part, 0);
    all += total;
    busy += total - spent.idle;
  }
  return { busy, all };
}
