// A world model as an environment that anything can step: a person, a random policy, another agent. Frames are decoded from the tokens that it imagines; everything
// else is as in every VectorEnv, so that wrappers and loops need not know.
import { ConfigError, ShapeError, elementCount, ndarray } from '@tessera/core';
import type { Generator, GeneratorState, NdArray } from '@tessera/core';
import type { ActionRange } from '@tessera/rollouts';
import { toBytes } from '@tessera/vqvae';
import type { Tokenizer } from '@tessera/vqvae';
import {
  AlreadyPendingCallError,
  batchSpace,
  Box,
  ClosedEnvironmentError,
  Discrete,
  npRandom,
  planReset,
  readActions,
  ResetNeeded,
} from 'gymnasium-js';
import type {
  AutoresetMode,
  EnvMetadata,
  EnvState,
  ResetPlan,
  Space,
  StateValue,
  VectorActions,
  VectorEnv,
  VectorResetOptions,
  VectorResetResult,
  VectorStepResult,
} from 'gymnasium-js';
import { copyRow, lastFrames, pick, shift } from './world-model/windows.ts';
import type { Starts } from './world-model/windows.ts';
import type { WorldModel } from './world-model/world-model.ts';

/** What dreams; an `Agent` is one. */
export interface Dreamer {
  readonly worldModel: WorldModel;
  readonly tokenizer: Tokenizer;
  readonly actions: ActionRange;
}

/** How a dream is an environment. */
export interface DreamEnvOptions {
  /**
   * Gives one state to begin at, `tokens` int32 [1, context, tokens] and `actions` int32 [1, context], like `TokenMemory.transitions` of one replayed step. It is asked
   * at each reset of an environment, with the generator of that environment.
   */
  readonly start: (generator: Generator) => Starts | Promise<Starts>;
  /** Environments side by side. */
  readonly batch: number;
  /** Steps before an episode is truncated; default no limit. */
  readonly horizon?: number;
}

const owner = 'DreamVectorEnv';

/**
 * `batch` dreams of one world model: observations uint8 [batch, height, width, channels], actions those of the real environment, rewards and ends as the model says
 * them, truncated after `horizon` steps. Actions are repeated as often as the real environment was seen to. What is drawn, each environment draws from its own generator, so a dream does not depend on those beside it.
 * Autoreset is always `NextStep`. `info.tokens` has the int32 [tokens] of each observation, `info.executedAction` the actions that the model was
 * told, as environments with sticky actions say them. It owns nothing: closing it leaves world model and tokenizer as they are.
 */
export class DreamVectorEnv implements VectorEnv<Uint8Array> {
  readonly numEnvs: number;
  readonly metadata: EnvMetadata & { readonly autoresetMode: AutoresetMode } = {
    renderModes: [],
    autoresetMode: 'NextStep',
  };
  readonly spec = undefined;
  readonly singleObservationSpace: Box<'uint8'>;
  readonly singleActionSpace: Discrete;
  readonly observationSpace: Space<unknown>;
  readonly actionSpace: Space<unknown>;
  readonly observationShape: readonly number[];
  readonly canSaveState = true;
  readonly #dreamer: Dreamer;
  readonly #start: DreamEnvOptions['start'];
  readonly #horizon: number;
  readonly #window: Starts;
  readonly #generators: (Generator | undefined)[];
  readonly #steps: Int32Array;
  /** 1 where the last step ended the episode. */
  readonly #ended: Uint8Array;
  #hasReset = false;
  #isClosed = false;
  #pending: string | undefined;

  /** Throws ConfigError for a `batch` or `horizon` that is no whole number > 0. */
  constructor(dreamer: Dreamer, { start, batch, horizon = Infinity }: DreamEnvOptions) {
    checkWhole('batch', batch);
    if (horizon !== Infinity) checkWhole('horizon', horizon);
    const { frameShape, tokenShape } = dreamer.tokenizer.spec;
    const { context } = dreamer.worldModel.config;
    const { first, count } = dreamer.actions;
    this.numEnvs = batch;
    this.singleObservationSpace = new Box({ low: 0, high: 255, shape: frameShape, dtype: 'uint8' });
    this.singleActionSpace = new Discrete(count, { start: first });
    this.observationSpace = batchSpace(this.singleObservationSpace, batch);
    this.actionSpace = batchSpace(this.singleActionSpace, batch);
    this.observationShape = [batch, ...frameShape];
    this.#dreamer = dreamer;
    this.#start = start;
    this.#horizon = horizon;
    this.#window = {
      tokens: ndarray('int32', [batch, context, elementCount(tokenShape)]),
      actions: ndarray('int32', [batch, context]),
    };
    this.#generators = Array.from({ length: batch }, () => undefined);
    this.#steps = new Int32Array(batch);
    this.#ended = new Uint8Array(batch);
  }

  async reset(options: VectorResetOptions = {}): Promise<VectorResetResult<Uint8Array>> {
    return this.#alone('reset', async () => {
      const plan = planReset(this.numEnvs, options);
      if (!this.#hasReset && plan.mask.includes(0)) {
        throw new ResetNeeded('VectorEnv.reset: the first reset must be of all environments. Leave resetMask out.');
      }
      await this.#begin(plan);
      this.#hasReset = true;
      return this.#seen();
    });
  }

  async step(actions: VectorActions): Promise<VectorStepResult<Uint8Array>> {
    return this.#alone('step', async () => {
      if (!this.#hasReset) throw new ResetNeeded('Cannot call env.step() before calling env.reset()');
      readActions(this, this.numEnvs, actions);
      const { numEnvs } = this;
      const reward = new Float64Array(numEnvs);
      const [terminated, truncated] = [new Uint8Array(numEnvs), new Uint8Array(numEnvs)];
      const going = [...this.#ended.keys()].filter((row) => this.#ended[row] === 0);
      const moved = going.length > 0 ? this.#imagine(going, actions) : undefined;
      const [executedAction, stepped] = [new Float64Array(numEnvs), new Uint8Array(numEnvs)];
      // Before anything of this step is kept, because `start` may fail.
      if (going.length < numEnvs) await this.#begin({ mask: this.#ended, seeds: [] });
      for (const [i, row] of going.entries()) {
        copyRow(moved!.window.tokens, i, this.#window.tokens, row);
        copyRow(moved!.window.actions, i, this.#window.actions, row);
        this.#steps[row]! += 1;
        executedAction[row] = moved!.executed[i]!;
        stepped[row] = 1;
        reward[row] = moved!.rewards[i]!;
        terminated[row] = moved!.ends[i]!;
        truncated[row] = Number(this.#steps[row]! >= this.#horizon);
      }
      for (let row = 0; row < numEnvs; row++) this.#ended[row] = terminated[row]! | truncated[row]!;
      const { observation, info: seen } = this.#seen();
      const info = { ...seen, executedAction, _executedAction: stepped };
      return { observation, reward, terminated, truncated, info };
    });
  }

  async getState(): Promise<EnvState> {
    this.#check('getState');
    return {
      env: owner,
      tokens: this.#window.tokens.data.slice(),
      actions: this.#window.actions.data.slice(),
      steps: this.#steps.slice(),
      ended: this.#ended.slice(),
      hasReset: this.#hasReset,
      random: this.#generators.map((generator) => generator?.getState() as StateValue),
    };
  }

  /** Goes on from a state of `getState`. Throws ConfigError for one of another kind or size. */
  async setState(state: EnvState): Promise<void> {
    this.#check('setState');
    const { tokens, actions } = this.#window;
    const [savedTokens, savedActions] = [state['tokens'], state['actions']] as (Int32Array | undefined)[];
    if (
      state['env'] !== owner ||
      savedTokens?.length !== tokens.data.length ||
      savedActions?.length !== actions.data.length
    ) {
      throw new ConfigError(
        `${owner}: setState: expected a state of ${owner} of ${tokens.shape.join(' x ')} tokens, got ${state['env'] === owner ? `one of ${savedTokens?.length} in all` : 'something else'}.`,
      );
    }
    tokens.data.set(savedTokens);
    actions.data.set(savedActions);
    this.#steps.set(state['steps'] as Int32Array);
    this.#ended.set(state['ended'] as Uint8Array);
    this.#hasReset = state['hasReset'] as boolean;
    for (const [row, random] of (state['random'] as StateValue[]).entries()) {
      this.#generators[row] = undefined;
      if (random === undefined) continue;
      const { generator } = npRandom(0);
      generator.setState(random as unknown as GeneratorState);
      this.#generators[row] = generator;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }

  toString(): string {
    return `${owner}(numEnvs=${this.numEnvs})`;
  }

  /** Puts new states into the marked rows, all or none. */
  async #begin({ mask, seeds }: Pick<ResetPlan, 'mask' | 'seeds'>): Promise<void> {
    const rows = [...mask.keys()].filter((row) => mask[row] === 1);
    for (const row of rows) {
      if (seeds[row] !== undefined) this.#generators[row] = npRandom(seeds[row]).generator;
    }
    const starts: Starts[] = [];
    for (const row of rows) starts.push(this.#checked(await this.#start(this.#generator(row))));
    for (const [i, row] of rows.entries()) {
      copyRow(starts[i]!.tokens, 0, this.#window.tokens, row);
      copyRow(starts[i]!.actions, 0, this.#window.actions, row);
      this.#steps[row] = 0;
      this.#ended[row] = 0;
    }
  }

  /** These rows a step later. */
  #imagine(rows: readonly number[], actions: VectorActions) {
    const window = { tokens: pick(this.#window.tokens, rows), actions: pick(this.#window.actions, rows) };
    const { worldModel, actions: range } = this.#dreamer;
    const generator = rows.map((row) => this.#generator(row));
    const chosen = Int32Array.from(rows, (row) => actions[row]! - range.first);
    worldModel.sticky.execute(window, chosen, generator);
    const { context } = worldModel.config;
    const executed = rows.map((_, i) => window.actions.data[(i + 1) * context - 1]! + range.first);
    const next = worldModel.predict(window, { generator });
    shift(window, next.tokens, window.tokens.shape[2]!);
    return { window, executed, rewards: next.rewards, ends: next.ends };
  }

  #generator(row: number): Generator {
    return (this.#generators[row] ??= npRandom().generator);
  }

  /** The newest frames, decoded and as the world model has them. */
  #seen(): VectorResetResult<Uint8Array> {
    const { numEnvs } = this;
    const { tokenizer } = this.#dreamer;
    const width = this.#window.tokens.shape[2]!;
    const { data } = lastFrames(this.#window, width);
    const codes: NdArray<'int32'> = { dtype: 'int32', shape: [numEnvs, ...tokenizer.spec.tokenShape], data };
    const tokens = Array.from({ length: numEnvs }, (_, row) => data.slice(row * width, (row + 1) * width));
    return {
      observation: toBytes(tokenizer.decode(codes) as NdArray<'float32'>).data,
      info: { tokens, _tokens: new Uint8Array(numEnvs).fill(1) },
    };
  }

  #checked(start: Starts): Starts {
    const [, context, width] = this.#window.tokens.shape;
    const shapes = [`[${start.tokens.shape.join(', ')}]`, `[${start.actions.shape.join(', ')}]`];
    const expected = [`[1, ${context}, ${width}]`, `[1, ${context}]`];
    if (String(shapes) === String(expected)) return start;
    throw new ShapeError(
      `${owner}: expected start to give tokens ${expected[0]} and actions ${expected[1]}, got ${shapes.join(' and ')}.`,
    );
  }

  #check(call: string): void {
    if (this.#isClosed) {
      throw new ClosedEnvironmentError(`Trying to operate on ${this.toString()}, after a call to close(): ${call}.`);
    }
    if (this.#pending === undefined) return;
    throw new AlreadyPendingCallError(
      `Calling \`${call}\` while waiting for a pending call to \`${this.#pending}\` to complete. Await each call before the next one.`,
      this.#pending,
    );
  }

  async #alone<R>(call: string, work: () => Promise<R>): Promise<R> {
    this.#check(call);
    this.#pending = call;
    try {
      return await work();
    } finally {
      this.#pending = undefined;
    }
  }
}

function checkWhole(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 1) return;
  throw new ConfigError(`${owner}: expected a whole number > 0 as ${name}, got ${value}.`);
}
