// Ways to damage a run folder, by hand or by a liar who knows about checksums.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeSafetensors, encodeSafetensors } from '@tessera/core';
import type { NdArray } from '@tessera/core';

/** The newest checkpoint of a run. */
export function newestCheckpoint(run: string): string {
  const folder = join(run, 'checkpoints');
  return join(folder, readdirSync(folder).toSorted().at(-1)!);
}

/** Changes a text file. */
export function edit(path: string, change: (text: string) => string): void {
  const before = readFileSync(path, 'utf8');
  const after = change(before);
  if (after === before) throw new Error(`${path}: nothing was changed`);
  writeFileSync(path, after);
}

/** Changes the tensors of a safetensors file; its metadata stays. */
export function editTensors(path: string, change: (tensors: Record<string, NdArray>) => void): void {
  const { tensors, metadata } = decodeSafetensors(readFileSync(path), { source: path });
  change(tensors);
  writeFileSync(path, encodeSafetensors(tensors, metadata));
}

/** Changes the metadata of a safetensors file; its tensors stay. */
export function editMetadata(path: string, change: (metadata: Record<string, string>) => void): void {
  const { tensors, metadata } = decodeSafetensors(readFileSync(path), { source: path });
  change(metadata);
  writeFileSync(path, encodeSafetensors(tensors, metadata));
}

/** Rewrites the JSON header of a safetensors file. */
export function editHeader(path: string, change: (header: string) => string): void {
  const bytes = readFileSync(path);
  const end = 8 + Number(bytes.readBigUInt64LE());
  const before = bytes.toString('utf8', 8, end);
  if (change(before) === before) throw new Error(`${path}: nothing was changed`);
  const header = Buffer.from(change(before));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(header.length));
  writeFileSync(path, Buffer.concat([size, header, bytes.subarray(end)]));
}

/** Changes the tensors of the newest checkpoint, and its checksum too. */
export function editCheckpointTensors(run: string, change: (tensors: Record<string, NdArray>) => void): void {
  const folder = newestCheckpoint(run);
  const path = join(folder, 'tensors.safetensors');
  editTensors(path, change);
  const bytes = readFileSync(path);
  editCheckpointInfo(run, (info) => {
    info['tensorBytes'] = bytes.length;
    info['tensorSha256'] = createHash('sha256').update(bytes).digest('hex');
  });
}

/** Changes the JSON of the newest checkpoint. */
export function editCheckpointInfo(run: string, change: (info: Record<string, unknown>) => void): void {
  edit(join(newestCheckpoint(run), 'checkpoint.json'), (text) => {
    const info = JSON.parse(text) as Record<string, unknown>;
    change(info);
    return JSON.stringify(info);
  });
}

/** Changes what the trainer of an agent run has saved beside its tensors. */
export function editTrainer(run: string, change: (trainer: Record<string, Record<string, unknown>>) => void): void {
  editCheckpointInfo(run, ({ meta }) => change((meta as { trainer: Record<string, Record<string, unknown>> }).trainer));
}
