// What TensorFlow says of a graph that we wrote, in our words: its messages name nodes, and the writer knows which computation a node belongs to.
import { BackendError } from '@tessera/core';
import type { CallSite } from '../record/call-site.ts';
import type { GraphWriter } from './graph-writer.ts';

/** A BackendError that knows where the model called what failed. */
export class GraphError extends BackendError {
  readonly site: CallSite | undefined;

  constructor(message: string, { site, ...options }: { readonly cause: unknown; readonly site: CallSite | undefined }) {
    super(message, options);
    this.site = site;
  }
}

const addonPrefix =
  /^(?:Session fail to run with error: |Failed to load SavedModel: |Invalid TF_Status: \d+\s+Message: )+/;

/**
 * The error to throw for `cause`, which TensorFlow gave; `what` begins the message ('GraphSession.run: TensorFlow failed') and the origin of the node follows.
 *
 * TensorFlow's messages end in [[{{node NAME}}]]; the addon cuts them at 500 characters. Grappler keeps or prefixes the names of the nodes it rewrites.
 */
export function graphError(what: string, cause: unknown, graph: GraphWriter): GraphError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const text = message.replace(addonPrefix, '');
  const named = [...text.matchAll(/\{\{node ([^}]+)\}\}/g)].map((match) => match[1]!);
  const node = named.map((name) => knownNode(name, graph)).find((name) => name !== undefined);
  const origin = node === undefined ? undefined : graph.origins.get(node);
  const where = node === undefined ? '' : ` in '${origin}'${origin === node ? '' : ` (node ${node})`}`;
  // A function's error begins with the names of the function and of what called it.
  const said = text.replace(/^(\{\{function_node [^}]*\}\} ?)+/, '').split('\n')[0]!;
  return new GraphError(`${what}${where}: ${said}`, { cause, site: graph.sites.get(node ?? '') });
}

function knownNode(name: string, graph: GraphWriter): string | undefined {
  if (graph.origins.has(name)) return name;
  return [...graph.origins.keys()]
    .filter((known) => name.endsWith(`/${known}`) || name.startsWith(`${known}/`))
    .sort((a, b) => b.length - a.length)[0];
}
