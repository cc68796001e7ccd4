// Policy and value together: what they learn, what padding must not do, how they go on from a saved state, and bad input.
import { expect, describe } from 'vitest';
import { test } from '@fast-check/vitest';
import { ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { Engine } from '@tessera/engine';
import type { Behaviour, Experience } from '../src/index.ts';
import { behaviourOn, codesOf, engines, errorOf, integers, specOf } from './toy.ts';

const tokens = (...rows: readonly (readonly number[])[]): NdArray<'int32'> =>
  ndarray('int32', [rows.length, rows[0]!.length], Int32Array.from(rows.flat()));

/** Random steps: the policy, its probabilities and values are those of nobody. */
function experience(steps: number, seed: number, changes: Partial<Experience> = {}): Experience {
  const generator = npRandom(seed);
  const numbers = (count: number) => Float32Array.from({ length: count }, () => generator.normal());
  return {
    tokens: integers([steps * 2], 4, seed).data,
    actions: integers([steps], 3, seed + 1).data,
    logProbabilities: numbers(steps).map((x) => -1 - Math.abs(x)),
    rewards: integers([steps], 3, seed + 2).data.map((x) => x - 1),
    values: numbers(steps + 1),
    terminated: integers([steps], 2, seed + 3).data,
    ...changes,
  };
}

const learn = (behaviour: Behaviour, steps: readonly Experience[], minibatch = 16, seed = 0) =>
  behaviour.learn(steps, { generator: npRandom(seed), minibatch });

describe.each(engines)('a behaviour on %s', (_, engine: Engine) => {
  test('learns which action pays in which state, and what the states are worth', () => {
    const behaviour = behaviourOn(engine, { learningRate: 0.02, entropy: 0.005, gamma: 0.5, clip: 0.5 });
    const generator = npRandom(3);
    const states = tokens([0, 1], [2, 3]);
    for (let round = 0; round < 40; round++) {
      const rows = 32;
      const seen = ndarray('int32', [rows, 2]);
      for (let row = 0; row < rows; row++) seen.data.set(row % 2 === 0 ? [0, 1] : [2, 3], row * 2);
      const { actions, logProbabilities, values } = behaviour.act(seen, { generator });
      // Action 2 pays 1 in the first state, action 0 in the second; then it is over.
      const steps = Array.from(actions, (action, row): Experience => ({
        tokens: seen.data.slice(row * 2, row * 2 + 2),
        actions: Int32Array.of(action),
        logProbabilities: logProbabilities.slice(row, row + 1),
        rewards: [action === (row % 2 === 0 ? 2 : 0) ? 1 : 0],
        values: Float32Array.of(values[row]!, 1e6),
        terminated: [1],
      }));
      behaviour.learn(steps, { generator, minibatch: 16 });
    }
    const { actions, logProbabilities, values } = behaviour.act(states, { generator, greedy: true });
    expect([...actions]).toEqual([2, 0]);
    for (const log of logProbabilities) expect(Math.exp(log)).toBeGreaterThan(0.85);
    for (const value of values) expect(Math.abs(value - 1)).toBeLessThan(0.2);
    expect(behaviour.version).toBe(40);
  });

  test('values go to the return that the discount and the bootstrap make of a reward', () => {
    const behaviour = behaviourOn(engine, { learningRate: 0.03, endLearningRate: 1, gamma: 0.5, clip: 10, epochs: 8 });
    const state = tokens([1, 1]);
    // One state that pays 1 each time and goes on to itself: V = 1 + V / 2.
    for (let round = 0; round < 60; round++) {
      const [value] = behaviour.judge(state).values;
      const steps = experience(4, round, {
        tokens: new Int32Array(8).fill(1),
        rewards: [1, 1, 1, 1],
        values: new Float32Array(5).fill(value!),
        terminated: [0, 0, 0, 0],
      });
      learn(behaviour, [steps], 4, round);
    }
    expect(Math.abs(behaviour.judge(state).values[0]! - 2)).toBeLessThan(0.15);
  });

  test('does not see the padding of its last minibatch', () => {
    // 10 rows in one minibatch of 10, or of 16 with 6 rows of padding: the same losses, the same weights.
    const [whole, padded] = [behaviourOn(engine), behaviourOn(engine)];
    const steps = experience(10, 5);
    const [a, b] = [learn(whole, [steps], 10), learn(padded, [steps], 16)];
    for (const metric of Object.keys(a) as (keyof typeof a)[]) expect(b[metric]).toBeCloseTo(a[metric], 4);
    const after = padded.state();
    for (const [array, { data }] of Object.entries(whole.state())) {
      if (!array.startsWith('parameters')) continue;
      for (let i = 0; i < data.length; i++) expect(Number(after[array]!.data[i])).toBeCloseTo(Number(data[i]), 3);
    }
  });

  test('judges a batch of any size as it judges its rows', () => {
    const behaviour = behaviourOn(engine);
    const seen = integers([75, 2], 4, 1);
    const { logits, values } = behaviour.judge(seen);
    expect([logits.shape, values.length]).toEqual([[75, 3], 75]);
    for (const row of [0, 1, 31, 63, 64, 72, 73, 74]) {
      const one = behaviour.judge(ndarray('int32', [1, 2], seen.data.slice(row * 2, row * 2 + 2)));
      expect(one.logits.data).toEqual(logits.data.slice(row * 3, row * 3 + 3));
      expect(one.values[0]).toBe(values[row]);
    }
  });

  test('sees what the codes look like', () => {
    const behaviour = behaviourOn(engine);
    const before = behaviour.judge(tokens([0, 1])).values[0];
    behaviour.setCodes(codesOf(specOf([2], 4), 99));
    expect(behaviour.judge(tokens([0, 1])).values[0]).not.toBe(before);
  });

  test('begins with actions that are nearly equally likely', () => {
    const behaviour = behaviourOn(engine);
    const { logProbabilities } = behaviour.act(integers([50, 2], 4, 2), { generator: npRandom(0) });
    for (const log of logProbabilities) expect(Math.abs(Math.exp(log) - 1 / 3)).toBeLessThan(0.03);
  });

  test('goes on from a saved state bit for bit', () => {
    const first = behaviourOn(engine, {}, { seed: 1 });
    for (let i = 0; i < 3; i++) learn(first, [experience(20, i), experience(7, i + 50)], 16, i);
    const second = behaviourOn(engine, {}, { seed: 2 });
    second.loadState(first.state());
    expect(second.version).toBe(3);
    for (let i = 3; i < 6; i++) {
      const steps = [experience(20, i)];
      expect(learn(second, steps, 16, i)).toEqual(learn(first, steps, 16, i));
    }
    expect(second.state()).toEqual(first.state());
  });

  test('takes over a state whole or not at all', async () => {
    const behaviour = behaviourOn(engine);
    const other = behaviourOn(engine, {}, { seed: 5 });
    learn(other, [experience(9, 1)]);
    const good = other.state();
    const before = behaviour.state();
    const { 'parameters.table': table, ...missing } = good;
    const { 'counters.batches': count, ...noCount } = good;
    const messages: string[] = [];
    for (const bad of [
      missing,
      noCount,
      { ...good, more: count! },
      { ...good, 'parameters.table': ndarray('float32', [3, 4]) },
      { ...good, 'parameters.table': ndarray('int32', table!.shape) },
      { ...good, 'counters.batches': ndarray('int32', [2]) },
      { ...good, 'counters.batches': ndarray('float32', []) },
    ]) {
      messages.push(await errorOf(() => behaviour.loadState(bad)));
      expect(behaviour.state()).toEqual(before);
      expect(behaviour.version).toBe(0);
    }

    expect(messages.join('\n')).toMatchInlineSnapshot(`
        "ConfigError: Behaviour.loadState: 'parameters.table' is missing.
        ConfigError: Behaviour.loadState: 'counters.batches' is missing.
        ConfigError: state: there is no 'more'.
        ShapeError: state: 'parameters.table' is of shape [4, 4], got [3, 4].
        DTypeError: state: 'parameters.table' is float32, got int32.
        ConfigError: Behaviour.loadState: expected 'counters.batches' as a count, int32 [] of 0 or more, got int32 [2].
        ConfigError: Behaviour.loadState: expected 'counters.batches' as a count, int32 [] of 0 or more, got float32 [] of 0."
      `);
  });

  test('says what is wrong with experience, and has then not changed', async () => {
    const behaviour = behaviourOn(engine);
    const before = behaviour.state();
    const messages: string[] = [];
    for (const bad of [
      [],
      [experience(0, 1)],
      [experience(3, 1, { values: new Float32Array(3) })],
      [experience(3, 1, { rewards: [1, 1] })],
      [experience(3, 1, { tokens: new Int32Array(5) })],
      [experience(3, 1, { logProbabilities: new Float32Array(2) })],
      [experience(3, 1, { rewards: [0, NaN, 0] })],
      [experience(3, 1, { values: new Float32Array(4).fill(Infinity) })],
      [experience(3, 1, { tokens: new Int32Array(6).fill(4) })],
      [experience(3, 1, { actions: Int32Array.of(0, 3, 0) })],
    ]) {
      messages.push(await errorOf(() => learn(behaviour, bad)));
      expect(behaviour.state()).toEqual(before);
    }
    for (const minibatch of [0, -1, 1.5, NaN]) {
      messages.push(await errorOf(() => learn(behaviour, [experience(3, 1)], minibatch)));
    }
    messages.push(await errorOf(() => behaviour.judge(ndarray('int32', [4, 3]))));
    messages.push(await errorOf(() => behaviour.judge(ndarray('int32', [0, 2]))));
    expect(behaviour.state()).toEqual(before);

    // The line of the model is another one whenever it is edited.
    expect(messages.join('\n').replaceAll(/ \(\w+ at \S+\)/g, '')).toMatchInlineSnapshot(`
      "ConfigError: learn: expected at least one step of experience, got none.
      ConfigError: learn: expected at least one step of experience, got none.
      ShapeError: lambdaReturns: 3 rewards need 4 values and 3 ends, got 3 and 3.
      ShapeError: learn: 3 actions need as many probabilities and rewards, got 3 and 2.
      ShapeError: learn: 3 actions need 6 tokens, got 5.
      ShapeError: learn: 3 actions need as many probabilities and rewards, got 2 and 3.
      NonFiniteError: checkFinite: expected the loss of the policy to be finite, got NaN. The state is as it was before this step: lower the learning rate or clip the gradients.
      NonFiniteError: checkFinite: expected the loss of the policy to be finite, got NaN. The state is as it was before this step: lower the learning rate or clip the gradients.
      ConfigError: gather: expected indices in [0, 4), got another one at position 0.
      ConfigError: softmaxCrossEntropy: expected indices in [0, 3), got another one at position 2.
      ConfigError: learn: expected a minibatch of 1 or more rows, got 0.
      ConfigError: learn: expected a minibatch of 1 or more rows, got -1.
      ConfigError: learn: expected a minibatch of 1 or more rows, got 1.5.
      ConfigError: learn: expected a minibatch of 1 or more rows, got NaN.
      ShapeError: Behaviour.judge: expected tokens of shape [batch, 2], got [4, 3].
      ConfigError: BatchedProgram: expected inputs with one and the same number of rows, 1 or more, got tokens [0, 2]."
    `);
  });
});

test('settings that make no behaviour are errors', async () => {
  const [, engine] = engines[0]!;
  const messages = [
    await errorOf(() => behaviourOn(engine, { hidden: 0, gamma: 2 })),
    await errorOf(() => behaviourOn(engine, { hiden: 8 } as never)),
    await errorOf(() => behaviourOn(engine, {}, { actionCount: 0 })),
  ];
  expect(messages.join('\n')).toMatchInlineSnapshot(`
    "ConfigError: Behaviour settings: hidden: expected number to be >=1, got 0.
    Behaviour settings: gamma: expected number to be <=1, got 2.
    ConfigError: Behaviour settings: unknown field 'hiden'. Did you mean 'hidden'?
    ConfigError: Behaviour: expected a number of actions, 1 or more, got 0."
  `);
});
