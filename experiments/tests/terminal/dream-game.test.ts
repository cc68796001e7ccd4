// The dream of a model that knows the rules of Catch is Catch.
import { DreamVectorEnv, StickyActions } from '@tessera/agent';
import type { Agent, DreamEnvOptions, PlayOf, Starts } from '@tessera/agent';
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { Catch, catchBoard, findBall } from '@tessera/env-arcade';
import { NearestTokenizer, toBytes, toUnit } from '@tessera/vqvae';
import { expect, test } from 'vitest';
import { dreamGame } from '../../src/terminal/dream-game.ts';
import type { GameStep } from '../../src/terminal/game.ts';
import type { TerminalPicture } from '../../src/terminal/half-blocks.ts';

const context = 3;
const frameShape = [40, 40, 3] as const;
const batch = (frame: Uint8Array) => ndarray('uint8', [1, ...frameShape], frame);

/** A code for each cell, which has seen all there is to see: every episode of a paddle that stands at the left. */
function cells(): NearestTokenizer {
  const tokenizer = new NearestTokenizer({ frameShape, tokenShape: [10, 5], vocabulary: 8 });
  const env = new Catch();
  for (let seed = 0; seed < 30; seed++) {
    tokenizer.observe(toUnit(batch(env.reset({ seed }).observation)));
    for (let step = 0; step < 9; step++) tokenizer.observe(toUnit(batch(env.step(0).observation)));
  }
  return tokenizer;
}

/** The state that a frame shows, as the game saves it. */
function stateIn(frame: Uint8Array) {
  const ball = findBall(frame, catchBoard)!;
  const paddle = [0, 1, 2, 3, 4].find((column) => frame[(36 * 40 + column * 8) * 3 + 1]! > 120)!;
  return { ballRow: ball.row, ballColumn: ball.column, paddle };
}

/** A real step from what a frame shows. */
function stepFrom(frame: Uint8Array, action: number) {
  const env = new Catch();
  env.reset({ seed: 0 });
  env.setState({ ...env.getState(), data: stateIn(frame) });
  return env.step(action);
}

function knowingAgent() {
  const tokenizer = cells();
  const shown: Starts[] = [];
  const decode = (data: Int32Array) => toBytes(tokenizer.decode(ndarray('int32', [1, 10, 5], data))).data;
  const worldModel = {
    config: { context },
    spec: { actionCount: 3 },
    sticky: new StickyActions(3),
    predict(starts: Starts) {
      shown.push(structuredClone(starts) as Starts);
      const next = stepFrom(decode(starts.tokens.data.slice(-50)), starts.actions.data.at(-1)!);
      const tokens = tokenizer.encode(toUnit(batch(next.observation)));
      return {
        tokens: { ...tokens, shape: [1, 50] },
        rewards: Float32Array.of(next.reward),
        ends: Uint8Array.of(Number(next.terminated)),
      };
    },
  };
  const seen: [frame: Uint8Array, before: PlayOf][] = [];
  const agent = {
    tokenizer,
    worldModel,
    actions: { count: 3, first: 0 },
    asEnv: (options: DreamEnvOptions) => new DreamVectorEnv(agent as unknown as Agent, options),
    player: () => ({
      act({ data }: NdArray<'uint8'>, before: PlayOf) {
        seen.push([data, before]);
        return {
          probabilities: ndarray('float32', [1, 3], Float32Array.of(0.2, 0.1, 0.7)),
          values: Float32Array.of(0.5),
        };
      },
    }),
  };
  return { agent: agent as unknown as Agent, shown, seen };
}

/** `toEqual` takes its time over thousands of numbers. */
const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

const bytes = ({ data }: TerminalPicture) => Uint8Array.from(data);

test('a dream begins with real frames, follows the keys, and pays and ends as the model says', async () => {
  const { agent, shown, seen } = knowingAgent();
  const game = dreamGame(agent, { id: 'Catch-v0' }, 3);
  expect(game.title).toBe('Catch-v0, dreamed');
  const starts = new Set<number>();
  const returns: number[] = [];
  for (let episode = 0; episode < 5; episode++) {
    let picture: TerminalPicture = await game.reset();
    const { ballRow, ballColumn, paddle } = stateIn(bytes(picture));
    expect([ballRow, paddle]).toEqual([0, 2]);
    starts.add(ballColumn);
    const key = ['left', 'right', '1'][episode % 3]!;
    let total = 0;
    for (let step = 1; step <= 9; step++) {
      const real = stepFrom(bytes(picture), game.keys.get(key)!);
      const next: GameStep = await game.step(game.keys.get(key)!);
      expect(same(bytes(next.picture), real.observation)).toBe(true);
      expect(next).toMatchObject({ reward: real.reward, ended: step === 9 });
      ({ picture } = next);
      total += next.reward;
    }
    returns.push(total);
    // What the policy would do is asked of what is to be seen, once of every frame, and it hears what somebody else did before.
    for (let i = 0; i < 2; i++) {
      expect(game.comment!()).toBe('the agent would: right 70 %, left 20 %, stay 10 %; value 0.50');
    }
    expect(same(seen.at(-1)![0], bytes(picture))).toBe(true);
    const action = game.keys.get(key)!;
    const steps = Array.from({ length: 9 }, () => ({ begins: [0], chosen: [action], executed: [action] }));
    expect(seen.splice(0).map(([, before]) => before)).toEqual([{ begins: [1] }, ...steps]);
  }
  // Episodes differ, and before the first frame there was no action.
  expect(starts.size).toBeGreaterThan(1);
  for (const total of returns) expect(Math.abs(total)).toBe(1);
  expect([...shown[0]!.actions.data]).toEqual([3, 3, 0]);
  game.close();
});

test('the same seed gives the same starts', async () => {
  const first = async (seed: number) => {
    const game = dreamGame(knowingAgent().agent, { id: 'Catch-v0' }, seed);
    const columns: number[] = [];
    for (let episode = 0; episode < 5; episode++) columns.push(stateIn(bytes(await game.reset())).ballColumn);
    game.close();
    return columns;
  };
  expect(await first(1)).toEqual(await first(1));
  expect(await first(1)).not.toEqual(await first(2));
});
