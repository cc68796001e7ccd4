// Rollouts of environments that only `makeVec` can load, like `python:ALE/Pong-v5`: they live in other processes and are stepped together, asynchronously.

import { CancelledError, ConfigError, EnvironmentError, Generators } from '@tessera/core';
import type { Generator } from '@tessera/core';
import { makeVec, splitLoadedId } from 'gymnasium-js';
import type { VectorEnv, VectorStepResult } from 'gymnasium-js';
import { ChunkBuilder } from './chunk-builder.ts';
import { chunkSteps, truncateChunk } from './chunk.ts';
import type { Chunk } from './chunk.ts';
import { episodeSeeds } from './environment-stepper.ts';
import { importEnvironments } from './in-process-rollouts.ts';
import { isFrameSpace } from './make-frames.ts';
import { createActionSource } from './policy.ts';
import type { ActionSource } from './policy.ts';
import type { RolloutLimits, RolloutSettings } from './settings.ts';

/** Whether an id is for these rollouts. */
export const isBridged = (id: string): boolean => splitLoadedId(id)?.kind === 'loader';

/**
 * The chunks of `numEnvs` environments stepped in lock step, in the order in which they end; of those that end together, by environment.
 *
 * Each environment's own chunks are those of `inProcessRollouts`, as far as the environment is a function of its seeds. While the consumer holds a chunk the
 * environments go on, until about `maxChunksAlive` chunks wait or are open. Throws what `rolloutSource` throws.
 */
export async function* bridgedRollouts(
  settings: RolloutSettings,
  limits: RolloutLimits,
): AsyncGenerator<Chunk, void, undefined> {
  const { signal } = limits;
  const cancelled = (): CancelledError =>
    new CancelledError('rollouts: cancelled by the signal.', { cause: signal?.reason });
  if (signal?.aborted) throw cancelled();
  if (limits.steps === 0) return;
  const crowd = await BridgedEnvironments.create(settings, limits);
  const onAbort = (): void => crowd.stop(cancelled());
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) onAbort();
  try {
    let stepsLeft = limits.steps;
    while (stepsLeft > 0) {
      const chunk = await crowd.next();
      const steps = Math.min(chunkSteps(chunk), stepsLeft);
      stepsLeft -= steps;
      yield truncateChunk(chunk, steps);
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
    await crowd.close();
  }
}

class BridgedEnvironments {
  readonly #envs: VectorEnv;
  readonly #where: string;
  readonly #frameSize: number;
  readonly #builders: readonly ChunkBuilder[];
  readonly #actions: readonly ActionSource[];
  readonly #seeds: readonly Generator[];
  readonly #ready: Chunk[] = [];
  /** So many may wait before the environments pause; those that are open come on top. */
  readonly #room: number;
  #frames: Uint8Array;
  #failure: { readonly error: unknown } | undefined;
  #wakeConsumer = (): void => {};
  #wakeProducer = (): void => {};
  readonly #running: Promise<void>;

  private constructor(envs: VectorEnv, settings: RolloutSettings, maxChunksAlive: number) {
    const { env, seed, numEnvs, chunkLength, policy } = settings;
    this.#envs = envs;
    this.#where = `rollouts: ${env.id}`;
    const { singleObservationSpace: space, singleActionSpace: actionSpace } = envs;
    if (!isFrameSpace(space)) {
      throw new ConfigError(
        `${this.#where}: expected frames, a Box of shape [height, width, channels] and dtype uint8, as observations; got ${String(space)}. Wrap the environment so that it observes pixels.`,
      );
    }
    const frameShape = space.shape;
    this.#frameSize = space.low.length;
    this.#frames = new Uint8Array(numEnvs * this.#frameSize);
    const each = <T>(make: (envIndex: number) => T): T[] => Array.from({ length: numEnvs }, (_, i) => make(i));
    const generators = new Generators(seed);
    this.#builders = each((envIndex) => new ChunkBuilder({ envId: env.id, envIndex, seed, frameShape, chunkLength }));
    this.#seeds = each((envIndex) => generators.get(`env/${envIndex}`));
    this.#actions = each((envIndex) =>
      createActionSource(policy, {
        actionSpace,
        generator: generators.get(`policy/${envIndex}`),
        where: `${this.#where} (environment ${envIndex})`,
      }),
    );
    this.#room = Math.max(1, maxChunksAlive - 2 * numEnvs + 1);
    this.#running = this.#run();
  }

  static async create(settings: RolloutSettings, limits: RolloutLimits): Promise<BridgedEnvironments> {
    const { env, numEnvs } = settings;
    await importEnvironments(env);
    const envs = await makeVec(env.id, {
      numEnvs,
      autoresetMode: 'Disabled',
      timeLimitMs: limits.timeoutMs,
      ...(limits.numWorkers !== undefined &&
        !Object.hasOwn(env.kwargs, 'envsPerWorker') && { numWorkers: limits.numWorkers }),
      ...env.kwargs,
    });
    try {
      return new BridgedEnvironments(envs, settings, limits.maxChunksAlive);
    } catch (error) {
      await envs.close();
      throw error;
    }
  }

  /** The next chunk; rejects when the environments have failed or were stopped. */
  async next(): Promise<Chunk> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error;
      const chunk = this.#ready.shift();
      if (chunk !== undefined) {
        this.#wakeProducer();
        return chunk;
      }
      await new Promise<void>((resolve) => (this.#wakeConsumer = resolve));
    }
  }

  /** Ends everything; `next` rejects with `error`. */
  stop(error: unknown): void {
    this.#failure ??= { error };
    this.#wakeConsumer();
    this.#wakeProducer();
    void this.#envs.close();
  }

  async close(): Promise<void> {
    this.stop(new CancelledError(`${this.#where}: closed.`));
    await this.#envs.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      while (this.#failure === undefined) {
        if (this.#ready.length >= this.#room) await new Promise<void>((resolve) => (this.#wakeProducer = resolve));
        else await this.#tick();
      }
    } catch (error) {
      this.stop(error);
    }
  }

  // One step of every environment; those whose episode has ended are reset before.
  async #tick(): Promise<void> {
    const resetMask = this.#builders.map((builder) => builder.needsReset);
    if (resetMask.includes(true)) {
      const seed = resetMask.map((needed, i) => (needed ? this.#seeds[i]!.integers(episodeSeeds) : undefined));
      const { observation } = await this.#envs.reset({ seed, options: { resetMask } });
      this.#frames = observation as Uint8Array;
    }
    const actions = this.#builders.map((builder, i) => {
      const source = this.#actions[i]!;
      const frame = this.#frameOf(this.#frames, i);
      if (!builder.isOpen) builder.begin(frame, { policyVersion: source.policyVersion(builder.sequence) });
      return source.act(frame);
    });
    const result = await this.#envs.step(actions);
    for (const [i, builder] of this.#builders.entries()) this.#add(builder, i, actions[i]!, result);
    this.#frames = result.observation as Uint8Array;
    if (this.#ready.length > 0) this.#wakeConsumer();
  }

  #add(builder: ChunkBuilder, i: number, action: number, result: VectorStepResult): void {
    const reward = result.reward[i]!;
    // Rewards travel as float32.
    if (!Number.isFinite(Math.fround(reward))) {
      throw new EnvironmentError(
        `${this.#where} (environment ${i}), step ${builder.stepsOfEpisode} of episode ${builder.episode}: expected a reward that is a finite float32, got ${reward}.`,
      );
    }
    const frame = this.#frameOf(result.observation as Uint8Array, i);
    const [terminated, truncated] = [result.terminated[i] === 1, result.truncated[i] === 1];
    builder.add({ action, reward, frame, terminated, truncated });
    if (builder.isComplete) this.#ready.push(builder.finish());
  }

  #frameOf(frames: Uint8Array, i: number): Uint8Array {
    return frames.subarray(i * this.#frameSize, (i + 1) * this.#frameSize);
  }
}
