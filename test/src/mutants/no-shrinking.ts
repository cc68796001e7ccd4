// That a law fails is all that is asked, not by which smallest example.
import { fc } from '@fast-check/vitest';

fc.configureGlobal({ ...fc.readConfigureGlobal(), endOnFailure: true });
