// Residual vector quantization: each stage quantizes what the stages before it have left over (SoundStream, Zeghidour et al. 2021, arXiv 2107.03312; RQ-VAE, Lee et al.
// 2022, arXiv 2203.01941). Q stages of K codes name K^Q vectors, coarse to fine.
import { add, fill, greaterEqual, mul, randomUniform, reshape, stopGradient, sub } from '@tessera/engine';
import type { Tensor } from '@tessera/engine';
import type { QuantizerConfig } from '../config.ts';
import { passGradient } from './gradient-estimators.ts';
import { decodeMasked, masked } from './masks.ts';
import { codebooksOf, composite, joinQuantizations, partOf, split } from './parts.ts';
import type { Quantization, Quantizer, TracedQuantizerState } from './quantizer.ts';
import { withZeroCode } from './zero-code.ts';

/**
 * `r_1 = z`, `r_{s+1} = r_s - e_s`, `e_s` the code of stage s nearest to `r_s`; the code of a vector is the sum of the `e_s`. Losses are added up over the stages.
 *
 * With quantize dropout a step of training uses the first S stages alone, S uniform in {1, ..., Q}, so that a prefix of the tokens decodes well too; tokens of stages
 * that sit out are -1.
 */
export function createResidual(
  config: QuantizerConfig,
  createStage: (config: QuantizerConfig) => Quantizer,
): Quantizer {
  const { stages: count, quantizeDropout, zeroCode, gradient } = config;
  const stages = Array.from({ length: count }, () => {
    const stage = createStage(config);
    return zeroCode ? withZeroCode(stage) : stage;
  });

  // Every stage in turn, each told what is left.
  function* run(
    state: TracedQuantizerState,
    z: Tensor,
    maskOf: (stage: number) => Tensor | undefined,
  ): Generator<{ residual: Tensor; out: Quantization }> {
    let residual = z;
    for (const [index, stage] of stages.entries()) {
      const out = stage.quantize(partOf(state, index), residual, { mask: maskOf(index) });
      yield { residual, out };
      residual = sub(residual, stopGradient(out.quantized));
    }
  }

  return {
    config,
    ...composite(stages),
    random: quantizeDropout,
    codebooks: codebooksOf(stages, (state, z, index) => {
      let last = z;
      let step = 0;
      for (const { residual } of run(state, z, () => undefined)) {
        last = residual;
        if (step++ === index) break;
      }
      return last;
    }),
    quantize(state, vectors, { mask, random } = {}) {
      const z = masked(vectors, mask);
      const draw = quantizeDropout && random !== undefined ? randomUniform(random, [1]) : undefined;
      // Counted from 0, stage s takes part when s < S = 1 + floor(Q u), that is when u >= s / Q.
      const maskOf = (stage: number) => {
        if (draw === undefined || stage === 0) return mask;
        const active = greaterEqual(draw, stage / count); // [1]
        return mul(mask ?? fill([z.shape[0]!], 1), active); // [N]
      };
      const outs = [...run(state, z, maskOf)].map(({ out }) => out);
      const total = (pick: (out: Quantization) => Tensor) => outs.map(pick).reduce((a, b) => add(a, b));
      return {
        ...joinQuantizations(outs),
        quantized: masked(
          passGradient(
            gradient,
            z,
            total(({ quantized }) => quantized),
          ),
          mask,
        ),
        losses: {
          codebook: total(({ losses }) => losses['codebook']!),
          commitment: total(({ losses }) => losses['commitment']!),
        },
        loss: total(({ loss }) => loss),
      };
    },
    /** The first tokens alone give the coarser code of the first stages. */
    decode(state, tokens) {
      const columns = split(tokens, Array<number>(tokens.shape[1]!).fill(1), 1);
      return columns
        .map((column, index) =>
          decodeMasked((known) => stages[index]!.decode(partOf(state, index), known), reshape(column, [-1])),
        )
        .reduce((a, b) => add(a, b));
    },
  };
}
