// That a law fails is all that is asked, not by which smallest example; and what one run finds, the next one finds as well.
import { fc } from '@fast-check/vitest';

fc.configureGlobal({ ...fc.readConfigureGlobal(), endOnFailure: true, seed: 1 });
