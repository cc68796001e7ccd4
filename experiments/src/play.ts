// How well something plays that has learned: drawn from its policy and greedily, beside policies that learn nothing. Whoever plays, the episodes are the same.

import { evaluatePolicy, framePolicy, randomPolicy } from '@tessera/agent';
import type { Evaluation } from '@tessera/agent';
import { Generators } from '@tessera/core';
import { baselinePolicies } from '@tessera/env-arcade';
import type { ActionRange, BatchPolicy, EnvConfig } from '@tessera/rollouts';
import { z } from 'zod';
import type { Reporter } from './reporter.ts';
import type { TableRow } from './table.ts';

const kinds = ['sampled', 'greedy'] as const;

/** Actions drawn from the policy, as in training, or the most likely ones. */
export type PolicyKind = (typeof kinds)[number];

/** The settings that say what is played. */
export interface PlaySettings {
  readonly episodes: number;
  readonly maxSteps: number;
  readonly policy: PolicyKind;
}

/** The schema of `PlaySettings`. */
export const playSchema: z.ZodType<PlaySettings, Partial<PlaySettings>> & z.ZodObject = z.strictObject({
  episodes: z.int().min(1).describe('episodes that the agent, drawn and greedy, and each baseline play').default(100),
  maxSteps: z.int().min(1).describe('longest episode of an evaluation').default(2500).meta({ unit: 'steps' }),
  policy: z
    .enum(kinds)
    .default('sampled')
    .describe('whose return comes first: actions drawn from the policy, as in training, or the most likely ones'),
}) as never;

/** How well something plays. */
export type Play = Evaluation & { readonly note?: string };

/** What was measured. */
export interface Plays {
  /** The kind that was asked for, and the other one under its name. */
  readonly evaluation: Play & { readonly policy: PolicyKind } & { readonly [K in PolicyKind]?: Play };
  /** By name: random, no-op, and the best simple rule where one is known. */
  readonly baselines: Readonly<Record<string, Play>>;
}

/** Who plays, what, and with which seed. */
export interface PlayOptions {
  /** The policy that has learned. */
  readonly policyOf: (options: { readonly seed: number; readonly greedy: boolean }) => BatchPolicy;
  readonly actions: ActionRange;
  readonly settings: PlaySettings;
  readonly env: EnvConfig;
  readonly seed: number;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
}

/** Plays all episodes with every policy. Episodes have seeds of their own, apart from those of training. Throws CancelledError. */
export async function measurePlay(options: PlayOptions): Promise<Plays> {
  const { policyOf, actions, settings, env, reporter, signal } = options;
  const { episodes, maxSteps, policy: kind } = settings;
  const seed = new Generators(options.seed).get('evaluation/seed').integers(2 ** 31 - 1);
  const known = baselinePolicies(env.id, env.kwargs);
  const policies: [name: string, policy: BatchPolicy, note?: string][] = [
    ...kinds.map((own): [string, BatchPolicy] => [own, policyOf({ seed, greedy: own === 'greedy' })]),
    ['random', randomPolicy(actions, { seed }), 'every action equally likely'],
  ];
  if (known !== undefined) {
    const { noop, trivial } = known;
    policies.push(['no-op', framePolicy(noop), 'does nothing']);
    policies.push([trivial.name, framePolicy(trivial.policy), `best trivial policy: ${trivial.description}`]);
  }
  const progress = reporter.progress({ label: 'evaluating', total: policies.length, unit: 'policies' });
  const plays = new Map<string, Play>();
  try {
    for (const [name, policy, note] of policies) {
      const play = await evaluatePolicy(policy, { env, episodes, seed, maxSteps, signal });
      plays.set(name, { ...play, ...(note !== undefined && { note }) });
      progress.update(plays.size);
    }
  } finally {
    progress.stop();
  }
  const { sampled, greedy, ...baselines } = Object.fromEntries(plays);
  const own = { sampled: sampled!, greedy: greedy! };
  const other: PolicyKind = kind === 'sampled' ? 'greedy' : 'sampled';
  return { evaluation: { ...own[kind], policy: kind, [other]: own[other] }, baselines };
}

/** The rows of the table at the end. */
export function playRows({ evaluation, baselines }: Plays): TableRow[] {
  const row = (name: string, { meanReturn, standardError, note }: Play): TableRow => ({
    name,
    value: meanReturn.toFixed(2),
    note: `± ${standardError.toFixed(2)}${note === undefined ? '' : `, ${note}`}`,
  });
  const { episodes, policy, meanLength } = evaluation;
  const others = kinds.flatMap((kind) => (evaluation[kind] === undefined ? [] : [row(`  ${kind}`, evaluation[kind])]));
  return [
    row('return', { ...evaluation, note: `${episodes} episodes of ${meanLength.toFixed(0)} steps, ${policy} actions` }),
    ...others,
    ...Object.entries(baselines).map(([name, play]) => row(`  ${name}`, play)),
  ];
}
