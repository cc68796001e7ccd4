// `tessera export onnx`: a tokenizer as models for other runtimes. The folder's path is the only line on stdout.
import { join } from 'node:path';
import { makeDirectory, writeFileAtomic } from '@tessera/core/node';
import { createEngine } from '@tessera/engine/node';
import { exportOnnx } from '@tessera/vqvae';
import { formatBytes } from '../format.ts';
import type { Io } from '../io.ts';
import { renderTable } from '../table.ts';
import type { TableRow } from '../table.ts';
import { openTokenizer } from './open-tokenizer.ts';

/** Writes `encoder.onnx`, `codebook.onnx` and `decoder.onnx`, each replaced at once; returns the exit code. Throws errors of Tessera. */
export async function exportOnnxCommand(
  tokenizerFolder: string,
  { out }: { readonly out: string },
  io: Io,
): Promise<number> {
  // It only holds the weights, which any back end does.
  const engine = await createEngine({ backend: 'wasm' });
  try {
    const { tokenizer } = await openTokenizer('export', engine, tokenizerFolder);
    const { frameShape, tokenShape, codeDim } = tokenizer.spec;
    const [frames, tokens] = [`frames [N, ${frameShape.join(', ')}]`, `tokens [N, ${tokenShape.join(', ')}]`];
    const notes = {
      encoder: `${frames} to ${tokens}`,
      codebook: `${tokens} to vectors [N, ${[...tokenShape, codeDim].join(', ')}]`,
      decoder: `${tokens} to ${frames}`,
    } as const;
    const models = exportOnnx(tokenizer);
    await makeDirectory(out);
    const rows: TableRow[] = [];
    for (const name of ['encoder', 'codebook', 'decoder'] as const) {
      await writeFileAtomic(join(out, `${name}.onnx`), models[name]);
      rows.push({ name: `${name}.onnx`, value: formatBytes(models[name].length), note: notes[name] });
    }
    io.stderr.write(`${renderTable(rows)}\n`);
    io.stdout.write(`${out}\n`);
    return 0;
  } finally {
    engine.dispose();
  }
}
