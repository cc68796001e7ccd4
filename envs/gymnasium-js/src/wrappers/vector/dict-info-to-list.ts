// Infos of a vector environment as a list, one object for each environment (gymnasium.wrappers.vector.DictInfoToList).
import type { Info, TypedArray } from '../../types.ts';
import type { VectorActions, VectorEnv, VectorResetOptions } from '../../vector/vector-env.ts';
import type { InfoArray, VectorInfo } from '../../vector/vector-info.ts';

/** A result whose infos are a list. */
export type WithInfoList<R> = Omit<R, 'info'> & { info: Info[] };

/**
 * Gives each environment's infos back as the environment gave them; the outermost wrapper, as no other knows what to do with a list.
 *
 * Gymnasium's drops every key that begins with an underscore; here only the masks go.
 */
export class DictInfoToList<Obs = TypedArray> {
  readonly env: VectorEnv<Obs>;

  constructor(env: VectorEnv<Obs>) {
    this.env = env;
  }

  get numEnvs(): number {
    return this.env.numEnvs;
  }

  async reset(options?: VectorResetOptions): Promise<WithInfoList<Awaited<ReturnType<VectorEnv<Obs>['reset']>>>> {
    const result = await this.env.reset(options);
    return { ...result, info: listInfos(result.info, this.numEnvs) };
  }

  async step(actions: VectorActions): Promise<WithInfoList<Awaited<ReturnType<VectorEnv<Obs>['step']>>>> {
    const result = await this.env.step(actions);
    return { ...result, info: listInfos(result.info, this.numEnvs) };
  }

  close(): Promise<void> {
    return this.env.close();
  }
}

function listInfos(info: VectorInfo, numEnvs: number): Info[] {
  const list: Info[] = Array.from({ length: numEnvs }, () => ({}));
  for (const [key, value] of Object.entries(info)) {
    const isMask = key.startsWith('_') && Object.hasOwn(info, key.slice(1));
    if (isMask) continue;
    const mask = info[`_${key}`] as Uint8Array | undefined;
    const values = valuesOf(value, numEnvs);
    for (let i = 0; i < numEnvs; i++) if (mask === undefined || mask[i]) list[i]![key] = values[i];
  }
  return list;
}

function valuesOf(value: InfoArray | VectorInfo, numEnvs: number): readonly unknown[] {
  if (Array.isArray(value)) return value;
  // Truth values, as far as an environment's own infos go.
  if (value instanceof Uint8Array) return Array.from(value, (flag) => flag === 1);
  return value instanceof Float64Array ? Array.from(value) : listInfos(value, numEnvs);
}
