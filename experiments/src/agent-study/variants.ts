// What the ablations change: each variant is the agent of `tessera train breakout` but for the one thing that its name says.
import { ConfigError } from '@tessera/core';
import { mergeLayers, parseSetting, resolveConfig } from '@tessera/runs';
import { agentDefaults, agentSchema } from '../agent/config.ts';
import type { AgentExperimentConfig } from '../agent/config.ts';
import { differences } from '../resume.ts';

/** The environment of the study. */
export const env = 'Breakout-v0';

type Settings = Readonly<Record<string, unknown>>;

/** A variant of the agent. */
export interface Variant {
  /** As settings, folders and tables call it. */
  readonly name: string;
  /** What is changed, as table and chart group variants. */
  readonly group: string;
  /** Settings over those of the experiment, as a file would hold them. */
  readonly changes: Settings;
  /** The variant that differs in nothing but what the name says, where that is not `default`. */
  readonly against?: string;
}

const quantizer = (kind: Settings): Settings => ({ tokenizer: { kind: 'vqvae', vqvae: { quantizer: kind } } });
const ema = quantizer({ kind: 'ema' });
// In the default codes rest as soon as they hardly move.
const live = { tokenizer: { restChurn: null, untilSteps: 1_000_000_000 } };
const chosen = (worldModel: Settings): Settings => ({ worldModel: { actions: 'chosen', ...worldModel } });

/** All variants, in the order of the table. */
export const variants: readonly Variant[] = [
  { name: 'default', group: 'default', changes: {} },
  { name: 'vq', group: 'tokenizer', changes: quantizer({ kind: 'vq' }) },
  { name: 'ema', group: 'tokenizer', changes: ema },
  { name: 'fsq', group: 'tokenizer', changes: quantizer({ kind: 'fsq', levels: [8, 8, 4] }) },
  { name: 'maskgit', group: 'world model', changes: { worldModel: { kind: 'maskgit' } } },
  { name: 'causal', group: 'world model', changes: { worldModel: { kind: 'causal' } } },
  { name: 'live', group: 'codes', changes: { ...ema, training: live }, against: 'ema' },
  {
    name: 'live-slow',
    group: 'codes',
    changes: { ...quantizer({ kind: 'ema', decay: 0.999 }), training: live },
    against: 'live',
  },
  {
    name: 'live-fast',
    group: 'codes',
    changes: { ...ema, training: { tokenizer: { ...live.tokenizer, updates: 60, endLearningRate: 1 } } },
    against: 'live',
  },
  // What remembers patches learns by no gradient: both modes are those of a VQ-VAE.
  { name: 'interleaved', group: 'mode', changes: { ...ema, training: { mode: 'interleaved' } }, against: 'ema' },
  { name: 'end-to-end', group: 'mode', changes: { ...ema, training: { mode: 'end-to-end' } }, against: 'ema' },
  { name: 'imagined-only', group: 'Dyna', changes: { training: { learnFromReal: false } } },
  { name: 'real-only', group: 'Dyna', changes: { training: { imagination: { updates: 0 } } } },
  { name: 'frames', group: 'policy input', changes: { behaviour: { input: 'frames' } } },
  { name: 'state', group: 'policy input', changes: { behaviour: { input: 'state' } } },
  { name: 'chosen', group: 'actions', changes: chosen({ temperature: 0 }) },
  { name: 'chosen-drawn', group: 'actions', changes: chosen({ temperature: 1 }) },
  { name: 'chosen-maskgit-drawn', group: 'actions', changes: chosen({ kind: 'maskgit', temperature: 1 }) },
];

/**
 * The settings of a variant, over those of the experiment, as words for the command line: `path=value`. `common` are settings that all variants share; what a variant
 * changes counts more.
 */
export function variantSettings(variant: Variant, common: Settings): string[] {
  const { values } = mergeLayers([
    { source: 'agent', values: common },
    { source: variant.name, values: variant.changes },
  ]);
  return words(values);
}

/** Every setting of a variant, as `tessera train breakout` reads the words. Throws ConfigError for what it does not take. */
export function variantConfig(variant: Variant, common: Settings): AgentExperimentConfig {
  const layers = variantSettings(variant, common).map((word) => parseSetting(word, agentSchema));
  return resolveConfig(agentSchema, [{ source: `defaults for ${env}`, values: agentDefaults(env) }, ...layers]);
}

/** Throws ConfigError for shared settings that the agent does not take, and for those that leave a variant no different from what it is compared with. */
export function checkVariants(checked: readonly Variant[], common: Settings): void {
  for (const variant of checked) {
    if (variant.name === 'default') {
      variantConfig(variant, common);
      continue;
    }
    const other = variants.find(({ name }) => name === (variant.against ?? 'default'))!;
    if (differences(variantConfig(other, common), variantConfig(variant, common)).length > 0) continue;
    const settings = words(variant.changes).map((word) => word.split('=')[0]);
    throw new ConfigError(
      `study agent: with these settings of 'agent' the variant '${variant.name}' is the same as '${other.name}'. Leave ${settings.join(', ')} out of 'agent', or the variant out of 'variants'.`,
    );
  }
}

function words(values: unknown, path: readonly string[] = []): string[] {
  if (typeof values === 'object' && values !== null && !Array.isArray(values)) {
    return Object.entries(values).flatMap(([key, value]) => words(value, [...path, key]));
  }
  return [`${path.join('.')}=${typeof values === 'string' ? values : JSON.stringify(values)}`];
}
