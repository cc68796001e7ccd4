// The plan of the ablations: each variant is the agent of `tessera train breakout` but for what its name says.
import { agentSchema } from '../../src/agent/config.ts';
import { breakoutExperiment } from '../../src/agent/experiment.ts';
import { createQuantizer, vqvaeConfig } from '@tessera/vqvae';
import { parseSetting, resolveConfig } from '@tessera/runs';
import { describe, expect, test } from 'vitest';
import { quickAgentValues } from '../../src/agent-study/config.ts';
import { agentStudy, planAgents } from '../../src/agent-study/study.ts';
import { env, variantConfig, variants } from '../../src/agent-study/variants.ts';
import { differences } from '../../src/resume.ts';

/** `path: value` of what differs from another variant. */
function changes(name: string, other: string, common = {}): string[] {
  const [was, is] = [other, name].map((one) =>
    variantConfig(
      variants.find((known) => known.name === one)!,
      common,
    ),
  );
  return differences(was, is).map(({ path, is: value }) => `${path.join('.')}: ${JSON.stringify(value)}`);
}

/** What the variants are meant to be, apart from the sizes of the VQ-VAE. */
const meant: Readonly<Record<string, readonly string[]>> = {
  default: [],
  vq: ['tokenizer.kind: "vqvae"', 'tokenizer.vqvae.quantizer.kind: "vq"'],
  ema: ['tokenizer.kind: "vqvae"', 'tokenizer.vqvae.quantizer.kind: "ema"'],
  fsq: ['tokenizer.kind: "vqvae"', 'tokenizer.vqvae.quantizer.kind: "fsq"'],
  maskgit: ['worldModel.kind: "maskgit"'],
  causal: ['worldModel.kind: "causal"'],
  live: ['training.tokenizer.untilSteps: 1000000000', 'training.tokenizer.restChurn: null'],
  'live-slow': ['tokenizer.vqvae.quantizer.decay: 0.999'],
  'live-fast': ['training.tokenizer.updates: 60', 'training.tokenizer.endLearningRate: 1'],
  interleaved: ['training.mode: "interleaved"'],
  'end-to-end': ['training.mode: "end-to-end"'],
  'imagined-only': ['training.learnFromReal: false'],
  'real-only': ['training.imagination.updates: 0'],
  frames: ['behaviour.input: "frames"'],
  state: ['behaviour.input: "state"'],
  chosen: ['worldModel.actions: "chosen"'],
  'chosen-drawn': ['worldModel.actions: "chosen"', 'worldModel.temperature: 1'],
  'chosen-maskgit-drawn': ['worldModel.kind: "maskgit"', 'worldModel.actions: "chosen"', 'worldModel.temperature: 1'],
};

describe('variants', () => {
  test('are those of the list, the default first', () => {
    expect(variants.map(({ name }) => name)).toEqual(Object.keys(meant));
  });

  test('the default is what tessera train breakout does', () => {
    const plain = resolveConfig(agentSchema, [{ source: 'preset', values: breakoutExperiment.defaults(env) }]);
    expect(variantConfig(variants[0]!, {})).toEqual(plain);
    const { tokenizer, worldModel, training, behaviour } = variantConfig(variants[0]!, {});
    expect([tokenizer.kind, worldModel.kind, worldModel.actions, worldModel.temperature]).toEqual([
      'nearest',
      'parallel',
      'executed',
      0,
    ]);
    expect([training.mode, training.learnFromReal, behaviour.input]).toEqual(['alternating', true, 'codes']);
    expect(training.imagination.updates).toBeGreaterThan(0);
    expect(worldModel.context).toBe(2);
  });

  test.each(variants.filter(({ group }) => group !== 'tokenizer'))(
    '$name changes what its name says and nothing else',
    ({ name, against }) => {
      expect(changes(name, against ?? 'default')).toEqual(meant[name]);
    },
  );

  test.each(variants.filter(({ group }) => group === 'tokenizer'))(
    '$name is another tokenizer of 256 codes',
    ({ name }) => {
      const changed = changes(name, 'default');
      expect(changed.filter((path) => !path.startsWith('tokenizer.'))).toEqual([]);
      const { tokenizer } = variantConfig(
        variants.find((known) => known.name === name)!,
        {},
      );
      expect([tokenizer.kind, tokenizer.vqvae.quantizer.kind]).toEqual(['vqvae', name]);
      const { slots } = createQuantizer(vqvaeConfig({ quantizer: tokenizer.vqvae.quantizer }).quantizer);
      expect(slots).toEqual([variantConfig(variants[0]!, {}).tokenizer.nearest.vocabulary]);
      // They differ among themselves in the quantizer alone.
      expect(changes(name, 'ema').filter((path) => !path.startsWith('tokenizer.vqvae.quantizer.'))).toEqual([]);
    },
  );
});

const read = (values: Record<string, unknown>) => agentStudy.readConfig([{ source: '--set', values }]) as never;

describe('the plan', () => {
  const context = (values: Record<string, unknown>) => ({
    config: read(values),
    seed: 5,
    backend: 'wasm',
    run: { directory: 'study' },
  });

  test('is every variant with every seed, seed by seed, each in a folder of its own', () => {
    const work = planAgents(context({ seeds: 2 }));
    expect(work).toHaveLength(2 * variants.length);
    expect(new Set(work.map(({ root }) => root)).size).toBe(work.length);
    expect(work.map(({ seed }) => seed)).toEqual([...variants.map(() => 5), ...variants.map(() => 6)]);
  });

  test('has words that tessera train breakout reads as the settings of the variant', () => {
    const { agent } = quickAgentValues;
    for (const { variant, words, seed } of planAgents(context({ agent, steps: 100, episodes: 7 }))) {
      expect(words.slice(0, 4)).toEqual(['--seed', String(seed), '--steps', '100']);
      const settings = words.slice(4).filter((word) => word !== '--set');
      const layers = settings.map((setting) => parseSetting(setting, agentSchema));
      const config = resolveConfig(agentSchema, [
        { source: 'preset', values: breakoutExperiment.defaults(env) },
        ...layers,
      ]);
      const expected = variantConfig(variant, agent);
      expect(config).toEqual({ ...expected, evaluation: { ...expected.evaluation, episodes: 7 } });
    }
  });

  test('keeps the order of the table, and names each variant once', () => {
    const work = planAgents(context({ seeds: 1, variants: ['state', 'default', 'state'] }));
    expect(work.map(({ root }) => root.split(/[\\/]/).at(-1))).toEqual(['default-s5', 'state-s5']);
  });
});

describe('settings', () => {
  test('shared ones reach all variants, below what a variant changes', () => {
    const common = { worldModel: { width: 16, kind: 'causal' }, tokenizer: { vqvae: { channels: 8 } } };
    for (const variant of variants) expect(variantConfig(variant, common).worldModel.width).toBe(16);
    const named = (name: string) =>
      variantConfig(
        variants.find((known) => known.name === name)!,
        common,
      );
    expect(named('maskgit').worldModel.kind).toBe('maskgit');
    expect(named('vq').tokenizer.vqvae).toMatchObject({ channels: 8, tokenShape: [5, 5] });
    expect(named('vq').worldModel.kind).toBe('causal');
  });

  test('of --quick are taken', () => {
    expect(() => read({ ...quickAgentValues })).not.toThrow();
  });

  test('wrong ones are said before anything is trained', () => {
    const message = (values: Record<string, unknown>) => {
      try {
        read(values);
        return 'taken';
      } catch (error) {
        return String(error);
      }
    };
    expect(message({ variants: ['vqq'] })).toMatch(/^ConfigError: .*variants\.0.*got "vqq"/);
    expect(message({ variants: [] })).toMatch(/^ConfigError: .*at least 1 long/);
    expect(message({ agent: { wordModel: { width: 16 } } })).toMatch(/^ConfigError: .*unknown field 'wordModel'/);
    expect(message({ agent: { worldModel: { width: 'wide' } } })).toMatch(/worldModel\.width: expected integer/);
    expect(message({ agent: { behaviour: { input: 'state' } } })).toMatchInlineSnapshot(
      `"ConfigError: study agent: with these settings of 'agent' the variant 'state' is the same as 'default'. Leave behaviour.input out of 'agent', or the variant out of 'variants'."`,
    );
    expect(message({ agent: { behaviour: { input: 'state' } }, variants: ['default', 'frames'] })).toBe('taken');
  });
});
