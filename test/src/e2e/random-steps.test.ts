// Random steps over all environments of ours: nothing leaves its space, and nothing is kept. A few here, a million in
//   TESSERA_RANDOM_STEPS=1000000 npx vitest run test/src/e2e/random-steps.test.ts
import '@tessera/env-arcade';
import '@tessera/env-classic-control';
import '@tessera/env-toy-text';
import { make, registry } from 'gymnasium-js';
import { setTimeout as wait } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';

const steps = Number(process.env['TESSERA_RANDOM_STEPS'] ?? 100_000);
const each = Math.ceil(steps / registry.size);

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes that are held after garbage is collected and what V8's threads sweep is given back. */
async function held(): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < 4; i++) {
    collect();
    await wait(25);
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    least = Math.min(least, heapUsed + arrayBuffers);
  }
  return least;
}

describe.each([...registry.keys()])(`%s, ${each} random steps`, (id) => {
  test('stay within the spaces and keep no memory', { timeout: 600_000 }, async () => {
    const env = make(id, { disableEnvChecker: true });
    env.actionSpace.seed(2026);
    let { observation } = env.reset({ seed: 2026 });
    let memory = Infinity;
    let outside = 0;
    for (let step = 0; step < each; step++) {
      // Code is compiled and caches are filled in the first half.
      if (step === Math.floor(each / 2)) memory = await held();
      const { reward, terminated, truncated, ...result } = env.step(env.actionSpace.sample());
      observation = terminated || truncated ? env.reset().observation : result.observation;
      const isFine = Number.isFinite(reward) && env.observationSpace.contains(result.observation);
      outside += Number(!isFine) + Number(!env.observationSpace.contains(observation));
    }
    expect(outside).toBe(0);
    // An observation kept at each step would be 1.2 kB x thousands of steps.
    expect((await held()) - memory).toBeLessThan(512 * 1024);
  });
});
