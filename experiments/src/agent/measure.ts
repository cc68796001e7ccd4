// Measures a trained agent: its return beside baselines, its world model on steps it never learned from, its tokenizer on the frames of these steps.
import { agentPolicy, evaluatePolicy, framePolicy, measureHeldOut, randomPolicy } from '@tessera/agent';
import type { Accuracy, Agent, Evaluation } from '@tessera/agent';
import { Generators } from '@tessera/core';
import { baselinePolicies } from '@tessera/env-arcade';
import type { BatchPolicy, EnvConfig } from '@tessera/rollouts';
import { evaluateTokenizer, toUnit } from '@tessera/vqvae';
import type { TokenizerEvaluation } from '@tessera/vqvae';
import { ballRecall, poleTipHits, recallOf } from '../environment.ts';
import type { Reporter } from '../reporter.ts';
import type { TableRow } from '../table.ts';
import type { AgentExperimentConfig } from './config.ts';

/** How well something plays. */
export type Play = Evaluation & { readonly note?: string };

/** All that is measured at the end. */
export interface AgentMeasures {
  readonly evaluation: Play & { readonly policy: string };
  /** By name: random, no-op, and the best simple rule where one is known. */
  readonly baselines: Readonly<Record<string, Play>>;
  readonly worldModel: Accuracy;
  readonly tokenizer: TokenizerEvaluation & { readonly ballRecall: number; readonly poleTipRecall: number };
}

/** What is measured, and with which seed. */
export interface MeasureOptions {
  readonly config: AgentExperimentConfig;
  readonly env: EnvConfig;
  readonly seed: number;
  readonly episodes: number;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
}

const frames = 1024;

/** Measures everything. Episodes and held-out steps have seeds of their own, apart from those of training; every policy plays the same episodes. */
export async function measureAgent(agent: Agent, options: MeasureOptions): Promise<AgentMeasures> {
  const { config, env, seed, episodes, reporter, signal } = options;
  const { maxSteps, policy: kind, heldOutSteps, heldOutKwargs } = config.evaluation;
  const generators = new Generators(seed);
  const seedOf = (name: string) => generators.get(`${name}/seed`).integers(2 ** 31 - 1);
  const evaluationSeed = seedOf('evaluation');
  const play = async (policy: BatchPolicy) =>
    evaluatePolicy(policy, { env, episodes, seed: evaluationSeed, maxSteps, signal });
  const known = baselinePolicies(env.id, env.kwargs);
  const policies: [name: string, policy: BatchPolicy, note: string | undefined][] = [
    ['agent', agentPolicy(agent, { seed: evaluationSeed, greedy: kind === 'greedy' }), undefined],
    ['random', randomPolicy(agent.actions, { seed: evaluationSeed }), 'every action equally likely'],
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
      plays.set(name, { ...(await play(policy)), ...(note !== undefined && { note }) });
      progress.update(plays.size);
    }
  } finally {
    progress.stop();
  }
  const { agent: own, ...baselines } = Object.fromEntries(plays);
  const heldOutEnv = { ...env, kwargs: { ...env.kwargs, ...heldOutKwargs } };
  const held = await measureHeldOut(agent, { env: heldOutEnv, steps: heldOutSteps, seed: seedOf('held-out'), frames });
  const unit = toUnit(held.frames);
  const { evaluation, decoded } = evaluateTokenizer(agent.tokenizer, unit);
  return {
    evaluation: { ...own!, policy: kind },
    baselines,
    worldModel: held.accuracy,
    tokenizer: {
      ...evaluation,
      ballRecall: ballRecall(heldOutEnv, unit, decoded),
      poleTipRecall: recallOf(poleTipHits(heldOutEnv, unit, decoded)),
    },
  };
}

const percent = (share: number): string => (Number.isNaN(share) ? '-' : `${(100 * share).toFixed(1)} %`);

/** The rows of the table at the end: the agent among its baselines, then what it stands on. */
export function measureRows({ evaluation, baselines, worldModel, tokenizer }: AgentMeasures): TableRow[] {
  const row = (name: string, { meanReturn, standardError, note }: Play): TableRow => ({
    name,
    value: meanReturn.toFixed(2),
    note: `± ${standardError.toFixed(2)}${note === undefined ? '' : `, ${note}`}`,
  });
  const { episodes, policy, meanLength } = evaluation;
  return [
    row('return', { ...evaluation, note: `${episodes} episodes of ${meanLength.toFixed(0)} steps, ${policy} actions` }),
    ...Object.entries(baselines).map(([name, play]) => row(`  ${name}`, play)),
    {
      name: 'next tokens',
      value: percent(worldModel.tokens),
      note: `of ${worldModel.transitions} held-out frames; the last frame again: ${percent(worldModel.copyLastFrame)}`,
    },
    { name: '  changed ones', value: percent(worldModel.changedTokens), note: 'the last frame again: 0.0 %' },
    { name: '  whole frames', value: percent(worldModel.frames) },
    {
      name: 'reward, end',
      value: `${worldModel.rewardF1.toFixed(2)}, ${worldModel.endF1.toFixed(2)}`,
      note: 'F1 of the predictions',
    },
    {
      name: 'tokenizer',
      value: `${tokenizer.psnr.toFixed(1)} dB`,
      note: `NMSE ${tokenizer.nmse.toPrecision(2)}, ${percent(tokenizer.usage)} of the codes used`,
    },
  ];
}
