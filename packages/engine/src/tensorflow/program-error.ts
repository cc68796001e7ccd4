// What TensorFlow says when a program's numbers are bad, as the errors that the other backends throw.
import { ConfigError, NonFiniteError } from '@tessera/core';
import { located } from '../record/call-site.ts';
import { GraphError } from './graph-error.ts';

/** The error to throw instead of `error`, which came out of a run; it names the line of the model. */
export function programError(error: unknown): unknown {
  if (!(error instanceof GraphError)) return error;
  const op = /TensorFlow failed in '(?:[^']*\/)?([^'/]*)'/.exec(error.message)?.[1] ?? 'op';
  return located(ourError(error), op, error.site);
}

function ourError(error: GraphError): Error {
  // GraphSession.run: TensorFlow failed in 'train/gather' (node train/gather/GatherV2): indices[3] = 9 is not in [0, 5)
  const match = /TensorFlow failed in '(?<origin>[^']*)'[^:]*: (?<text>.*)$/s.exec(error.message);
  if (match === null) return error;
  const { origin, text } = match.groups as { origin: string; text: string };
  const op = origin.slice(origin.lastIndexOf('/') + 1);
  const options = { cause: error };
  // CheckNumerics puts the message that the op's graph rule gave it in front.
  const nonFinite = /^(?<message>.*?) : Tensor had .* values/s.exec(text)?.groups?.['message'];
  if (nonFinite !== undefined) return new NonFiniteError(nonFinite, options);
  const [, position, index, count] =
    /(?:indices|segment_ids)\[([\d,]+)\] = (-?\d+) is (?:not in|out of range) \[0, (\d+)\)/.exec(text) ?? [];
  if (count !== undefined) {
    return new ConfigError(`${op}: expected indices in [0, ${count}), got ${index} at position ${position}.`, options);
  }
  const [, label, labels] = /label value of (-?\d+) which is outside the valid range of \[0, (\d+)\)/.exec(text) ?? [];
  if (labels !== undefined) {
    return new ConfigError(`${op}: expected indices in [0, ${labels}), got ${label}.`, options);
  }
  return error;
}
