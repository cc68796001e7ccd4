// The block-parallel world model as plain functions inside a program: one pass of a transformer predicts all tokens of the next frame at once, from the tokens
// of the last frames and the actions taken at them (the idea of REM, arXiv 2402.05643, and of block teacher forcing, arXiv 2502.01591; written from the papers).
//
// Context frames are summed position by position, each through an embedding of its own age, so that any context costs one frame's worth of tokens. A model that
// refines (`maskgit`) is shown what it knows of the next frame in the same way.
import type { Generator, NdArray } from '@tessera/core';
import { InternalError, ndarray } from '@tessera/core';
import { add, concat, constant, gather, matMul, mean, reshape, slice, transpose } from '@tessera/engine';
import type { Tensor, Traced } from '@tessera/engine';
import {
  block,
  conv,
  dense,
  initBlock,
  initConv,
  initDense,
  initEmbedding,
  initNorm,
  norm,
  normal,
  zeros,
} from '@tessera/nn';
import type { Block, Linear, Norm } from '@tessera/nn';
import type { WorldModelConfig } from './config.ts';
import { initRewardHead } from './rewards.ts';

/** What a world model is built for. */
export interface WorldModelSpec {
  /** Rows and columns of tokens; other shapes count as `[all but the last, last]`. */
  readonly grid: readonly [rows: number, columns: number];
  readonly vocabulary: number;
  readonly codeDim: number;
  /** Actions 0 to actionCount - 1; `actionCount` itself stands for "none, the episode began later". */
  readonly actionCount: number;
}

interface Lookup {
  /** [vocabulary, width]: learned for each code. */
  readonly table: NdArray<'float32'>;
  /** [codeDim, width]: what codes that lie together have in common. */
  readonly codes: NdArray<'float32'>;
}

/** Parameters of a world model. */
export interface WorldModelParameters {
  /** For each age of a frame, oldest first. */
  readonly frames: readonly Lookup[];
  /** [actionCount + 1, width] for each age, oldest first. */
  readonly actions: readonly NdArray<'float32'>[];
  /** [tokens + 1, width]; the last row is the action's. */
  readonly positions: NdArray<'float32'>;
  readonly stem?: { readonly lookup: Lookup; readonly conv: Linear };
  readonly blocks: readonly Block[];
  /** For each block [relative places + 2, heads]. */
  readonly relative: readonly NdArray<'float32'>[];
  readonly norm: Norm;
  readonly tokenHead: Linear;
  readonly rewardHead: Linear;
  readonly endHead: Linear;
  /** [vocabulary + 1, width], of a model that refines: what is known of the next frame; the last row is "nothing yet". */
  readonly draft?: NdArray<'float32'>;
}

/** Starting values. */
export function initWorldModel(
  generator: Generator,
  config: WorldModelConfig,
  spec: WorldModelSpec,
): WorldModelParameters {
  const { context, width, layers, heads, expansion, stem, relativeBias } = config;
  const {
    grid: [rows, columns],
    vocabulary,
    codeDim,
    actionCount,
  } = spec;
  const lookup = (channels: number): Lookup => ({
    table: initEmbedding(generator, { vocabulary, width: channels, deviation: 0.1 }),
    codes: normal(generator, [codeDim, channels], Math.sqrt(1 / codeDim)),
  });
  const ages = Array.from({ length: context });
  return {
    frames: ages.map(() => lookup(width)),
    actions: ages.map(() => initEmbedding(generator, { vocabulary: actionCount + 1, width, deviation: 0.1 })),
    positions: normal(generator, [rows * columns + 1, width], 0.1),
    ...(stem > 0 && {
      stem: { lookup: lookup(stem), conv: initConv(generator, { size: 3, inputs: stem * context, outputs: width }) },
    }),
    blocks: Array.from({ length: layers }, () => initBlock(generator, { width, expansion })),
    relative: relativeBias ? Array.from({ length: layers }, () => zeros([relativePlaces(spec) + 2, heads])) : [],
    norm: initNorm(width),
    tokenHead: initDense(generator, { inputs: width, outputs: vocabulary, gain: Math.SQRT1_2 }),
    rewardHead: initRewardHead(generator, config),
    endHead: initDense(generator, { inputs: width, outputs: 2, gain: Math.SQRT1_2 }),
    ...(config.kind === 'maskgit' && {
      draft: initEmbedding(generator, { vocabulary: vocabulary + 1, width, deviation: 0.1 }),
    }),
  };
}

/** What the model says of the next frame, as logits. */
export interface Prediction {
  /** [batch, tokens, vocabulary]. */
  readonly tokens: Tensor;
  /** [batch, 3 signs or 255 bins]. */
  readonly rewards: Tensor;
  /** [batch, 2]: goes on, ends. */
  readonly ends: Tensor;
  /** [batch, 2 width]: what stands at the action after the last norm, then the mean over the tokens. */
  readonly hidden: Tensor;
}

/** What a pass looks at. */
export interface Seen {
  /** int32 [batch, context, tokens], oldest frame first. */
  readonly tokens: Tensor;
  /** int32 [batch, context], the last one taken now. */
  readonly actions: Tensor;
  /** float32 [vocabulary, codeDim]. */
  readonly codes: Tensor;
  /** float32 [batch, context, tokens, codeDim]: the rows of `codes` that the tokens choose, where their gradient is to go on from here. */
  readonly features?: Tensor;
  /** int32 [batch, tokens], of a model that refines: the tokens of the next frame that are known, `vocabulary` for the others. */
  readonly draft?: Tensor;
}

/** One pass. */
export function predictNext(
  parameters: Traced<WorldModelParameters>,
  {
    config,
    spec,
    inference = false,
  }: { readonly config: WorldModelConfig; readonly spec: WorldModelSpec; readonly inference?: boolean },
  { tokens, actions, codes, features, draft }: Seen,
): Prediction {
  const { context, width, heads } = config;
  const {
    grid: [rows, columns],
    codeDim,
  } = spec;
  const batch = tokens.shape[0]!;
  const count = rows * columns;
  const embed = ({ table, codes: projection }: Traced<Lookup>, places: Tensor, vectors: Tensor | undefined) =>
    vectors === undefined
      ? gather(add(table, matMul(codes, projection)), places) // [vocabulary, width] -> [batch, ..., width]
      : add(gather(table, places), matMul(vectors, projection));
  let x: Tensor | undefined; // [batch, tokens, width]
  let action: Tensor | undefined; // [batch, width]
  for (let age = 0; age < context; age++) {
    const seen = embed(
      parameters.frames[age]!,
      reshape(slice(tokens, [0, age, 0], [batch, 1, count]), [batch, count]),
      features && reshape(slice(features, [0, age, 0, 0], [batch, 1, count, codeDim]), [batch, count, codeDim]),
    );
    const done = gather(parameters.actions[age]!, reshape(slice(actions, [0, age], [batch, 1]), [batch]));
    x = x === undefined ? seen : add(x, seen);
    action = action === undefined ? done : add(action, done);
  }
  if (parameters.draft !== undefined) {
    if (draft === undefined) throw new InternalError('predictNext: a model that refines needs a draft.');
    x = add(x!, gather(parameters.draft, draft));
  }
  if (parameters.stem !== undefined) {
    const { lookup, conv: filter } = parameters.stem;
    const channels = lookup.table.shape[1]!;
    const seen = embed(lookup, tokens, features); // [batch, context, tokens, channels]
    const image = reshape(transpose(seen, [0, 2, 1, 3]), [batch, rows, columns, context * channels]);
    x = add(x!, reshape(conv(filter, image), [batch, count, width]));
  }
  let hidden = add(concat([x!, reshape(action!, [batch, 1, width])], { axis: 1 }), parameters.positions); // [batch, tokens + 1, width]
  const places = parameters.relative.length > 0 ? constant(placeTable(spec)) : undefined;
  for (const [layer, weights] of parameters.blocks.entries()) {
    const bias = places === undefined ? undefined : transpose(gather(parameters.relative[layer]!, places), [2, 0, 1]); // [heads, tokens + 1, tokens + 1]
    hidden = block(weights, hidden, { heads, inference, activation: 'relu', ...(bias !== undefined && { bias }) });
  }
  hidden = norm(parameters.norm, hidden);
  const atAction = reshape(slice(hidden, [0, count, 0], [batch, 1, width]), [batch, width]);
  const atTokens = slice(hidden, [0, 0, 0], [batch, count, width]);
  return {
    hidden: concat([atAction, mean(atTokens, { axes: [1] })], { axis: 1 }),
    tokens: dense(parameters.tokenHead, atTokens),
    rewards: dense(parameters.rewardHead, atAction),
    ends: dense(parameters.endHead, atAction),
  };
}

function relativePlaces({ grid: [rows, columns] }: WorldModelSpec): number {
  return (2 * rows - 1) * (2 * columns - 1);
}

/** int32 [tokens + 1, tokens + 1]: which row of the relative table a pair has; the two last rows are for pairs with the action. */
function placeTable(spec: WorldModelSpec): NdArray<'int32'> {
  const {
    grid: [rows, columns],
  } = spec;
  const count = rows * columns;
  const places = relativePlaces(spec);
  const out = ndarray('int32', [count + 1, count + 1]);
  for (let from = 0; from <= count; from++) {
    for (let to = 0; to <= count; to++) {
      const down = Math.floor(from / columns) - Math.floor(to / columns) + rows - 1;
      const right = (from % columns) - (to % columns) + columns - 1;
      const place = from === count ? places + 1 : to === count ? places : down * (2 * columns - 1) + right;
      out.data[from * (count + 1) + to] = place;
    }
  }
  return out;
}
