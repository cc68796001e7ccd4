// An environment that is nothing but its spaces: what single wrappers are built around when a vector wrapper uses them.
import { InternalError } from '@tessera/core';
import { Env } from '../../env.ts';
import { Discrete } from '../../spaces/discrete.ts';
import type { Space } from '../../spaces/space.ts';
import type { EnvMetadata, ResetResult, StepResult } from '../../types.ts';

export class SingleEnv extends Env<unknown, unknown> {
  readonly metadata: EnvMetadata = { renderModes: [] };
  readonly observationSpace: Space<unknown>;
  readonly actionSpace: Space<unknown>;

  constructor(spaces: { readonly observation?: Space<unknown>; readonly action?: Space<unknown> }) {
    super();
    this.observationSpace = spaces.observation ?? new Discrete(1);
    this.actionSpace = spaces.action ?? new Discrete(1);
  }

  reset(): ResetResult<unknown> {
    throw new InternalError('a vector wrapper reset the environment that stands for the single ones');
  }

  step(): StepResult<unknown> {
    throw new InternalError('a vector wrapper stepped the environment that stands for the single ones');
  }
}
