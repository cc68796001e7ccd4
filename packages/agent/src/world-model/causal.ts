// The kind `causal`: the world model of IRIS (Micheli et al. 2023, arXiv 2209.00588; written from the paper), a GPT over blocks of a frame's tokens and the action
// taken at it, which says the next frame token by token:
//
//   reads   z0 z1 .. zK-1  a    z0' z1' .. zK-1'  a' ...
//   says    z1 z2 ..  -    z0'  z1' z2' ..  -     z0'' ...
//
// A frame's last token says nothing; an action also says the reward and whether the episode ends. Two differences from the paper: reward and end are learned at the
// last action of a window alone, and there is no dropout.
import { ndarray } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';
import { add, concat, constant, f32, gather, mul, relu, reshape, slice, softmaxCrossEntropy } from '@tessera/engine';
import type { Tensor, Traced } from '@tessera/engine';
import {
  block,
  dense,
  initBlock,
  initDense,
  initEmbedding,
  initNorm,
  nextBlocks,
  norm,
  prefixBlocks,
} from '@tessera/nn';
import type { Block, FreshLayers, Linear, Norm } from '@tessera/nn';
import { tokensIn, weighted } from './dynamics.ts';
import type { Dynamics, ModelSettings } from './dynamics.ts';
import { initRewardHead } from './rewards.ts';
import type { Transitions } from './world-model.ts';

/** Two layers with a ReLU between them. */
interface Head {
  readonly hidden: Linear;
  readonly output: Linear;
}

/** Parameters of a causal world model. */
export interface CausalParameters {
  /** [vocabulary, width] */
  readonly tokens: NdArray<'float32'>;
  /** [actionCount + 1, width] */
  readonly actions: NdArray<'float32'>;
  /** [(context + 1) (tokens + 1), width]: a block for each frame of the context and one for the next frame. */
  readonly positions: NdArray<'float32'>;
  readonly blocks: readonly Block[];
  readonly norm: Norm;
  readonly tokenHead: Head;
  readonly rewardHead: Head;
  readonly endHead: Head;
}

export const causal: Dynamics<CausalParameters> = {
  init: initCausalWorldModel,
  choices: ({ spec }) => tokensIn(spec),
  inputs: ({ config, spec }, batch) => ({ weights: f32(batch, (config.context + 1) * tokensIn(spec) - 1) }),
  arrays: ({ spec: { actionCount } }, transitions) => ({ weights: knownTokens(transitions, actionCount) }),
  learn(parameters, settings, { tokens, actions, nextTokens, weights }) {
    const next = causalPass(parameters, settings, { tokens, actions, nextTokens: nextTokens! });
    const [batch, context, count] = tokens.shape as [number, number, number];
    const read = concat([reshape(tokens, [batch, context * count]), nextTokens!], { axis: 1 });
    const labels = slice(read, [0, 1], [batch, (context + 1) * count - 1]);
    const losses = mul(softmaxCrossEntropy(next.tokens, labels), weights!);
    return { ...weighted(losses), rewards: next.rewards, ends: next.ends };
  },
  hiddenSize: ({ config }) => config.width,
  hidden(parameters, { config: { heads } }, { tokens, actions }) {
    const read = withPositions(parameters, readContext(parameters, { tokens, actions }), 0);
    return lastOf(norm(parameters.norm, prefixBlocks(parameters.blocks, read, { heads }).hidden));
  },
  imagine(parameters, settings, { seen: { tokens, actions }, choice }) {
    const { heads, width } = settings.config;
    const [batch, context, count] = tokens.shape as [number, number, number];
    const length = context * (count + 1);
    const { hidden, fresh: caches } = prefixBlocks(
      parameters.blocks,
      withPositions(parameters, readContext(parameters, { tokens, actions }), 0),
      { heads },
    );
    const position = constant(ndarray('int32', [], Int32Array.of(length)));
    const atAction = lastOf(norm(parameters.norm, hidden));
    const frame = [choice.pick(headOf(parameters.tokenHead, atAction))]; // each [batch]
    let fresh: FreshLayers | undefined;
    while (frame.length < count) {
      const read = reshape(gather(parameters.tokens, frame.at(-1)!), [batch, 1, width]);
      const x = withPositions(parameters, read, length + frame.length - 1);
      const next = nextBlocks(parameters.blocks, caches, x, { heads, position, fresh });
      fresh = next.fresh;
      frame.push(choice.pick(headOf(parameters.tokenHead, lastOf(norm(parameters.norm, next.hidden)))));
    }
    return {
      tokens: concat(
        frame.map((token) => reshape(token, [batch, 1])),
        { axis: 1 },
      ),
      rewards: headOf(parameters.rewardHead, atAction),
      ends: headOf(parameters.endHead, atAction),
    };
  },
};

/** Starting values. */
export function initCausalWorldModel(generator: Generator, { config, spec }: ModelSettings): CausalParameters {
  const { context, width, layers, expansion } = config;
  const hidden = () => initDense(generator, { inputs: width, outputs: width });
  const headOfSize = (outputs: number): Head => ({
    hidden: hidden(),
    output: initDense(generator, { inputs: width, outputs, gain: Math.SQRT1_2 }),
  });
  return {
    tokens: initEmbedding(generator, { vocabulary: spec.vocabulary, width }),
    actions: initEmbedding(generator, { vocabulary: spec.actionCount + 1, width }),
    positions: initEmbedding(generator, { vocabulary: (context + 1) * (tokensIn(spec) + 1), width }),
    blocks: Array.from({ length: layers }, () => initBlock(generator, { width, expansion })),
    norm: initNorm(width),
    tokenHead: headOfSize(spec.vocabulary),
    rewardHead: { hidden: hidden(), output: initRewardHead(generator, config) },
    endHead: headOfSize(2),
  };
}

/** What the model says of a whole window whose next frame is known, as logits. */
export interface CausalPrediction {
  /** [batch, (context + 1) tokens - 1, vocabulary]: of every token of the context and of the next frame but the very first, from those before it. */
  readonly tokens: Tensor;
  readonly rewards: Tensor;
  readonly ends: Tensor;
}

/** One pass over windows: `tokens` int32 [batch, context, tokens], `actions` int32 [batch, context], `nextTokens` int32 [batch, tokens]. */
export function causalPass(
  parameters: Traced<CausalParameters>,
  { config: { heads, width } }: Pick<ModelSettings, 'config'>,
  { tokens, actions, nextTokens }: { readonly tokens: Tensor; readonly actions: Tensor; readonly nextTokens: Tensor },
): CausalPrediction {
  const [batch, context, count] = tokens.shape as [number, number, number];
  const length = context * (count + 1);
  const parts = [readContext(parameters, { tokens, actions })];
  // The last token of the next frame is said and not read.
  if (count > 1) parts.push(gather(parameters.tokens, slice(nextTokens, [0, 0], [batch, count - 1])));
  let x = withPositions(parameters, concat(parts, { axis: 1 }), 0); // [batch, length + tokens - 1, width]
  for (const weights of parameters.blocks) x = block(weights, x, { heads, causal: true });
  x = norm(parameters.norm, x);
  const known = reshape(slice(x, [0, 0, 0], [batch, length, width]), [batch, context, count + 1, width]);
  const atActions = slice(known, [0, 0, count, 0], [batch, context, 1, width]);
  const withinFrames = count > 1 ? [slice(known, [0, 0, 0, 0], [batch, context, count - 1, width])] : [];
  const speaking = [reshape(concat([...withinFrames, atActions], { axis: 2 }), [batch, context * count, width])];
  if (count > 1) speaking.push(slice(x, [0, length, 0], [batch, count - 1, width]));
  const atAction = reshape(slice(x, [0, length - 1, 0], [batch, 1, width]), [batch, width]);
  return {
    tokens: headOf(parameters.tokenHead, concat(speaking, { axis: 1 })),
    rewards: headOf(parameters.rewardHead, atAction),
    ends: headOf(parameters.endHead, atAction),
  };
}

/** Embeddings of the blocks of a context, [batch, context (tokens + 1), width]. */
function readContext(
  parameters: Traced<CausalParameters>,
  { tokens, actions }: { readonly tokens: Tensor; readonly actions: Tensor },
): Tensor {
  const [batch, context, count] = tokens.shape as [number, number, number];
  const width = parameters.tokens.shape[1]!;
  const done = reshape(gather(parameters.actions, actions), [batch, context, 1, width]);
  const blocks = concat([gather(parameters.tokens, tokens), done], { axis: 2 });
  return reshape(blocks, [batch, context * (count + 1), width]);
}

/** Adds what stands for the positions from `first` on. */
function withPositions({ positions }: Traced<CausalParameters>, x: Tensor, first: number): Tensor {
  const [, count, width] = x.shape as [number, number, number];
  return add(x, slice(positions, [first, 0], [count, width]));
}

function headOf({ hidden, output }: Traced<Head>, x: Tensor): Tensor {
  return dense(output, relu(dense(hidden, x)));
}

/** The last token of x [batch, tokens, width]: [batch, width]. */
function lastOf(x: Tensor): Tensor {
  const [batch, count, width] = x.shape as [number, number, number];
  return reshape(slice(x, [0, count - 1, 0], [batch, 1, width]), [batch, width]);
}

/**
 * float32 [batch, (context + 1) tokens - 1]: the weight of each token that is said, so that the sum is the mean over those that are real. Frames before an episode's
 * beginning, which have no action, are copies of its first one and count nothing.
 */
function knownTokens({ actions, nextTokens }: Transitions, actionCount: number): NdArray<'float32'> {
  const [batch, context] = actions.shape as [number, number];
  const count = nextTokens.shape[1]!;
  const width = (context + 1) * count - 1;
  const weights = ndarray('float32', [batch, width]);
  let total = 0;
  for (let row = 0; row < batch; row++) {
    // Token 0 of a frame is said by the action before it, the others by the frame itself: all of them from token 1 of frame `age` to token 0 of the next one count.
    for (let age = 0; age <= context; age++) {
      if (age < context - 1 && actions.data[row * context + age] === actionCount) continue;
      const from = row * width + age * count;
      const to = Math.min(from + count, (row + 1) * width);
      weights.data.fill(1, from, to);
      total += to - from;
    }
  }
  for (let i = 0; i < weights.data.length; i++) weights.data[i]! /= total;
  return weights;
}
