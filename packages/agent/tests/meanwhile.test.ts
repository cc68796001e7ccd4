// Rounds that are played while the learner trains: which policy plays them, what is learned of them, and how they end.
import { describe, expect, onTestFinished } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import type { Experience, PlayedRound, RoundCollector, RoundOrder, TrainerState } from '../src/index.ts';
import { planRound } from '../src/index.ts';
import { logProbability } from '../src/behaviour/choose-actions.ts';
import { WorkerCollector } from '../src/node.ts';
import { tokensOf } from '../src/preprocess.ts';
import { playerOn } from './fixtures/walk-player.ts';
import type { WalkPlayerOptions } from './fixtures/walk-player.ts';
import { copyOf, collectorHere, finish, runOn, saved } from './training-toy.ts';
import type { Run, RunOptions } from './training-toy.ts';
import { cpu, errorOf, wasm } from './toy.ts';

const meanwhile: RunOptions = { tokenizer: 'vqvae', training: { collection: 'meanwhile' } };
const player = new URL('fixtures/walk-player.ts', import.meta.url);

function workerOf(options: WalkPlayerOptions): WorkerCollector {
  const collector = new WorkerCollector({ module: player, options });
  onTestFinished(() => collector.close());
  return collector;
}

/** A run whose orders and rounds are written down. */
async function noted(
  options: RunOptions,
): Promise<{ run: Run; orders: RoundOrder[]; rounds: PlayedRound[]; player: WalkPlayerOptions }> {
  const orders: RoundOrder[] = [];
  const rounds: PlayedRound[] = [];
  let own: WalkPlayerOptions | undefined;
  const run = await runOn(wasm, {
    ...options,
    async collector(engine, asked): Promise<RoundCollector> {
      own = asked;
      const here = await collectorHere(engine, asked);
      return {
        async play(order) {
          orders.push(order);
          const round = await here.play(order);
          rounds.push(round);
          return round;
        },
      };
    },
  });
  return { run, orders, rounds, player: own! };
}

describe('a round that is played meanwhile', () => {
  test('is acted by the policy of when the round before was taken, which its chunks name', async () => {
    const { run, rounds } = await noted(meanwhile);
    const taken: number[] = [];
    while (!run.trainer.done) {
      const { kind } = await run.trainer.next();
      if (kind === 'collect') taken.push(run.agent.behaviour.version);
    }
    // The first two are played before anything has been learned.
    const expected = [0, ...taken.slice(0, -1)];
    expect(rounds.map(({ chunks }) => [...new Set(chunks.map(({ metadata }) => metadata.policyVersion))])).toEqual(
      expected.map((version) => [version]),
    );
    expect(expected.at(-1)).toBeGreaterThan(0);
  });

  test('is learned from by how likely its actions were to the policy that took them', async () => {
    const { run, orders, rounds, player: options } = await noted(meanwhile);
    const other = await playerOn(wasm, options);
    onTestFinished(() => other.dispose());
    const lessons: Experience[][] = [];
    const { behaviour } = run.agent;
    const learn = behaviour.learn.bind(behaviour);
    let real = false;
    behaviour.learn = (experience, how) => {
      if (real) lessons.push([...experience]);
      return learn(experience, how);
    };
    while (!run.trainer.done) {
      const { round, roundStart: startSteps, item } = run.trainer.counters;
      real = planRound(run.trainer.config, { round, startSteps, trainable: true })[item] === 'real';
      await run.trainer.next();
    }
    expect(lessons.length).toBe(rounds.length);
    for (const [round, { acting }] of orders.entries()) {
      const of = (part: string) =>
        Object.fromEntries(
          Object.entries(acting).flatMap(([name, array]) =>
            name.startsWith(part) ? [[name.slice(part.length), array]] : [],
          ),
        );
      (other.agent.tokenizer as unknown as { loadState(state: object): void }).loadState(of('tokenizer.'));
      other.agent.behaviour.loadState(of('behaviour.'));
      for (const [i, { frames, actions, metadata }] of rounds[round]!.chunks.entries()) {
        const { logits } = other.agent.behaviour.judge(tokensOf(other.agent.tokenizer, frames));
        const count = logits.shape[1]!;
        const said = Array.from(actions.data, (action, step) =>
          // A policy that has learned nothing is not asked: every action is equally likely.
          metadata.policyVersion === 0
            ? -Math.log(count)
            : logProbability(
                logits.data.subarray(step * count, (step + 1) * count) as Float32Array,
                action - other.agent.actions.first,
              ),
        );
        const learned = [...lessons[round]![i]!.logProbabilities];
        expect(learned.length).toBe(said.length);
        for (const [step, value] of said.entries()) expect(learned[step]).toBeCloseTo(value, 5);
      }
    }
  });

  test('is the same however long it takes', async () => {
    const fast = await runOn(cpu, { ...meanwhile, tokenizer: 'pixels', steps: 40 });
    const events = await finish(fast);
    const slow = await runOn(cpu, {
      ...meanwhile,
      tokenizer: 'pixels',
      steps: 40,
      async collector(engine, options) {
        const here = await collectorHere(engine, options);
        // It is not even begun before the learner waits for it.
        const pause = () => new Promise((resolve) => setTimeout(resolve, 20));
        return { play: (order) => pause().then(() => here.play(order)) };
      },
    });
    expect(await finish(slow)).toEqual(events);
    expect(saved(slow)).toEqual(saved(fast));
  });

  test('needs somebody who plays it', async () => {
    const none = { ...meanwhile, collector: () => undefined as unknown as RoundCollector };
    expect(await errorOf(() => runOn(cpu, { ...none, tokenizer: 'pixels' }))).toMatchInlineSnapshot(
      `"ConfigError: AgentTrainer: training.collection 'meanwhile' needs a collector that plays while the learner trains. Give it one, such as a WorkerCollector of @tessera/agent/node, or choose 'in-turn'."`,
    );
  });

  test('is not waited for when the run is to stop, and played again by whoever goes on', async () => {
    const options = { ...meanwhile, tokenizer: 'pixels' as const, steps: 40 };
    const whole = await runOn(cpu, options);
    const events = await finish(whole);
    const controller = new AbortController();
    const run = await runOn(cpu, {
      ...options,
      async collector(engine, asked) {
        const here = await collectorHere(engine, asked);
        let rounds = 0;
        // The third one never ends.
        return {
          play: (order) =>
            ++rounds < 3 ? here.play(order) : new Promise(() => setImmediate(() => controller.abort())),
        };
      },
    });
    const done = [];
    for await (const event of run.trainer.items(controller.signal)) done.push(event);
    expect(done).toEqual(events.slice(0, done.length));
    expect(done.at(-1)!.roundDone).toBe(true);
    const next = await runOn(cpu, options, { state: saved(run), store: await copyOf(run.store) });
    expect([...done, ...(await finish(next))]).toEqual(events);
    expect(saved(next)).toEqual(saved(whole));
  });
});

describe('a state with a round in flight', () => {
  test('that does not fit says why', async () => {
    const options = { ...meanwhile, tokenizer: 'pixels' as const, steps: 40 };
    const run = await runOn(cpu, options);
    await run.trainer.next();
    const { tensors, meta } = saved(run);
    const { 'acting.behaviour.codes': codes, ...without } = tensors;
    const { 'played.logProbabilities': said, ...unsaid } = tensors;
    expect(said!.shape).toEqual([16]);
    const messages: string[] = [];
    const bad: [RunOptions, TrainerState][] = [
      [options, { tensors: without, meta }],
      [options, { tensors: { ...tensors, 'acting.stray': codes! }, meta }],
      [options, { tensors: { ...unsaid, 'played.logProbabilities': codes! }, meta }],
      [
        { ...options, training: {} },
        { tensors, meta },
      ],
    ];
    for (const [own, state] of bad) {
      const store = await copyOf(run.store);
      messages.push(await errorOf(() => runOn(cpu, own, { state, store })));
    }
    expect(messages.join('\n')).toMatchInlineSnapshot(`
      "FormatError: AgentTrainer.loadState: expected what this agent acts with under 'acting', but 'behaviour.codes [16, 2]' is in only one of the two.
      FormatError: AgentTrainer.loadState: expected what this agent acts with under 'acting', but 'stray [16, 2]' is in only one of the two.
      FormatError: AgentTrainer.loadState: expected under 'played' logProbabilities float32 [16] for the steps of the round, got logProbabilities [16, 2].
      FormatError: AgentTrainer.loadState: 'behaviour.parameters.table' is for rounds that are played meanwhile; this run plays them in turn."
    `);
  });
});

/** Kinds of work by the environment steps at which they are done. */
test.prop(
  [
    fc.constantFrom('in-turn' as const, 'meanwhile' as const),
    fc.constantFrom('alternating' as const, 'interleaved' as const),
    fc.uniqueArray(fc.nat(30), { minLength: 1, maxLength: 3 }),
  ],
  { numRuns: 4 },
)('wherever a run is stopped, as many updates of each kind follow each round', async (collection, mode, stops) => {
  const options: RunOptions = { steps: 48, training: { collection, mode } };
  let run = await runOn(cpu, options);
  const done: [number, string][] = [];
  while (!run.trainer.done) {
    if (stops.includes(done.length)) {
      run = await runOn(cpu, options, { state: saved(run), store: await copyOf(run.store) });
    }
    const { kind, counters } = await run.trainer.next();
    done.push([counters.envSteps, kind]);
  }
  const planned = [0, 1, 2].flatMap((round) =>
    planRound(run.trainer.config, { round, startSteps: 16 * round, trainable: false }).map((kind) => [
      16 * (round + 1),
      kind,
    ]),
  );
  expect(done).toEqual(planned);
});

describe('a worker', () => {
  const orderFor = async (): Promise<{ options: WalkPlayerOptions; order: RoundOrder; run: Run }> => {
    const { run, orders, player: options } = await noted({ ...meanwhile, steps: 40 });
    await run.trainer.next();
    return { options, order: orders[0]!, run };
  };

  test('plays what would be played here, and puts everything away', { timeout: 60_000 }, async () => {
    const here = await runOn(wasm, { ...meanwhile, tokenizer: 'nearest' });
    const events = await finish(here);
    const gone = new Int32Array(new SharedArrayBuffer(4));
    let collector: WorkerCollector | undefined;
    const there = await runOn(wasm, {
      ...meanwhile,
      tokenizer: 'nearest',
      collector: (_, options) => (collector = workerOf({ ...options, gone })),
    });
    expect(await finish(there)).toEqual(events);
    expect(saved(there)).toEqual(saved(here));
    await collector!.close();
    expect([...gone]).toEqual([1]);
  });

  test('that fails says why, and nothing comes from it any more', { timeout: 60_000 }, async () => {
    const { options, order } = await orderFor();
    const broken = { ...order, acting: {} };
    const messages: string[] = [];
    for (const [fault, asked] of [
      ['making', order],
      ['exit', order],
      [undefined, broken],
    ] as const) {
      const collector = workerOf({ ...options, fault });
      const [first, second] = [collector.play(asked), collector.play(order)].map((round) => errorOf(() => round));
      messages.push(await first!);
      expect(await second).toBe(await first);
    }
    expect(messages.join('\n')).toMatchInlineSnapshot(`
      "TypeError: there are no walks today
      WorkerError: worker 'round-worker': ended with exit code 7 before its work was done, without an error of its own.
      ConfigError: loadState: 'parameters.encoder.down.0.kernel' is missing, and 36 more."
    `);
  });

  test('that is closed plays no more', { timeout: 60_000 }, async () => {
    const { options, order } = await orderFor();
    const gone = new Int32Array(new SharedArrayBuffer(4));
    const collector = workerOf({ ...options, gone });
    await collector.play(order);
    const endless = errorOf(() => collector.play({ ...order, steps: 10_000_000 }));
    await collector.close();
    expect(await endless).toBe('CancelledError: collector: closed before the round was played.');
    expect([...gone]).toEqual([1]);
    expect(await errorOf(() => collector.play(order))).toBe(await endless);
  });

  test('takes plain data alone', async () => {
    expect(await errorOf(() => new WorkerCollector({ module: player, options: () => 1 }))).toMatch(
      /^ConfigError: WorkerCollector: its options cannot be copied to a worker: .* Use plain data\.$/,
    );
  });
});
