// Rounds of work: what a run does is decided by its settings and counters, never by time.
import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { plannedItems, plannedTokenizerUpdates, planRound, trainingSchema } from '../src/index.ts';
import type { TrainingConfig, WorkKind } from '../src/index.ts';
import { movesCodes } from '../src/training/plan.ts';

const count = fc.nat({ max: 30 });
const config = fc
  .record({
    mode: fc.constantFrom('alternating' as const, 'interleaved' as const, 'end-to-end' as const),
    numEnvs: fc.integer({ min: 1, max: 8 }),
    roundSteps: fc.integer({ min: 1, max: 20 }),
    learnFromReal: fc.boolean(),
    tokenizer: fc.record({ firstUpdates: count, updates: count, untilSteps: fc.nat({ max: 600 }) }),
    worldModel: fc.record({ firstUpdates: count, updates: count }),
    imagination: fc.record({ updates: count }),
  })
  .map((options): TrainingConfig => trainingSchema.parse(options));
const position = fc.record({
  round: fc.nat({ max: 5 }),
  startSteps: fc.nat({ max: 1000 }),
  trainable: fc.boolean(),
});

const countOf = (plan: readonly WorkKind[], kind: WorkKind) => plan.filter((item) => item === kind).length;
const updates = ['tokenizer', 'world model', 'imagination'] as const;
/** What the world model learns from. */
const lessons = ['world model', 'end-to-end'] as const;

/** All rounds of a run, one after the other. */
function rounds(own: TrainingConfig, { steps, trainable }: { steps: number; trainable: boolean }): WorkKind[][] {
  const plans: WorkKind[][] = [];
  for (let envSteps = 0, round = 0; envSteps < steps; round++) {
    plans.push(planRound(own, { round, startSteps: envSteps, trainable }));
    envSteps += Math.min(own.numEnvs * own.roundSteps, steps - envSteps);
  }
  return plans;
}

describe('the plan of a round', () => {
  test.prop([config, position])('collects first and once, measures before the world model learns', (own, at) => {
    const plan = planRound(own, at);
    expect(plan[0]).toBe('collect');
    expect(countOf(plan, 'collect')).toBe(1);
    expect(countOf(plan, 'measure')).toBe(1);
    expect(countOf(plan, 'real')).toBe(own.learnFromReal ? 1 : 0);
    const learned = plan.findIndex((item) => lessons.some((kind) => kind === item));
    if (learned !== -1) expect(plan.indexOf('measure')).toBeLessThan(learned);
    if (own.learnFromReal && learned !== -1) expect(plan.indexOf('real')).toBeLessThan(learned);
  });

  test.prop([config, position])('moves no codes between real steps and what is learned of them', (own, at) => {
    fc.pre(own.learnFromReal && at.round > 0);
    const plan = planRound(own, at);
    expect(plan.slice(0, plan.indexOf('real')).some(movesCodes)).toBe(false);
  });

  test.prop([config, position])('holds as many updates of each kind as the settings say', (own, at) => {
    const plan = planRound(own, at);
    const first = at.round === 0;
    const frozen = !at.trainable || (!first && at.startSteps >= own.tokenizer.untilSteps);
    const wanted = (kind: { firstUpdates: number; updates: number }) => (first ? kind.firstUpdates : kind.updates);
    const joint = own.mode === 'end-to-end' && !frozen;
    expect([...updates, 'end-to-end' as const].map((kind) => countOf(plan, kind))).toEqual([
      frozen || joint ? 0 : wanted(own.tokenizer),
      joint ? 0 : wanted(own.worldModel),
      own.imagination.updates,
      joint ? wanted(own.worldModel) : 0,
    ]);
  });

  test.prop([config, position])('end to end learns both together before it imagines', (own, at) => {
    const plan = planRound({ ...own, mode: 'end-to-end' }, at);
    const learning = plan.filter((item) => item !== 'collect' && item !== 'measure' && item !== 'real');
    const imagined = learning.indexOf('imagination');
    if (imagined !== -1) expect(new Set(learning.slice(imagined))).toEqual(new Set(['imagination']));
    expect(new Set(learning.slice(0, imagined === -1 ? undefined : imagined)).size).toBeLessThan(2);
  });

  test.prop([config, position])('in the other mode is the same work in another order', (own, at) => {
    const [one, other] = (['alternating', 'interleaved'] as const).map((mode) => planRound({ ...own, mode }, at));
    expect(one!.toSorted()).toEqual(other!.toSorted());
    // Alternating: no kind begins before the one in front of it is done.
    const order = updates.flatMap((kind) => one!.filter((item) => item === kind));
    expect(one!.filter((item) => updates.some((kind) => kind === item))).toEqual(order);
  });

  test.prop([config, position])('interleaved spreads every kind evenly', (own, at) => {
    const plan = planRound({ ...own, mode: 'interleaved' }, at).filter((item) => updates.some((kind) => kind === item));
    for (const kind of updates) {
      const total = countOf(plan, kind);
      // After any part of the round, as large a part of each kind is done, give or take one.
      for (let done = 0; done <= plan.length; done++) {
        const share = (total * done) / plan.length;
        expect(Math.abs(countOf(plan.slice(0, done), kind) - (plan.length > 0 ? share : 0))).toBeLessThan(2);
      }
    }
  });

  test('interleaved, of 2, 4 and 1 updates', () => {
    const own = trainingSchema.parse({
      mode: 'interleaved',
      learnFromReal: false,
      tokenizer: { firstUpdates: 2 },
      worldModel: { firstUpdates: 4 },
      imagination: { updates: 1 },
    });
    expect(planRound(own, { round: 0, startSteps: 0, trainable: true })).toEqual(
      'collect, measure, world model, tokenizer, world model, world model, tokenizer, world model, imagination'.split(
        ', ',
      ),
    );
  });
});

describe('a whole run', () => {
  test.prop([config, fc.nat({ max: 800 }), fc.boolean()])('has the planned items', (own, steps, trainable) => {
    const plans = rounds(own, { steps, trainable });
    expect(plannedItems(own, { steps, trainable })).toBe(plans.reduce((sum, plan) => sum + plan.length, 0));
  });

  test.prop([config, fc.integer({ min: 1, max: 800 })])('has the planned updates of its tokenizer', (own, steps) => {
    const made = rounds(own, { steps, trainable: true })
      .flat()
      .filter((kind) => kind === 'tokenizer' || kind === 'end-to-end').length;
    expect(plannedTokenizerUpdates(own, steps)).toBe(made);
  });

  test.prop([config, fc.integer({ min: 1, max: 800 })])('trains no tokenizer that cannot be trained', (own, steps) => {
    const items = rounds(own, { steps, trainable: false }).flat();
    for (const kind of ['tokenizer', 'end-to-end'] as const) expect(items).not.toContain(kind);
  });
});
