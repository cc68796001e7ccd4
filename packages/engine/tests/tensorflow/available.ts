// TensorFlow for the tests of this folder, or the reason why they are skipped.
import { GraphSession } from '../../src/tensorflow/session.ts';
import { findTensorFlow } from '../../src/tensorflow/binding.ts';
import type { TensorFlow } from '../../src/tensorflow/binding.ts';
import type { GraphWriter } from '../../src/tensorflow/graph-writer.ts';

const found = await findTensorFlow();

/** Whether the tests can run. */
export const available: boolean = found.available;

/** What to add to the title of a `describe.skipIf(!available)`, so that skipped tests show the reason. */
export const skipped: string = found.available ? '' : ` (skipped: ${found.reason})`;

/** TensorFlow, inside a test that is not skipped. */
export function tensorFlow(): TensorFlow {
  if (!found.available) throw new Error(found.reason);
  return found;
}

/** Loads a graph, hands the session to `use` and frees it. */
export function withSession<T>(graph: GraphWriter, use: (session: GraphSession) => T): T {
  const session = GraphSession.load(graph, tensorFlow().binding);
  try {
    return use(session);
  } finally {
    session.dispose();
  }
}
