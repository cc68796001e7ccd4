// Arrays of several parts in one set of names: `part.name`.
import type { NamedArrays } from '@tessera/engine';

/** The arrays of a part under names that say whose they are. */
export function prefixed(part: string, arrays: NamedArrays): NamedArrays {
  return Object.fromEntries(Object.entries(arrays).map(([name, array]) => [`${part}.${name}`, array]));
}

/** The arrays of one part by their own names. */
export function under(part: string, arrays: NamedArrays): NamedArrays {
  return Object.fromEntries(
    Object.entries(arrays).flatMap(([name, array]) =>
      name.startsWith(`${part}.`) ? [[name.slice(part.length + 1), array]] : [],
    ),
  );
}
