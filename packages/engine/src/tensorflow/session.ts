// Runs a graph written by GraphWriter: a TensorFlow session made from a SavedModel through the unchanged addon of tfjs-node. Variables live in
// the session, invisible to TensorFlow.js: values go in by feeds and come out by fetches. Session options are TensorFlow's defaults; the addon sets none.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BackendError, ConfigError, DTypeError, FileError, ShapeError, didYouMean, elementCount } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { TensorFlowBinding, TensorMetadata } from './binding.ts';
import { graphError } from './graph-error.ts';
import { nodeOf, servingTag } from './graph-writer.ts';
import type { GraphWriter } from './graph-writer.ts';
import { createTensor, readTensor } from './tensors.ts';

/** A value for a placeholder, `'X'` or `'X:0'`. */
export interface Feed {
  readonly name: string;
  readonly array: NdArray;
}

/** A loaded graph with the state of its variables. */
export class GraphSession {
  readonly #binding: TensorFlowBinding;
  readonly #graph: GraphWriter;
  #id: number | undefined;

  private constructor(binding: TensorFlowBinding, graph: GraphWriter, id: number) {
    this.#binding = binding;
    this.#graph = graph;
    this.#id = id;
  }

  /**
   * Loads a graph as it is now; nodes added later are not part of the session.
   *
   * The graph passes through a private temporary folder that is gone when this returns. Throws FileError when that folder cannot be written and BackendError,
   * naming the origin of the node, when TensorFlow refuses the graph.
   */
  static load(graph: GraphWriter, binding: TensorFlowBinding): GraphSession {
    const bytes = graph.savedModelBytes();
    const directory = fileSystem('make a temporary folder', () => mkdtempSync(join(tmpdir(), 'tessera-graph-')));
    try {
      fileSystem('write the graph', () => writeFileSync(join(directory, 'saved_model.pb'), bytes));
      return new GraphSession(binding, graph, binding.loadSavedModel(directory, `${servingTag},`));
    } catch (error) {
      throw error instanceof FileError
        ? error
        : graphError('GraphSession.load: TensorFlow refused the graph', error, graph);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }

  /**
   * Runs what `fetches` (outputs `'n:0'`) needs and returns their values in the same order.
   *
   * Feeds are float32, int32, int64, uint8 or bool and may be empty; their memory is only read, and only until this returns. Fetched uint8 is
   * copied through int32. Throws ConfigError for an unknown name, ShapeError and DTypeError for a feed that its placeholder does not take, and
   * BackendError, naming the origin of the node, when TensorFlow fails. The addon never frees what was fed to a run that failed in TensorFlow.
   */
  run(feeds: readonly Feed[], fetches: readonly string[]): NdArray[] {
    const outputs = this.#execute(feeds, fetches);
    const read: NdArray[] = [];
    try {
      for (const [i, output] of outputs.entries()) read.push(readTensor(this.#binding, output, fetches[i]!));
    } finally {
      for (const { id } of outputs) this.#binding.deleteTensor(id);
    }
    return read;
  }

  /** Runs what `targets` (outputs, `GraphWriter.group` makes them out of nodes that have none) needs, and copies nothing back; throws as `run`. */
  runTargets(feeds: readonly Feed[], targets: readonly string[]): void {
    for (const { id } of this.#execute(feeds, targets)) this.#binding.deleteTensor(id);
  }

  /** Frees the session and its variables; the second time it does nothing. */
  dispose(): void {
    if (this.#id === undefined) return;
    const id = this.#id;
    this.#id = undefined;
    this.#binding.deleteSavedModel(id);
  }

  #execute(feeds: readonly Feed[], fetches: readonly string[]): TensorMetadata[] {
    if (this.#id === undefined) throw new BackendError('GraphSession: run after dispose. Load the graph again.');
    if (fetches.length === 0) {
      throw new ConfigError('GraphSession: expected at least one output to run, got none.');
    }
    for (const fetch of fetches) this.#checkFetch(fetch);
    const names = feeds.map((feed) => this.#checkFeed(feed));
    if (new Set(names).size < names.length) {
      const twice = names.find((name, i) => names.indexOf(name) < i)!;
      throw new ConfigError(`GraphSession: '${nodeOf(twice)}' is fed twice. Feed each placeholder once.`);
    }
    const tensors: number[] = [];
    try {
      for (const { array } of feeds) tensors.push(createTensor(this.#binding, array));
      return this.#runSavedModel(this.#id, tensors, names, fetches);
    } finally {
      for (const id of tensors) this.#binding.deleteTensor(id);
    }
  }

  #runSavedModel(id: number, tensors: number[], names: string[], fetches: readonly string[]): TensorMetadata[] {
    try {
      return this.#binding.runSavedModel(id, tensors, names.join(','), fetches.join(','));
    } catch (error) {
      throw graphError('GraphSession.run: TensorFlow failed', error, this.#graph);
    }
  }

  #checkFetch(fetch: string): void {
    const count = this.#graph.outputs.get(nodeOf(fetch));
    const index = Number(fetch.slice(nodeOf(fetch).length + 1));
    if (count !== undefined && index < count) return;
    const why = count === 0 ? ' It has no outputs: fetch a group that waits for it.' : '';
    const known = [...this.#graph.outputs].filter(([, outputs]) => outputs > 0).map(([name]) => `${name}:0`);
    throw new ConfigError(
      `GraphSession: expected fetches out of the outputs of the graph, got '${fetch}'.${why}${didYouMean(fetch, known)}`,
    );
  }

  // Returns the name as the addon wants it.
  #checkFeed({ name, array }: Feed): string {
    const node = nodeOf(name);
    const spec = this.#graph.placeholders.get(node);
    if (spec === undefined) {
      const known = [...this.#graph.placeholders.keys()];
      throw new ConfigError(
        `GraphSession: expected feeds for the placeholders (${known.join(', ')}), got '${name}'.${didYouMean(node, known)}`,
      );
    }
    if (array.dtype !== spec.dtype) {
      throw new DTypeError(`GraphSession: '${node}' takes ${spec.dtype}, got ${array.dtype}. Convert the array first.`);
    }
    const fits =
      array.shape.length === spec.shape.length &&
      spec.shape.every((size, axis) => size === -1 || size === array.shape[axis]);
    if (!fits) {
      throw new ShapeError(
        `GraphSession: '${node}' takes the shape [${spec.shape.map((size) => (size === -1 ? 'any' : size)).join(', ')}], got [${array.shape.join(', ')}].`,
      );
    }
    // The addon would read past the end of a shorter array or throw without a name.
    if (array.data.length !== elementCount(array.shape)) {
      throw new ShapeError(
        `GraphSession: '${node}' has the shape [${array.shape.join(', ')}], but ${array.data.length} elements.`,
      );
    }
    return `${node}:0`;
  }
}

function fileSystem<T>(what: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    const { message, code } = cause as NodeJS.ErrnoException;
    throw new FileError(
      `GraphSession: could not ${what} for TensorFlow to load: ${message}. Free space in the temporary folder or set TMPDIR to another one.`,
      { cause, code },
    );
  }
}
