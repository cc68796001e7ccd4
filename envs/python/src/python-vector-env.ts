// Environments of Python's Gymnasium as a vector environment of ours: several in each child process, all children at work at the same time. Actions go there,
// observations, rewards and flags come straight into the arrays that the caller gets.
import { ConfigError, EnvironmentError, SeedSequence } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import {
  batchSpace,
  checkAutoresetMode,
  checkNoneEnded,
  EnvSpec,
  mergeReports,
  planReset,
  readActions,
  ResetNeeded,
  spaceFromJSON,
} from 'gymnasium-js';
import type {
  AutoresetMode,
  BatchedActions,
  EnvMetadata,
  EnvReport,
  EnvState,
  Info,
  Seed,
  Space,
  TypedArray,
  VectorActions,
  VectorEnv,
  VectorResetOptions,
  VectorResetResult,
  VectorStepResult,
} from 'gymnasium-js';
import { encodeActions } from './actions.ts';
import { Crew } from './crew.ts';
import type { Ready } from './crew.ts';
import {
  allocateRows,
  checkLeaves,
  copyObservation,
  observationAt,
  observationOf,
  rowTargets,
  writeLoose,
} from './layout.ts';
import type { Rows } from './layout.ts';
import { bridgeOptions } from './options.ts';
import type { BridgeOptions, PythonVecOptions } from './options.ts';
import type { Frame } from './protocol.ts';
import type { PythonChild } from './python-child.ts';
import { ReportReader } from './reports.ts';
import type { SentRows } from './reports.ts';
import { decodeValue, encodeValue } from './values.ts';

/** A picture, a text, or undefined where the environment gives none. */
export type PythonFrame = NdArray<'uint8'> | string | undefined;

/**
 * Several copies of a Python environment. Observations of a Box or Discrete are one array, of a Dict or Tuple one array for each part in its place, of spaces
 * whose values have no fixed size (Text, Sequence, OneOf, Graph) a list of values.
 *
 * After an error other than a wrong argument it is dead: all children are ended.
 */
export class PythonVectorEnv<Obs = TypedArray> implements VectorEnv<Obs> {
  readonly numEnvs: number;
  readonly metadata: EnvMetadata & { readonly autoresetMode: AutoresetMode };
  readonly spec: EnvSpec;
  readonly singleObservationSpace: Space<unknown>;
  readonly singleActionSpace: Space<unknown>;
  readonly observationSpace: Space<unknown>;
  readonly actionSpace: Space<unknown>;
  readonly observationShape: readonly number[];
  readonly renderMode: string | undefined;
  /** Versions of `python`, `numpy` and `gymnasium` in the children. */
  readonly versions: Readonly<Record<string, string>>;
  readonly canSaveState = false;
  readonly #options: BridgeOptions;
  readonly #crew: Crew;
  readonly #description: Ready['description'];
  readonly #reader: ReportReader;
  readonly #seeds: (Seed | undefined)[];
  #rows: Rows;
  #spare: Rows | undefined;
  #restarts = 0;
  #hasReset = false;
  // Environments whose episode was lost while others were reset: their next step says so.
  readonly #lost = new Set<number>();

  private constructor(options: BridgeOptions, crew: Crew, { hello, description }: Ready) {
    const { metadata, observationSpace, actionSpace, observation, action } = description;
    checkLeaves('observation', observation);
    checkLeaves('action', action);
    this.numEnvs = options.numEnvs;
    this.singleObservationSpace = spaceFromJSON(observationSpace);
    this.singleActionSpace = spaceFromJSON(actionSpace);
    this.observationSpace = batchSpace(this.singleObservationSpace, options.numEnvs);
    this.actionSpace = batchSpace(this.singleActionSpace, options.numEnvs);
    this.observationShape = [options.numEnvs, ...(this.singleObservationSpace.shape ?? [])];
    this.renderMode = description.renderMode ?? undefined;
    this.versions = hello.versions;
    this.metadata = {
      renderModes: metadata.renderModes,
      ...(metadata.renderFps !== null && { renderFps: metadata.renderFps }),
      autoresetMode: options.autoresetMode,
    };
    this.spec = readSpec(options.id, description.spec);
    this.#options = options;
    this.#crew = crew;
    this.#description = description;
    this.#reader = new ReportReader(options.id, this.singleObservationSpace, observation);
    this.#seeds = Array.from({ length: options.numEnvs }, () => undefined);
    this.#rows = this.#allocateRows();
  }

  /**
   * Starts the children and builds the environments in them.
   *
   * Throws ConfigError for bad options, spaces that have no counterpart and arguments that the environment does not take; DependencyNotInstalled for a Python
   * that is missing, too old or without gymnasium or the module of the id; UnregisteredEnv with Gymnasium's suggestion for an unknown id; EnvironmentError with
   * the remote traceback when an environment cannot be built; WorkerError when a child is killed or does not come up in time.
   */
  static async create<Obs = TypedArray>(id: string, options: PythonVecOptions = {}): Promise<PythonVectorEnv<Obs>> {
    const checked = bridgeOptions(id, options);
    checkAutoresetMode(checked.autoresetMode);
    const crew = new Crew(checked);
    const ready = await crew.start();
    try {
      return new PythonVectorEnv<Obs>(checked, crew, ready);
    } catch (error) {
      await crew.fail(error as Error);
      throw error;
    }
  }

  /** Process ids of the children. */
  get pids(): readonly number[] {
    return this.#crew.children.flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
  }

  async reset(options: VectorResetOptions = {}): Promise<VectorResetResult<Obs>> {
    this.#crew.checkFree('reset');
    const plan = planReset(this.numEnvs, options);
    if (!this.#hasReset && plan.mask.includes(0)) {
      throw new ResetNeeded('VectorEnv.reset: the first reset must be of all environments. Leave resetMask out.');
    }
    const sentOptions = plan.options === undefined ? null : encodeValue(plan.options, 'VectorEnv.reset: options');
    for (const [i, seed] of plan.seeds.entries()) if (plan.mask[i] && seed !== undefined) this.#seeds[i] = seed;
    const [before, rows] = [this.#rows, this.#takeSpare()];
    const reports = await this.#exchange('reset', rows, async (child, restarts) => {
      const { first, count } = child;
      if (restarts > 0) {
        await this.#revive(child, rows);
        for (let i = first; i < first + count; i++) if (!plan.mask[i]) this.#lost.add(i);
      }
      const part = plan.seeds.slice(first, first + count).map((seed) => (seed === undefined ? null : String(seed)));
      const data = { seeds: part, mask: [...plan.mask.subarray(first, first + count)], options: sentOptions };
      return this.#call(child, rows, { kind: 'R', name: 'reset', data });
    });
    for (let i = 0; i < this.numEnvs; i++) {
      if (plan.mask[i]) this.#lost.delete(i);
      // The child sends all rows; one that was started again does not know what the one before it saw.
      if (plan.mask[i] || !this.#keepsRows) continue;
      copyObservation(before, rows, this.#description.observation, i);
      [rows.reward[i], rows.terminated[i], rows.truncated[i]] = [
        before.reward[i]!,
        before.terminated[i]!,
        before.truncated[i]!,
      ];
    }
    this.#hasReset = true;
    this.#rows = rows;
    return { observation: this.#observation(rows), info: mergeReports(reports) };
  }

  /** `actions` is a flat array; for other spaces a batch of `actionSpace`: `{ key: batch }` for a Dict, a list of values for a Text or Sequence. */
  async step(actions: VectorActions | BatchedActions): Promise<VectorStepResult<Obs>> {
    this.#crew.checkFree('step');
    if (!this.#hasReset) throw new ResetNeeded('Cannot call env.step() before calling env.reset()');
    const layout = { space: this.singleActionSpace, leaves: this.#description.action };
    const given = readActions(this, this.numEnvs, actions);
    const before = this.#rows;
    if (this.#options.autoresetMode === 'Disabled') checkNoneEnded(before);
    const rows = this.#takeSpare();
    const cut = new Set(this.#lost);
    const exchange = this.#exchange('step', rows, async (child, restarts) => {
      const { first, count } = child;
      const skip: number[] = [];
      if (restarts > 0) {
        await this.#revive(child, rows);
        // An episode that had ended before lost nothing: its reset has just been made.
        for (let i = first; i < first + count; i++) {
          if (this.#options.autoresetMode === 'NextStep' && (before.terminated[i] || before.truncated[i]))
            skip.push(i - first);
          else cut.add(i);
        }
      }
      const lost = [...cut].filter((i) => i >= first && i < first + count).map((i) => i - first);
      const { raw, loose } = encodeActions(layout, given, first, count);
      const isPlain = lost.length + skip.length === 0 && loose === undefined;
      const data = isPlain ? undefined : { cut: lost, skip, loose };
      return this.#call(child, rows, { kind: 'S', name: 'step', data, raw });
    });
    // Memory for the next step while Python is at work on this one.
    this.#spare = this.#allocateRows();
    const reports = await exchange;
    this.#lost.clear();
    for (const i of cut) reports[i] = this.#cutRow(i, before, rows, reports[i]?.info ?? {});
    this.#rows = rows;
    const { reward, terminated, truncated } = rows;
    return {
      observation: this.#observation(rows),
      reward: reward.slice(),
      terminated: terminated.slice(),
      truncated: truncated.slice(),
      info: mergeReports(reports),
    };
  }

  // The last observation of an episode that was lost is the last that was seen; with `SameStep` the next episode has begun already.
  #cutRow(i: number, before: Rows, rows: Rows, info: Info): EnvReport {
    const { observation: leaves } = this.#description;
    if (this.#options.autoresetMode === 'SameStep') {
      return { info: {}, final: { obs: observationAt(before, leaves, this.singleObservationSpace, i), info } };
    }
    copyObservation(before, rows, leaves, i);
    return { info };
  }

  /** The pictures or texts of all environments, in the mode `renderMode`. */
  async render(): Promise<PythonFrame[]> {
    this.#crew.checkFree('render');
    if (this.renderMode === undefined) {
      const known = this.metadata.renderModes.join(', ');
      throw new ConfigError(
        `PythonVectorEnv.render: it was built without a render mode. Pass renderMode to makeVec, one of ${known}.`,
      );
    }
    if (!this.#hasReset) throw new ResetNeeded('Cannot call `env.render()` before calling `env.reset()`');
    const { timeLimitMs: limitMs } = this.#options;
    const limit = { limitMs, limitName: 'timeLimitMs' };
    const frames = await this.#crew.call('render', async (child, restarts) => {
      if (restarts > 0) {
        await this.#revive(child, this.#allocateRows());
        for (let i = child.first; i < child.first + child.count; i++) this.#lost.add(i);
      }
      return child.call({ kind: 'X', name: 'render', ...limit });
    });
    return frames.flatMap(readPictures);
  }

  /** Always rejects: Python's environments cannot say where they stand. */
  getState(): Promise<EnvState> {
    return Promise.reject(this.#noState('getState'));
  }

  setState(): Promise<void> {
    return Promise.reject(this.#noState('setState'));
  }

  #noState(call: string): EnvironmentError {
    return new EnvironmentError(
      `${call}: python:${this.#options.id} cannot save or restore its state. Reset it with a seed, and count the episode as truncated.`,
    );
  }

  close(): Promise<void> {
    return this.#crew.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #exchange(
    name: string,
    rows: Rows,
    send: (child: PythonChild, restarts: number) => Promise<Frame>,
  ): Promise<(EnvReport | undefined)[]> {
    const frames = await this.#crew.call(name, send);
    return frames.flatMap(({ data }, index) => {
      const { first, count } = this.#crew.children[index]!;
      const { loose } = (data ?? {}) as SentRows;
      if (loose !== undefined) writeLoose(rows, loose, first);
      return this.#reader.read(data as SentRows | undefined, count);
    });
  }

  #call(
    child: PythonChild,
    rows: Rows,
    what: { kind: 'R' | 'S'; name: string; data: unknown; raw?: Uint8Array },
  ): Promise<Frame> {
    const targets = rowTargets(rows, this.#description.observation, child.first, child.count);
    return child.call({ ...what, targets, limitMs: this.#options.timeLimitMs, limitName: 'timeLimitMs' });
  }

  // Starts the episodes of a new child, on streams of their own.
  async #revive(child: PythonChild, rows: Rows): Promise<void> {
    const restart = ++this.#restarts;
    const seeds = Array.from({ length: child.count }, (_, k) => derivedSeed(this.#seeds[child.first + k], restart));
    const mask = Array.from({ length: child.count }, () => 1);
    await this.#call(child, rows, { kind: 'R', name: 'reset', data: { seeds, mask, options: null } });
  }

  #allocateRows(): Rows {
    return allocateRows(this.#description.observation, this.numEnvs);
  }

  #takeSpare(): Rows {
    const rows = this.#spare ?? this.#allocateRows();
    this.#spare = undefined;
    return rows;
  }

  get #keepsRows(): boolean {
    return this.#options.restarts > 0;
  }

  #observation(rows: Rows): Obs {
    // The caller may write into what it gets. What was seen last is needed once more only where children are started again.
    return observationOf(rows, this.singleObservationSpace, this.#keepsRows) as Obs;
  }

  toString(): string {
    return `PythonVectorEnv(python:${this.#options.id}, numEnvs=${this.numEnvs}, numWorkers=${this.#crew.children.length})`;
  }
}

/** The seed after restart number `restart` of an environment that began with `seed`: a function of both, within the range of Gymnasium's own seeds. */
export function derivedSeed(seed: Seed | undefined, restart: number): string | null {
  if (seed === undefined) return null;
  const [word] = new SeedSequence(seed, { spawnKey: [restart] }).generateState(1);
  return String(word! >>> 1);
}

function readSpec(id: string, spec: Readonly<Record<string, unknown>>): EnvSpec {
  const line = `await makeVec('python:${id}', { numEnvs: 1 })`;
  const optional = (name: string): number | undefined => (spec[name] as number | null) ?? undefined;
  return new EnvSpec({
    id: `python:${id}`,
    entryPoint: () => {
      throw new ConfigError(`make: "python:" environments are asynchronous. Use makeVec: ${line}`);
    },
    rewardThreshold: optional('rewardThreshold'),
    nondeterministic: spec['nondeterministic'] as boolean,
    maxEpisodeSteps: optional('maxEpisodeSteps'),
    orderEnforce: spec['orderEnforce'] as boolean,
    kwargs: decodeValue(spec['kwargs']) as Info,
  });
}

function readPictures({ data, raw }: Frame): PythonFrame[] {
  let at = 0;
  return (data as { frames: readonly (string | null | number[])[] }).frames.map((frame) => {
    if (frame === null) return undefined;
    if (typeof frame === 'string') return frame;
    const size = frame.reduce((product, n) => product * n, 1);
    at += size;
    return { data: raw.slice(at - size, at), shape: frame, dtype: 'uint8' };
  });
}
