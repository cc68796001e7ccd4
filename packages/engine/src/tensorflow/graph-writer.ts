// Writes a TensorFlow graph from TypeScript: nodes are added one by one and come out as the bytes of a GraphDef or of a SavedModel
// (tensorflow/core/framework/graph.proto, node_def.proto; protobuf/saved_model.proto, meta_graph.proto). It knows no op: attributes
// and numbers of outputs are the caller's, TensorFlow checks them when the graph is loaded.
import { ConfigError, didYouMean, ProtoWriter } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { CallSite } from '../record/call-site.ts';
import { attr } from './attributes.ts';
import type { Attributes } from './attributes.ts';
import type { GraphDType } from './dtypes.ts';

/** The tag that the SavedModel is written with and has to be loaded with. */
export const servingTag = 'serve';

// TensorFlow loads graphs of older producers, and refuses ops that have been deprecated since the producer's version. This is a number of 2020.
const producerVersion = 440;

// protobuf's own limit for one message.
const maxBytes = 2 ** 31 - 1;

/** How a node is named and ordered. */
export interface NodeOptions {
  /** A readable name, made unique by a suffix `_1`, `_2`, ...; the op's name by default. */
  readonly name?: string;
  /** Outputs, tensors or nodes (`'n:0'`, `'n'` or `'^n'`) that must have run before this node. */
  readonly control?: readonly string[];
  /** What the caller calls this computation; errors of TensorFlow name it. `name` by default. */
  readonly origin?: string;
  /** Where the model called it, for errors. */
  readonly site?: CallSite | undefined;
}

/** What may be fed to a placeholder. `-1` stands for any size. */
export interface PlaceholderSpec {
  readonly dtype: GraphDType;
  readonly shape: readonly number[];
}

/**
 * A TensorFlow graph being written.
 *
 * Tensors are strings: output `i` of node `n` is `'n:i'`. Edges that only order are `'^n'`. Names are a function of the calls made, so equal calls give equal bytes.
 */
export class GraphWriter {
  readonly #nodes = new ProtoWriter();
  readonly #outputs = new Map<string, number>();
  readonly #origins = new Map<string, string>();
  readonly #sites = new Map<string, CallSite>();
  readonly #suffixes = new Map<string, number>();
  readonly #placeholders = new Map<string, PlaceholderSpec>();
  readonly #variables = new Map<string, GraphDType>();

  /** The origin of every node by its name. */
  get origins(): ReadonlyMap<string, string> {
    return this.#origins;
  }

  /** Where the model called what a node belongs to, by the node's name. */
  get sites(): ReadonlyMap<string, CallSite> {
    return this.#sites;
  }

  /** The number of outputs of every node by its name. */
  get outputs(): ReadonlyMap<string, number> {
    return this.#outputs;
  }

  /** What each placeholder takes, by node name. */
  get placeholders(): ReadonlyMap<string, PlaceholderSpec> {
    return this.#placeholders;
  }

  /**
   * Adds a node and returns its outputs `['n:0', ...]`, one unless `outputs` says otherwise.
   *
   * Inputs must be outputs of this graph that exist already, else ConfigError.
   */
  node(
    op: string,
    inputs: readonly string[],
    attributes: Attributes = {},
    { outputs = 1, ...options }: NodeOptions & { readonly outputs?: number } = {},
  ): string[] {
    const name = this.#add(op, inputs, attributes, outputs, options);
    return Array.from({ length: outputs }, (_, i) => `${name}:${i}`);
  }

  /** Adds a node without outputs, which is there for what it does (`ResourceApplyAdam`, `Assert`, ...), and returns the edge `'^n'` that waits for it. */
  effect(op: string, inputs: readonly string[], attributes: Attributes = {}, options: NodeOptions = {}): string {
    return `^${this.#add(op, inputs, attributes, 0, options)}`;
  }

  /** Adds an array whose values become part of the graph; large ones (weights) are better fed. */
  constant(array: NdArray, options: NodeOptions = {}): string {
    const attributes = { dtype: attr.type(array.dtype), value: attr.tensor(array) };
    return this.node('Const', [], attributes, options)[0]!;
  }

  /** Adds an input; `-1` in `shape` stands for any size. Throws ConfigError when the name is taken. */
  placeholder(name: string, dtype: GraphDType, shape: readonly number[]): string {
    const attributes = { dtype: attr.type(dtype), shape: attr.shape(shape) };
    const output = this.node('Placeholder', [], attributes, { name: this.#newName(name, 'placeholder') })[0]!;
    this.#placeholders.set(nodeOf(output), { dtype, shape: [...shape] });
    return output;
  }

  /**
   * Adds a variable, state that lives as long as the session, and returns its resource handle; ops named `Resource*` take it.
   *
   * It has no value before an assignment has run. Throws ConfigError when the name is taken.
   */
  variable(name: string, dtype: GraphDType, shape: readonly number[]): string {
    const unique = this.#newName(name, 'variable');
    const attributes = {
      dtype: attr.type(dtype),
      shape: attr.shape(shape),
      shared_name: attr.string(unique),
      container: attr.string(''),
    };
    const handle = this.node('VarHandleOp', [], attributes, { name: unique, origin: name })[0]!;
    this.#variables.set(handle, dtype);
    return handle;
  }

  /** Adds a variable that is handed in when the graph runs, as an input of a function. Throws ConfigError when the name is taken. */
  resource(name: string, { dtype }: { readonly dtype: GraphDType }): string {
    const handle = this.placeholder(name, 'resource', []);
    this.#variables.set(handle, dtype);
    this.#origins.set(nodeOf(handle), name);
    return handle;
  }

  /** Adds a read of a variable: its value at some time after everything in `control` and before everything that waits for the read. */
  read(variable: string, options: NodeOptions = {}): string {
    const attributes = { dtype: attr.type(this.#variableDType(variable)) };
    return this.node('ReadVariableOp', [variable], attributes, { name: `${nodeOf(variable)}/read`, ...options })[0]!;
  }

  /**
   * Adds an assignment of `value` to a variable and returns the edge `'^n'` that waits for it.
   *
   * The value is copied: without that the variable would share the memory of a JavaScript array that was fed, and change with it.
   */
  assign(variable: string, value: string, options: NodeOptions = {}): string {
    const dtype = this.#variableDType(variable);
    const name = options.name ?? `${nodeOf(variable)}/assign`;
    const origin = options.origin ?? this.#origins.get(nodeOf(variable))!;
    const copy = this.node('DeepCopy', [value], { T: attr.type(dtype) }, { name: `${name}/copy`, origin })[0]!;
    return this.effect('AssignVariableOp', [variable, copy], { dtype: attr.type(dtype) }, { ...options, name, origin });
  }

  /** Adds a node that can be fetched (an int32 scalar 0) and runs after everything in `control`: how to run nodes that have no outputs. */
  group(control: readonly string[], { name = 'group' }: { readonly name?: string } = {}): string {
    return this.constant({ dtype: 'int32', shape: [], data: new Int32Array(1) }, { name, control });
  }

  /** The graph as a GraphDef message; throws ConfigError when it is larger than the 2 GB that protocol buffers allow. */
  bytes(): Uint8Array {
    return this.#graphDef().bytes();
  }

  /**
   * The graph as the file `saved_model.pb` of a SavedModel with one meta graph tagged `serve`.
   *
   * It has no SignatureDef: sessions are run by node names, and nothing looks a signature up.
   */
  savedModelBytes(): Uint8Array {
    const metaInfo = new ProtoWriter().string(4, servingTag);
    const metaGraph = new ProtoWriter().message(1, metaInfo).message(2, this.#graphDef());
    return new ProtoWriter().integer(1, 1).message(2, metaGraph).bytes();
  }

  #graphDef(): ProtoWriter {
    const versions = new ProtoWriter().integer(1, producerVersion);
    if (this.#nodes.length > maxBytes - 1000) {
      throw new ConfigError(
        `GraphWriter: expected a graph below 2 GB, got ${this.#nodes.length} bytes. Feed large arrays through placeholders instead of constants.`,
      );
    }
    // GraphDef: field 1 are the nodes, already written as such, field 4 the versions.
    return new ProtoWriter().append(this.#nodes).message(4, versions);
  }

  #add(
    op: string,
    inputs: readonly string[],
    attributes: Attributes,
    outputs: number,
    { name: wanted = op, control = [], origin = wanted, site }: NodeOptions,
  ): string {
    const name = this.#unique(wanted);
    const node = new ProtoWriter().string(1, name).string(2, op);
    for (const input of inputs) node.string(3, this.#dataEdge(input, wanted));
    for (const edge of new Set(control.map((edge) => this.#controlEdge(edge, wanted)))) node.string(3, edge);
    for (const [key, value] of Object.entries(attributes)) {
      node.message(5, new ProtoWriter().string(1, key).message(2, value));
    }
    this.#nodes.message(1, node);
    this.#outputs.set(name, outputs);
    this.#origins.set(name, origin);
    if (site !== undefined) this.#sites.set(name, site);
    return name;
  }

  #dataEdge(output: string, where: string): string {
    const name = nodeOf(output);
    const count = this.#outputs.get(name);
    const index = Number(output.slice(name.length + 1));
    if (output.startsWith('^') || count === undefined || !(index < count)) throw this.#unknown(output, where);
    return index === 0 ? name : output;
  }

  #controlEdge(edge: string, where: string): string {
    const name = nodeOf(edge.replace(/^\^/, ''));
    if (!this.#outputs.has(name)) throw this.#unknown(edge, where);
    return `^${name}`;
  }

  #unknown(edge: string, where: string): ConfigError {
    const known = [...this.#outputs.entries()].flatMap(([name, count]) =>
      count === 0 ? [`^${name}`] : Array.from({ length: count }, (_, i) => `${name}:${i}`),
    );
    return new ConfigError(
      `GraphWriter: '${where}' takes '${edge}', which is no output of this graph.${didYouMean(edge, known)} Add the node it comes from first.`,
    );
  }

  #variableDType(variable: string): GraphDType {
    const dtype = this.#variables.get(variable);
    if (dtype !== undefined) return dtype;
    throw new ConfigError(
      `GraphWriter: expected the handle of a variable of this graph, got '${variable}'.${didYouMean(variable, [...this.#variables.keys()])}`,
    );
  }

  #newName(wanted: string, kind: string): string {
    const name = nodeName(wanted);
    if (!this.#outputs.has(name)) return name;
    throw new ConfigError(
      `GraphWriter: the name '${wanted}' of a ${kind} is taken by another node. Names of placeholders and variables are how they are fed and kept: give each its own.`,
    );
  }

  #unique(wanted: string): string {
    const base = nodeName(wanted);
    let suffix = this.#suffixes.get(base) ?? 0;
    let name = suffix === 0 ? base : `${base}_${suffix}`;
    while (this.#outputs.has(name)) name = `${base}_${++suffix}`;
    this.#suffixes.set(base, suffix);
    return name;
  }
}

/** The name of the node that a tensor comes from: `'n'` of `'n:0'`. */
export function nodeOf(output: string): string {
  const colon = output.lastIndexOf(':');
  return colon === -1 ? output : output.slice(0, colon);
}

// TensorFlow's rule is [A-Za-z0-9.][A-Za-z0-9_.\\/>-]*; commas and colons would also be misread by the binding.
function nodeName(wanted: string): string {
  const name = wanted.replace(/[^A-Za-z0-9_./-]/g, '_');
  return /^[A-Za-z0-9.]/.test(name) ? name : `n${name}`;
}
