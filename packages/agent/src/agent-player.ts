// An agent at play: the one way in which it acts, whether to collect, to be evaluated or to be watched, and the memory that a policy with the input `state` needs for it.
import { ConfigError, ndarray } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';
import type { Agent, Decision } from './agent.ts';
import { checkFrameBytes, tokensOf } from './preprocess.ts';
import { copyRow, setActions, shift } from './world-model/windows.ts';
import type { Starts } from './world-model/windows.ts';
import { pastHidden } from './world-model/past-hidden.ts';

/** The generators of frames: of the environments' own, of their episodes, or as one likes. */
export type GeneratorsOf = (
  envIndices: readonly number[],
  begins: ArrayLike<number> | undefined,
) => readonly Generator[];

/** How a player chooses. */
export interface PlayerOptions {
  /** One for all, or what gives each frame of `envIndices` its own; `begins` as in `PlayOf`. */
  readonly generator: Generator | GeneratorsOf;
  /** The most likely actions instead of drawn ones; default false. */
  readonly greedy?: boolean;
}

/** Whose frames a player is shown. */
export interface PlayOf {
  /** The environment of each frame, a number that stays its own; default 0, 1, 2 and so on. */
  readonly envIndices?: readonly number[] | undefined;
  /** 1 where a frame is the first of an episode. Default: where the environment has not been seen before. */
  readonly begins?: ArrayLike<number> | undefined;
  /** What was chosen at the step before each frame, numbered like actions, where somebody else did; default, and where undefined, what this player chose. */
  readonly chosen?: readonly (number | undefined)[] | undefined;
  /** What the environment says that it executed at the step before each frame, numbered like actions; default, and where undefined, what was chosen. */
  readonly executed?: readonly (number | undefined)[] | undefined;
}

/** Plays with an agent's policy. A policy with the input `state` sees, of each environment, the last `context` frames and what was done there; others see the present frame alone. */
export class AgentPlayer {
  readonly #agent: Agent;
  readonly #options: PlayerOptions;
  /** What led to the next frame of each environment: int32 [1, context, tokens] and [1, context]. */
  readonly #pasts = new Map<number, Starts>();

  constructor(agent: Agent, options: PlayerOptions) {
    this.#agent = agent;
    this.#options = options;
  }

  /** Whether it remembers anything. */
  get remembers(): boolean {
    return this.#agent.behaviour.config.input === 'state';
  }

  /**
   * Actions for frames as environments give them, uint8 [batch, height, width, channels], the next one of each environment.
   *
   * Throws ShapeError, DTypeError and ConfigError for frames and environments that do not fit.
   */
  act(frames: NdArray<'uint8'>, { envIndices, begins, chosen, executed }: PlayOf = {}): Decision {
    const { tokenizer, behaviour, actions: range } = this.#agent;
    checkFrameBytes('act', frames, tokenizer.spec.frameShape);
    const tokens = tokensOf(tokenizer, frames);
    const rows = tokens.shape[0]!;
    const own = envIndices ?? Array.from({ length: rows }, (_, row) => row);
    const sizes = [own.length, begins?.length ?? rows, chosen?.length ?? rows, executed?.length ?? rows];
    if (sizes.some((size) => size !== rows)) {
      throw new ConfigError(
        `act: expected an environment, a beginning, a chosen and an executed action for each of ${rows} frames, got ${sizes.join(', ')}.`,
      );
    }
    const pasts = this.remembers ? this.#pastsOf(own, { begins, chosen, executed }) : undefined;
    const hiddenState = pasts && pastHidden(this.#agent.worldModel, pasts);
    const { generator: given, greedy = false } = this.#options;
    const generator = typeof given === 'function' ? given(own, begins) : given;
    const decision = behaviour.act(tokens, { generator, greedy, hiddenState });
    const { actions } = decision;
    if (pasts !== undefined) this.#remember(own, pasts, { tokens, actions });
    return { ...decision, actions: actions.map((index) => index + range.first) };
  }

  /**
   * Says what led to the next frame of an environment: `tokens` int32 [1, context, tokens] and `actions` int32 [1, context], as `TokenMemory.transitions` gives them of the
   * step before it. Does nothing for a policy that remembers nothing.
   */
  recall(envIndex: number, past: Starts): void {
    if (this.remembers) this.#pasts.set(envIndex, past);
  }

  /** What led to these frames, row by row; nothing, which is said by actions that are none, where an episode begins. */
  #pastsOf(envIndices: readonly number[], { begins, chosen, executed }: Omit<PlayOf, 'envIndices'>): Starts {
    const { worldModel, behaviour, actions: range } = this.#agent;
    const rows = envIndices.length;
    const { context } = worldModel.config;
    const tokens = ndarray('int32', [rows, context, behaviour.spec.tokens]);
    const actions = ndarray('int32', [rows, context], new Int32Array(rows * context).fill(worldModel.spec.actionCount));
    for (const [row, envIndex] of envIndices.entries()) {
      const past = begins?.[row] === 1 ? undefined : this.#pasts.get(envIndex);
      if (past === undefined) continue;
      copyRow(past.tokens, 0, tokens, row);
      copyRow(past.actions, 0, actions, row);
      const done = (worldModel.config.actions === 'executed' ? executed?.[row] : undefined) ?? chosen?.[row];
      if (done !== undefined) actions.data[(row + 1) * context - 1] = done - range.first;
    }
    return { tokens, actions };
  }

  #remember(
    envIndices: readonly number[],
    pasts: Starts,
    { tokens, actions }: { readonly tokens: NdArray<'int32'>; readonly actions: Int32Array },
  ): void {
    const [rows, context, width] = pasts.tokens.shape as [number, number, number];
    const none = this.#agent.worldModel.spec.actionCount;
    for (let row = 0; row < rows; row++) {
      if (pasts.actions.data[(row + 1) * context - 1] !== none) continue;
      // Before an episode's first frame that frame stands again and again, as in replayed windows.
      for (let age = 0; age < context; age++) {
        const at = (row * context + age) * width;
        pasts.tokens.data.set(tokens.data.subarray(row * width, (row + 1) * width), at);
      }
    }
    shift(pasts, tokens, width);
    setActions(pasts, actions);
    for (const [row, envIndex] of envIndices.entries()) {
      const past = {
        tokens: ndarray('int32', [1, context, width]),
        actions: ndarray('int32', [1, context]),
      };
      copyRow(pasts.tokens, row, past.tokens, 0);
      copyRow(pasts.actions, row, past.actions, 0);
      this.#pasts.set(envIndex, past);
    }
  }
}
