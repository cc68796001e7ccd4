// Writes docs/*.md and docs/*.png: node --import tsx --conditions @tessera/source envs/toy-text/scripts/pages.ts
import { random, writePage } from '../../gymnasium-js/scripts/environment-pages.ts';
import type { MeasuredPolicy, Page } from '../../gymnasium-js/scripts/environment-pages.ts';
import type { Discrete, Env } from 'gymnasium-js';
import '@tessera/env-toy-text';
import type { TabularEnv } from '@tessera/env-toy-text';

const always = (name: string, action: number): MeasuredPolicy => ({ name, act: () => action });

/** The best action of each state by value iteration over the table, with discount 0.999. */
function solve(env: Env<unknown, unknown>): number[] {
  const { P } = env.unwrapped as TabularEnv;
  const values = new Float64Array(P.length);
  const worth = (state: number, action: number): number =>
    P[state]![action]!.reduce(
      (sum, t) => sum + t.probability * (t.reward + (t.terminated ? 0 : 0.999 * values[t.state]!)),
      0,
    );
  for (let change = 1; change > 1e-9;) {
    change = 0;
    for (let state = 0; state < P.length; state++) {
      const best = Math.max(...P[state]!.map((_transitions, action) => worth(state, action)));
      change = Math.max(change, Math.abs(best - values[state]!));
      values[state] = best;
    }
  }
  return P.map((actions, state) => {
    const all = actions.map((_transitions, action) => worth(state, action));
    return all.indexOf(Math.max(...all));
  });
}

const solutions = new Map<string, number[]>();
const best: MeasuredPolicy = {
  name: 'best: value iteration over `P`',
  act(observation: number, env) {
    const id = env.spec!.id;
    if (!solutions.has(id)) solutions.set(id, solve(env));
    return solutions.get(id)![observation];
  },
};

// Sutton and Barto, figure 5.2.
function basicStrategy([sum, dealer, usableAce]: [number, number, number]): number {
  if (usableAce === 1) return Number(sum < 18 || (sum === 18 && dealer >= 9));
  if (sum < 12) return 1;
  if (sum === 12) return Number(dealer < 4 || dealer > 6);
  return Number(sum < 17 && (dealer === 1 || dealer >= 7));
}

const pages: Page[] = [
  {
    file: 'frozen-lake',
    title: 'FrozenLake',
    source: 'src/frozen-lake.ts',
    ids: ['FrozenLake-v1', 'FrozenLake8x8-v1'],
    picture: { id: 'FrozenLake-v1', options: { isSlippery: false }, size: 160, seed: 0, actions: [1, 1, 2] },
    policies: [random, always('no-op: always left', 0), best],
    episodes: 2000,
    notes: 'There is no action that does nothing. Random maps: `generateRandomMap({ size, p, seed })` as `desc`.',
  },
  {
    file: 'cliff-walking',
    title: 'CliffWalking',
    source: 'src/cliff-walking.ts',
    ids: ['CliffWalking-v1', 'CliffWalkingSlippery-v1'],
    picture: { id: 'CliffWalking-v1', size: [96, 288], seed: 0, actions: [0, 1, 1, 1, 1, 0, 1] },
    policies: [random, always('no-op: always left', 3), best],
    episodes: 200,
    cap: 1000,
    notes: 'There is no action that does nothing.',
  },
  {
    file: 'taxi',
    title: 'Taxi',
    source: 'src/taxi.ts',
    ids: ['Taxi-v4'],
    picture: { id: 'Taxi-v4', size: [154, 242], seed: 3, actions: [0, 2] },
    policies: [
      random,
      always('no-op: always south', 0),
      {
        name: 'random, out of `actionMask`',
        act(observation: number, env) {
          const changes = (env.unwrapped as TabularEnv).P[observation]!.map((t) => Number(t[0]!.state !== observation));
          return (env.actionSpace as Discrete).sample({ mask: changes });
        },
      },
      best,
    ],
    episodes: 1000,
    notes: 'There is no action that does nothing.',
  },
  {
    file: 'blackjack',
    title: 'Blackjack',
    source: 'src/blackjack.ts',
    ids: ['Blackjack-v1'],
    picture: { id: 'Blackjack-v1', size: [150, 180], seed: 4, actions: [] },
    policies: [
      random,
      always('no-op: always stick', 0),
      { name: 'basic strategy (figure 5.2 of the book)', act: basicStrategy },
    ],
    episodes: 50_000,
  },
];

for (const page of pages) console.log(writePage(new URL('../', import.meta.url), page).join('\n'));
