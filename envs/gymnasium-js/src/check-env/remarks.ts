// What an environment may do and seldom means to do (the warnings of gymnasium/utils/env_checker.py).
import type { Env } from '../env.ts';
import { Box } from '../spaces/box.ts';
import type { Space } from '../spaces/space.ts';

/** One sentence for each oddity. */
export function remarksOn(env: Env<unknown, unknown>): string[] {
  const remarks: string[] = [];
  if (env.unwrapped !== env) {
    remarks.push(
      `The environment (${String(env)}) is different from the unwrapped version (${String(env.unwrapped)}). ` +
        'A wrapper can hide what is wrong inside: check env.unwrapped as well.',
    );
  }
  remarks.push(...remarksOnSpace('observation', env.observationSpace), ...remarksOnSpace('action', env.actionSpace));
  const { renderModes, renderFps } = env.metadata;
  if (renderModes.length > 0 && renderFps === undefined) {
    remarks.push('No render fps was declared in the environment (metadata.renderFps), videos play at a guessed speed.');
  }
  return remarks;
}

function remarksOnSpace(what: 'observation' | 'action', space: Space<unknown>): string[] {
  if (!(space instanceof Box)) return [];
  const remarks: string[] = [];
  const [low, high] = [space.low, space.high] as unknown as [number[], number[]];
  const some = (test: (low: number, high: number) => boolean): boolean =>
    low.some((value, i) => test(Number(value), Number(high[i])));
  if (some((low) => low === -Infinity)) {
    remarks.push(`A Box ${what} space minimum value is -infinity. This is probably too low.`);
  }
  if (some((_, high) => high === Infinity)) {
    remarks.push(`A Box ${what} space maximum value is infinity. This is probably too high.`);
  }
  if (some((low, high) => low === high)) {
    remarks.push(`A Box ${what} space maximum and minimum values are equal.`);
  }
  const isOdd = (low: number, high: number): boolean =>
    (low !== 0 && Math.abs(low) !== Math.abs(high)) || low < -1 || high > 1;
  if (what === 'action' && space.shape.length === 1 && some(isOdd)) {
    remarks.push(
      'For Box action spaces, we recommend using a symmetric and normalized space (range=[-1, 1] or [0, 1]).',
    );
  }
  return remarks;
}
