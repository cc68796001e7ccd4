// Who acts in training: the tokenizer and the policy of that moment, which decide alike whether they collect or are evaluated. In TorchRL (PR #4119) the policy that acted
// had not been using the trained model.
import { describe, expect, onTestFinished, vi } from 'vitest';
import { test } from '@fast-check/vitest';
import { Generator, ndarray, PCG64 } from '@tessera/core';
import type { GeneratorState, NdArray } from '@tessera/core';
import type { NamedArrays } from '@tessera/engine';
import { VectorRollouts } from '@tessera/rollouts';
import type { BatchPolicy } from '@tessera/rollouts';
import { agentPolicy, codeFeatures, evaluatePolicy, framePolicy } from '../src/index.ts';
import type { Agent, Decision, TrainingOptions } from '../src/index.ts';
import { playerOn } from './fixtures/walk-player.ts';
import type { WalkPlayerOptions } from './fixtures/walk-player.ts';
import { tokenizerOf } from './tokenizers.ts';
import type { TokenizerKind } from './tokenizers.ts';
import { cpu } from './toy.ts';
import { runOn } from './training-toy.ts';
import type { Run, RunOptions } from './training-toy.ts';
import { walk, walkActions } from './walk-env.ts';

/** A policy that soon prefers some actions strongly, so that another tokenizer would have it choose others; it learns from real steps alone. */
const decided: RunOptions = { tokenizer: 'vqvae', behaviour: { learningRate: 0.1, entropy: 0 } };
const training: TrainingOptions = {
  replayBytes: 2 ** 20,
  worldModel: { firstUpdates: 1, updates: 1 },
  imagination: { updates: 0 },
};

/** Parts that act, and where the stream of actions stands. */
interface Snapshot {
  readonly tokenizer: NamedArrays;
  readonly behaviour: NamedArrays;
  readonly version: number;
  readonly generator: GeneratorState;
}

function snapshotOf({ agent, trainer }: Run): Snapshot {
  const { generators } = trainer.state().meta;
  return {
    tokenizer: stateOf(agent),
    behaviour: agent.behaviour.state(),
    version: agent.behaviour.version,
    generator: generators['policy']!,
  };
}

const learner = ({ tokenizer }: Agent) =>
  tokenizer as unknown as { state(): NamedArrays; loadState(state: NamedArrays): void };
const stateOf = (agent: Agent): NamedArrays => structuredClone(learner(agent).state());

/** What a round has recorded of each tick: frames [2, ...], whether an episode begins, and the actions. */
async function ticksOf({ replay, trainer }: Run) {
  const chunks = [...replay.chunks()].filter(({ id }) => id >= trainer.counters.roundFirstChunk);
  const byEnv: { frame: Uint8Array; begins: number; action: number }[][] = [[], []];
  for (const chunk of chunks) {
    const frames = await replay.frames(chunk);
    for (let step = 0; step < chunk.steps; step++) {
      byEnv[chunk.metadata.envIndex]!.push({
        frame: frames.data.slice(16 * step, 16 * (step + 1)),
        begins: chunk.metadata.firstStep + step === 0 ? 1 : 0,
        action: chunk.actions[step]!,
      });
    }
  }
  const [one, other] = byEnv as [(typeof byEnv)[number], (typeof byEnv)[number]];
  return {
    version: new Set(chunks.map(({ metadata }) => metadata.policyVersion)),
    ticks: one.map((own, tick) => {
      const pair = [own, other[tick]!];
      return {
        frames: ndarray('uint8', [2, 4, 4, 1], Uint8Array.from(pair.flatMap(({ frame }) => [...frame]))),
        begins: pair.map(({ begins }) => begins),
        actions: pair.map(({ action }) => action),
      };
    }),
  };
}

/** What an agent of these parts does at these frames, from the networks' weights and what the codes look like to this tokenizer. */
function actionsOf(
  agent: Agent,
  { tokenizer, behaviour, generator: position }: Snapshot,
  { ticks }: Awaited<ReturnType<typeof ticksOf>>,
): number[][] {
  learner(agent).loadState(tokenizer);
  agent.behaviour.loadState(behaviour);
  agent.refreshCodes();
  const generator = new Generator(new PCG64(0));
  generator.setState(position);
  const player = agent.player({ generator });
  return ticks.map(({ frames, begins }) => [...player.act(frames, { envIndices: [0, 1], begins }).actions]);
}

describe('what is collected', () => {
  test.each<[string, 'in-turn' | 'meanwhile', TokenizerKind]>([
    ['the trained tokenizer and policy of now', 'in-turn', 'vqvae'],
    ['those of when the round began', 'meanwhile', 'vqvae'],
    ['those of when the round began, patches too', 'meanwhile', 'nearest'],
  ])('is decided by %s (%s, %s)', async (_, collection, kind) => {
    const env = { spread: 3 };
    const run = await runOn(cpu, { ...decided, tokenizer: kind, env, training: { ...training, collection } });
    const { agent, trainer } = run;
    const options: WalkPlayerOptions = { kind, seed: 0, agent: agent.config, env };
    const other = await playerOn(cpu, options);
    const untrained = tokenizerOf(cpu, { kind, seed: 0 });
    onTestFinished(() => {
      other.dispose();
      untrained.dispose();
    });
    const stale = structuredClone((untrained as unknown as { state(): NamedArrays }).state());
    let [present, begun] = [snapshotOf(run), snapshotOf(run)];
    let [acted, otherwise] = [0, 0];
    while (!trainer.done) {
      if (trainer.counters.item === 0) present = snapshotOf(run);
      const { kind: work } = await trainer.next();
      if (work !== 'collect') continue;
      const who = collection === 'in-turn' ? present : begun;
      const round = await ticksOf(run);
      expect(round.version).toEqual(new Set([who.version]));
      begun = snapshotOf(run);
      // The next round, if there is one, is played with the codes that this one has brought.
      const now = codeFeatures(agent.tokenizer);
      const shipped = trainer.state().tensors['acting.behaviour.codes'] ?? now;
      expect(shipped.data).toEqual(now.data);
      // Before anything was learned actions are random.
      if (who.version === 0) continue;
      const played = round.ticks.map(({ actions }) => actions);
      expect(actionsOf(other.agent, who, round)).toEqual(played);
      acted += played.length;
      const before = actionsOf(other.agent, { ...who, tokenizer: stale }, round);
      otherwise += before.filter((actions, tick) => String(actions) !== String(played[tick])).length;
    }
    expect(acted).toBeGreaterThan(8);
    // The tokenizer as it was at first would have shown the policy something else.
    expect(otherwise).toBeGreaterThan(0);
  });
});

describe('what is learned of what was collected', () => {
  test.each(['alternating', 'interleaved', 'end-to-end'] as const)(
    'starts from how likely its actions were when they were taken, though codes move: %s',
    async (mode) => {
      const live = { tokenizer: { untilSteps: 1000, updates: 5 }, mode };
      const run = await runOn(cpu, { ...decided, training: { ...training, ...live } });
      const { agent, trainer, replay } = run;
      const act = vi.spyOn(agent.behaviour, 'act');
      const learn = vi.spyOn(agent.behaviour, 'learn');
      let [acted, rounds]: [number[][], number] = [[], 0];
      while (!trainer.done) {
        act.mockClear();
        const { kind } = await trainer.next();
        const { version } = agent.behaviour;
        if (kind === 'collect') {
          const said = act.mock.results.map(({ value }) => [...(value as Decision).logProbabilities]);
          // Before anything was learned actions are random.
          const ticks = version === 0 ? Array.from({ length: 8 }, () => [0, 0].fill(-Math.log(3))) : said;
          acted = [0, 1].map((env) => ticks.map((tick) => tick[env]!));
        }
        if (kind !== 'real' || learn.mock.lastCall === undefined) continue;
        const [experience] = learn.mock.lastCall;
        const chunks = [...replay.chunks()].slice(-experience.length);
        const learned: number[][] = [[], []];
        for (const [i, { logProbabilities }] of experience.entries()) {
          learned[chunks[i]!.metadata.envIndex]!.push(...logProbabilities);
        }
        for (const [env, own] of learned.entries()) {
          expect(own.length).toBe(acted[env]!.length);
          for (const [step, value] of own.entries()) expect(value).toBeCloseTo(acted[env]![step]!, 5);
        }
        rounds++;
      }
      expect(rounds).toBeGreaterThan(2);
      expect(new Set(acted.flat()).size).toBeGreaterThan(2);
    },
  );
});

describe('evaluation', () => {
  test('decides at each frame as collecting does', async () => {
    const run = await runOn(cpu, { ...decided, training });
    const { agent, trainer, rollouts } = run;
    const act = vi.spyOn(agent.behaviour, 'act');
    const rowsOf = ({ shape, data }: NdArray): string[] => {
      const size = data.length / shape[0]!;
      return Array.from({ length: shape[0]! }, (_, row) => data.slice(row * size, (row + 1) * size).join(' '));
    };
    /** How likely each action was at each frame that this policy is asked about. */
    const noting = (policy: BatchPolicy, noted: Map<string, string>): BatchPolicy => ({
      version: policy.version,
      act(frames, ...rest) {
        const actions = policy.act(frames, ...rest);
        const { probabilities } = act.mock.results.at(-1)!.value as ReturnType<Agent['behaviour']['act']>;
        const rows = rowsOf(probabilities);
        for (const [row, frame] of rowsOf(frames).entries()) noted.set(frame, rows[row]!);
        return actions;
      },
    });
    const [evaluated, collected] = [new Map<string, string>(), new Map<string, string>()];
    const collect = rollouts.collect.bind(rollouts);
    rollouts.collect = (policy, steps) => collect(policy.version > 0 ? noting(policy, collected) : policy, steps);
    while (!(trainer.counters.round === 2 && trainer.counters.item === 0)) await trainer.next();
    // What the round before saw was decided by weights of then.
    collected.clear();
    await evaluatePolicy(noting(agentPolicy(agent, { seed: 1 }), evaluated), {
      env: walk(),
      episodes: 80,
      side: 10,
      seed: 5,
    });
    await trainer.next();
    const both = [...collected.keys()].filter((frame) => evaluated.has(frame));
    expect(both.length).toBeGreaterThan(5);
    for (const frame of both) expect([frame, evaluated.get(frame)]).toEqual([frame, collected.get(frame)]);
    expect(new Set(both.map((frame) => collected.get(frame))).size).toBeGreaterThan(2);
  });

  test('shows a policy the frames that collecting shows it, stacked ones too', async () => {
    const env = walk({ stackFrames: 2, length: 5 } as object);
    const seen = { collected: new Set<string>(), evaluated: new Set<string>() };
    const right = (where: Set<string>) =>
      framePolicy((frame) => {
        where.add(String(frame));
        return walkActions.first + 2;
      });
    const rollouts = await VectorRollouts.create({ env, numEnvs: 16, seed: 0 });
    onTestFinished(() => rollouts.close());
    await rollouts.collect(right(seen.collected), 5 * 16);
    await evaluatePolicy(right(seen.evaluated), { env, episodes: 16, seed: 1, side: 16 });
    // From each of the four places a walk of five frames.
    expect(seen.collected.size).toBe(4 * 5);
    expect(seen.evaluated).toEqual(seen.collected);
  });
});
