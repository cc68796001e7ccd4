// Rollouts without threads: the fallback where there are no workers, and the oracle that the ones with workers are tested against.

import { CancelledError, ConfigError } from '@tessera/core';
import { breathe } from './breathe.ts';
import { chunkSteps, truncateChunk } from './chunk.ts';
import type { Chunk } from './chunk.ts';
import { EnvironmentActor } from './environment-actor.ts';
import { resolveRollouts } from './settings.ts';
import type { EnvConfig, RolloutOptions } from './settings.ts';

/**
 * The chunks of `numEnvs` environments, stepped in this thread, in the order (n, i): chunk n of every environment before chunk n + 1 of any.
 *
 * Bit for bit what `rolloutSource` of `@tessera/rollouts/node` gives for the same options. A chunk is collected when it is asked for, so one is alive at a
 * time; `numWorkers`, `maxChunksAlive` and `timeoutMs` are checked and then of no use here. The thread is given back between chunks.
 *
 * Each iteration starts from the beginning. Throws ConfigError at once for bad options; the iteration throws ConfigError (unknown environment, spaces it
 * cannot use), EnvironmentError or CancelledError. However it ends, the environments are closed.
 */
export function inProcessRollouts(options: RolloutOptions): AsyncIterable<Chunk> {
  const { settings, limits } = resolveRollouts(options, 'inProcessRollouts');
  const { signal } = limits;
  return {
    async *[Symbol.asyncIterator](): AsyncGenerator<Chunk, void, undefined> {
      const actors: EnvironmentActor[] = [];
      let stepsLeft = limits.steps;
      try {
        stopIfCancelled(signal);
        await importEnvironments(settings.env);
        for (let envIndex = 0; envIndex < settings.numEnvs; envIndex++) {
          actors.push(new EnvironmentActor({ settings, envIndex }));
        }
        while (stepsLeft > 0) {
          for (const actor of actors) {
            await breathe();
            stopIfCancelled(signal);
            const chunk = actor.collect();
            const steps = Math.min(chunkSteps(chunk), stepsLeft);
            stepsLeft -= steps;
            yield truncateChunk(chunk, steps);
            if (stepsLeft === 0) break;
          }
        }
      } finally {
        for (const actor of actors) actor.close();
      }
    },
  };
}

/** Imports the modules that register environments. Throws ConfigError that names the module. */
export async function importEnvironments(env: EnvConfig): Promise<void> {
  for (const specifier of env.imports ?? []) {
    try {
      await import(/* @vite-ignore */ specifier);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new ConfigError(
        `rollouts: ${env.id}: cannot import '${specifier}': ${why}. Name a package, or an absolute URL like import.meta.resolve('./my-envs.js').`,
        { cause },
      );
    }
  }
}

function stopIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new CancelledError('rollouts: cancelled by the signal.', { cause: signal.reason });
}
