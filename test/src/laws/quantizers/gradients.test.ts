// Laws of the quantizer's losses and of what their gradients reach; and a proof that the suite rejects wrong losses.
import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import {
  add,
  constant,
  f32,
  flatten,
  gather,
  gradients,
  mul,
  nearestCode,
  read,
  stopGradient,
  straightThrough,
  sub,
  sum,
} from '@tessera/engine';
import type { Engine, Tensor, Traced } from '@tessera/engine';
import { codebookLoss, commitmentLoss, createQuantizer, forward, initVqvae, vqvaeConfig } from '@tessera/vqvae';
import type { QuantizerConfig, TokenizerLosses, VqvaeParameters } from '@tessera/vqvae';
import { floats } from './floats.ts';
import { checkLossLaws } from './loss-laws.ts';
import type { Losses } from './loss-laws.ts';
import { runs } from './runs.ts';
import { clearSamples, engines, samples, voronoiGap } from './samples.ts';
import type { Sample } from './samples.ts';

function settings({ codebook }: Sample, quantizer: Partial<QuantizerConfig>): QuantizerConfig {
  const [vocabulary, codeDim] = codebook.shape as [number, number];
  return vqvaeConfig({ quantizer: { vocabulary, codeDim, ...quantizer } }).quantizer;
}

/** The losses of the package put together by hand, which also takes a codebook of one code. */
const assembled: Losses = (codebook, z, beta) => {
  const codes = gather(codebook, nearestCode(z, codebook));
  const losses = { codebook: codebookLoss(z, codes), commitment: commitmentLoss(z, codes) };
  return { quantized: straightThrough(z, codes), losses, loss: add(losses.codebook, mul(losses.commitment, beta)) };
};

/** Wrong implementations that have been published, each with the law that it breaks. */
const mutants: Record<string, { losses: Losses; breaks: RegExp }> = {
  'beta on the codebook term': {
    losses: (codebook, z, beta) => {
      const right = assembled(codebook, z, beta);
      return { ...right, loss: add(mul(right.losses['codebook']!, beta), right.losses['commitment']!) };
    },
    breaks: /law 17/,
  },
  'losses of the codes after the straight-through patch': {
    losses: (codebook, z, beta) => {
      const quantized = straightThrough(z, gather(codebook, nearestCode(z, codebook)));
      const parts = { codebook: codebookLoss(z, quantized), commitment: commitmentLoss(z, quantized) };
      return { quantized, losses: parts, loss: add(parts.codebook, mul(parts.commitment, beta)) };
    },
    breaks: /law 14/,
  },
  'z + sg(e - z) for the codes': {
    losses: (codebook, z, beta) => {
      const codes = gather(codebook, nearestCode(z, codebook));
      return { ...assembled(codebook, z, beta), quantized: add(z, stopGradient(sub(codes, z))) };
    },
    breaks: /law 13/,
  },
  'no stop-gradient': {
    losses: (codebook, z, beta) => {
      const difference = sub(z, gather(codebook, nearestCode(z, codebook)));
      const loss = mul(sum(mul(difference, difference)), 1 / (z.shape[0]! * z.shape[1]!));
      const right = assembled(codebook, z, beta);
      return { ...right, losses: { ...right.losses, codebook: loss } };
    },
    breaks: /law 14/,
  },
};

describe.each(engines)('%s', (_, engine) => {
  test.prop([samples()], runs)('13 to 17 and 19: the losses put together', (sample) => {
    checkLossLaws(engine, sample, assembled);
  });

  test.prop([samples({ minCodes: 2 })], runs)('13 to 17 and 19: the quantizer of kind vq', (sample) => {
    checkLossLaws(engine, sample, (codebook, z, commitment) =>
      createQuantizer(settings(sample, { kind: 'vq', commitment })).quantize({ codebook }, z),
    );
  });

  test.prop([samples({ minCodes: 2 }), fc.constantFrom(0, 0.25, 2)], runs)(
    'the quantizer of kind ema differs in its loss alone: it leaves the codebook to the averages',
    (sample, commitment) => {
      const quantizer = createQuantizer(settings(sample, { kind: 'ema', commitment }));
      checkLossLaws(engine, sample, (codebook, z, beta) => {
        const out = quantizer.quantize({ codebook }, z);
        return { ...out, loss: add(out.losses['codebook']!, mul(out.losses['commitment']!, beta)) };
      });
      engine.eager(() => {
        const [z, codebook] = [constant(sample.z), constant(sample.codebook)];
        const { loss, losses } = quantizer.quantize({ codebook }, z);
        expect(Number(read(loss).data[0])).toBe(Math.fround(commitment * Number(read(losses['commitment']!).data[0])));
        const [slope] = gradients(loss, [codebook]);
        expect([...(read(slope!).data as Float32Array)].every((x) => x === 0)).toBe(true);
      });
    },
  );

  test.each(Object.entries(mutants))('a quantizer with %s is rejected', (_name, { losses, breaks }) => {
    const property = fc.property(samples({ minCodes: 2 }), (sample) => checkLossLaws(engine, sample, losses));
    const { failed, errorInstance } = fc.check(property, { seed: 1, numRuns: 20, endOnFailure: true });
    expect(failed).toBe(true);
    expect((errorInstance as Error).message).toMatch(breaks);
  });

  test.prop([clearSamples, fc.nat(1e6)], runs)('20: finite differences agree with the gradients', (sample, seed) => {
    const values = (engine: Engine, { z, codebook }: Sample) =>
      engine.eager(() => {
        const { losses } = assembled(constant(codebook), constant(z), 1);
        const value = (name: string) => Number(read(losses[name]!).data[0]);
        return { codebook: value('codebook'), commitment: value('commitment') };
      });
    const slopes = engine.eager(() => {
      const [z, codebook] = [constant(sample.z), constant(sample.codebook)];
      const { losses } = assembled(codebook, z, 1);
      return {
        codebook: read(gradients(losses['codebook']!, [codebook])[0]!) as NdArray<'float32'>,
        commitment: read(gradients(losses['commitment']!, [z])[0]!) as NdArray<'float32'>,
      };
    });
    for (const [loss, argument] of [
      ['codebook', 'codebook'],
      ['commitment', 'z'],
    ] as const) {
      // A step along the gradient itself, bent a little, far too short to change any code.
      const slope = slopes[loss].data;
      const bend = floats([slope.length], seed).data;
      const length = Math.hypot(...slope);
      if (length < 1e-3) continue;
      const direction = slope.map((x, i) => x / length + (0.1 * bend[i]!) / Math.sqrt(slope.length));
      const step = (0.01 * voronoiGap(sample)) / Math.hypot(...direction);
      const moved = (sign: number) => {
        const { shape, data } = sample[argument];
        return values(engine, {
          ...sample,
          [argument]: ndarray(
            'float32',
            shape,
            data.map((x, i) => x + sign * step * direction[i]!),
          ),
        });
      };
      const difference = (moved(1)[loss] - moved(-1)[loss]) / (2 * step);
      const expected = slope.reduce((total, x, i) => total + x * direction[i]!, 0);
      expect(Math.abs(difference / expected - 1)).toBeLessThan(1e-2);
    }
  });
});

describe.each(engines)('18: in the whole model on %s', (_, engine) => {
  const frames = ndarray(
    'float32',
    [2, 4, 4, 1],
    Float32Array.from({ length: 32 }, (_unused, i) => ((i * 7) % 11) / 11),
  );

  /** Gradients of one loss by flat name; `nudge` moves the decoder. */
  function slopesOf(
    kind: 'vq' | 'ema',
    { commitment, nudge = 0 }: { commitment: number; nudge?: number },
    pick: (losses: TokenizerLosses) => Tensor,
  ): Record<string, number[]> {
    const config = vqvaeConfig({
      frameShape: [4, 4, 1],
      tokenShape: [2, 2],
      channels: 4,
      quantizer: { kind, vocabulary: 5, codeDim: 3, commitment },
    });
    const quantizer = createQuantizer(config.quantizer);
    const parameters = initVqvae(npRandom(4), config, quantizer);
    const weights = parameters.decoder.input.kernel.data;
    for (let i = 0; i < weights.length; i++) weights[i]! += nudge * Math.sin(i);
    // It starts at 0, and would let no gradient through.
    const last = parameters.decoder.up.at(-1)!.kernel.data;
    for (let i = 0; i < last.length; i++) last[i] = Math.cos(i);
    const state = engine.state(parameters);
    const program = state.program('slopes', { x: f32(2, 4, 4, 1) }, ({ x }, traced) => {
      const leaves = [...flatten<Tensor>(traced)];
      const { losses } = forward({ config, quantizer }, traced as Traced<VqvaeParameters>, x);
      const found = gradients(
        pick(losses),
        leaves.map(([, leaf]) => leaf),
      );
      return Object.fromEntries(leaves.map(([name], i) => [name, found[i]!]));
    });
    const out = program.run({ x: frames }) as Record<string, NdArray>;
    program.dispose();
    state.dispose();
    return Object.fromEntries(Object.entries(out).map(([name, { data }]) => [name, [...(data as Float32Array)]]));
  }

  const part = (slopes: Record<string, number[]>, prefix: string) =>
    Object.fromEntries(Object.entries(slopes).filter(([name]) => name.startsWith(prefix)));
  const moves = (slopes: Record<string, number[]>) => Object.values(slopes).some((array) => array.some((x) => x !== 0));

  test.each(['vq', 'ema'] as const)('%s: the reconstruction reaches the encoder and not the codebook', (kind) => {
    const slopes = slopesOf(kind, { commitment: 0.25 }, ({ reconstruction }) => reconstruction);
    expect(moves(part(slopes, 'encoder'))).toBe(true);
    expect(moves(part(slopes, 'decoder'))).toBe(true);
    expect(moves(part(slopes, 'quantizer'))).toBe(false);
  });

  test.each(['vq', 'ema'] as const)('%s: the decoder learns of the reconstruction alone, whatever beta', (kind) => {
    const of = (commitment: number, pick: (losses: TokenizerLosses) => Tensor) =>
      part(slopesOf(kind, { commitment }, pick), 'decoder');
    const alone = of(0, ({ reconstruction }) => reconstruction);
    for (const beta of [0, 0.25, 5]) expect(of(beta, ({ total }) => total)).toEqual(alone);
    expect(moves(of(1, ({ codebook }) => codebook!))).toBe(false);
    expect(moves(of(1, ({ commitment }) => commitment!))).toBe(false);
  });

  test('moving the decoder leaves the gradient of the codebook as it is', () => {
    const of = (nudge: number) => slopesOf('vq', { commitment: 0.25, nudge }, ({ total }) => total);
    expect(part(of(0.3), 'quantizer')).toEqual(part(of(0), 'quantizer'));
    expect(moves(part(of(0), 'quantizer'))).toBe(true);
    expect(part(of(0.3), 'encoder')).not.toEqual(part(of(0), 'encoder'));
    expect(
      moves(
        part(
          slopesOf('ema', { commitment: 0.25 }, ({ total }) => total),
          'quantizer',
        ),
      ),
    ).toBe(false);
  });

  test('beta turns the encoder and not the codebook', () => {
    const of = (commitment: number) => slopesOf('vq', { commitment }, ({ total }) => total);
    expect(part(of(2), 'quantizer')).toEqual(part(of(0), 'quantizer'));
    const [none, one, two] = [0, 1, 2].map((beta) => Object.values(part(of(beta), 'encoder')).flat());
    expect(one).not.toEqual(none);
    for (const [i, x] of none!.entries()) expect(x + two![i]!).toBeCloseTo(2 * one![i]!, 5);
  });
});
