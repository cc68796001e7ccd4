// Infos of several environments as one dictionary of arrays (VectorEnv._add_info of Gymnasium).
import type { Info } from '../types.ts';

/** The values of one key: numbers, truth values (0 or 1), or anything else with undefined where an environment had none. */
export type InfoArray = Float64Array | Uint8Array | unknown[];

/** For each key the values of all environments, and under `_key` a Uint8Array that marks the environments that had the key. */
export interface VectorInfo {
  [key: string]: InfoArray | VectorInfo;
}

/** What one environment has to say about one reset or step. `final` is there when `SameStep` has reset it in this step. */
export interface EnvReport {
  readonly info: Info;
  readonly final?: { readonly obs: unknown; readonly info: Info };
}

/** Puts the reports of environments `0, 1, ...` together; undefined is an environment that was left alone. */
export function mergeReports(reports: readonly (EnvReport | undefined)[]): VectorInfo {
  const merged: VectorInfo = {};
  for (const [index, report] of reports.entries()) {
    if (report?.final !== undefined) {
      addObservation(merged, report.final.obs, index, reports.length);
      addValue(merged, 'finalInfo', report.final.info, index, reports.length);
    }
    if (report !== undefined) addInfo(merged, report.info, index, reports.length);
  }
  return merged;
}

// Observations stay as they are, whatever they are made of.
function addObservation(merged: VectorInfo, observation: unknown, index: number, numEnvs: number): void {
  const observations = (merged['finalObs'] ??= Array.from({ length: numEnvs }, () => undefined)) as unknown[];
  const mask = (merged['_finalObs'] ??= new Uint8Array(numEnvs)) as Uint8Array;
  observations[index] = observation;
  mask[index] = 1;
}

function addInfo(merged: VectorInfo, info: Info, index: number, numEnvs: number): void {
  for (const key of Object.keys(info)) addValue(merged, key, info[key], index, numEnvs);
}

function addValue(merged: VectorInfo, key: string, value: unknown, index: number, numEnvs: number): void {
  const mask = (merged[`_${key}`] ??= new Uint8Array(numEnvs)) as Uint8Array;
  if (isDictionary(value)) {
    const inner = (merged[key] ??= {}) as VectorInfo;
    addInfo(inner, value, index, numEnvs);
  } else {
    const kind = typeof value;
    merged[key] ??= emptyArray(kind, numEnvs);
    if (!fits(merged[key], kind)) merged[key] = listOf(merged[key], mask);
    (merged[key] as unknown[])[index] = kind === 'boolean' && !Array.isArray(merged[key]) ? Number(value) : value;
  }
  mask[index] = 1;
}

function emptyArray(kind: string, numEnvs: number): InfoArray {
  if (kind === 'number') return new Float64Array(numEnvs);
  if (kind === 'boolean') return new Uint8Array(numEnvs);
  return Array.from({ length: numEnvs }, () => undefined);
}

function fits(values: InfoArray | VectorInfo, kind: string): boolean {
  return (
    Array.isArray(values) ||
    (values instanceof Float64Array && kind === 'number') ||
    (values instanceof Uint8Array && kind === 'boolean')
  );
}

// Environments that disagree about a key's type: keep each value as it is.
function listOf(values: InfoArray | VectorInfo, mask: Uint8Array): unknown[] {
  return Array.from(mask, (isSet, index) => {
    if (!isSet) return undefined;
    if (values instanceof Uint8Array) return values[index] === 1;
    return values instanceof Float64Array ? values[index] : rowOf(values as VectorInfo, index);
  });
}

function rowOf(merged: VectorInfo, index: number): Info {
  const row: Info = {};
  for (const key of Object.keys(merged)) {
    const mask = merged[`_${key}`];
    if (mask instanceof Uint8Array && mask[index]) row[key] = (merged[key] as ArrayLike<unknown>)[index];
  }
  return row;
}

function isDictionary(value: unknown): value is Info {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
