// Our tokenizer in an agent of one's own: Q-learning (Watkins, 1989) on Catch with a table whose rows are frames as tokens. Pictures of 4,800 numbers become
// a handful of codes, and a table is all that is left to learn.
//
//   npx tsx experiments/examples/use-tokenizer.ts
import { ndarray, npRandom } from '@tessera/core';
import { Catch } from '@tessera/env-arcade';
import { NearestTokenizer, toUnit } from '@tessera/vqvae';

const episodes = 2000;
const every = 250;
const random = npRandom(0);
const env = new Catch();
const frameShape = [40, 40, 3] as const;
const tokenizer = new NearestTokenizer({ frameShape, tokenShape: [5, 5], vocabulary: 64 });

/** The frame's codes as one word. The tokenizer learns as it goes: what it has not seen before becomes a code. */
function stateOf(frame: Uint8Array): string {
  const batch = toUnit(ndarray('uint8', [1, ...frameShape], frame));
  tokenizer.observe(batch);
  return tokenizer.encode(batch).data.join(' ');
}

const table = new Map<string, number[]>();
function valuesOf(state: string): number[] {
  const values = table.get(state) ?? [0, 0, 0];
  table.set(state, values);
  return values;
}

let total = 0;
for (let episode = 1; episode <= episodes; episode++) {
  let values = valuesOf(stateOf(env.reset(episode === 1 ? { seed: 0 } : {}).observation));
  for (let ended = false; !ended;) {
    const explores = random.random() < 0.3 * (1 - episode / episodes);
    const action = explores ? random.integers(3) : values.indexOf(Math.max(...values));
    const { observation, reward, terminated } = env.step(action);
    const next = valuesOf(stateOf(observation));
    const target = terminated ? reward : Math.max(...next);
    values[action]! += 0.5 * (target - values[action]!);
    values = next;
    total += reward;
    ended = terminated;
  }
  if (episode % every === 0) {
    const { codeCount } = tokenizer;
    const mean = (total / every).toFixed(2);
    process.stdout.write(`episode ${episode}: return ${mean}, ${table.size} states of ${codeCount} codes\n`);
    total = 0;
  }
}
