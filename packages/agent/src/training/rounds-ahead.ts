// Rounds that are played while the learner trains. The next one begins when a round is taken, with the policy of that moment, and is taken where the plan says; so
// the policy that acts is one round old, and nothing depends on how long a round takes.
import { ConfigError, FormatError, ndarray } from '@tessera/core';
import type { Generator } from '@tessera/core';
import type { NamedArrays } from '@tessera/engine';
import type { ReplayChunk, VectorRollouts, VectorRolloutsState } from '@tessera/rollouts';
import type { Agent } from '../agent.ts';
import { actingState } from './play-round.ts';
import type { PlayedRound, RoundCollector, RoundOrder } from './play-round.ts';

/** What rounds ahead are made of. */
export interface RoundsAheadOptions {
  /** The learner's agent, of which each round gets a copy. */
  readonly agent: Agent;
  readonly collector: RoundCollector | undefined;
  /** Environments like those of the collector; they say where those stand at the beginning. */
  readonly rollouts: VectorRollouts;
  /** The stream that actions are drawn from, as it is before the round that is being played. */
  readonly generator: Generator;
}

/** Where rounds ahead stand. */
export interface RoundsAheadState {
  /** What the round that is being played acts with; empty when none is. */
  readonly acting: NamedArrays;
  /** `logProbabilities` float32 [steps] of the actions of the round that was taken last, while they are needed; else empty. */
  readonly played: NamedArrays;
  /** The environments before the round that is being played. */
  readonly rollouts: VectorRolloutsState;
}

/** The round that is being played, and what is left to know of the one before. */
export class RoundsAhead {
  readonly #agent: Agent;
  readonly #collector: RoundCollector;
  readonly #generator: Generator;
  #stand: VectorRolloutsState;
  /** The collector's environments stand elsewhere. */
  #moved = false;
  #flight: { readonly order: RoundOrder; readonly result: Promise<PlayedRound> } | undefined;
  #logProbabilities: readonly Float32Array[] | undefined;

  /** Throws ConfigError without a collector. */
  constructor({ agent, collector, rollouts, generator }: RoundsAheadOptions) {
    if (collector === undefined) {
      throw new ConfigError(
        "AgentTrainer: training.collection 'meanwhile' needs a collector that plays while the learner trains. Give it one, such as a WorkerCollector of @tessera/agent/node, or choose 'in-turn'.",
      );
    }
    this.#agent = agent;
    this.#collector = collector;
    this.#generator = generator;
    this.#stand = rollouts.getState();
  }

  /** Of each chunk that was taken last what the policy which acted thought of its actions, until `forget`. */
  get logProbabilities(): readonly Float32Array[] | undefined {
    return this.#logProbabilities;
  }

  /** Lets go of what is needed once a round has been learned from. */
  forget(): void {
    this.#logProbabilities = undefined;
  }

  /** Begins a round of so many steps with the policy as it is. */
  begin(steps: number): void {
    this.#begin(steps, actingState(this.#agent));
  }

  /** Takes the round that is being played; of `steps` steps, if none is. Throws what playing it threw. */
  async take(steps: number): Promise<PlayedRound> {
    if (this.#flight === undefined) this.begin(steps);
    const round = await this.#flight!.result;
    this.#flight = undefined;
    this.#generator.setState(round.generator);
    this.#stand = round.rollouts;
    this.#logProbabilities = round.logProbabilities;
    return round;
  }

  /** Waits for the round that is being played, if one is; false when `signal` is aborted before it ends. */
  async ready(signal: AbortSignal | undefined): Promise<boolean> {
    if (this.#flight === undefined || signal === undefined) return true;
    let stop = (): void => undefined;
    const aborted = new Promise<boolean>((resolve) => {
      stop = () => resolve(false);
      signal.addEventListener('abort', stop, { once: true });
    });
    // Whoever takes the round hears of its error.
    const ended = this.#flight.result.then(
      () => true,
      () => true,
    );
    try {
      return await Promise.race([ended, aborted]);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  state(): RoundsAheadState {
    const said = this.#logProbabilities;
    return {
      acting: this.#flight?.order.acting ?? {},
      played:
        said === undefined
          ? {}
          : {
              logProbabilities: ndarray(
                'float32',
                [said.reduce((sum, { length }) => sum + length, 0)],
                Float32Array.from(said.flatMap((own) => [...own])),
              ),
            },
      rollouts: this.#stand,
    };
  }

  /**
   * Goes on from a state, with the generator where it was: the round that was being played begins again. `steps` are those of that round, `chunks` those of the
   * round that was taken last. Throws FormatError for arrays that are not those of this agent and these chunks.
   */
  loadState(
    { acting, played, rollouts }: RoundsAheadState,
    { steps, chunks }: { readonly steps: number; readonly chunks: readonly ReplayChunk[] },
  ): void {
    const where = 'AgentTrainer.loadState';
    const shapes = (arrays: NamedArrays) =>
      Object.entries(arrays).map(([name, { shape }]) => `${name} [${shape.join(', ')}]`);
    const [saved, own] = [shapes(acting), shapes(actingState(this.#agent))];
    const odd = [...saved.filter((name) => !own.includes(name)), ...own.filter((name) => !saved.includes(name))][0];
    if (saved.length > 0 && odd !== undefined) {
      throw new FormatError(
        `${where}: expected what this agent acts with under 'acting', but '${odd}' is in only one of the two.`,
      );
    }
    const { logProbabilities, ...more } = played;
    const total = chunks.reduce((sum, chunk) => sum + chunk.steps, 0);
    const fits =
      logProbabilities === undefined ||
      (logProbabilities.dtype === 'float32' && String(logProbabilities.shape) === String([total]));
    if (!fits || Object.keys(more).length > 0) {
      throw new FormatError(
        `${where}: expected under 'played' logProbabilities float32 [${total}] for the steps of the round, got ${shapes(played).join(', ')}.`,
      );
    }
    let at = 0;
    this.#logProbabilities =
      logProbabilities &&
      chunks.map((chunk) => Float32Array.from(logProbabilities.data.subarray(at, (at += chunk.steps)) as Float32Array));
    this.#stand = rollouts;
    this.#moved = true;
    this.#flight = undefined;
    if (saved.length > 0 && steps > 0) this.#begin(steps, acting);
  }

  #begin(steps: number, acting: NamedArrays): void {
    const order: RoundOrder = {
      steps,
      acting,
      generator: this.#generator.getState(),
      ...(this.#moved && { rollouts: this.#stand }),
    };
    this.#moved = false;
    const result = this.#collector.play(order);
    // An error is heard where the round is taken.
    result.catch(() => undefined);
    this.#flight = { order, result };
  }
}
