// Between the names of back ends in files and on the command line, and the engine's choices.
import type { EngineOptions } from '@tessera/engine';

/** The engine options for `--backend NAME`; undefined leaves the choice to the engine. */
export function engineChoice(backend: string | undefined): EngineOptions {
  if (backend === undefined) return {};
  return {
    backend: (backend.startsWith('tensorflow') ? 'tensorflow' : backend) as NonNullable<EngineOptions['backend']>,
  };
}
