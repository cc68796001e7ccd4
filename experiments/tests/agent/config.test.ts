import { describeSchema, resolveConfig } from '@tessera/runs';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { agentDefaults, agentSchema } from '../../src/agent/config.ts';
import type { AgentExperimentConfig } from '../../src/agent/config.ts';

/** Settings as `train` makes them. */
function settings(env: string, values: Readonly<Record<string, unknown>> = {}): AgentExperimentConfig {
  const layers = [
    { source: `defaults for ${env}`, values: agentDefaults(env) },
    { source: 'test', values },
  ];
  return resolveConfig(agentSchema, layers) as unknown as AgentExperimentConfig;
}

describe('settings', () => {
  test('every one has a default and a meaning', () => {
    for (const { path, default: value, meaning } of describeSchema(agentSchema)) {
      expect([path, meaning === '', value === undefined]).toEqual([path, false, false]);
    }
    expect(settings('Anything-v3')).toMatchObject({ steps: 100_000, tokenizer: { kind: 'nearest', module: '' } });
  });

  test('Catch stays within its budget of steps, Breakout within its own', () => {
    expect(settings('Catch-v0').steps).toBeLessThanOrEqual(20_000);
    expect(settings('Catch-v0')).toMatchObject({ tokenizer: { kind: 'vqvae' }, evaluation: { episodes: 200 } });
    expect(settings('Breakout-v0').steps).toBeLessThanOrEqual(100_000);
    // The world model is measured without sticky actions, which nobody can foresee.
    expect(settings('Breakout-v0').evaluation).toMatchObject({ episodes: 100, heldOutKwargs: { stickyActions: 0 } });
  });

  test.prop([fc.constantFrom('Catch-v0', 'Breakout-v0', 'Else-v1'), fc.integer({ min: 1, max: 4096 })])(
    'what is given wins, and nothing else changes',
    (env, context) => {
      const own = settings(env);
      const { worldModel, ...others } = settings(env, { worldModel: { context } });
      expect({ ...others, worldModel }).toEqual({ ...own, worldModel: { ...own.worldModel, context } });
    },
  );

  test('the presets go through the schema again as they are, as in a run that is resumed', () => {
    for (const env of ['Catch-v0', 'Breakout-v0']) {
      const own = settings(env);
      expect(resolveConfig(agentSchema, [{ source: 'config.json', values: own }])).toEqual(own);
    }
  });
});
