// Laws of every kind of world model: what it may look at, that its shortcuts change nothing, that it learns, draws, goes on and refuses.
import { Generators, ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { i32, read, constant } from '@tessera/engine';
import type { Engine, NamedArrays } from '@tessera/engine';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { causalPass, initCausalWorldModel, measureAccuracy } from '../src/index.ts';
import type { Transitions, WorldModel, WorldModelKind, WorldModelOptions } from '../src/index.ts';
import { hideTokens, knownAfter, ranks } from '../src/world-model/maskgit.ts';
import { cpu, engines, floats, integers, specOf, transitionsOf, wasm, worldModelOn } from './toy.ts';
import { learn, walks } from './walks.ts';

const kinds = ['parallel', 'maskgit', 'causal'] as const satisfies readonly WorldModelKind[];
const quick: WorldModelOptions = { width: 32, learningRate: 3e-3, batchSize: 64 };

/** What one row of a batch is. */
function rowOf({ tokens, actions }: Pick<Transitions, 'tokens' | 'actions'>, row: number) {
  const [, context, width] = tokens.shape as [number, number, number];
  const size = context * width;
  return {
    tokens: ndarray('int32', [1, context, width], tokens.data.slice(row * size, (row + 1) * size)),
    actions: ndarray('int32', [1, context], actions.data.slice(row * context, (row + 1) * context)),
  };
}

// Kind parallel does in world-model.test.ts.
test.each(['maskgit', 'causal'] as const)(
  'kind %s learns a walker between walls to the last token, reward and end',
  (kind) => {
    const worldModel = worldModelOn(wasm, { ...quick, kind }, { tokenizer: specOf([4], 2) });
    learn(worldModel, (step) => walks(4, 64, { seed: step }), 200);
    const fresh = walks(4, 256, { seed: 10_000 });
    expect(measureAccuracy(worldModel, fresh)).toMatchObject({ tokens: 1, changedTokens: 1, rewardF1: 1, endF1: 1 });
    const turned = {
      ...fresh,
      actions: ndarray(
        'int32',
        fresh.actions.shape,
        fresh.actions.data.map((a) => (a + 1) % 3),
      ),
    };
    expect(measureAccuracy(worldModel, turned).changedTokens).toBeLessThan(0.5);
  },
);

test.each(['parallel', 'causal'] as const)('kind %s learns the size of rewards', (kind) => {
  const options: WorldModelOptions = { ...quick, kind, reward: 'two-hot' };
  const worldModel = worldModelOn(wasm, options, { tokenizer: specOf([3], 2) });
  learn(worldModel, (step) => walks(3, 64, { seed: step }), 200);
  const fresh = walks(3, 64, { seed: 10_000 });
  const { rewards } = worldModel.predict(fresh);
  for (const [row, reward] of rewards.entries()) expect(Math.abs(reward - fresh.rewards.data[row]!)).toBeLessThan(0.5);
  expect(measureAccuracy(worldModel, fresh).rewardF1).toBe(1);
});

describe.each(kinds)('a world model of kind %s', (kind) => {
  test.each(engines)('on %s predicts a batch of any size as it predicts row by row, drawn or not', (_, engine) => {
    const worldModel = worldModelOn(engine, { kind, context: 2, temperature: 1 });
    const batch = transitionsOf(worldModel, 17, 5);
    const generators = () => Array.from({ length: 17 }, (_row, row) => npRandom(row));
    for (const own of [undefined, generators()]) {
      const whole = worldModel.predict(batch, { ...(own && { generator: own }) });
      for (const row of [0, 7, 8, 16]) {
        const one = worldModel.predict(rowOf(batch, row), { ...(own && { generator: npRandom(row) }) });
        expect([...one.tokens.data]).toEqual([...whole.tokens.data.subarray(row * 4, (row + 1) * 4)]);
        expect([one.rewards[0], one.ends[0]]).toEqual([whole.rewards[row], whole.ends[row]]);
      }
    }
  });

  test.each(engines)('on %s goes on from a saved state bit for bit, and says so of its kind alone', (_, engine) => {
    const on = (seed: number, own: WorldModelKind = kind) => worldModelOn(engine, { kind: own }, { seed });
    const [first, second] = [on(0), on(1)];
    const lesson = (step: number) => transitionsOf(first, 16, 10 * step);
    learn(first, lesson, 3);
    second.loadState(first.state());
    for (const model of [first, second]) for (let step = 3; step < 6; step++) model.trainStep(lesson(step));
    expect(second.state()).toEqual(first.state());
    for (const other of kinds.filter((name) => name !== kind)) {
      const stranger = on(2, other);
      const before = stranger.state();
      expect(() => stranger.loadState(first.state())).toThrow(
        `WorldModel.loadState: expected the state of a world model of kind '${other}', got one of kind '${kind}'. Build it with worldModel.kind '${kind}'.`,
      );
      expect(stranger.state()).toEqual(before);
    }
  });

  test('draws by its generator, the likeliest without one, at temperature 0 or near it', () => {
    const on = (temperature: number) => worldModelOn(cpu, { kind, temperature });
    const [drawing, cold, still] = [on(1), on(1e-6), on(0)];
    const batch = transitionsOf(drawing, 64, 1);
    const draw = (model: WorldModel, seed: number) => model.predict(batch, { generator: npRandom(seed) });
    expect(draw(drawing, 1)).toEqual(draw(drawing, 1));
    expect(draw(drawing, 1).tokens).not.toEqual(draw(drawing, 2).tokens);
    const most = still.predict(batch);
    // A generator is not touched where nothing is drawn.
    const untouched = npRandom(3);
    expect(still.predict(batch, { generator: untouched })).toEqual(most);
    expect(untouched.random()).toBe(npRandom(3).random());
    for (const same of [drawing.predict(batch), draw(cold, 1)]) expect(same).toEqual(most);
    expect(() => drawing.predict(batch, { generator: [npRandom(0)] })).toThrow(
      'WorldModel.predict: expected one generator, or one for each of 64 rows, got 1.',
    );
  });

  test('tells what an update costs and how many numbers it has', () => {
    const worldModel = worldModelOn(cpu, { kind });
    const parameters = Object.entries(worldModel.state()).filter(([name]) => name.startsWith('parameters.'));
    expect(worldModel.parameterCount).toBe(parameters.reduce((sum, [, { data }]) => sum + data.length, 0));
    expect(worldModel.trainFlops).toBeGreaterThan(6 * 16 * 5 * 4 * 8 * 8);
  });
});

/** Frames of two tokens of which one is on, either one as often, whatever came before. */
function coins(rows: number, seed: number): Transitions {
  const nextTokens = ndarray('int32', [rows, 2]);
  for (const [row, side] of integers([rows], 2, seed).data.entries()) nextTokens.data[2 * row + side] = 1;
  return {
    tokens: ndarray('int32', [rows, 1, 2]),
    actions: ndarray('int32', [rows, 1]),
    nextTokens,
    rewards: ndarray('float32', [rows]),
    terminated: ndarray('uint8', [rows]),
  };
}

test.each([
  ['parallel', 0.35, 0.65],
  ['maskgit', 0.97, 1],
  ['causal', 0.97, 1],
] as const)('tokens that depend on each other are drawn together by kind %s: %d to %d', (kind, low, high) => {
  const options: WorldModelOptions = { ...quick, kind, passes: 2, temperature: 1 };
  const worldModel = worldModelOn(wasm, options, { tokenizer: specOf([2], 2) });
  learn(worldModel, (step) => coins(64, step), 200);
  const { tokens } = worldModel.predict(coins(512, 1), { generator: npRandom(0) });
  const pairs = Array.from({ length: 512 }, (_, row) => [tokens.data[2 * row]!, tokens.data[2 * row + 1]!] as const);
  const valid = pairs.filter(([left, right]) => left + right === 1);
  expect(valid.length / 512).toBeGreaterThanOrEqual(low);
  expect(valid.length / 512).toBeLessThanOrEqual(high);
  // Both sides come up.
  const left = pairs.filter(([first]) => first === 1).length;
  expect(left).toBeGreaterThan(180);
  expect(left).toBeLessThan(332);
});

describe('causal', () => {
  const [context, width] = [3, 4];
  const on = (engine: Engine, seed = 0) =>
    worldModelOn(engine, { kind: 'causal', context, layers: 2 }, { seed, tokenizer: specOf([width], 5) });

  /** Logits of windows: what `causalPass` says with the starting parameters of a model. */
  function passes(engine: Engine, worldModel: WorldModel, seed = 0) {
    const parameters = initCausalWorldModel(new Generators(seed).get('world-model/init'), worldModel);
    const state = engine.state({ parameters });
    return (batch: Pick<Transitions, 'tokens' | 'actions' | 'nextTokens'>) => {
      const rows = batch.tokens.shape[0]!;
      const inputs = { tokens: i32(rows, context, width), actions: i32(rows, context), nextTokens: i32(rows, width) };
      const program = state.program('windows', inputs, (x, tree) => ({
        ...causalPass(tree.parameters, worldModel, x),
      }));
      const { tokens, actions, nextTokens } = batch;
      const out = program.run({ tokens, actions, nextTokens });
      program.dispose();
      return out as Record<keyof typeof out, NdArray<'float32'>>;
    };
  }

  for (const [name, engine] of engines) {
    test.prop([fc.nat(1000), fc.nat((context + 1) * width - 1), fc.integer({ min: 1, max: 4 })], { numRuns: 20 })(
      `on ${name}: a token changes what is said after it, and nothing before it`,
      (seed, place, by) => {
        const model = on(engine);
        const say = passes(engine, model);
        const batch = transitionsOf(model, 1, seed);
        const frames = [...batch.tokens.data, ...batch.nextTokens.data];
        frames[place] = (frames[place]! + by) % 5;
        const changed = {
          ...batch,
          tokens: ndarray('int32', [1, context, width], Int32Array.from(frames.slice(0, context * width))),
          nextTokens: ndarray('int32', [1, width], Int32Array.from(frames.slice(context * width))),
        };
        const [before, after] = [say(batch), say(changed)];
        const logits = ({ tokens }: typeof before, from: number, to: number) => [
          ...tokens.data.subarray(from * 5, to * 5),
        ];
        const said = (context + 1) * width - 1;
        // Place p of what is said is token p + 1 of the frames.
        expect(logits(after, 0, place)).toEqual(logits(before, 0, place));
        if (place < said) expect(logits(after, place, said)).not.toEqual(logits(before, place, said));
        const inContext = place < context * width;
        for (const outcome of ['rewards', 'ends'] as const) {
          if (inContext) expect(after[outcome].data).not.toEqual(before[outcome].data);
          else expect(after[outcome].data).toEqual(before[outcome].data);
        }
      },
    );

    test.prop([fc.nat(1000), fc.nat(context - 1), fc.integer({ min: 1, max: 2 })], { numRuns: 10 })(
      `on ${name}: an action changes the first token of the next frame and all after it, and nothing before it`,
      (seed, age, by) => {
        const model = on(engine);
        const say = passes(engine, model);
        const batch = transitionsOf(model, 1, seed);
        const actions = batch.actions.data.slice();
        actions[age] = (actions[age]! + by) % 3;
        const [before, after] = [say(batch), say({ ...batch, actions: ndarray('int32', [1, context], actions) })];
        const first = (age + 1) * width - 1;
        expect(after.tokens.data.subarray(0, first * 5)).toEqual(before.tokens.data.subarray(0, first * 5));
        const own = (tokens: NdArray<'float32'>) => [...tokens.data.subarray(first * 5, (first + 1) * 5)];
        expect(own(after.tokens)).not.toEqual(own(before.tokens));
      },
    );

    test(`on ${name}: token by token, with a cache, is one pass over the whole window`, () => {
      const model = on(engine);
      const batch = transitionsOf(model, 30, 3);
      const { tokens: nextTokens, rewards, ends } = model.predict(batch);
      const say = passes(engine, model)({ ...batch, nextTokens });
      const best = (logits: readonly number[]) => logits.indexOf(Math.max(...logits));
      const said = (context + 1) * width - 1;
      for (let row = 0; row < 30; row++) {
        for (let i = 0; i < width; i++) {
          const at = (row * said + context * width - 1 + i) * 5;
          expect(nextTokens.data[row * width + i]).toBe(best([...say.tokens.data.subarray(at, at + 5)]));
        }
        expect(rewards[row]).toBe(best([...say.rewards.data.subarray(row * 3, row * 3 + 3)]) - 1);
        expect(ends[row]).toBe(best([...say.ends.data.subarray(row * 2, row * 2 + 2)]));
      }
    });
  }

  test('frames before the beginning of an episode teach nothing', () => {
    const on2 = () => worldModelOn(cpu, { kind: 'causal', context: 2, width: 8 });
    const model = on2();
    const batch = transitionsOf(model, 8, 1);
    // In all rows the older frame is a copy without an action.
    for (let row = 0; row < 8; row++) {
      batch.actions.data[2 * row] = 3;
      batch.tokens.data.copyWithin(row * 8, row * 8 + 4, (row + 1) * 8);
    }
    const { tokenLoss } = model.trainStep(batch);
    // Of the same windows: the mean over the seven tokens that the newer frame and its action say.
    const parameters = initCausalWorldModel(new Generators(0).get('world-model/init'), on2());
    const logits = cpu.state({ parameters }).eager((tree) =>
      read(
        causalPass(tree.parameters, model, {
          tokens: constant(batch.tokens),
          actions: constant(batch.actions),
          nextTokens: constant(batch.nextTokens),
        }).tokens,
      ),
    );
    let [total, count] = [0, 0];
    for (let row = 0; row < 8; row++) {
      const read_ = [
        ...batch.tokens.data.subarray(row * 8, (row + 1) * 8),
        ...batch.nextTokens.data.subarray(row * 4, row * 4 + 4),
      ];
      for (let said = 4; said < 11; said++, count++) {
        const own = [...logits.data.subarray((row * 11 + said) * 4, (row * 11 + said + 1) * 4)].map(Number);
        total += Math.log(own.reduce((sum, x) => sum + Math.exp(x), 0)) - own[read_[said + 1]!]!;
      }
    }
    expect(tokenLoss).toBeCloseTo(total / count, 5);
  });

  test('a frame of one token', () => {
    const worldModel1 = worldModelOn(wasm, { ...quick, kind: 'causal' }, { tokenizer: specOf([1], 3) });
    // The token moves on by the action.
    const circle = (rows: number, seed: number): Transitions => {
      const [tokens, actions] = [integers([rows, 1, 1], 3, seed), integers([rows, 1], 3, seed + 1)];
      const nextTokens = ndarray(
        'int32',
        [rows, 1],
        tokens.data.map((token, row) => (token + actions.data[row]!) % 3),
      );
      return { ...coins(rows, 0), tokens, actions, nextTokens };
    };
    learn(worldModel1, (step) => circle(64, 2 * step), 150);
    expect(measureAccuracy(worldModel1, circle(64, 9999)).tokens).toBe(1);
  });
});

describe('maskgit', () => {
  test.each([1, 2, 5])('in %i passes that do not look at their draft is one pass in parallel', (passes) => {
    const options: WorldModelOptions = { context: 2, temperature: 0 };
    const [one, few] = [
      worldModelOn(cpu, options),
      worldModelOn(cpu, { ...options, kind: 'maskgit', passes }, { seed: 1 }),
    ];
    const blind = { 'parameters.draft': ndarray('float32', few.state()['parameters.draft']!.shape) };
    const parameters = Object.fromEntries(
      Object.entries(one.state()).filter(([name]) => name.startsWith('parameters.')),
    ) as NamedArrays;
    few.loadState({ ...few.state(), ...parameters, ...blind });
    few.setCodes(one.state()['codes'] as NdArray<'float32'>);
    const batch = transitionsOf(one, 50, 4);
    expect(few.predict(batch)).toEqual(one.predict(batch));
  });

  test.prop([fc.nat(1000), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 20 })], { numRuns: 50 })(
    'hides one token or more of each row and leaves the others; the weights are a mean; an update is what it is',
    (update, rows, count) => {
      const frames = integers([rows, count], 7, update);
      const { draft, weights } = hideTokens(frames, { vocabulary: 7, update });
      const hidden = [...draft.data].filter((token) => token === 7).length;
      for (let row = 0; row < rows; row++) expect(draft.data.subarray(row * count, (row + 1) * count)).toContain(7);
      for (const [i, token] of draft.data.entries()) {
        expect(token === 7 || token === frames.data[i]).toBe(true);
        expect(weights.data[i]).toBe(token === 7 ? Math.fround(1 / hidden) : 0);
      }
      expect(hideTokens(frames, { vocabulary: 7, update })).toEqual({ draft, weights });
    },
  );

  test('hides a share whose mean is that of the cosine, 2 / pi', () => {
    const { draft } = hideTokens(integers([4000, 50], 7, 1), { vocabulary: 7, update: 1 });
    // A hidden share is rounded up, by half a token on average; its deviation is 0.31, of 4,000 rows 0.005.
    const share = draft.data.filter((token) => token === 7).length / 200_000;
    expect(Math.abs(share - 2 / Math.PI - 0.01)).toBeLessThan(0.02);
    expect(hideTokens(integers([4, 50], 7, 1), { vocabulary: 7, update: 2 }).draft).not.toEqual(
      hideTokens(integers([4, 50], 7, 1), { vocabulary: 7, update: 3 }).draft,
    );
  });

  test.prop([fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 100 })])(
    'knows one token or more after the first pass, never fewer later, and all after the last',
    (passes, count) => {
      const known = Array.from({ length: passes }, (_, i) => knownAfter(i + 1, { passes, count }));
      expect(known.at(-1)).toBe(count);
      expect(known.every((number, i) => number >= 1 && number >= (known[i - 1] ?? 0))).toBe(true);
    },
  );

  test.prop([fc.array(fc.constantFrom(-2, -1, -0.5, 1), { minLength: 1, maxLength: 8 })], { numRuns: 30 })(
    'ranks are places in a stable sort, the largest first',
    (row) => {
      const order = row.map((_, i) => i).toSorted((a, b) => row[b]! - row[a]! || a - b);
      const given = cpu
        .state({})
        .eager(() => read(ranks(constant(ndarray('float32', [1, row.length], Float32Array.from(row))))));
      expect([...given.data]).toEqual(row.map((_, i) => order.indexOf(i)));
    },
  );
});

describe('mistakes in settings', () => {
  test.each<[WorldModelOptions, string]>([
    [
      { kind: 'casual' as never },
      `WorldModel settings: kind: expected one of "parallel"|"maskgit"|"causal", got 'casual'. Did you mean 'causal'?`,
    ],
    [{ reward: 'size' as never }, 'WorldModel settings: reward: expected one of "sign"|"two-hot", got \'size\'.'],
    [{ passes: 0 }, 'WorldModel settings: passes: expected number to be >=1, got 0.'],
    [{ temperature: -1 }, 'WorldModel settings: temperature: expected number to be >=0, got -1.'],
    [{ temperature: Infinity }, 'WorldModel settings: temperature: expected number, got Infinity.'],
    [
      { kind: 'causal', width: 9 },
      'WorldModel: a width of 9 does not divide into 2 heads. Choose heads that divide worldModel.width.',
    ],
  ])('%j', (options, message) => {
    expect(() => worldModelOn(cpu, options)).toThrow(message);
  });

  test('a batch that does not fit changes nothing, whatever the kind', () => {
    for (const kind of kinds) {
      const model = worldModelOn(cpu, { kind });
      const [batch, before] = [transitionsOf(model, 4, 1), model.state()];
      const beyond = ndarray('int32', [4, 4], new Int32Array(16).fill(4));
      expect(() => model.trainStep({ ...batch, nextTokens: beyond })).toThrow(/\[0, 4\)/);
      expect(() => model.trainStep({ ...batch, nextTokens: integers([4, 3], 4, 1) })).toThrow(/\[4, 4\]/);
      expect(() => model.predict({ ...batch, actions: floats([4, 1], 1) as never })).toThrow(/int32/);
      expect(model.state()).toEqual(before);
    }
  });
});
