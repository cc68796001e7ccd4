// Draws that are not uniform: how often each step comes up, and that it is one which may be drawn.
import { describe, expect } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import { npRandom } from '@tessera/core';
import type { Generator } from '@tessera/core';
import { chunkSteps } from '../src/chunk.ts';
import { Replay, StepPriorities, memoryShards, stepWindow } from '../src/index.ts';
import type { StepReference } from '../src/index.ts';
import { recencyLaw } from '../src/recency.ts';
import { ChunkStream, modelCandidates } from './fixtures/replay-model.ts';
import type { ModelShard } from './fixtures/replay-model.ts';

const plan = fc.record({
  env: fc.nat(1),
  steps: fc.integer({ min: 1, max: 5 }),
  ends: fc.constantFrom(undefined, undefined, 'terminated' as const, 'truncated' as const),
});
const rounds = fc.array(fc.array(plan, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 7 });
type Rounds = typeof rounds extends fc.Arbitrary<infer T> ? T : never;
// About four rounds, so that episodes lose their beginnings.
const maxBytes = 5000;

/** A replay to which rounds are appended one by one, and arrays that hold the same. */
async function* grown(all: Rounds): AsyncGenerator<{ replay: Replay; shards: ModelShard[] }> {
  const store = memoryShards();
  const replay = await Replay.create(store, { maxBytes });
  const stream = new ChunkStream();
  const shards: ModelShard[] = [];
  let id = 0;
  for (const [number, plans] of all.entries()) {
    const chunks = plans.map((one) => stream.next(one));
    await replay.append(chunks);
    shards.push({ number, bytes: 0, chunks: chunks.map((chunk) => ({ id: id++, chunk })) });
    shards.splice(0, shards.length - (replay.nextShard - replay.firstShard));
    yield { replay, shards };
  }
}

async function last(all: Rounds): Promise<{ replay: Replay; shards: ModelShard[] }> {
  let now: { replay: Replay; shards: ModelShard[] } | undefined;
  for await (const state of grown(all)) now = state;
  return now!;
}

const nameOf = ({ chunk, step }: StepReference): string => `${chunk.id}.${step}`;

/** Evenly spread numbers in [0, 1): each step comes up as often as it is likely, one draw more or less. */
function even(count: number): Generator {
  let draws = 0;
  return { random: () => (draws++ + 0.5) / count } as Generator;
}

function expectLaw(drawn: readonly StepReference[], law: ReadonlyMap<string, number>): void {
  const counts = new Map<string, number>();
  for (const step of drawn) counts.set(nameOf(step), (counts.get(nameOf(step)) ?? 0) + 1);
  for (const name of counts.keys()) expect(law.has(name)).toBe(true);
  for (const [name, probability] of law) {
    expect(Math.abs((counts.get(name) ?? 0) - probability * drawn.length)).toBeLessThan(1.01);
  }
}

const draws = 1000;

describe('recency', () => {
  test.prop([rounds, fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 30 }), fc.constantFrom(0, 0.25, 1)], {
    numRuns: 50,
  })(
    'halves the chance of a step with every half-life of steps after its round',
    async (all, context, halfLife, uniformShare) => {
      const { replay, shards } = await last(all);
      const candidates = modelCandidates(shards, context);
      if (candidates.length === 0) return;
      const shardOf = (id: number) => shards.findIndex(({ chunks }) => chunks.some((chunk) => chunk.id === id));
      const decays = candidates.map(({ id }) => {
        const later = shards.slice(shardOf(id) + 1).flatMap(({ chunks }) => chunks);
        return 2 ** (-later.reduce((sum, { chunk }) => sum + chunkSteps(chunk), 0) / halfLife);
      });
      const sum = decays.reduce((a, b) => a + b, 0);
      const law = new Map(
        candidates.map(({ id, step }, i) => [
          `${id}.${step}`,
          uniformShare / candidates.length + ((1 - uniformShare) * decays[i]!) / sum,
        ]),
      );
      const drawn = replay.sampleSteps(even(draws), draws, { context, recency: { halfLife, uniformShare } });
      expectLaw(drawn, law);
      // None that would look across the start of an episode or of what is held.
      for (const step of drawn) stepWindow(step, context);
    },
  );

  test('needs a half-life and a share', async () => {
    const { replay } = await last([[{ env: 0, steps: 2, ends: undefined }]]);
    const draw = (recency: object) => () => replay.sampleSteps(npRandom(0), 1, { recency: recency as never });
    expect(draw({ halfLife: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: sampleSteps: expected halfLife to be a whole number >= 1, got 0.]`,
    );
    expect(draw({ halfLife: 3, uniformShare: 1.5 })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: sampleSteps: expected uniformShare from 0 to 1, got 1.5.]`,
    );
  });

  test('of any size leaves something to draw', () => {
    // What is newest has lost its beginning, and the chance of what is older would be too small for a number.
    const batches = [
      { steps: 5, candidates: 4 },
      { steps: 5000, candidates: 0 },
    ];
    expect(recencyLaw(batches, { halfLife: 1 })).toEqual([0.25, 0]);
  });
});

describe('priorities', () => {
  const alphas = fc.constantFrom(0, 0.6, 1);
  const updates = fc.array(fc.tuple(fc.nat(50), fc.float({ min: Math.fround(0.01), max: 30, noNaN: true })), {
    maxLength: 6,
  });

  test.prop([rounds, fc.array(updates, { minLength: 7, maxLength: 7 }), fc.integer({ min: 1, max: 4 }), alphas], {
    numRuns: 25,
  })(
    'are the law of draws and weights, stay with their steps, and are the highest for new ones',
    async (all, told, context, alpha) => {
      let priorities: StepPriorities | undefined;
      let model = new Map<string, number>();
      let round = 0;
      for await (const { replay, shards } of grown(all)) {
        if (priorities === undefined) priorities = new StepPriorities({ replay, context, alpha });
        else priorities.refresh();
        const highest = model.size === 0 ? 1 : Math.max(...model.values());
        const held = [...replay.chunks()].flatMap((chunk) =>
          Array.from({ length: chunk.steps }, (_, step): StepReference => ({ chunk, step })),
        );
        model = new Map(held.map((step) => [nameOf(step), model.get(nameOf(step)) ?? highest]));
        const updated = told[round++]!.map(([place, priority]) => ({ step: held[place % held.length]!, priority }));
        priorities.update(
          updated.map(({ step }) => step),
          updated.map(({ priority }) => priority),
        );
        for (const { step, priority } of updated) model.set(nameOf(step), priority);
        expect(held.map((step) => priorities!.priority(step))).toEqual(held.map((step) => model.get(nameOf(step))));

        const names = modelCandidates(shards, context).map(({ id, step }) => `${id}.${step}`);
        if (names.length === 0) {
          expect(() => priorities!.sample(npRandom(0), 1, { beta: 1 })).toThrow(/no step held has its \d frames/);
          continue;
        }
        const powers = names.map((name) => model.get(name)! ** alpha);
        const sum = powers.reduce((a, b) => a + b, 0);
        const law = new Map(names.map((name, i) => [name, powers[i]! / sum]));
        const { steps, weights } = priorities.sample(even(draws), draws, { beta: 0.4 });
        expectLaw(steps, law);
        const raw = steps.map((step) => (names.length * law.get(nameOf(step))!) ** -0.4);
        const largest = Math.max(...raw);
        expect(Math.max(...weights.map((weight, i) => Math.abs(weight - raw[i]! / largest)))).toBeLessThan(1e-6);

        // What is saved makes another one that draws the same.
        const again = new StepPriorities({ replay, context, alpha });
        again.loadState(priorities.state());
        expect(again.state()).toEqual(priorities.state());
        const [a, b] = [priorities, again].map((own) => own.sample(npRandom(1), 20, { beta: 1 }));
        expect(b).toEqual(a);
      }
    },
  );

  test('say what is wrong', async () => {
    const { replay } = await last([[{ env: 0, steps: 3, ends: undefined }]]);
    const priorities = new StepPriorities({ replay, alpha: 1 });
    const [chunk] = replay.chunks();
    const attempts = [
      () => new StepPriorities({ replay, alpha: -1 }),
      () => priorities.update([{ chunk: chunk!, step: 0 }], [0]),
      () => priorities.update([{ chunk: chunk!, step: 3 }], [1]),
      () => priorities.loadState({ dtype: 'float32', shape: [2], data: new Float32Array(2) }),
      () => priorities.loadState({ dtype: 'float32', shape: [3], data: new Float32Array(3) }),
    ];
    const messages = attempts.map((attempt) => {
      try {
        attempt();
        return 'no error';
      } catch (error) {
        return String(error);
      }
    });
    expect(messages.join('\n')).toMatchInlineSnapshot(`
      "ConfigError: StepPriorities: expected alpha >= 0, got -1.
      ConfigError: StepPriorities.update: expected a finite priority > 0 for each of 1 steps, got 0.
      ConfigError: StepPriorities: there is no step 3 of chunk 0. Call refresh after each append.
      FormatError: StepPriorities.loadState: expected the priorities of 3 steps, float32 [3], got float32 [2].
      FormatError: StepPriorities.loadState: expected finite priorities > 0, got 0."
    `);
    expect([...priorities.state().data]).toEqual([1, 1, 1]);
  });
});
