// Infos as the children send them, put together for all environments.
import { isBigArray, typedArrayOf } from '@tessera/core';
import { joinLeaves, leafSpaces, warn } from 'gymnasium-js';
import type { EnvReport, Info, Space } from 'gymnasium-js';
import type { LeafJSON } from './layout.ts';
import { decodeLoose } from './loose.ts';
import { decodeValue } from './values.ts';

/** What a child says of one environment; null of one that was left alone. */
export interface SentReport {
  readonly info: unknown;
  /** `obs` leaf by leaf. */
  readonly final?: { readonly obs: readonly unknown[]; readonly info: unknown };
  /** Keys of values that had no place here, with their classes. */
  readonly dropped?: Readonly<Record<string, string>>;
}

/** The JSON beside observations, rewards and flags; undefined when there is nothing to say. */
export interface SentRows {
  readonly reports?: readonly (SentReport | null)[];
  readonly loose?: readonly (readonly unknown[])[];
}

/** Reads reports; says once for each key what was dropped. */
export class ReportReader {
  readonly #id: string;
  readonly #space: Space<unknown>;
  readonly #leaves: readonly LeafJSON[];
  readonly #leafSpaces: readonly Space<unknown>[];
  readonly #noted = new Set<string>();

  constructor(id: string, space: Space<unknown>, leaves: readonly LeafJSON[]) {
    this.#id = id;
    this.#space = space;
    this.#leaves = leaves;
    this.#leafSpaces = leafSpaces(space);
  }

  /** The reports of one child with `count` environments. */
  read(rows: SentRows | undefined, count: number): (EnvReport | undefined)[] {
    const { reports } = rows ?? {};
    return Array.from({ length: count }, (_, i) => {
      const report = reports?.[i];
      if (report === undefined) return { info: {} };
      if (report === null) return undefined;
      this.#note(report.dropped ?? {});
      const info = decodeValue(report.info) as Info;
      if (report.final === undefined) return { info };
      const obs = joinLeaves(
        this.#space,
        report.final.obs.map((sent, c) => this.#readLeaf(sent, c)),
      );
      return { info, final: { obs, info: decodeValue(report.final.info) as Info } };
    });
  }

  // A single number comes as itself, and belongs into an array unless it is the value of a Discrete.
  #readLeaf(sent: unknown, c: number): unknown {
    const { dtype, isNumber } = this.#leaves[c]!;
    if (dtype === null) return decodeLoose(this.#leafSpaces[c]!, sent);
    const value = decodeValue(sent);
    if (isNumber || (typeof value === 'object' && value !== null)) return value;
    const array = new (typedArrayOf(dtype))(1);
    array[0] = (isBigArray(array) ? BigInt(value as number) : Number(value)) as never;
    return array;
  }

  #note(dropped: Readonly<Record<string, string>>): void {
    for (const [key, kind] of Object.entries(dropped)) {
      if (this.#noted.has(key)) continue;
      this.#noted.add(key);
      warn(`python:${this.#id}: info '${key}' is left out: a ${kind} cannot cross over.`);
    }
  }
}
