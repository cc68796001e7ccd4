// The gated PixelCNN (van den Oord et al. 2016, arXiv 1606.05328, section 2 and figure 2) over a grid of tokens: a vertical stack that has seen all rows above, a
// horizontal one that has seen the row so far and listens to it, gated activations, residuals along the horizontal stack and skips to the output.
import { ConfigError } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';
import { add, gather, mul, relu, reshape, sigmoid, split, tanh } from '@tessera/engine';
import type { Tensor, Traced } from '@tessera/engine';
import { dense, initDense, initEmbedding, initStackConv, stackConv } from '@tessera/nn';
import type { Linear } from '@tessera/nn';
import type { PriorConfig } from './config.ts';
import type { PriorSpec } from './prior.ts';
import type { PriorNetwork } from './token-prior.ts';

interface GatedLayer {
  /** p to 2 p feature maps: the two halves of the gate. */
  readonly vertical: Linear;
  readonly horizontal: Linear;
  /** 2 p to 2 p: what the horizontal stack hears of the rows above. */
  readonly across: Linear;
  /** Absent in the last layer, after which nobody reads the horizontal stack. */
  readonly residual?: Linear;
  readonly skip: Linear;
  /** [classes, 4 p]: what a class adds before the gates (equation 4), of both stacks; absent without classes. */
  readonly labels?: NdArray<'float32'>;
}

interface Pixelcnn {
  /** [vocabulary, p] */
  readonly tokens: NdArray<'float32'>;
  readonly layers: readonly GatedLayer[];
  readonly hidden: Linear;
  readonly output: Linear;
}

/** The network for tokens [h, w]. Throws ConfigError for tokens of another rank. */
export function pixelcnn({ pixelcnn: config, classes }: PriorConfig, spec: PriorSpec): PriorNetwork<Pixelcnn> {
  const [rows, columns] = spec.tokenShape as readonly [number, number];
  if (spec.tokenShape.length !== 2) {
    throw new ConfigError(
      `prior: a PixelCNN needs a grid of tokens [rows, columns], got [${spec.tokenShape.join(', ')}]. Choose kind 'transformer', which takes any shape.`,
    );
  }
  const maskOf = (layer: number) => (layer === 0 ? 'A' : 'B');

  return {
    firstLabel: 0,

    init(generator: Generator) {
      const { channels: inputs, layers, firstKernelSize, kernelSize } = config;
      const outputs = 2 * inputs;
      return {
        tokens: initEmbedding(generator, { vocabulary: spec.vocabulary, width: inputs, deviation: 1 }),
        layers: Array.from({ length: layers }, (_, layer) => {
          const sizes = {
            size: layer === 0 ? firstKernelSize : kernelSize,
            inputs,
            outputs,
            mask: maskOf(layer),
          } as const;
          return {
            vertical: initStackConv(generator, { ...sizes, stack: 'vertical' }),
            horizontal: initStackConv(generator, { ...sizes, stack: 'horizontal' }),
            across: initDense(generator, { inputs: outputs, outputs, gain: Math.SQRT1_2 }),
            ...(layer < layers - 1 && {
              residual: initDense(generator, { inputs, outputs: inputs, gain: Math.SQRT1_2 }),
            }),
            skip: initDense(generator, { inputs, outputs: inputs }),
            ...(classes > 0 && { labels: initEmbedding(generator, { vocabulary: classes, width: 2 * outputs }) }),
          };
        }),
        hidden: initDense(generator, { inputs, outputs: inputs }),
        output: initDense(generator, { inputs, outputs: spec.vocabulary, gain: Math.SQRT1_2 }),
      };
    },

    logits(parameters, tokens, labels) {
      const batch = tokens.shape[0]!;
      let vertical = gather(parameters.tokens, reshape(tokens, [batch, rows, columns])); // [B, h, w, p]
      let horizontal = vertical;
      let skips: Tensor | undefined;
      for (const [layer, weights] of parameters.layers.entries()) {
        const mask = maskOf(layer);
        const [aboveClass, leftClass] = classTerms(weights, labels);
        const above = plus(stackConv(weights.vertical, vertical, { stack: 'vertical', mask }), aboveClass); // [B, h, w, 2 p]
        const row = plus(stackConv(weights.horizontal, horizontal, { stack: 'horizontal', mask }), leftClass);
        const gated = gate(add(row, dense(weights.across, above)));
        skips = plus(dense(weights.skip, gated), skips);
        if (weights.residual === undefined) break;
        vertical = gate(above);
        const mixed = dense(weights.residual, gated);
        // The first layer's own input is the token that is to be predicted: no residual around it.
        horizontal = layer === 0 ? mixed : add(horizontal, mixed);
      }
      const logits = dense(parameters.output, relu(dense(parameters.hidden, relu(skips!))));
      return reshape(logits, [batch, rows * columns, spec.vocabulary]);
    },
  };
}

/** `tanh(a) * sigmoid(b)` of the two halves of the channels (equation 2). */
function gate(x: Tensor): Tensor {
  const [a, b] = split(x, { count: 2 }) as [Tensor, Tensor];
  return mul(tanh(a), sigmoid(b));
}

function plus(x: Tensor, term: Tensor | undefined): Tensor {
  return term === undefined ? x : add(x, term);
}

/** What the class adds in the vertical and in the horizontal stack, [B, 1, 1, 2 p] each. */
function classTerms({ labels: table }: Traced<GatedLayer>, labels: Tensor): readonly Tensor[] {
  if (table === undefined) return [];
  return split(reshape(gather(table, labels), [labels.shape[0]!, 1, 1, table.shape[1]!]), { count: 2 });
}
