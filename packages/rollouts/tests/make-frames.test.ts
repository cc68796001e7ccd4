// Environments that do not observe frames are seen through their pictures.
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { Box, Discrete, Env, register } from 'gymnasium-js';
import type { EnvState, ResetOptions, ResetResult, StepResult } from 'gymnasium-js';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { chunkSteps, inProcessRollouts, makeFrames } from '../src/index.ts';

/** Observes a number and shows it as the grey of its picture. */
class Grey extends Env<Float32Array> {
  readonly metadata = { renderModes: ['ansi', 'rgb_array'] };
  readonly observationSpace = new Box({ low: 0, high: 255, shape: [1] }) as never;
  readonly actionSpace = new Discrete(3);
  readonly #mode: string | undefined;
  #grey = 0;

  constructor({ renderMode }: { renderMode?: string }) {
    super();
    this.#mode = renderMode;
  }

  override get renderMode(): string | undefined {
    return this.#mode;
  }

  override reset(options?: ResetOptions): ResetResult<Float32Array> {
    this.seedRandom(options);
    this.#grey = this.npRandom.integers(100);
    return { observation: Float32Array.of(this.#grey), info: {} };
  }

  override step(action: number): StepResult<Float32Array> {
    this.#grey += action;
    const observation = Float32Array.of(this.#grey);
    return { observation, reward: this.#grey, terminated: false, truncated: false, info: {} };
  }

  override render(): NdArray<'uint8'> | string {
    return this.#mode === 'ansi'
      ? String(this.#grey)
      : ndarray('uint8', [2, 4, 3], new Uint8Array(24).fill(this.#grey));
  }

  protected override saveState(): EnvState {
    return { grey: this.#grey };
  }

  protected override restoreState(data: EnvState): void {
    this.#grey = data['grey'] as number;
  }
}

register({ id: 'Grey-v0', entryPoint: (kwargs) => new Grey(kwargs) as unknown as Env, maxEpisodeSteps: 5 });

/** Frames already. */
class Frames extends Grey {
  override readonly observationSpace = new Box({ low: 0, high: 255, shape: [1, 1, 1], dtype: 'uint8' }) as never;
}

register({ id: 'Frames-v0', entryPoint: (kwargs) => new Frames(kwargs) as unknown as Env });

describe('makeFrames', () => {
  test('shows what the environment renders', () => {
    const env = makeFrames('Grey-v0');
    expect(env.observationSpace.shape).toEqual([2, 4, 3]);
    const { observation } = env.reset({ seed: 3 });
    const [grey] = observation as Uint8Array;
    expect(observation).toEqual(new Uint8Array(24).fill(grey!));
    expect(env.step(2)).toMatchObject({ observation: new Uint8Array(24).fill(grey! + 2), reward: grey! + 2 });
  });

  test.prop([fc.array(fc.nat({ max: 2 }), { maxLength: 4 }), fc.nat()])(
    'its state is that of the environment',
    (actions, seed) => {
      const [one, other] = [makeFrames('Grey-v0'), makeFrames('Grey-v0')];
      one.reset({ seed });
      for (const action of actions) one.step(action);
      other.reset();
      other.setState(structuredClone(one.getState()));
      expect(other.step(1)).toEqual(one.step(1));
      expect(other.reset()).toEqual(one.reset());
    },
  );

  test.prop([fc.array(fc.nat({ max: 2 }), { maxLength: 4 }), fc.integer({ min: 2, max: 4 }), fc.nat()])(
    'stacks the last ones, the newest last, and has them in its state',
    (actions, stackFrames, seed) => {
      const [one, other] = [makeFrames('Grey-v0', { stackFrames }), makeFrames('Grey-v0', { stackFrames })];
      expect(one.observationSpace.shape).toEqual([2, 4, 3 * stackFrames]);
      const single = makeFrames('Grey-v0');
      const seen = [single.reset({ seed }).observation as Uint8Array];
      const first = one.reset({ seed }).observation as Uint8Array;
      let last = first;
      for (const action of actions) {
        seen.push(single.step(action).observation as Uint8Array);
        last = one.step(action).observation as Uint8Array;
      }
      const expected = Array.from({ length: stackFrames }, (_, age) => seen.at(-stackFrames + age) ?? seen[0]!);
      expect([...last]).toEqual(
        Array.from({ length: 8 }, () => expected.flatMap(([grey]) => [grey, grey, grey])).flat(),
      );
      // What was given away stays as it was.
      expect([...first]).toEqual(Array.from({ length: 24 * stackFrames }, () => seen[0]![0]));
      other.reset();
      other.setState(structuredClone(one.getState()));
      expect(other.step(1)).toEqual(one.step(1));
    },
  );

  test.each([0, 1.5, -2, NaN, '2'])('refuses to stack %s frames', (stackFrames) => {
    expect(() => makeFrames('Grey-v0', { stackFrames: stackFrames as number })).toThrow(
      `stackFrames: expected a whole number of frames > 1, got ${stackFrames}.`,
    );
  });

  test('leaves frames as they are', () => {
    expect(makeFrames('Frames-v0').observationSpace.shape).toEqual([1, 1, 1]);
    expect(makeFrames('Frames-v0').renderMode).toBeUndefined();
  });
});

test('rollouts of such an environment are its pictures', async () => {
  const source = inProcessRollouts({ env: { id: 'Grey-v0' }, seed: 0, steps: 12 });
  let steps = 0;
  for await (const chunk of source) {
    const { frames, actions, rewards } = chunk;
    expect(frames.shape.slice(1)).toEqual([2, 4, 3]);
    for (let t = 0; t < chunkSteps(chunk); t++) {
      const [before, after] = [frames.data[24 * t]!, frames.data[24 * (t + 1)]!];
      expect(after).toBe(before + actions.data[t]!);
      expect(rewards.data[t]).toBe(after);
    }
    steps += chunkSteps(chunk);
  }
  expect(steps).toBe(12);
});
