// How a behaviour learns besides its loss: what advantages are divided by, the slow critic, the weight of the entropy over a run. Each against its closed form.
import { expect, describe } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import { ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { entropyAt } from '../src/behaviour/policy-epochs.ts';
import { nextReturnRange, returnScale } from '../src/behaviour/return-scale.ts';
import type { Behaviour, BehaviourOptions, Experience } from '../src/index.ts';
import { behaviourOn, cpu, engines, errorOf, integers, wasm } from './toy.ts';

/** Steps that end at once, so that each return is its reward, and values of 0, so that each advantage is too. */
function bandit(rewards: readonly number[], seed = 0): Experience[] {
  const tokens = integers([rewards.length * 2], 4, seed).data;
  const actions = integers([rewards.length], 3, seed + 1).data;
  return rewards.map((reward, i) => ({
    tokens: tokens.slice(i * 2, i * 2 + 2),
    actions: actions.slice(i, i + 1),
    logProbabilities: Float32Array.of(-1),
    rewards: [reward],
    values: new Float32Array(2),
    terminated: [1],
  }));
}

/** One minibatch of the plain policy gradient and nothing else, so that the norm of its gradient is proportional to the advantages. */
const plain: BehaviourOptions = { objective: 'reinforce', epochs: 1, entropy: 0, valueWeight: 0 };

const normOf = (behaviour: Behaviour, experience: readonly Experience[], progress = 0): number =>
  behaviour.learn(experience, { generator: npRandom(0), minibatch: experience.length, progress }).gradientNorm;

describe('percentile normalisation', () => {
  test.prop([fc.integer({ min: 2, max: 400 }), fc.double({ min: 0, max: 50, noNaN: true }), fc.nat(1000)])(
    'averages how far apart the 5th and the 95th of 100 returns lie, wherever they lie and in whatever order',
    (last, before, seed) => {
      // Of 0, 1, .. n the q-quantile is q n.
      const offset = seed - 500;
      const returns = npRandom(seed)
        .permutation(last + 1)
        .map((i) => i + offset);
      const range = nextReturnRange(before, Float32Array.from(returns));
      expect(range).toBeCloseTo(0.99 * before + 0.01 * 0.9 * last, 3);
    },
  );

  test('is not moved by a few outliers', () => {
    const returns = Float32Array.from({ length: 101 }, (_, i) => (i < 3 ? -1e9 : i > 97 ? 1e9 : 2));
    expect(nextReturnRange(0, returns)).toBe(0);
  });

  test('never makes small returns larger', () => {
    expect([0, 0.2, 1, 1.5, 40].map(returnScale)).toEqual([1, 1, 1, 1.5, 40]);
    expect(returnScale(NaN)).toBeNaN();
  });

  test.each(engines)('divides every advantage of a batch by it on %s', (_, engine) => {
    const rewards = Array.from({ length: 21 }, (__, i) => (i - 10) * 100);
    const [none, percentile, double] = (['none', 'percentile', 'none'] as const).map((returnNormalisation) =>
      behaviourOn(engine, { ...plain, returnNormalisation }),
    );
    const norm = normOf(none!, bandit(rewards));
    // The range of 21 returns from -1000 to 1000 is 1800, of which a hundredth is the first average.
    expect(normOf(percentile!, bandit(rewards))).toBeCloseTo(norm / 18, 2);
    expect(normOf(double!, bandit(rewards.map((x) => x * 2)))).toBeCloseTo(norm * 2, 1);
    expect(percentile!.state()['returnRange']!.data[0]).toBeCloseTo(18, 4);
  });

  test('goes on from a saved state, and a batch that failed does not count', async () => {
    const options: BehaviourOptions = { returnNormalisation: 'percentile' };
    const first = behaviourOn(cpu, options);
    normOf(first, bandit([-900, 0, 900]));
    const second = behaviourOn(cpu, options, { seed: 3 });
    second.loadState(first.state());
    const before = second.state();
    expect(await errorOf(() => normOf(second, bandit([NaN, 1])))).toMatch(/^NonFiniteError/);
    expect(second.state()).toEqual(before);
    expect(normOf(second, bandit([-500, 20, 800]))).toBe(normOf(first, bandit([-500, 20, 800])));
    expect(second.state()).toEqual(first.state());
    const { returnRange: _, ...missing } = first.state();
    expect(await errorOf(() => second.loadState(missing))).toBe(
      "ConfigError: Behaviour.loadState: 'returnRange' is missing.",
    );
  });
});

describe('the slow critic', () => {
  const decay = 0.9;
  const numbers = (array: NdArray | undefined) => Array.from(array!.data as Float32Array);

  test.each(engines)('is the moving average of the value function, and of no policy, on %s', (_, engine) => {
    const behaviour = behaviourOn(engine, { epochs: 1, learningRate: 0.05, slowCritic: { decay, weight: 0.5 } });
    const states = [behaviour.state()];
    for (let i = 0; i < 4; i++) {
      normOf(behaviour, bandit([1, -1, 2, 0], i));
      states.push(behaviour.state());
    }
    const names = Object.keys(states[0]!).filter((name) => /^parameters\.(?!policy)/.test(name));
    expect(Object.keys(states[0]!).filter((name) => name.startsWith('slow.'))).toHaveLength(names.length);
    for (const name of names) {
      const slow = name.replace('parameters.', 'slow.');
      let average = numbers(states[0]![name]);
      for (const [i, state] of states.entries()) {
        // It follows the parameters as they were before each batch.
        if (i > 0) {
          const before = numbers(states[i - 1]![name]);
          average = average.map((x, place) => decay * x + (1 - decay) * before[place]!);
        }
        for (const [place, x] of numbers(state[slow]).entries()) expect(x).toBeCloseTo(average[place]!, 5);
      }
    }
  });

  test('holds the value function back: the more, the heavier it is', () => {
    const tokens = ndarray('int32', [1, 2], Int32Array.of(1, 2));
    const valueWith = (weight: number): number => {
      const behaviour = behaviourOn(wasm, { learningRate: 0.01, epochs: 1, slowCritic: { decay: 1, weight } });
      const experience = bandit(Array.from({ length: 16 }, () => 5)).map((step) => ({ ...step, tokens: tokens.data }));
      const start = behaviour.judge(tokens).values[0]!;
      const stay = experience.map((step) => ({ ...step, values: Float32Array.of(start, 0) }));
      for (let i = 0; i < 60; i++) {
        behaviour.learn(stay, { generator: npRandom(i), minibatch: 16 });
      }
      return behaviour.judge(tokens).values[0]! - start;
    };
    // Where clipping lets it go no further than 0.2 it rests between the return, which pulls by 1, and the slow critic.
    const [free, held, stuck] = [0, 10, 1000].map(valueWith) as [number, number, number];
    expect(free).toBeGreaterThan(held);
    expect(held).toBeGreaterThan(stuck);
    expect(Math.abs(stuck)).toBeLessThan(0.1);
  });

  test('is not there when it weighs nothing', () => {
    const names = Object.keys(behaviourOn(cpu).state());
    expect(names.filter((name) => name.startsWith('slow') || name === 'returnRange')).toEqual([]);
  });
});

describe('the weight of the entropy', () => {
  test.prop([
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
    fc.double({ min: -1, max: 2, noNaN: true }),
  ])('lies on the line between its two ends', (entropy, endEntropy, progress) => {
    const at = (share: number) => entropyAt({ entropy, endEntropy }, share);
    const end = endEntropy ?? entropy;
    expect([at(0), at(1), at(7)]).toEqual([entropy, end, end]);
    const share = Math.min(1, Math.max(0, progress));
    expect(at(progress)).toBeCloseTo(entropy + (end - entropy) * share, 12);
  });

  test('is what a batch is learned with', () => {
    // Without rewards there is nothing but entropy to follow.
    const nothing = bandit([0, 0, 0, 0, 0]);
    const norms = [0, 0.25, 1].map((progress) =>
      normOf(behaviourOn(cpu, { ...plain, entropy: 8, endEntropy: 0 }), nothing, progress),
    );
    expect(norms[0]).toBeGreaterThan(0);
    expect(norms[1]! / norms[0]!).toBeCloseTo(0.75, 4);
    expect(norms[2]).toBe(0);
  });
});

test.each(engines)('REINFORCE learns which action pays in which state on %s', (_, engine) => {
  const behaviour = behaviourOn(engine, {
    objective: 'reinforce',
    returnNormalisation: 'none',
    epochs: 1,
    learningRate: 0.02,
    entropy: 0.001,
  });
  const generator = npRandom(3);
  const states = ndarray(
    'int32',
    [32, 2],
    Int32Array.from({ length: 64 }, (__, i) => [0, 1, 2, 3][i % 4]!),
  );
  for (let round = 0; round < 60; round++) {
    const { actions, logProbabilities, values } = behaviour.act(states, { generator });
    const steps = Array.from(actions, (action, row): Experience => ({
      tokens: states.data.slice(row * 2, row * 2 + 2),
      actions: Int32Array.of(action),
      logProbabilities: logProbabilities.slice(row, row + 1),
      rewards: [action === (row % 2 === 0 ? 2 : 0) ? 1 : 0],
      values: Float32Array.of(values[row]!, 0),
      terminated: [1],
    }));
    behaviour.learn(steps, { generator, minibatch: 32 });
  }
  const { actions, logProbabilities } = behaviour.act(states, { generator, greedy: true });
  expect([...actions]).toEqual(Array.from({ length: 32 }, (__, row) => (row % 2 === 0 ? 2 : 0)));
  for (const log of logProbabilities) expect(Math.exp(log)).toBeGreaterThan(0.8);
});
