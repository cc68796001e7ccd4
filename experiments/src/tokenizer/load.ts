// The tokenizer of a run folder, out of its newest checkpoint.
import { FormatError } from '@tessera/core';
import type { GeneratorState } from '@tessera/core';
import type { Engine } from '@tessera/engine';
import type { RunFolder } from '@tessera/runs';
import { VQVAE } from '@tessera/vqvae';
import type { VqvaeOptions } from '@tessera/vqvae';

/** Puts the newest checkpoint on an engine. Throws FileError when there is none, FormatError when it is damaged or does not fit its own settings. */
export async function loadRunTokenizer(engine: Engine, run: RunFolder): Promise<VQVAE> {
  const { tensors, meta, directory } = await run.readCheckpoint();
  let tokenizer: VQVAE | undefined;
  try {
    tokenizer = new VQVAE(engine, meta['config'] as VqvaeOptions);
    tokenizer.loadState(tensors);
    tokenizer.loadGeneratorState(meta['generators'] as Record<string, GeneratorState>);
    return tokenizer;
  } catch (cause) {
    tokenizer?.dispose();
    throw new FormatError(`${directory}: the checkpoint does not fit its own settings: ${(cause as Error).message}`, {
      cause,
    });
  }
}
