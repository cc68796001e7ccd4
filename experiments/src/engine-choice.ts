// Between the names of back ends on the command line and the engine's choices.
import { checkBackendChoice } from '@tessera/engine';
import type { EngineOptions } from '@tessera/engine';

/** The engine options for `--backend NAME`; undefined leaves the choice to the engine. Throws ConfigError for a name that is no back end. */
export function engineChoice(backend: string | undefined): EngineOptions {
  return backend === undefined ? {} : { backend: checkBackendChoice(backend) };
}
