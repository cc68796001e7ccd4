// Graphs: features of nodes, features of edges, and which nodes each edge links (gymnasium/spaces/graph.py).
import { ConfigError } from '@tessera/core';
import type { DType } from '@tessera/core';
import { warn } from '../logger.ts';
import type { TypedArray } from '../types.ts';
import { batchDType, batchSpace, createEmptyArray } from '../vector/batch-space.ts';
import { Box } from './box.ts';
import { sampleKind } from './checks.ts';
import { describe } from './describe.ts';
import { Discrete } from './discrete.ts';
import { dtypeOf } from './dtype.ts';
import { readSpace } from './from-json.ts';
import { arraysFromJson, nestArray } from './nested.ts';
import { isOneSeed, seedList, subSeeds } from './seeds.ts';
import { Space } from './space.ts';
import type { SampleOptions, SpaceJSON, SpaceSeed } from './space.ts';

/** What nodes and edges may carry. */
export type FeatureSpace = Box<DType> | Discrete;

/** One graph of n nodes and m edges. */
export interface GraphInstance {
  /** Features of the nodes, `[n, ...]`. */
  readonly nodes: TypedArray;
  /** Features of the edges, `[m, ...]`; null without edges. */
  readonly edges: TypedArray | null;
  /** The two nodes of each edge, `[m, 2]`; null without edges. */
  readonly edgeLinks: Int32Array | null;
}

export interface GraphSampleOptions extends SampleOptions {
  /** A mask for each node, and one for each edge (for all, when `numEdges` is left out); for Discrete features. */
  readonly mask?: readonly [nodes: unknown, edges: unknown] | null;
  /** The same with probabilities. */
  readonly probability?: readonly [nodes: unknown, edges: unknown] | null;
  /** 10 by default. */
  readonly numNodes?: number;
  /** By default random, below `numNodes * (numNodes - 1)`. */
  readonly numEdges?: number;
}

/** Graphs whose nodes are values of one space and whose edges are of another, or carry nothing and are left out. */
export class Graph extends Space<GraphInstance> {
  readonly shape = undefined;
  readonly dtype = undefined;
  readonly nodeSpace: FeatureSpace;
  readonly edgeSpace: FeatureSpace | null;

  /** Throws ConfigError for features that are neither Box nor Discrete, or a Box without values. */
  constructor(nodeSpace: FeatureSpace, edgeSpace: FeatureSpace | null, options: { readonly seed?: SpaceSeed } = {}) {
    super();
    for (const [name, space] of Object.entries({ node: nodeSpace, edge: edgeSpace ?? undefined })) {
      if (space instanceof Box || space instanceof Discrete || (name === 'edge' && space === undefined)) continue;
      const got = describe(space);
      throw new ConfigError(`Graph: values of the ${name}_space should be instances of Box or Discrete, got ${got}.`);
    }
    for (const space of [nodeSpace, edgeSpace ?? nodeSpace]) {
      // Flat arrays of nothing do not say how many nodes there are.
      if (!space.shape.includes(0)) continue;
      throw new ConfigError(`Graph: expected features of at least one number, got ${space.toString()}.`);
    }
    this.nodeSpace = nodeSpace;
    this.edgeSpace = edgeSpace ?? null;
    if (options.seed !== undefined) this.seed(options.seed);
  }

  /** A graph. Throws ConfigError for numbers that are none and for masks that do not fit. */
  override sample(options: GraphSampleOptions = {}): GraphInstance {
    const { numNodes = 10, numEdges } = options;
    const kind = sampleKind('Graph', options);
    const masks: unknown = kind === undefined ? [] : options[kind];
    if (!Array.isArray(masks) || (kind !== undefined && masks.length !== 2)) {
      throw new ConfigError(`Graph.sample: expected the ${kind} to be [nodes, edges], got ${describe(masks)}.`);
    }
    checkNumber('nodes', numNodes, 1);
    let [nodeMask, edgeMask] = masks as [unknown, unknown];
    let count: number;
    if (numEdges === undefined) {
      count = numNodes > 1 ? this.npRandom.integers(numNodes * (numNodes - 1)) : 0;
      if (edgeMask !== undefined && edgeMask !== null) edgeMask = Array.from({ length: count }, () => edgeMask);
    } else {
      checkNumber('edges', numEdges, 0);
      if (this.edgeSpace === null) warn(`The number of edges is set (${numEdges}) but the edge space is None.`);
      count = numEdges;
    }
    const inner = (mask: unknown): SampleOptions => (kind === undefined ? {} : { [kind]: mask });
    const nodes = this.#features(this.nodeSpace, numNodes, inner(nodeMask));
    if (this.edgeSpace === null || count === 0) return { nodes, edges: null, edgeLinks: null };
    const edges = this.#features(this.edgeSpace, count, inner(edgeMask));
    return { nodes, edges, edgeLinks: this.npRandom.integersArray(0, numNodes, 2 * count, 'int32') };
  }

  /** All features at once, from the stream of the graph. */
  #features(space: FeatureSpace, count: number, options: SampleOptions): TypedArray {
    const all = batchSpace(space as Space<unknown>, count);
    all.npRandom = this.npRandom;
    return all.sample(options) as unknown as TypedArray;
  }

  override contains(x: unknown): boolean {
    if (typeof x !== 'object' || x === null) return false;
    const { nodes, edges, edgeLinks } = x as Partial<GraphInstance>;
    const numNodes = countFeatures(this.nodeSpace, nodes);
    if (numNodes === undefined) return false;
    if (edges === null || edgeLinks === null) return edges === edgeLinks;
    const numEdges = this.edgeSpace === null ? undefined : countFeatures(this.edgeSpace, edges);
    const kind = dtypeOf(edgeLinks);
    if (numEdges === undefined || kind === undefined || kind.startsWith('float')) return false;
    const links = Array.from(edgeLinks as ArrayLike<number>, Number);
    return links.length === 2 * numEdges && links.every((node) => node >= 0 && node < numNodes);
  }

  /** Seeds as Sequence does: itself, then the spaces of nodes and edges. Returns what each got. */
  override seed(seed?: SpaceSeed): SpaceSeed[] {
    const parts = this.edgeSpace === null ? [this.nodeSpace] : [this.nodeSpace, this.edgeSpace];
    let seeds: readonly SpaceSeed[] = [];
    let own: SpaceSeed;
    if (isOneSeed(seed)) {
      this.seedOwn(seed);
      own = seed;
      seeds = subSeeds(this.npRandom, parts.length);
    } else if (seed !== undefined && seed !== null) [own, ...seeds] = seedList('Graph', seed, parts.length + 1);
    return [this.seedOwn(own), ...parts.map((space, i) => (space as Space<unknown>).seed(seeds[i]))];
  }

  /** One node, and one edge where there are any, all zero. */
  empty(): GraphInstance {
    const zeros = (space: FeatureSpace): TypedArray =>
      createEmptyArray(space as Space<unknown>) as unknown as TypedArray;
    const hasEdges = this.edgeSpace !== null;
    return {
      nodes: zeros(this.nodeSpace),
      edges: hasEdges ? zeros(this.edgeSpace) : null,
      edgeLinks: hasEdges ? new Int32Array(2) : null,
    };
  }

  override toJsonable(samples: readonly GraphInstance[]): unknown[] {
    return samples.map(({ nodes, edges, edgeLinks }) => {
      const numNodes = countOf(this.nodeSpace, nodes);
      const part = { nodes: nestArray(nodes, [numNodes, ...this.nodeSpace.shape], this.nodeSpace.dtype) };
      if (edges === null || edgeLinks === null || this.edgeSpace === null) return part;
      const numEdges = edgeLinks.length / 2;
      return {
        ...part,
        edges: nestArray(edges, [numEdges, ...this.edgeSpace.shape], this.edgeSpace.dtype),
        edge_links: nestArray(edgeLinks, [numEdges, 2]),
      };
    });
  }

  override fromJsonable(json: unknown): GraphInstance[] {
    if (!Array.isArray(json)) {
      throw new ConfigError(`Graph.fromJsonable: expected an array of samples, got ${describe(json)}.`);
    }
    return json.map((sample: unknown) => {
      const part = (name: string): unknown[] => {
        const value = typeof sample === 'object' && sample !== null && Object.hasOwn(sample, name);
        const list: unknown = value ? (sample as Record<string, unknown>)[name] : undefined;
        if (Array.isArray(list)) return list;
        throw new ConfigError(`Graph.fromJsonable: expected an array of ${name}, got ${describe(list)}.`);
      };
      const features = (space: FeatureSpace, name: string): TypedArray => {
        const list = part(name);
        return arraysFromJson('Graph', [list], [list.length, ...space.shape], batchDType(space))[0]!;
      };
      const nodes = features(this.nodeSpace, 'nodes');
      if (this.edgeSpace === null || !Object.hasOwn(sample as object, 'edges')) {
        return { nodes, edges: null, edgeLinks: null };
      }
      const links = part('edge_links');
      const edgeLinks = arraysFromJson('Graph', [links], [links.length, 2], 'int32')[0]!;
      return { nodes, edges: features(this.edgeSpace, 'edges'), edgeLinks };
    });
  }

  override equals(other: unknown): boolean {
    if (!(other instanceof Graph) || !this.nodeSpace.equals(other.nodeSpace)) return false;
    return this.edgeSpace === null ? other.edgeSpace === null : this.edgeSpace.equals(other.edgeSpace);
  }

  override toString(): string {
    return `Graph(${this.nodeSpace.toString()}, ${this.edgeSpace?.toString() ?? 'None'})`;
  }

  override toJSON(): SpaceJSON {
    return { type: 'Graph', nodeSpace: this.nodeSpace.toJSON(), edgeSpace: this.edgeSpace?.toJSON() ?? null };
  }

  /** The space that `toJSON` described. Throws ConfigError for JSON that describes none. */
  static fromJSON(json: SpaceJSON, depth = 0): Graph {
    const { nodeSpace, edgeSpace = null } = json;
    const edges = edgeSpace === null ? null : (readSpace(edgeSpace, depth + 1) as FeatureSpace);
    return new Graph(readSpace(nodeSpace, depth + 1) as FeatureSpace, edges);
  }
}

function countOf(space: FeatureSpace, values: TypedArray): number {
  const size = space.shape.reduce((product, n) => product * n, 1);
  return size === 0 ? 0 : values.length / size;
}

/** How many values of the space an array holds; undefined when it does not. */
function countFeatures(space: FeatureSpace, values: unknown): number | undefined {
  if (dtypeOf(values) === undefined) return undefined;
  const count = countOf(space, values as TypedArray);
  if (!Number.isInteger(count)) return undefined;
  for (let i = 0; i < count; i++) {
    const size = (values as TypedArray).length / count;
    const value =
      space instanceof Discrete ? (values as TypedArray)[i] : (values as TypedArray).subarray(i * size, (i + 1) * size);
    if (!space.contains(value)) return undefined;
  }
  return count;
}

function checkNumber(what: string, count: unknown, least: number): void {
  // More fit no array.
  if (Number.isSafeInteger(count) && (count as number) >= least && (count as number) < 2 ** 26) return;
  const range = `greater than ${least - 1} and below 2^26`;
  throw new ConfigError(
    `Graph.sample: the number of ${what} is expected to be ${range}, actual value: ${describe(count)}.`,
  );
}
