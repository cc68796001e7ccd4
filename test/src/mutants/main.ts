// Entry of `npm run mutants`.

import { mutants } from './list/mutants.ts';
import { mutantsMain } from './mutants-main.ts';

await mutantsMain(mutants);
