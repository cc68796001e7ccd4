// Which settings belong to which kind of quantizer, and what follows from them.
import type { QuantizerConfig } from '../config.ts';

type Kind = QuantizerConfig['kind'];
type Setting = keyof QuantizerConfig;

const composites: readonly Kind[] = ['residual', 'product', 'grouped-residual'];
const codebookKinds: readonly Kind[] = ['vq', 'ema', ...composites];

// Settings that only some kinds read; the others all kinds do.
const readBy: Partial<Record<Setting, readonly Kind[]>> = {
  commitment: [...codebookKinds, 'lfq', 'simvq'],
  decay: ['ema', ...composites],
  epsilon: ['ema', ...composites],
  distance: codebookKinds,
  projection: ['vq', 'ema', 'product'],
  gradient: [...codebookKinds, 'simvq'],
  initialisation: codebookKinds,
  restart: codebookKinds,
  restartAfter: codebookKinds,
  restartUntil: codebookKinds,
  levels: ['fsq'],
  bits: ['lfq'],
  spherical: ['lfq'],
  entropyWeight: ['lfq'],
  diversity: ['lfq'],
  entropyBits: ['lfq'],
  temperature: ['lfq', 'gumbel'],
  klWeight: ['gumbel'],
  stage: composites,
  stages: ['residual', 'grouped-residual'],
  quantizeDropout: ['residual', 'grouped-residual'],
  zeroCode: ['residual', 'grouped-residual'],
  groups: ['product', 'grouped-residual'],
};

/** What is wrong with a setting. */
export interface SettingProblem {
  readonly setting: Setting;
  readonly message: string;
}

/** Settings that differ from `defaults` although the kind does not read them, and those that do not fit each other. */
export function settingProblems(config: QuantizerConfig, defaults: QuantizerConfig): SettingProblem[] {
  const { kind, codeDim, groups, levels } = config;
  const problems: SettingProblem[] = [];
  for (const [setting, kinds] of Object.entries(readBy) as [Setting, readonly Kind[]][]) {
    if (kinds.includes(kind) || config[setting] === defaults[setting]) continue;
    const message = `expected it to be left out, as kind ${kind} has no such setting (${kinds.join(', ')} ${kinds.length === 1 ? 'has' : 'have'})`;
    problems.push({ setting, message });
  }
  if (levels !== undefined && vocabularyOf(levels) > mostCodes) {
    problems.push({ setting: 'levels', message: `expected at most ${mostCodes} codes, which is their product` });
  }
  const width = settleQuantizer(config).codeDim;
  if (codeDim !== width && codeDim !== defaults.codeDim) {
    problems.push({ setting: 'codeDim', message: `expected it to be left out, as kind ${kind} makes it ${width}` });
  }
  if (readBy.groups!.includes(kind) && codeDim % groups !== 0) {
    problems.push({ setting: 'codeDim', message: `expected a multiple of the groups, ${groups}` });
  }
  return problems;
}

/** The largest vocabulary. */
export const mostCodes = 65_536;

/**
 * The settings with what follows from others filled in: for kind fsq as many levels as fit into the vocabulary, for lfq as many bits, unless they are given; then the
 * vocabulary and the width of codes that they make. Settled settings settle as they are.
 */
export function settleQuantizer(config: QuantizerConfig): QuantizerConfig {
  if (config.kind === 'fsq') {
    const { levels = levelsWithin(config.vocabulary) } = config;
    return { ...config, levels, vocabulary: vocabularyOf(levels), codeDim: levels.length };
  }
  if (config.kind === 'lfq') {
    const { bits = Math.floor(Math.log2(config.vocabulary)), temperature = 0.01 } = config;
    return { ...config, bits, temperature, vocabulary: 2 ** bits, codeDim: bits };
  }
  return config.kind === 'gumbel' ? { ...config, temperature: config.temperature ?? 1 } : config;
}

function vocabularyOf(levels: readonly number[]): number {
  return levels.reduce((product, count) => product * count, 1);
}

/** The levels with the most codes out of at most `vocabulary`, in as many dimensions as there can be of at least five levels each, which is what the paper's authors advise. */
export function levelsWithin(vocabulary: number): number[] {
  const count = Math.max(1, Math.floor(Math.log(vocabulary) / Math.log(5) + 1e-9));
  if (count === 1) return [vocabulary];
  let best: number[] = [];
  // Levels in descending order, from small ones up, so that the most even ones come first among equals.
  const extend = (levels: readonly number[], left: number): void => {
    const open = count - levels.length;
    const highest = Math.floor(left / 5 ** (open - 1));
    if (open === 0) {
      if (vocabularyOf(levels) > vocabularyOf(best)) best = [...levels];
      return;
    }
    for (let next = 5; next <= Math.min(highest, levels.at(-1) ?? highest); next++) {
      extend([...levels, next], Math.floor(left / next));
    }
  };
  extend([], vocabulary);
  return best;
}
