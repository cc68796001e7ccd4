// Environments in worker threads (the place of gymnasium.vector.AsyncVectorEnv). Observations, rewards, flags and actions are in shared
// memory, and what has no fixed size goes by message; the main thread never blocks for longer than a millisecond, every wait has a time
// limit, and one broken worker ends them all with one error.
import { availableParallelism } from 'node:os';
import { ConfigError, InternalError, isBigArray } from '@tessera/core';
import { ResetNeeded } from '../errors.ts';
import type { MakeOptions } from '../make.ts';
import { registry } from '../registry/registry.ts';
import { spaceFromJSON } from '../spaces/from-json.ts';
import type { Space } from '../spaces/space.ts';
import type { EnvSpec } from '../spec.ts';
import type { EnvMetadata, EnvState, TypedArray } from '../types.ts';
import { checkAutoresetMode, checkCallName, planReset, spreadValues } from './arguments.ts';
import type { ResetPlan } from './arguments.ts';
import { AsyncCalls } from './async-calls.ts';
import { hasRowLayout, rowLayout } from './batch-layout.ts';
import { batchSpace } from './batch-space.ts';
import { checkNoneEnded } from './env-batch.ts';
import type { BatchRows } from './env-batch.ts';
import { readActions } from './given-actions.ts';
import type { GivenActions } from './given-actions.ts';
import { allocateRows, copyBatch, privateCopy, viewRows, writeValues } from './shared-rows.ts';
import type { RowViews } from './shared-rows.ts';
import { checkSameSpace } from './sync-vector-env.ts';
import type {
  AutoresetMode,
  BatchedActions,
  VectorActions,
  VectorEnv,
  VectorResetOptions,
  VectorResetResult,
  VectorStepResult,
} from './vector-env.ts';
import { mergeReports } from './vector-info.ts';
import type { EnvReport, VectorInfo } from './vector-info.ts';
import { packVectorState, unpackVectorState } from './vector-state.ts';
import { WorkerCrew } from './worker-crew.ts';
import type { Ready } from './worker-crew.ts';
import { defaultWaitWith } from './worker-link.ts';
import type { WaitWith } from './worker-link.ts';
import type { LooseValues, WorkerReply, WorkerRequest, WorkerSetup } from './worker-protocol.ts';

export interface WorkerVectorEnvOptions {
  /** A spec crosses to the workers as JSON: its entry point is the one that they know under its id. */
  readonly id: string | EnvSpec;
  readonly numEnvs: number;
  /** By default as many as the machine runs at once, at most `numEnvs`. */
  readonly numWorkers?: number | undefined;
  /** `NextStep` by default. */
  readonly autoresetMode?: AutoresetMode | undefined;
  /** Options of `make` and arguments of the environments; must be structured-cloneable. */
  readonly makeOptions?: MakeOptions | undefined;
  /** Modules that register the id, imported in each worker: package names or absolute URLs. */
  readonly imports?: readonly string[] | undefined;
  /** Milliseconds that one call may take; 60,000 by default. */
  readonly timeLimitMs?: number | undefined;
  /** Milliseconds that the workers may take to start; 60,000 by default. */
  readonly startTimeLimitMs?: number | undefined;
  /** For tests of the fallback. */
  readonly waitWith?: WaitWith | undefined;
}

/**
 * Several environments in worker threads; gives the results of SyncVectorEnv. After an error of any worker it is dead: all are terminated.
 *
 * `stepAsync` begins a step and `stepWait` waits for its result; `step` is both. The same holds for `reset` and `call`.
 */
export class WorkerVectorEnv<Obs = TypedArray> implements VectorEnv<Obs> {
  readonly numEnvs: number;
  readonly numWorkers: number;
  readonly metadata: EnvMetadata & { readonly autoresetMode: AutoresetMode };
  readonly spec: EnvSpec | undefined;
  readonly singleObservationSpace: Space<unknown>;
  readonly singleActionSpace: Space<unknown>;
  readonly observationShape: readonly number[];
  readonly observationSpace: Space<unknown>;
  readonly actionSpace: Space<unknown>;
  readonly renderMode: string | undefined;
  readonly canSaveState: boolean;
  readonly #calls: AsyncCalls = new AsyncCalls();
  readonly #crew: WorkerCrew;
  readonly #rows: RowViews;
  #hasReset = false;

  private constructor(options: WorkerVectorEnvOptions, crew: WorkerCrew, ready: Ready, rows: RowViews) {
    this.numEnvs = options.numEnvs;
    this.numWorkers = crew.links.length;
    this.spec = typeof options.id === 'string' ? registry.get(options.id) : options.id;
    this.singleObservationSpace = spaceFromJSON(ready.observationSpace);
    this.singleActionSpace = spaceFromJSON(ready.actionSpace);
    this.observationSpace = batchSpace(this.singleObservationSpace, options.numEnvs);
    this.actionSpace = batchSpace(this.singleActionSpace, options.numEnvs);
    const { singleObservationSpace: single } = this;
    this.observationShape = [options.numEnvs, ...(hasRowLayout(single) ? rowLayout(single).shape : [])];
    this.renderMode = ready.renderMode;
    this.canSaveState = ready.canSaveState;
    this.metadata = { ...ready.metadata, autoresetMode: options.autoresetMode ?? 'NextStep' };
    this.#crew = crew;
    this.#rows = rows;
  }

  /**
   * Starts the workers and builds the environments in them.
   *
   * Throws ConfigError for bad options, WorkerError when a worker cannot start in time or fails to build its environments.
   */
  static async create<Obs = TypedArray>(options: WorkerVectorEnvOptions): Promise<WorkerVectorEnv<Obs>> {
    const crew = new WorkerCrew({
      id: typeof options.id === 'string' ? options.id : options.id.toJSON(),
      numEnvs: wholeNumber('numEnvs', options.numEnvs),
      numWorkers: Math.min(wholeNumber('numWorkers', options.numWorkers ?? availableParallelism()), options.numEnvs),
      autoresetMode: checkAutoresetMode(options.autoresetMode ?? 'NextStep'),
      makeOptions: checkCloneable('the options of make', options.makeOptions ?? {}),
      imports: options.imports ?? [],
      timeLimitMs: wholeNumber('timeLimitMs', options.timeLimitMs ?? 60_000),
      startTimeLimitMs: wholeNumber('startTimeLimitMs', options.startTimeLimitMs ?? 60_000),
      waitWith: options.waitWith ?? defaultWaitWith,
    });
    try {
      const greetings = await crew.start();
      const [first] = greetings as [Ready];
      const observationSpace = spaceFromJSON(first.observationSpace);
      const actionSpace = spaceFromJSON(first.actionSpace);
      for (const [i, other] of greetings.entries()) {
        const at = crew.links[i]!.setup.first;
        checkSameSpace('observation', at, spaceFromJSON(other.observationSpace), observationSpace);
        checkSameSpace('action', at, spaceFromJSON(other.actionSpace), actionSpace);
      }
      const rows = allocateRows(options.numEnvs, observationSpace, actionSpace);
      await crew.call('start', () => ({ kind: 'rows', rows }));
      return new WorkerVectorEnv<Obs>(options, crew, first, viewRows(rows, 0, options.numEnvs));
    } catch (error) {
      await crew.fail(error as Error);
      throw error;
    }
  }

  async reset(options: VectorResetOptions = {}): Promise<VectorResetResult<Obs>> {
    this.resetAsync(options);
    return this.resetWait();
  }

  /** Begins a reset. Throws ConfigError for bad arguments and options that cannot be cloned, AlreadyPendingCallError while a call is begun. */
  resetAsync(options: VectorResetOptions = {}): void {
    this.#checkFree('reset');
    const plan = planReset(this.numEnvs, options);
    checkCloneable('the options of reset', plan.options);
    if (!this.#hasReset && plan.mask.includes(0)) {
      throw new ResetNeeded('VectorEnv.reset: the first reset must be of all environments. Leave resetMask out.');
    }
    this.#calls.begin('reset', () => this.#reset(plan));
  }

  /** The result of the reset that was begun; rejects with NoAsyncCallError when there is none. */
  resetWait(): Promise<VectorResetResult<Obs>> {
    return this.#calls.wait('reset');
  }

  async #reset(plan: ResetPlan): Promise<VectorResetResult<Obs>> {
    const replies = await this.#crew.call('reset', ({ setup }) => {
      const [from, to] = [setup.first, setup.first + setup.count];
      const part = { seeds: plan.seeds.slice(from, to), mask: plan.mask.slice(from, to), options: plan.options };
      return { kind: 'reset', plan: part };
    });
    this.#hasReset = true;
    return { observation: this.#observation(replies), info: this.#mergeInfos(replies) };
  }

  async step(actions: VectorActions | BatchedActions): Promise<VectorStepResult<Obs>> {
    this.stepAsync(actions);
    return this.stepWait();
  }

  /** Begins a step. Throws InvalidAction for actions that do not fit, AlreadyPendingCallError while a call is begun. */
  stepAsync(actions: VectorActions | BatchedActions): void {
    this.#checkFree('step');
    if (!this.#hasReset) throw new ResetNeeded('Cannot call env.step() before calling env.reset()');
    const given = readActions(this, this.numEnvs, actions);
    if (this.metadata.autoresetMode === 'Disabled') checkNoneEnded(this.#rows);
    const loose = this.#writeActions(given);
    this.#calls.begin('step', () => this.#step(loose));
  }

  // Returns the parts that have to be sent, cloned: the caller's are the caller's.
  #writeActions(given: GivenActions): LooseValues {
    if ('list' in given) {
      const loose = writeValues(this.singleActionSpace, this.#rows.actions, given.list);
      return checkCloneable('an action', loose);
    }
    const column = this.#rows.actions[0]!;
    const isBig = isBigArray(column);
    for (let i = 0; i < given.length; i++) column[i] = (isBig ? BigInt(given[i]!) : Number(given[i])) as never;
    return [];
  }

  /** The result of the step that was begun; rejects with NoAsyncCallError when there is none. */
  stepWait(): Promise<VectorStepResult<Obs>> {
    return this.#calls.wait('step');
  }

  async #step(loose: LooseValues): Promise<VectorStepResult<Obs>> {
    const replies = await this.#crew.call('step', ({ setup: { first, count } }) =>
      loose.length === 0 ? 'step' : { kind: 'step', loose: loose.map((values) => values.slice(first, first + count)) },
    );
    return {
      observation: this.#observation(replies),
      reward: privateCopy(this.#rows.reward),
      terminated: privateCopy(this.#rows.terminated),
      truncated: privateCopy(this.#rows.truncated),
      info: this.#mergeInfos(replies),
    };
  }

  #observation(replies: readonly (WorkerReply | undefined)[]): Obs {
    const { observation } = this.#rows;
    const sent = replies.map((message) => (message?.kind === 'reports' ? message.loose : []));
    const isLoose = observation.filter((column) => column === undefined);
    const loose = isLoose.map((_, c) => sent.flatMap((values) => values[c] ?? []));
    return copyBatch(this.singleObservationSpace, observation, loose) as Obs;
  }

  /** The attribute of each environment, or what its method returns; arguments and results must be structured-cloneable. */
  async call(name: string, ...args: unknown[]): Promise<unknown[]> {
    this.callAsync(name, ...args);
    return this.callWait();
  }

  callAsync(name: string, ...args: unknown[]): void {
    this.#checkFree('call');
    checkCallName(name);
    const request = checkCloneable('the arguments of call', { kind: 'call' as const, name, args });
    this.#calls.begin('call', () => this.#askValues('call', () => request));
  }

  callWait(): Promise<unknown[]> {
    return this.#calls.wait('call');
  }

  getAttr(name: string): Promise<unknown[]> {
    return this.call(name);
  }

  async setAttr(name: string, values: unknown): Promise<void> {
    this.#checkFree('setAttr');
    checkCallName(name);
    const all = checkCloneable('the values of setAttr', spreadValues(this.numEnvs, values));
    await this.#askValues('setAttr', ({ first, count }) => {
      return { kind: 'setAttr', name, values: all.slice(first, first + count) };
    });
  }

  /** A picture of each environment. */
  render(): Promise<unknown[]> {
    return this.call('render');
  }

  async #askValues(name: string, request: (setup: WorkerSetup) => WorkerRequest): Promise<unknown[]> {
    const replies = await this.#crew.call(name, (link) => request(link.setup));
    const refused = replies.find((message) => message?.kind === 'refused');
    if (refused?.kind === 'refused') throw new ConfigError(refused.message);
    return replies.flatMap((message) => (message?.kind === 'values' ? [...message.values] : []));
  }

  #checkFree(name: string): void {
    this.#crew.checkFailure();
    this.#calls.checkFree(name);
    this.#crew.checkFree(name);
  }

  #mergeInfos(replies: readonly (WorkerReply | undefined)[]): VectorInfo {
    const reports = replies.flatMap((message, i): (EnvReport | undefined)[] => {
      if (message === undefined) return Array.from({ length: this.#crew.links[i]!.setup.count }, () => ({ info: {} }));
      if (message.kind !== 'reports') throw new InternalError(`expected reports of a worker, got ${message.kind}`);
      return [...message.reports];
    });
    return mergeReports(reports);
  }

  async getState(): Promise<EnvState> {
    this.#checkFree('getState');
    const replies = await this.#crew.call('getState', () => ({ kind: 'getState' }));
    const parts = replies.flatMap((message) => (message?.kind === 'states' ? [message] : []));
    const rows = this.#privateRows(parts.flatMap(({ observations }) => observations));
    return packVectorState(
      this.metadata.autoresetMode,
      parts.flatMap(({ states }) => states),
      rows,
    );
  }

  async setState(state: EnvState): Promise<void> {
    this.#checkFree('setState');
    const rows = this.#privateRows(Array.from({ length: this.numEnvs }, () => undefined));
    const states = unpackVectorState(this.metadata.autoresetMode, state, rows);
    const observations = Array.isArray(rows.observation) ? rows.observation : [];
    if (!Array.isArray(rows.observation)) this.#rows.observation[0]!.set(rows.observation as never);
    for (const name of ['reward', 'terminated', 'truncated'] as const) this.#rows[name].set(rows[name]);
    await this.#crew.call('setState', ({ setup: { first, count } }) => {
      const [from, to] = [first, first + count];
      return { kind: 'setState', states: states.slice(from, to), observations: observations.slice(from, to) };
    });
    this.#hasReset = true;
  }

  // What the workers share, in memory of its own; `observations` for spaces that are no rows of one array.
  #privateRows(observations: unknown[]): BatchRows {
    const { observation, reward, terminated, truncated } = this.#rows;
    return {
      observation: hasRowLayout(this.singleObservationSpace) ? privateCopy(observation[0]!) : observations,
      reward: privateCopy(reward),
      terminated: privateCopy(terminated),
      truncated: privateCopy(truncated),
    };
  }

  close(): Promise<void> {
    return this.#crew.close();
  }

  toString(): string {
    return `WorkerVectorEnv(${this.spec === undefined ? '' : `${this.spec.id}, `}numEnvs=${this.numEnvs}, numWorkers=${this.numWorkers})`;
  }
}

function wholeNumber(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new ConfigError(`WorkerVectorEnv: expected a whole number > 0 as ${name}, got ${String(value)}.`);
}

function checkCloneable<T>(what: string, value: T): T {
  try {
    return structuredClone(value);
  } catch (cause) {
    const why = (cause as Error).message;
    throw new ConfigError(`WorkerVectorEnv: ${what} cannot cross to a worker: ${why}.`, { cause });
  }
}
