// What each render mode promises (_check_render_return of gymnasium/utils/passive_env_checker.py).
import { describe } from '../spaces/explain.ts';
import type { RenderFrame } from '../types.ts';

/** What is wrong with a result of `render` in this mode; undefined when it is right, or when the mode promises nothing that is known. */
export function explainRender(mode: string, result: unknown): string | undefined {
  if (mode.endsWith('_list')) {
    if (!Array.isArray(result)) return `expected an array of frames, got ${describe(result)}`;
    const base = mode.slice(0, -'_list'.length);
    return (result as unknown[]).map((frame) => explainRender(base, frame)).find((text) => text !== undefined);
  }
  if (mode === 'human') return result === undefined ? undefined : `expected undefined, got ${describe(result)}`;
  if (mode === 'ansi' || mode === 'ascii') {
    return typeof result === 'string' ? undefined : `expected text, got ${describe(result)}`;
  }
  if (mode !== 'rgb_array') return undefined;
  const frame = result as Exclude<RenderFrame, string> | null | undefined;
  const isPicture =
    typeof frame === 'object' &&
    frame?.dtype === 'uint8' &&
    frame.shape?.length === 3 &&
    frame.shape[2] === 3 &&
    frame.data instanceof Uint8Array &&
    frame.data.length === frame.shape[0]! * frame.shape[1]! * 3;
  return isPicture ? undefined : `expected a picture uint8 [height, width, 3], got ${describe(result)}`;
}
