// The nodes of a GraphDef, read apart from what writes them.
import { all, one, text } from '../../../core/tests/proto-reader.ts';

export interface Node {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly string[];
  /** The bytes of each AttrValue. */
  readonly attributes: Readonly<Record<string, Uint8Array>>;
}

/** The nodes of a GraphDef. */
export function readGraph(graphDef: Uint8Array): Node[] {
  return all(graphDef, 1).map((node) => ({
    name: text(one(node, 1)),
    op: text(one(node, 2)),
    inputs: all(node, 3).map(text),
    attributes: Object.fromEntries(all(node, 5).map((entry) => [text(one(entry, 1)), one(entry, 2) as Uint8Array])),
  }));
}
