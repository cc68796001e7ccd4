// Measures a trained agent: its return beside baselines, its world model on steps it never learned from, its tokenizer on the frames of these steps.
import { agentPolicy, measureHeldOut } from '@tessera/agent';
import type { Accuracy, Agent, DeltaPsnr, OpenLoop } from '@tessera/agent';
import { Generators } from '@tessera/core';
import type { EnvConfig } from '@tessera/rollouts';
import { evaluateTokenizer, toUnit } from '@tessera/vqvae';
import type { TokenizerEvaluation } from '@tessera/vqvae';
import { ballRecall, poleTipHits, recallOf } from '../environment.ts';
import { measurePlay, playRows } from '../play.ts';
import type { Plays } from '../play.ts';
import type { Reporter } from '../reporter.ts';
import type { TableRow } from '../table.ts';
import type { AgentExperimentConfig } from './config.ts';
import { countObjects } from './objects.ts';
import type { ObjectCounts } from './objects.ts';

/** All that is measured at the end. */
export interface AgentMeasures extends Plays {
  readonly worldModel: Accuracy & {
    readonly openLoop?: OpenLoop;
    readonly deltaPsnr?: DeltaPsnr;
    readonly objects?: Readonly<Record<string, ObjectCounts>>;
  };
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
  const { heldOutSteps, heldOutKwargs } = config.evaluation;
  const plays = await measurePlay({
    policyOf: (own) => agentPolicy(agent, own),
    actions: agent.actions,
    settings: { ...config.evaluation, episodes },
    env,
    seed,
    reporter,
    signal,
  });
  const heldOutSeed = new Generators(seed).get('held-out/seed').integers(2 ** 31 - 1);
  const heldOutEnv = { ...env, kwargs: { ...env.kwargs, ...heldOutKwargs } };
  const held = await measureHeldOut(agent, { env: heldOutEnv, steps: heldOutSteps, seed: heldOutSeed, frames });
  const { openLoop, deltaPsnr } = held.dreams ?? {};
  const objects = held.dreams && countObjects(heldOutEnv, held.dreams);
  const unit = toUnit(held.frames);
  const { evaluation, decoded } = evaluateTokenizer(agent.tokenizer, unit);
  return {
    ...plays,
    worldModel: {
      ...held.accuracy,
      ...(openLoop && { openLoop }),
      ...(deltaPsnr && { deltaPsnr }),
      ...(objects && { objects }),
    },
    tokenizer: {
      ...evaluation,
      ballRecall: ballRecall(heldOutEnv, unit, decoded),
      poleTipRecall: recallOf(poleTipHits(heldOutEnv, unit, decoded)),
    },
  };
}

const percent = (share: number): string => (Number.isNaN(share) ? '-' : `${(100 * share).toFixed(1)} %`);

/** The rows of the table at the end: the agent among its baselines, then what it stands on. */
export function measureRows({ worldModel, tokenizer, ...plays }: AgentMeasures): TableRow[] {
  return [
    ...playRows(plays),
    {
      name: 'next tokens',
      value: percent(worldModel.tokens),
      note: `of ${worldModel.transitions} held-out frames; the last frame again: ${percent(worldModel.copyLastFrame)}`,
    },
    { name: '  changed ones', value: percent(worldModel.changedTokens), note: 'the last frame again: 0.0 %' },
    { name: '  whole frames', value: percent(worldModel.frames) },
    ...dreamRows(worldModel),
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

/** What dreams are like: how long they stay true, whether they listen to actions, whether they have the right objects. */
function dreamRows({ openLoop, deltaPsnr, objects = {} }: AgentMeasures['worldModel']): TableRow[] {
  const rows: TableRow[] = [];
  if (openLoop !== undefined) {
    const { horizon, windows, lastRealFrame, changedTokens, tokensByStep } = openLoop;
    rows.push(
      {
        name: `${horizon} steps alone`,
        value: percent(openLoop.tokens),
        note: `of the tokens of ${windows} dreams, ${percent(tokensByStep.at(-1)!)} in the last step; the first frame again: ${percent(lastRealFrame)}`,
      },
      { name: '  changed ones', value: percent(changedTokens), note: 'since the first frame' },
    );
  }
  if (deltaPsnr !== undefined) {
    const { mean, low, high, step } = deltaPsnr;
    rows.push({
      name: 'delta-PSNR',
      value: `${mean.toFixed(1)} dB`,
      note: `95 %: ${low.toFixed(1)} to ${high.toFixed(1)}; ${step} steps with the true actions against random ones`,
    });
  }
  for (const [name, { real, imagined, wrong }] of Object.entries(objects)) {
    rows.push({
      name: `  ${name}`,
      value: imagined.toFixed(2),
      note: `in a dreamed frame, ${real.toFixed(2)} in a real one${wrong === undefined ? '' : `; not one in ${percent(wrong)}`}`,
    });
  }
  return rows;
}
