// Environments for the tests. `Counter` is the one of golden/make.py, number for number.
import { Box, Discrete, Env } from 'gymnasium-js';
import type { EnvMetadata, EnvState, Info, ResetOptions, ResetResult, StepResult } from 'gymnasium-js';

/** Observation [steps, length, last action]; an episode ends after 2 to 5 steps, terminated at even lengths, truncated at odd ones. */
export class Counter extends Env<Float32Array, number> {
  readonly metadata: EnvMetadata = { renderModes: [] };
  readonly observationSpace: Box = new Box({ low: 0, high: 100, shape: [3] });
  readonly actionSpace: Discrete = new Discrete(3);
  steps = 0;
  length = 0;
  action = 0;

  reset(options?: ResetOptions): ResetResult<Float32Array> {
    this.seedRandom(options);
    this.steps = 0;
    this.action = 0;
    this.length = 2 + this.npRandom.integers(4);
    return { observation: this.observe(), info: { length: this.length } };
  }

  step(action: number): StepResult<Float32Array> {
    this.steps += 1;
    this.action = action;
    const info: Info = this.steps % 2 === 0 ? { draw: this.npRandom.random() } : {};
    const ended = this.steps === this.length;
    const even = this.length % 2 === 0;
    return {
      observation: this.observe(),
      reward: this.steps / 2,
      terminated: ended && even,
      truncated: ended && !even,
      info,
    };
  }

  observe(): Float32Array {
    return Float32Array.of(this.steps, this.length, this.action);
  }

  protected override saveState(): EnvState {
    return { steps: this.steps, length: this.length, action: this.action };
  }

  protected override restoreState(data: EnvState): void {
    this.steps = data['steps'] as number;
    this.length = data['length'] as number;
    this.action = data['action'] as number;
  }
}
