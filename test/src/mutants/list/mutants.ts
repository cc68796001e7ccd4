// All mutants, those that recur in other implementations first in each group (they name where).

import type { Mutant } from '../mutant.ts';
import { agents } from './agents.ts';
import { codebooks } from './codebooks.ts';
import { kinds } from './kinds.ts';
import { lookup } from './lookup.ts';
import { losses } from './losses.ts';
import { measures } from './measures.ts';

export const mutants: readonly Mutant[] = [...losses, ...lookup, ...codebooks, ...kinds, ...measures, ...agents];
