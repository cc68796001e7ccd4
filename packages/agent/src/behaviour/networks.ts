// Policy and value as plain functions inside a program: hidden layers over what the policy sees, which is embeddings of all codes or a frame, and two heads on these.
import { elementCount } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';
import { add, concat, gather, matMul, relu, reshape } from '@tessera/engine';
import type { Tensor, Traced } from '@tessera/engine';
import { conv, dense, initEmbedding, normal } from '@tessera/nn';
import type { Linear } from '@tessera/nn';
import { frameFeatures, initConvolution, initFrameNetwork, initHead } from '../model-free/frame-network.ts';
import type { FrameNetworkParameters } from '../model-free/frame-network.ts';
import type { BehaviourConfig } from './config.ts';

/** What the networks are built for. */
export interface BehaviourSpec {
  /** Tokens of a frame. */
  readonly tokens: number;
  /** Rows and columns of them. */
  readonly grid: readonly [rows: number, columns: number];
  readonly vocabulary: number;
  readonly codeDim: number;
  readonly actionCount: number;
  /** [height, width, channels] of what codes are decoded to. */
  readonly frameShape: readonly number[];
  /** Numbers of the world model's hidden state that the policy sees; 0 but with the input `state`. */
  readonly hiddenSize: number;
}

/** Layers over codes, and over the world model's hidden state where that is seen. */
export interface CodeLayers {
  /** [vocabulary, embedding]: learned for each code. */
  readonly table: NdArray<'float32'>;
  /** [codeDim, embedding]: what codes that lie together have in common. */
  readonly codes: NdArray<'float32'>;
  /** 3x3, over the grid of tokens. */
  readonly stem?: Linear;
  readonly hidden: readonly Linear[];
}

/** Layers over frames. */
export interface FrameLayers {
  readonly network: FrameNetworkParameters;
}

/** Parameters of policy and value. */
export type BehaviourParameters = (CodeLayers | FrameLayers) & {
  readonly policy: Linear;
  readonly value: Linear;
};

/** Starting values: orthogonal, with a policy head so small that every action begins equally likely. */
export function initBehaviour(generator: Generator, config: BehaviourConfig, spec: BehaviourSpec): BehaviourParameters {
  const { input, network } = config;
  const layers = input === 'frames' ? undefined : initCodeLayers(generator, config, spec);
  const width = input === 'frames' ? network.hidden : config.hidden;
  return {
    ...(layers ?? { network: initFrameNetwork(generator, network, spec.frameShape) }),
    policy: initHead(generator, width, spec.actionCount, 0.01),
    value: initHead(generator, width, 1, 1),
  };
}

function initCodeLayers(
  generator: Generator,
  { embedding, stem, hidden, layers }: BehaviourConfig,
  { tokens, vocabulary, codeDim, hiddenSize }: BehaviourSpec,
): CodeLayers {
  return {
    table: initEmbedding(generator, { vocabulary, width: embedding, deviation: 1 }),
    codes: normal(generator, [codeDim, embedding], Math.sqrt(1 / codeDim)),
    ...(stem > 0 && {
      stem: initConvolution(generator, { inputs: embedding, outputs: stem, size: 3, gain: Math.SQRT2 }),
    }),
    hidden: Array.from({ length: layers }, (_, i) => {
      const inputs = i > 0 ? hidden : tokens * (stem > 0 ? stem : embedding) + hiddenSize;
      return initHead(generator, inputs, hidden, Math.SQRT2);
    }),
  };
}

/** What the networks look at; which of it, the input says. */
export interface Looked {
  /** int32 [batch, tokens]. */
  readonly tokens?: Tensor | undefined;
  /** float32 [batch, hiddenSize]. */
  readonly hiddenState?: Tensor | undefined;
  /** float32 [batch, height, width, channels] in [0, 1]. */
  readonly frames?: Tensor | undefined;
  /** float32 [vocabulary, codeDim]. */
  readonly codes: Tensor;
}

/** What the networks say of states. */
export interface Judgement {
  /** [batch, actionCount]. */
  readonly logits: Tensor;
  /** [batch]. */
  readonly values: Tensor;
}

/** What networks are built by and for. */
export interface NetworkSettings {
  readonly config: Pick<BehaviourConfig, 'network'>;
  readonly spec: Pick<BehaviourSpec, 'grid'>;
}

/** Logits and values. */
export function judge(parameters: Traced<BehaviourParameters>, looked: Looked, settings: NetworkSettings): Judgement {
  const hidden = layersOf(parameters, looked, settings);
  return { logits: dense(parameters.policy, hidden), values: valuesOf(parameters, hidden) };
}

/** Parameters of the value function alone. */
export type CriticParameters = (CodeLayers | FrameLayers) & { readonly value: Linear };

/** Values alone, [batch]. */
export function appraise(parameters: Traced<CriticParameters>, looked: Looked, settings: NetworkSettings): Tensor {
  return valuesOf(parameters, layersOf(parameters, looked, settings));
}

function valuesOf({ value }: { readonly value: Traced<Linear> }, hidden: Tensor): Tensor {
  return reshape(dense(value, hidden), [hidden.shape[0]!]);
}

/** What both heads see, [batch, hidden]. */
function layersOf(
  parameters: Traced<CriticParameters>,
  { tokens, hiddenState, frames, codes }: Looked,
  { config, spec: { grid } }: NetworkSettings,
): Tensor {
  if ('network' in parameters) return frameFeatures(parameters.network, frames!, config.network);
  const { table, codes: projection, stem, hidden } = parameters;
  const [batch] = tokens!.shape as [number, number];
  const embedded = gather(add(table, matMul(codes, projection)), tokens!); // [batch, tokens, embedding]
  const local =
    stem === undefined ? embedded : relu(conv(stem, reshape(relu(embedded), [batch, ...grid, table.shape[1]!])));
  const flat = reshape(local, [batch, elementCount(local.shape) / batch]);
  let x = hiddenState === undefined ? flat : concat([flat, hiddenState], { axis: 1 });
  for (const layer of hidden) x = relu(dense(layer, x));
  return x;
}
