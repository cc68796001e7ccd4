// TensorBoard event records as bytes: TFRecord framing around Event protocol buffers, without TensorFlow. Fields follow
// tensorflow/core/util/event.proto and tensorflow/core/framework/summary.proto. It encodes; `event-file.ts` writes.

import { concatBytes, ProtoWriter } from '@tessera/core';
import { maskedCrc32c } from './crc32c.ts';

/** A picture inside an event: PNG bytes with the size and channel count that they hold. */
export interface EventImage {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly png: Uint8Array;
}

/** One summary: a number or a picture under a tag. */
export type EventSummary =
  { readonly tag: string; readonly scalar: number } | { readonly tag: string; readonly image: EventImage };

/** The record that opens every event file; TensorBoard refuses files without `brain.Event:2`. */
export function encodeFileVersion({ wallTime }: { readonly wallTime: number }): Uint8Array {
  return frameRecord(new ProtoWriter().double(1, wallTime).string(3, 'brain.Event:2').bytes());
}

/**
 * The record that says that a run starts again at `step`: TensorBoard forgets what it read of this step and later ones
 * (SessionLog START; tensorboard/backend/event_processing/plugin_event_accumulator.py).
 */
export function encodeRestart({ wallTime, step }: { readonly wallTime: number; readonly step: number }): Uint8Array {
  const start = new ProtoWriter().integer(1, 1);
  return frameRecord(new ProtoWriter().double(1, wallTime).integer(2, step).message(7, start).bytes());
}

/** One framed event with all `summaries` of a step; `wallTime` in seconds since 1970. Scalars are stored as float32. */
export function encodeSummaries(options: {
  readonly wallTime: number;
  readonly step: number;
  readonly summaries: readonly EventSummary[];
}): Uint8Array {
  const { wallTime, step, summaries } = options;
  const summary = new ProtoWriter();
  for (const item of summaries) summary.message(1, summaryValue(item));
  return frameRecord(new ProtoWriter().double(1, wallTime).integer(2, step).message(5, summary).bytes());
}

/**
 * TFRecord framing: `u64 length | u32 maskedCrc(length) | data | u32 maskedCrc(data)`, little endian
 * (tensorflow/core/lib/io/record_writer.h).
 */
export function frameRecord(data: Uint8Array): Uint8Array {
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(data.length), true);
  return concatBytes([length, checksum(length), data, checksum(data)]);
}

function summaryValue(item: EventSummary): ProtoWriter {
  const value = new ProtoWriter().string(1, item.tag);
  if ('scalar' in item) return value.float(2, item.scalar);
  const { height, width, channels, png } = item.image;
  const image = new ProtoWriter().integer(1, height).integer(2, width).integer(3, channels).raw(4, png);
  return value.message(4, image);
}

function checksum(data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, maskedCrc32c(data), true);
  return bytes;
}
