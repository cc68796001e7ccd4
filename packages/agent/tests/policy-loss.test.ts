// The losses of PPO and REINFORCE against the formulas written out row by row, and their slopes against closed forms and finite differences.
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { f32, gradients, i32 } from '@tessera/engine';
import type { Engine } from '@tessera/engine';
import { describe, expect } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import { behaviourSchema, policyLoss } from '../src/index.ts';
import type { BehaviourConfig } from '../src/index.ts';
import { engines, floats, integers } from './toy.ts';

const rows = 6;
const actions = 3;
const config = behaviourSchema.parse({ clip: 0.2, entropy: 0.3, valueWeight: 0.7 }) as BehaviourConfig;

interface Batch {
  readonly logits: NdArray<'float32'>;
  readonly values: NdArray<'float32'>;
  readonly actions: NdArray<'int32'>;
  readonly logProbabilities: NdArray<'float32'>;
  readonly oldValues: NdArray<'float32'>;
  readonly returns: NdArray<'float32'>;
  readonly advantages: NdArray<'float32'>;
  readonly weights: NdArray<'float32'>;
}

function batchOf(seed: number, real = rows): Batch {
  const column = (offset: number, scale = 1) => {
    const array = floats([rows], seed + offset);
    return ndarray(
      'float32',
      [rows],
      array.data.map((x) => x * scale),
    );
  };
  return {
    logits: floats([rows, actions], seed),
    values: column(1),
    actions: integers([rows], actions, seed + 2),
    // Around the log-probability of a uniform policy, so that ratios lie on both sides of the clip range.
    logProbabilities: ndarray(
      'float32',
      [rows],
      column(3, 0.5).data.map((x) => x - Math.log(actions)),
    ),
    oldValues: column(4),
    returns: column(5),
    advantages: column(6),
    weights: ndarray(
      'float32',
      [rows],
      Float32Array.from({ length: rows }, (_, row) => (row < real ? 1 : 0)),
    ),
  };
}

const inputs = {
  logits: f32(rows, actions),
  values: f32(rows),
  actions: i32(rows),
  logProbabilities: f32(rows),
  oldValues: f32(rows),
  returns: f32(rows),
  advantages: f32(rows),
  weights: f32(rows),
};

function lossesOn(engine: Engine, batch: Batch): Record<string, number> & { readonly slopes: Float32Array } {
  const program = engine.program('loss', inputs, ({ logits, values, oldValues, ...x }) => {
    const losses = policyLoss({ logits, values }, { ...x, values: oldValues }, config);
    const [slopes, valueSlopes] = gradients(losses.total, [logits, values]);
    return { ...losses, slopes: slopes!, valueSlopes: valueSlopes! };
  });
  const out = program.run({ ...batch });
  program.dispose();
  const { slopes, valueSlopes: _, ...scalars } = out;
  const numbers = Object.fromEntries(Object.entries(scalars).map(([name, { data }]) => [name, Number(data[0])]));
  return { ...numbers, slopes: slopes.data as Float32Array } as never;
}

/** The same by the formulas, in float64. */
function reference(batch: Batch): Record<'policy' | 'value' | 'entropy' | 'total', number> {
  const sums = { policy: 0, value: 0, entropy: 0 };
  let count = 0;
  for (let row = 0; row < rows; row++) {
    if (batch.weights.data[row] === 0) continue;
    count++;
    const own = [...batch.logits.data.subarray(row * actions, (row + 1) * actions)];
    const total = Math.log(own.reduce((sum, x) => sum + Math.exp(x), 0));
    const logs = own.map((x) => x - total);
    const ratio = Math.exp(logs[batch.actions.data[row]!]! - batch.logProbabilities.data[row]!);
    const advantage = batch.advantages.data[row]!;
    const clip = (x: number, low: number, high: number) => Math.min(high, Math.max(low, x));
    sums.policy -= Math.min(ratio * advantage, clip(ratio, 0.8, 1.2) * advantage);
    const [value, old, target] = [batch.values.data[row]!, batch.oldValues.data[row]!, batch.returns.data[row]!];
    sums.value += Math.max((value - target) ** 2, (old + clip(value - old, -0.2, 0.2) - target) ** 2);
    sums.entropy -= logs.reduce((sum, x) => sum + x * Math.exp(x), 0);
  }
  const [policy, value, entropy] = [sums.policy / count, sums.value / count, sums.entropy / count];
  return { policy, value, entropy, total: policy + 0.7 * value - 0.3 * entropy };
}

for (const [name, engine] of engines) {
  describe(`the policy loss on ${name}`, () => {
    test.prop([fc.nat(10_000), fc.integer({ min: 1, max: rows })], { numRuns: 30 })('is its formula', (seed, real) => {
      const batch = batchOf(seed, real);
      const losses = lossesOn(engine, batch);
      for (const [term, value] of Object.entries(reference(batch))) expect(losses[term]).toBeCloseTo(value, 4);
    });

    test.prop([fc.nat(10_000), fc.nat(10_000)], { numRuns: 15 })(
      'does not see what rows of weight 0 hold',
      (seed, other) => {
        const [batch, noise] = [batchOf(seed, 4), batchOf(other, 4)];
        const mixed = { ...batch };
        for (const key of ['logits', 'values', 'logProbabilities', 'oldValues', 'returns', 'advantages'] as const) {
          const width = batch[key].data.length / rows;
          const data = batch[key].data.slice();
          data.set(noise[key].data.subarray(4 * width), 4 * width);
          mixed[key] = ndarray('float32', batch[key].shape, data);
        }
        const [a, b] = [lossesOn(engine, batch), lossesOn(engine, mixed)];
        expect(b['total']).toBeCloseTo(a['total']!, 5);
        expect([...b.slopes.subarray(4 * actions)].every((slope) => slope === 0)).toBe(true);
      },
    );
  });
}

describe('the policy loss', () => {
  const [, engine] = engines[0]!;

  test('of a uniform policy has the entropy log(actions)', () => {
    const batch = { ...batchOf(1), logits: ndarray('float32', [rows, actions]) };
    expect(lossesOn(engine, batch)['entropy']).toBeCloseTo(Math.log(actions), 6);
  });

  test('pulls a ratio no further once it is clipped, and pushes it back where it is on the wrong side', () => {
    const uniform = Math.log(1 / actions);
    const base = {
      ...batchOf(1),
      logits: ndarray('float32', [rows, actions]),
      actions: ndarray('int32', [rows]),
      weights: ndarray('float32', [rows], Float32Array.of(1, 0, 0, 0, 0, 0)),
    };
    const slopeAt = (ratio: number, advantage: number): number => {
      const quiet = behaviourSchema.parse({ clip: 0.2, entropy: 0, valueWeight: 0 }) as BehaviourConfig;
      const program = engine.program('slope', inputs, ({ logits, values, oldValues, ...x }) => {
        const { total } = policyLoss({ logits, values }, { ...x, values: oldValues }, quiet);
        return { slope: gradients(total, [logits])[0]! };
      });
      const old = ndarray('float32', [rows], new Float32Array(rows).fill(uniform - Math.log(ratio)));
      const advantages = ndarray('float32', [rows], new Float32Array(rows).fill(advantage));
      const { slope } = program.run({ ...base, logProbabilities: old, advantages });
      program.dispose();
      return slope.data[0] as number;
    };
    // A good action becomes likelier until it is 1.2 times as likely; a bad one less likely until 0.8.
    expect(slopeAt(1, 1)).toBeLessThan(0);
    expect(slopeAt(1.5, 1)).toBe(0);
    expect(slopeAt(0.5, 1)).toBeLessThan(0);
    expect(slopeAt(1, -1)).toBeGreaterThan(0);
    expect(slopeAt(0.5, -1)).toBe(0);
    expect(slopeAt(1.5, -1)).toBeGreaterThan(0);
  });

  test('has the slopes that finite differences find', () => {
    const batch = batchOf(3);
    const { slopes } = lossesOn(engine, batch);
    for (const i of slopes.keys()) {
      const nudged = (by: number) => {
        const data = batch.logits.data.slice();
        data[i]! += by;
        return reference({ ...batch, logits: ndarray('float32', [rows, actions], data) }).total;
      };
      expect(slopes[i]).toBeCloseTo((nudged(1e-3) - nudged(-1e-3)) / 2e-3, 3);
    }
  });
});

describe.each(engines)('the loss of REINFORCE on %s', (_, engine) => {
  const slowWeight = 0.4;

  /** The losses and their slopes by logits and values. */
  function lossesOf(batch: Batch, slowValues: NdArray<'float32'>) {
    const program = engine.program(
      'reinforce',
      { ...inputs, slowValues: f32(rows), entropy: f32() },
      ({ logits, values, oldValues, slowValues: slow, entropy, ...x }) => {
        const losses = policyLoss(
          { logits, values },
          { ...x, values: oldValues },
          { objective: 'reinforce', clip: 0.2, valueWeight: 0.7, entropy, slow: { values: slow, weight: slowWeight } },
        );
        const [byLogits, byValues, bySlow] = gradients(losses.total, [logits, values, slow]);
        return { clipped: losses.clipped, byLogits: byLogits!, byValues: byValues!, bySlow: bySlow! };
      },
    );
    const out = program.run({ ...batch, slowValues, entropy: 0.3 });
    program.dispose();
    return out;
  }

  test.prop([fc.nat(10_000), fc.integer({ min: 1, max: rows })], { numRuns: 20 })(
    'has the slopes of the policy gradient theorem, whatever the policy was when it acted',
    (seed, real) => {
      const batch = batchOf(seed, real);
      const slow = floats([rows], seed + 9);
      const { clipped, byLogits, byValues, bySlow } = lossesOf(batch, slow);
      expect(clipped.data[0]).toBe(0);
      for (let row = 0; row < rows; row++) {
        const weight = row < real ? 1 / real : 0;
        const own = [...batch.logits.data.subarray(row * actions, (row + 1) * actions)];
        const total = own.reduce((sum, x) => sum + Math.exp(x), 0);
        const shares = own.map((x) => Math.exp(x) / total);
        const entropy = -shares.reduce((sum, p) => sum + p * Math.log(p), 0);
        for (const [action, p] of shares.entries()) {
          // d/dl of -A log pi(a) is A (pi - [a]); that of -H is pi (log pi + H).
          const taken = batch.actions.data[row] === action ? 1 : 0;
          const slope = batch.advantages.data[row]! * (p - taken) + 0.3 * p * (Math.log(p) + entropy);
          expect(byLogits.data[row * actions + action]).toBeCloseTo(weight * slope, 5);
        }
        const value = batch.values.data[row]!;
        const miss = value - batch.returns.data[row]! + slowWeight * (value - slow.data[row]!);
        expect(byValues.data[row]).toBeCloseTo(weight * 0.7 * 2 * miss, 5);
        expect(bySlow.data[row]).toBe(0);
      }
    },
  );
});
