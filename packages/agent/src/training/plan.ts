// What a round of training consists of: a list of items of work that depends on counters alone, so that a run which was interrupted goes on where it was and
// never makes up for lost time.
import type { TrainingConfig } from './config.ts';

/** An item of work. Each is a function of the state before it; a checkpoint may be taken between any two. */
export type WorkKind = 'collect' | 'tokenizer' | 'measure' | 'real' | 'world model' | 'end-to-end' | 'imagination';

/** What the plan of a round depends on. */
export interface RoundPosition {
  /** Number of the round, from 0. */
  readonly round: number;
  /** Environment steps taken before it. */
  readonly startSteps: number;
  /** Whether the tokenizer has training steps of its own. */
  readonly trainable: boolean;
  /** Environment steps from which it is frozen because its codes rest; default and null: they do not. */
  readonly tokenizerRestsSince?: number | null;
}

/** The items of a round in order. */
export function planRound(
  { mode, tokenizer, worldModel, imagination, learnFromReal }: TrainingConfig,
  { round, startSteps, trainable, tokenizerRestsSince: restsSince }: RoundPosition,
): WorkKind[] {
  const first = round === 0;
  const until = Math.min(tokenizer.untilSteps, restsSince ?? Infinity);
  const live = trainable && (first || startSteps < until);
  const joint = mode === 'end-to-end' && live;
  const learning = first ? worldModel.firstUpdates : worldModel.updates;
  const counts = {
    tokenizer: live && !joint ? (first ? tokenizer.firstUpdates : tokenizer.updates) : 0,
    'world model': joint ? 0 : learning,
    'end-to-end': joint ? learning : 0,
    imagination: imagination.updates,
  };
  const repeat = (kind: keyof typeof counts): WorkKind[] => Array.from({ length: counts[kind] }, () => kind);
  const real: WorkKind[] = learnFromReal ? ['real'] : [];
  if (mode === 'alternating') {
    // Codes that moved would make another policy of the one that acted; before there are any, it has not looked at them.
    const update: WorkKind[] = [...repeat('tokenizer'), 'measure'];
    const begin = first ? [...update, ...real] : [...real, ...update];
    return ['collect', ...begin, ...repeat('world model'), ...repeat('imagination')];
  }
  const look: WorkKind[] = ['measure', ...real];
  // What is frozen has no gradient to wait for: from then on the world model learns alone.
  if (mode === 'end-to-end') {
    return ['collect', ...look, ...repeat('end-to-end'), ...repeat('world model'), ...repeat('imagination')];
  }
  return ['collect', ...look, ...takeTurns(counts)];
}

/** So many of each kind, spread evenly: the j-th of n comes at (j + 1) / n of the round. */
function takeTurns(counts: Readonly<Partial<Record<WorkKind, number>>>): WorkKind[] {
  return (Object.entries(counts) as [WorkKind, number][])
    .flatMap(([kind, count], order) => Array.from({ length: count }, (_, j) => ({ kind, at: (j + 1) / count, order })))
    .toSorted((a, b) => a.at - b.at || a.order - b.order)
    .map(({ kind }) => kind);
}

/** Items of a whole run of so many steps, at the most: a tokenizer that comes to rest has fewer. */
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

/** Where the updates of a trainable tokenizer are counted, which end to end are those of the world model. */
export function tokenizerUpdates({ mode, tokenizer, worldModel }: TrainingConfig): TrainingConfig['worldModel'] {
  return mode === 'end-to-end' ? worldModel : tokenizer;
}

/** Updates of a trainable tokenizer, alone or end to end, in a run of so many steps, for its learning rate. */
export function plannedTokenizerUpdates(config: TrainingConfig, steps: number): number {
  const { tokenizer, numEnvs, roundSteps } = config;
  const { firstUpdates, updates } = tokenizerUpdates(config);
  const perRound = numEnvs * roundSteps;
  const laterRounds = Math.max(0, Math.ceil(Math.min(steps, tokenizer.untilSteps) / perRound) - 1);
  return firstUpdates + laterRounds * updates;
}

/** Whether work of this kind moves the codes of a trainable tokenizer. */
export function movesCodes(kind: WorkKind): boolean {
  return kind === 'tokenizer' || kind === 'end-to-end';
}
