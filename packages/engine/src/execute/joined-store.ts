// Stores side by side under names of their own, so that one program reads and changes the variables of all of them.
import { InternalError } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { Executable, ProgramRecord, Store } from './store.ts';

/** Stores by name; the variable `x` of the store `part` is `part.x` here. The variables stay where they are. */
export abstract class JoinedStore<S extends Pick<Store, 'read' | 'write'>> implements Store {
  readonly parts: ReadonlyMap<string, S>;

  constructor(parts: ReadonlyMap<string, S>) {
    this.parts = parts;
  }

  abstract compile(program: ProgramRecord): Executable;

  read(names: readonly string[]): NdArray[] {
    const places = names.map((name) => this.locate(name));
    const arrays = new Map<S, Map<string, NdArray>>();
    for (const store of this.parts.values()) {
      const own = places.flatMap((place) => (place.store === store ? [place.name] : []));
      const values = own.length === 0 ? [] : store.read(own);
      arrays.set(store, new Map(own.map((name, i) => [name, values[i]!])));
    }
    return places.map(({ store, name }) => arrays.get(store)!.get(name)!);
  }

  write(values: ReadonlyMap<string, NdArray>): void {
    for (const store of this.parts.values()) {
      const own = new Map<string, NdArray>();
      for (const [name, array] of values) {
        const place = this.locate(name);
        if (place.store === store) own.set(place.name, array);
      }
      if (own.size > 0) store.write(own);
    }
  }

  /** Frees nothing: the variables belong to the parts. */
  dispose(): void {}

  /** Where the variable of that name is. */
  locate(name: string): { readonly store: S; readonly name: string } {
    const dot = name.indexOf('.');
    const store = this.parts.get(name.slice(0, dot));
    if (store === undefined) throw new InternalError(`no joined state has the variable '${name}'`);
    return { store, name: name.slice(dot + 1) };
  }
}
