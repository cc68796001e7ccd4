// What a round of training consists of: a list of items of work that depends on counters alone, so that a run which was interrupted goes on where it was and
// never makes up for lost time.
import type { TrainingConfig } from './config.ts';

/** An item of work. Each is a function of the state before it; a checkpoint may be taken between any two. */
export type WorkKind = 'collect' | 'tokenizer' | 'measure' | 'real' | 'world model' | 'imagination';

/** What the plan of a round depends on. */
export interface RoundPosition {
  /** Number of the round, from 0. */
  readonly round: number;
  /** Environment steps taken before it. */
  readonly startSteps: number;
  /** Whether the tokenizer has training steps of its own. */
  readonly trainable: boolean;
}

/** The items of a round in order. */
export function planRound(
  { mode, tokenizer, worldModel, imagination, learnFromReal }: TrainingConfig,
  { round, startSteps, trainable }: RoundPosition,
): WorkKind[] {
  const first = round === 0;
  const live = trainable && (first || startSteps < tokenizer.untilSteps);
  const counts = {
    tokenizer: live ? (first ? tokenizer.firstUpdates : tokenizer.updates) : 0,
    'world model': first ? worldModel.firstUpdates : worldModel.updates,
    imagination: imagination.updates,
  };
  const repeat = (kind: keyof typeof counts): WorkKind[] => Array.from({ length: counts[kind] }, () => kind);
  const look: WorkKind[] = learnFromReal ? ['measure', 'real'] : ['measure'];
  if (mode === 'alternating') {
    return ['collect', ...repeat('tokenizer'), ...look, ...repeat('world model'), ...repeat('imagination')];
  }
  return ['collect', ...look, ...takeTurns(counts)];
}

/** So many of each kind, spread evenly: the j-th of n comes at (j + 1) / n of the round. */
function takeTurns(counts: Readonly<Record<'tokenizer' | 'world model' | 'imagination', number>>): WorkKind[] {
  return (Object.entries(counts) as [WorkKind, number][])
    .flatMap(([kind, count], order) => Array.from({ length: count }, (_, j) => ({ kind, at: (j + 1) / count, order })))
    .toSorted((a, b) => a.at - b.at || a.order - b.order)
    .map(({ kind }) => kind);
}

/** Items of a whole run of so many steps. */
export function plannedItems(
  config: TrainingConfig,
  { steps, trainable }: { readonly steps: number; readonly trainable: boolean },
): number {
  const perRound = config.numEnvs * config.roundSteps;
  let items = 0;
  for (let round = 0; round * perRound < steps; round++) {
    items += planRound(config, { round, startSteps: round * perRound, trainable }).length;
  }
  return items;
}

/** Updates of a trainable tokenizer in a run of so many steps, for its learning rate. */
export function plannedTokenizerUpdates({ tokenizer, numEnvs, roundSteps }: TrainingConfig, steps: number): number {
  const perRound = numEnvs * roundSteps;
  const laterRounds = Math.max(0, Math.ceil(Math.min(steps, tokenizer.untilSteps) / perRound) - 1);
  return tokenizer.firstUpdates + laterRounds * tokenizer.updates;
}
