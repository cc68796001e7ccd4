// Programs on the stock addon: each state is one session whose graph holds its variables and all its programs, one call a run. Graphs cannot grow once they
// are loaded: a program that is new gets a new session, into which the values of the variables move.
import { ConfigError, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { JoinedStore } from '../execute/joined-store.ts';
import type { Executable, ProgramRecord, Store } from '../execute/store.ts';
import { changedBy } from '../record/recorder.ts';
import type { Spec } from '../record/tensor.ts';
import type { GraphOptions } from './executor.ts';
import { newGraphSettings } from './graph-context.ts';
import { GraphWriter } from './graph-writer.ts';
import { lowerProgram } from './lower-program.ts';
import type { LoweredProgram } from './lower-program.ts';
import { programError } from './program-error.ts';
import { GraphSession } from './session.ts';

/** Where one variable stands in a graph. */
interface LoweredVariable {
  readonly read: string;
  /** Placeholder of a new value, and what to run to assign it. */
  readonly value: string;
  readonly set: string;
}

interface LoadedGraph {
  readonly session: GraphSession;
  readonly variables: ReadonlyMap<string, LoweredVariable>;
  readonly programs: ReadonlyMap<SessionProgram, LoweredProgram>;
}

/** The variables of one state in the session that runs now, or in JavaScript before the first run. */
export class SessionStore implements Store {
  readonly #options: GraphOptions;
  readonly #specs: ReadonlyMap<string, Spec>;
  readonly #programs = new Set<SessionProgram>();
  #values: Map<string, NdArray> = new Map();
  #loaded: LoadedGraph | undefined;
  #disposed = false;

  constructor(options: GraphOptions, specs: ReadonlyMap<string, Spec>) {
    this.#options = options;
    this.#specs = specs;
  }

  read(names: readonly string[]): NdArray[] {
    this.#checkAlive();
    if (names.length === 0) return [];
    if (this.#loaded === undefined) return names.map((name) => copyOf(this.#values.get(name)!));
    const { session, variables } = this.#loaded;
    return session.run(
      [],
      names.map((name) => variables.get(name)!.read),
    );
  }

  write(values: ReadonlyMap<string, NdArray>): void {
    this.#checkAlive();
    if (this.#loaded === undefined) {
      for (const [name, array] of values) this.#values.set(name, copyOf(array));
    } else {
      assignAll(this.#loaded, values);
    }
  }

  compile(record: ProgramRecord): Executable {
    this.#checkAlive();
    const program = new SessionProgram(this, record);
    this.#programs.add(program);
    return program;
  }

  /** The loaded graph with `program` in it. When loading fails the state stays in the session that has it. */
  graphWith(program: SessionProgram): LoadedGraph {
    this.#checkAlive();
    if (this.#loaded?.programs.has(program)) return this.#loaded;
    const before = this.#loaded;
    const names = [...this.#specs.keys()];
    const arrays = this.read(names);
    const loaded = this.#load([...new Set([...(before?.programs.keys() ?? []), program])]);
    try {
      assignAll(loaded, new Map(names.map((name, i) => [name, arrays[i]!])));
    } catch (error) {
      loaded.session.dispose();
      throw error;
    }
    this.#loaded = loaded;
    this.#values.clear();
    before?.session.dispose();
    return loaded;
  }

  remove(program: SessionProgram): void {
    this.#programs.delete(program);
  }

  dispose(): void {
    this.#disposed = true;
    this.#loaded?.session.dispose();
    this.#loaded = undefined;
    this.#values.clear();
  }

  #load(candidates: readonly SessionProgram[]): LoadedGraph {
    const writer = new GraphWriter();
    const handles = new Map<string, string>();
    const variables = new Map<string, LoweredVariable>();
    for (const [name, { dtype, shape }] of this.#specs) {
      const handle = writer.variable(`state/${name}`, dtype, shape);
      const value = writer.placeholder(`set/${name}`, dtype, shape);
      const set = writer.group([writer.assign(handle, value)], { name: `set/${name}/done` });
      handles.set(name, handle);
      variables.set(name, { read: writer.read(handle), value, set });
    }
    const { binding } = this.#options;
    const settings = newGraphSettings(this.#options);
    const shared = { writer, variables: handles, settings };
    const programs = new Map(
      candidates
        .filter((program) => this.#programs.has(program))
        .map((program, i) => [program, lowerProgram(shared, program.record, `p${i}`)]),
    );
    return { session: GraphSession.load(writer, binding), variables, programs };
  }

  #checkAlive(): void {
    if (this.#disposed) throw new ConfigError('state: used after dispose.');
  }
}

/** Programs without variables share nothing: each has a session of its own. */
export class StatelessSessionStore implements Store {
  readonly #options: GraphOptions;
  readonly #stores = new Set<SessionStore>();

  constructor(options: GraphOptions) {
    this.#options = options;
  }

  read(): NdArray[] {
    return [];
  }

  write(): void {}

  compile(record: ProgramRecord): Executable {
    const store = new SessionStore(this.#options, new Map());
    this.#stores.add(store);
    const program = store.compile(record);
    return {
      run: (inputs) => program.run(inputs),
      dispose: () => {
        this.#stores.delete(store);
        store.dispose();
      },
    };
  }

  dispose(): void {
    for (const store of this.#stores) store.dispose();
    this.#stores.clear();
  }
}

/** The variables of several states. Sessions cannot share variables: each program has a session of its own, into which values are copied before a run, and out of which after it. */
export class JoinedSessionStore extends JoinedStore<Store> {
  readonly #options: GraphOptions;

  constructor(options: GraphOptions, parts: ReadonlyMap<string, Store>) {
    super(parts);
    this.#options = options;
  }

  compile(record: ProgramRecord): Executable {
    const { variables, effects } = record.recorder;
    const names = [...variables.keys()];
    const changed = [...new Set(effects.flatMap(changedBy))];
    const copies = new SessionStore(this.#options, variables);
    const program = copies.compile(record);
    return {
      run: (inputs) => {
        const values = this.read(names);
        copies.write(new Map(names.map((name, i) => [name, values[i]!])));
        const results = program.run(inputs);
        const written = copies.read(changed);
        this.write(new Map(changed.map((name, i) => [name, written[i]!])));
        return results;
      },
      dispose: () => copies.dispose(),
    };
  }
}

class SessionProgram implements Executable {
  readonly record: ProgramRecord;
  readonly #store: SessionStore;

  constructor(store: SessionStore, record: ProgramRecord) {
    this.#store = store;
    this.record = record;
  }

  run(arrays: readonly NdArray[]): NdArray[] {
    const { session, programs } = this.#store.graphWith(this);
    const { inputs, outputs, effects } = programs.get(this)!;
    const fetches = effects === undefined ? outputs : [...outputs, effects];
    if (fetches.length === 0) return [];
    try {
      const results = session.run(
        inputs.map((name, i) => ({ name, array: arrays[i]! })),
        fetches,
      );
      return results.slice(0, outputs.length);
    } catch (error) {
      throw programError(error);
    }
  }

  dispose(): void {
    this.#store.remove(this);
  }
}

function assignAll({ session, variables }: LoadedGraph, values: ReadonlyMap<string, NdArray>): void {
  if (values.size === 0) return;
  session.runTargets(
    [...values].map(([name, array]) => ({ name: variables.get(name)!.value, array })),
    [...values.keys()].map((name) => variables.get(name)!.set),
  );
}

function copyOf({ dtype, shape, data }: NdArray): NdArray {
  return ndarray(dtype, shape, data.slice());
}
