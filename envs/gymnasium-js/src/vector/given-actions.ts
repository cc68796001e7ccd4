// The actions of a step as callers give them, checked.
import { InvalidAction } from '../errors.ts';
import { explainMismatch } from '../spaces/explain.ts';
import type { Space } from '../spaces/space.ts';
import { checkActions, hasRowLayout } from './batch-layout.ts';
import { iterate } from './batch-space.ts';
import type { BatchedActions, VectorActions } from './vector-env.ts';

/** One flat array where each action is a row of one length, else a list with one action each. */
export type GivenActions = VectorActions | { readonly list: readonly unknown[] };

/** The space of one action and that of a batch of them. */
export interface ActionSpaces {
  readonly singleActionSpace: Space<unknown>;
  readonly actionSpace: Space<unknown>;
}

/** Throws InvalidAction unless there is one valid action for each environment. */
export function readActions(
  { singleActionSpace: single, actionSpace: batched }: ActionSpaces,
  numEnvs: number,
  actions: VectorActions | BatchedActions,
): GivenActions {
  if (hasRowLayout(single)) {
    checkActions(single, numEnvs, actions as VectorActions);
    return actions as VectorActions;
  }
  const list = listActions(batched, actions);
  if (list.length !== numEnvs) {
    throw new InvalidAction(`VectorEnv.step: expected ${numEnvs} actions, got ${list.length}.`);
  }
  for (const [index, action] of list.entries()) {
    if (single.contains(action)) continue;
    throw new InvalidAction(`VectorEnv.step: action ${index}: ${explainMismatch(single, action)}.`);
  }
  return { list };
}

function listActions(space: Space<unknown>, actions: VectorActions | BatchedActions): unknown[] {
  try {
    return [...iterate(space, actions)];
  } catch (cause) {
    throw new InvalidAction(`VectorEnv.step: ${(cause as Error).message}`, { cause });
  }
}
