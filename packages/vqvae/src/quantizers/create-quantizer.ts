// The one factory of quantizers.
import { ConfigError, didYouMean } from '@tessera/core';
import type { QuantizerConfig } from '../config.ts';
import { createEma } from './ema.ts';
import { createFsq } from './fsq.ts';
import { createGumbel } from './gumbel.ts';
import { createLfq } from './lfq.ts';
import { createProduct } from './product.ts';
import type { Quantizer } from './quantizer.ts';
import { createResidual } from './residual.ts';
import { settleQuantizer } from './settings.ts';
import { createSimVq } from './simvq.ts';
import { createVq } from './vq.ts';

type Factory = (config: QuantizerConfig) => Quantizer;

const stages: Readonly<Record<QuantizerConfig['stage'], Factory>> = { vq: createVq, ema: createEma };

const createStage: Factory = (config) => stages[config.stage]({ ...config, kind: config.stage });

const createStages: Factory = (config) => createResidual(config, createStage);

const factories: Readonly<Record<QuantizerConfig['kind'], Factory>> = {
  ...stages,
  residual: createStages,
  product: (config) => createProduct(config, createStage),
  'grouped-residual': (config) => createProduct(config, createStages),
  fsq: createFsq,
  lfq: createLfq,
  simvq: createSimVq,
  gumbel: createGumbel,
};

/** The quantizer that the settings describe. Throws ConfigError for an unknown kind and for a codebook of fewer than two codes. */
export function createQuantizer(config: QuantizerConfig): Quantizer {
  const { kind, vocabulary, codeDim } = config;
  if (!Object.hasOwn(factories, kind)) {
    const known = Object.keys(factories);
    throw new ConfigError(
      `createQuantizer: expected a kind out of ${known.join(', ')}, got '${kind}'.${didYouMean(kind, known)}`,
    );
  }
  if (!Number.isInteger(vocabulary) || vocabulary < 2) {
    throw new ConfigError(
      `createQuantizer: expected a vocabulary of at least 2 codes, got ${vocabulary}. One code carries no information.`,
    );
  }
  if (!Number.isInteger(codeDim) || codeDim < 1) {
    throw new ConfigError(`createQuantizer: expected a codeDim that is a whole number >= 1, got ${codeDim}.`);
  }
  return factories[kind](settleQuantizer(config));
}
