// A tokenizer of one's own in our agent: it knows that Catch is a board of cells, and gives each cell a code. Anything that implements `Tokenizer` will do;
// one that learns has `trainStep` (`TrainableTokenizer`) or `observe` (`StreamingTokenizer`) as well.
//
//   npx tsx experiments/examples/own-tokenizer.ts
import { Agent, AgentTrainer } from '@tessera/agent';
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { createEngine } from '@tessera/engine';
import { memoryShards, Replay, VectorRollouts } from '@tessera/rollouts';
import type { Tokenizer, TokenizerSpec } from '@tessera/vqvae';

const [rows, columns] = [10, 5];
const [cellHeight, cellWidth] = [4, 8];
/** Colours of a cell, from 0 to 255; which one it is, is its code: nothing, ball, paddle, ball on the paddle. */
const colours = [
  [0, 0, 0],
  [190, 40, 40],
  [60, 200, 60],
  [250, 240, 100],
] as const;

class CellTokenizer implements Tokenizer {
  readonly spec: TokenizerSpec = {
    frameShape: [rows * cellHeight, columns * cellWidth, 3],
    tokenShape: [rows, columns],
    vocabulary: colours.length,
    codeDim: colours.length,
  };

  /** The red of a cell's first pixel tells which it is. Frames are float32 in [0, 1]. */
  encode({ shape, data }: NdArray): NdArray<'int32'> {
    const tokens = ndarray('int32', [shape[0]!, rows, columns]);
    tokens.data.forEach((_, place) => {
      const red = Math.round(255 * Number(data[pixelOf(place)]));
      tokens.data[place] = colours.findIndex((colour) => colour[0] === red);
    });
    return tokens;
  }

  /** One hot. */
  embed({ shape, data }: NdArray): NdArray<'float32'> {
    const codes = ndarray('float32', [...shape, colours.length]);
    data.forEach((code, place) => (codes.data[place * colours.length + Number(code)] = 1));
    return codes;
  }

  decode({ shape, data }: NdArray): NdArray<'float32'> {
    const frames = ndarray('float32', [shape[0]!, ...this.spec.frameShape]);
    data.forEach((code, place) => {
      const colour = colours[Number(code)]!.map((channel) => channel / 255);
      for (let y = 0; y < cellHeight; y++) {
        for (let x = 0; x < cellWidth; x++) frames.data.set(colour, pixelOf(place) + 3 * (y * columns * cellWidth + x));
      }
    });
    return frames;
  }

  dispose(): void {}
}

/** Where in a batch of frames the first pixel of a cell is; cells are counted over the whole batch. */
function pixelOf(place: number): number {
  const [row, column] = [Math.floor(place / columns), place % columns];
  return 3 * (row * cellHeight * columns * cellWidth + column * cellWidth);
}

// Enough to foresee the game; to play it well takes about three times as many.
const [steps, seed] = [4032, 0];
const training = {
  numEnvs: 32,
  roundSteps: 18,
  worldModel: { firstUpdates: 60, updates: 10 },
  imagination: { updates: 3, starts: 64, horizon: 9, explore: 0 },
  measureSteps: 288,
};
const engine = await createEngine({ backend: 'wasm' });
const env = { id: 'Catch-v0', imports: [import.meta.resolve('@tessera/env-arcade')] };
const rollouts = await VectorRollouts.create({ env, numEnvs: training.numEnvs, seed });
const agent = new Agent(engine, {
  tokenizer: new CellTokenizer(),
  actions: rollouts.actions,
  worldModel: { context: 1, width: 32, layers: 1, stem: 16, batchSize: 64, learningRate: 3e-3 },
  behaviour: { hidden: 64, learningRate: 2e-3, realBatch: 144 },
  seed,
});
const replay = await Replay.create(memoryShards(), { maxBytes: 2 ** 28 });
const trainer = new AgentTrainer({ agent, rollouts, replay, steps, seed, training });
const show = (share = NaN): string => share.toFixed(2);
let shown: Record<string, number> = {};
for await (const { metrics, roundDone, counters } of trainer.items()) {
  shown = { ...shown, ...metrics };
  if (!roundDone) continue;
  const { 'episode/return': mean, 'world_model/changed_token_accuracy': accuracy } = shown;
  process.stdout.write(`step ${counters.envSteps}: return ${show(mean)}, changed cells foreseen ${show(accuracy)}\n`);
}
engine.dispose();
