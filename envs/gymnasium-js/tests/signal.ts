// The environment of golden/wrappers.py, number for number: draws its observations, of the kind asked for. `info.action` is the action as
// it arrived.
import { ndarray } from '@tessera/core';
import { Box, Dict, Discrete, Env, Tuple } from 'gymnasium-js';
import type { EnvMetadata, EnvState, RenderResult, ResetOptions, ResetResult, Space, StepResult } from 'gymnasium-js';

export type SignalKind = 'real' | 'double' | 'bytes' | 'grey' | 'word' | 'dict' | 'tuple';
export type SignalActions = 'real' | 'word';

const state = (): Box => new Box({ low: -5, high: 5, shape: [3] });
const observationSpaces: Readonly<Record<SignalKind, () => Space<unknown>>> = {
  real: state,
  double: () => new Box({ low: [-5, -0.7, 0.1], high: [5, 0.3, 9.1], dtype: 'float64' }),
  bytes: () => new Box({ low: 0, high: 255, shape: [4, 6, 3], dtype: 'uint8' }),
  grey: () => new Box({ low: 0, high: 255, shape: [4, 6], dtype: 'uint8' }),
  word: () => new Discrete(7, { start: 2 }),
  dict: () => new Dict({ state: state(), count: new Discrete(5) }),
  tuple: () => new Tuple([state(), new Discrete(5)]),
};
const actionSpaces: Readonly<Record<SignalActions, () => Space<unknown>>> = {
  real: () => new Box({ low: [-1, -2], high: [2, 4] }),
  word: () => new Discrete(4),
};

export class Signal extends Env<unknown, unknown> {
  readonly metadata: EnvMetadata = { renderModes: ['rgb_array'], renderFps: 10 };
  readonly observationSpace: Space<unknown>;
  readonly actionSpace: Space<unknown>;
  readonly kind: SignalKind;
  left = 0;

  constructor(kind: SignalKind = 'real', actions: SignalActions = 'word') {
    super();
    this.kind = kind;
    this.observationSpace = observationSpaces[kind]();
    this.actionSpace = actionSpaces[actions]();
  }

  override get renderMode(): string {
    return 'rgb_array';
  }

  reset(options?: ResetOptions): ResetResult<unknown> {
    this.seedRandom(options);
    this.left = 3 + this.npRandom.integers(9);
    return { observation: this.observe(), info: {} };
  }

  step(action: unknown): StepResult<unknown> {
    this.left -= 1;
    const reward = this.npRandom.random() * 10 - 4;
    const info = { action: typeof action === 'number' ? [action] : Array.from(action as Float32Array) };
    const ended = this.left === 0;
    const even = this.npRandom.integers(2) === 1;
    return { observation: this.observe(), reward, terminated: ended && even, truncated: ended && !even, info };
  }

  observe(): unknown {
    const rng = this.npRandom;
    const draw = (): Float32Array => Float32Array.from({ length: 3 }, () => rng.random() * 10 - 5);
    switch (this.kind) {
      case 'real':
        return draw();
      case 'double': {
        const draws = Float64Array.from({ length: 3 }, () => rng.random());
        return draws.map((x, i) => [-5, -0.7, 0.1][i]! + x * [10, 1, 9][i]!);
      }
      case 'bytes':
        return rng.integersArray(0, 256, 72, 'uint8');
      case 'grey':
        return rng.integersArray(0, 256, 24, 'uint8');
      case 'word':
        return 2 + rng.integers(7);
      case 'dict':
        return { state: draw(), count: rng.integers(5) };
      case 'tuple':
        return [draw(), rng.integers(5)];
    }
  }

  override render(): RenderResult {
    return ndarray('uint8', [2, 3, 3], new Uint8Array(18).fill(this.left * 7));
  }

  protected override saveState(): EnvState {
    return { left: this.left };
  }

  protected override restoreState(data: EnvState): void {
    this.left = data['left'] as number;
  }
}
