// The preset `iris` has the sizes of IRIS, counted from shapes; and its policy is what it is said to be.
import { ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { flatten, f32 } from '@tessera/engine';
import { VQVAE, vqvaePresets } from '@tessera/vqvae';
import { describe, expect, test } from 'vitest';
import {
  agentPresets,
  initCausalWorldModel,
  initRecurrentActorCritic,
  recurrentActorCritic,
  worldModelSchema,
} from '../src/index.ts';
import { cpu, engines, floats } from './toy.ts';

/** Numbers of a tree of parameters, in millions, to two places. */
function millions(parameters: object): number {
  const count = [...flatten<NdArray>(parameters)].reduce((sum, [, { data }]) => sum + data.length, 0);
  return Math.round(count / 1e4) / 100;
}

describe('iris', () => {
  const { tokenizer, worldModel } = agentPresets.iris;

  test('has a tokenizer of 4.03 million parameters', () => {
    const vqvae = new VQVAE(cpu, tokenizer);
    expect(Math.round(vqvae.parameterCount / 1e4) / 100).toBe(4.03);
    vqvae.dispose();
  });

  // From Pong's and Breakout's smallest sets of actions to all of Atari's.
  test.each([4, 6, 18])('has a world model of 8.45 million parameters for %i actions', (actionCount) => {
    const config = worldModelSchema.parse(worldModel);
    const { vocabulary, codeDim } = vqvaePresets.iris.quantizer as { vocabulary: number; codeDim: number };
    const spec = { grid: [4, 4], vocabulary, codeDim, actionCount } as const;
    const parameters = initCausalWorldModel(npRandom(0), { config, spec });
    expect(millions(parameters)).toBe(8.45);
    // 20 blocks of 16 tokens and an action.
    expect(parameters.positions.shape).toEqual([340, 256]);
  });

  test.each([4, 6, 18])('has a policy and a value of 3.22 million parameters for %i actions', (actionCount) => {
    expect(millions(initRecurrentActorCritic(npRandom(0), { frameShape: [64, 64, 3], actionCount }))).toBe(3.22);
  });
});

test.each(engines)('on %s the recurrent policy judges each row by itself, and remembers', (_, engine) => {
  const sizes = { frameShape: [16, 16, 1] as const, actionCount: 3, channels: [2, 3, 4, 4], width: 5 };
  const state = engine.state({ parameters: initRecurrentActorCritic(npRandom(1), sizes) });
  const programOf = (batch: number) =>
    state.program(
      `judge ${batch}`,
      { frames: f32(batch, 16, 16, 1), hidden: f32(batch, 5), cell: f32(batch, 5) },
      ({ frames, hidden, cell }, { parameters }) => {
        const { logits, values, state: next } = recurrentActorCritic(parameters, frames, { hidden, cell });
        return { logits, values, ...next };
      },
    );
  const [two, one] = [programOf(2), programOf(1)];
  const frames = ndarray(
    'float32',
    [2, 16, 16, 1],
    floats([512], 3).data.map((x) => 1 / (1 + Math.exp(-x))),
  );
  const none = (batch: number) => ({ hidden: ndarray('float32', [batch, 5]), cell: ndarray('float32', [batch, 5]) });
  const both = two.run({ frames, ...none(2) });
  expect([both.logits.shape, both.values.shape, both.hidden.shape]).toEqual([[2, 3], [2], [2, 5]]);
  for (const row of [0, 1]) {
    const own = one.run({
      frames: ndarray('float32', [1, 16, 16, 1], frames.data.slice(row * 256, (row + 1) * 256)),
      ...none(1),
    });
    for (const [i, logit] of [...own.logits.data].entries())
      expect(logit).toBeCloseTo(both.logits.data[row * 3 + i] as number, 5);
    expect(own.values.data[0]).toBeCloseTo(both.values.data[row] as number, 5);
  }
  const later = two.run({ frames, hidden: both.hidden, cell: both.cell });
  expect(later.values.data).not.toEqual(both.values.data);
  for (const program of [two, one]) program.dispose();
  state.dispose();
});
