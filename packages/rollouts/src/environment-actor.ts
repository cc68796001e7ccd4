// One environment with a policy of its own, stepped chunk by chunk. The same code runs in workers and in process, which is why both give the same bits.

import { CancelledError, Generators } from '@tessera/core';
import type { Chunk } from './chunk.ts';
import { EnvironmentStepper } from './environment-stepper.ts';
import { createActionSource } from './policy.ts';
import type { ActionSource } from './policy.ts';
import { newProgress, stopRequested } from './progress.ts';
import type { RolloutSettings } from './settings.ts';

export interface EnvironmentActorOptions {
  readonly settings: RolloutSettings;
  readonly envIndex: number;
  /** The worker thread this runs in, for error messages. */
  readonly workerIndex?: number;
  /** Where to note each call of the environment; shared with whoever watches over this thread. */
  readonly progress?: Int32Array;
}

/**
 * Collects the chunks of environment `envIndex`: chunk n is a function of (settings, envIndex, n).
 *
 * Actions come from the generator `policy/<index>`.
 */
export class EnvironmentActor {
  readonly #progress: Int32Array;
  readonly #stepper: EnvironmentStepper;
  readonly #actions: ActionSource;

  /** Throws ConfigError for an unknown id or spaces it cannot use, EnvironmentError when the environment cannot be built. */
  constructor(options: EnvironmentActorOptions) {
    const { settings, envIndex, workerIndex, progress = newProgress() } = options;
    const { env, seed, chunkLength, policy } = settings;
    this.#progress = progress;
    this.#stepper = new EnvironmentStepper({ env, seed, chunkLength, envIndex, workerIndex, progress });
    const generator = new Generators(seed).get(`policy/${envIndex}`);
    const { actionSpace } = this.#stepper;
    this.#actions = createActionSource(policy, { actionSpace, generator, where: this.#stepper.where() });
  }

  /**
   * Steps the environment through its next chunk. Throws EnvironmentError, with what the environment threw as its cause, and CancelledError when the progress
   * record asks to stop; call only `close` then.
   */
  collect(): Chunk {
    const stepper = this.#stepper;
    stepper.begin({ policyVersion: this.#actions.policyVersion(stepper.sequence) });
    let chunk: Chunk | undefined;
    while (chunk === undefined) {
      if (stopRequested(this.#progress)) throw new CancelledError(`${stepper.where()}: stopped.`);
      chunk = stepper.step(this.#actions.act(stepper.frame));
    }
    return chunk;
  }

  /** Closes the environment. What its `close` throws is ignored. */
  close(): void {
    this.#stepper.close();
  }
}
