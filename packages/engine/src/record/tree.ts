// Trees of named arrays: models keep their parameters in nested records, files and state keep them under flat names joined by dots.
import { ConfigError } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { Tensor } from './tensor.ts';

/** The same tree with a tensor for each array: what a program's function gets of a state. */
export type Traced<T> = T extends NdArray ? Tensor : { readonly [K in keyof T]: Traced<T[K]> };

/** Arrays by flat name. */
export type NamedArrays = Record<string, NdArray>;

type Leaf = { readonly shape: readonly number[]; readonly dtype: string };

function isLeaf(node: unknown): node is Leaf {
  return typeof node === 'object' && node !== null && 'shape' in node && 'dtype' in node;
}

/** The leaves of a tree by their path joined with dots, in the order of its keys. */
export function flatten<L extends Leaf>(tree: unknown, prefix = ''): Map<string, L> {
  const leaves = new Map<string, L>();
  visit(tree, prefix, leaves);
  return leaves;
}

function visit<L extends Leaf>(node: unknown, path: string, leaves: Map<string, L>): void {
  if (isLeaf(node)) {
    leaves.set(path, node as L);
    return;
  }
  if (typeof node !== 'object' || node === null) {
    throw new ConfigError(`tree: expected arrays in nested records, got ${String(node)} at '${path}'.`);
  }
  for (const [key, child] of Object.entries(node)) {
    if (key.includes('.')) throw new ConfigError(`tree: the name '${key}' at '${path}' has a dot, which joins names.`);
    visit(child, path === '' ? key : `${path}.${key}`, leaves);
  }
}

/** A tree of the same form with each leaf mapped; `path` is the leaf's flat name. */
export function mapTree<R>(tree: unknown, map: (leaf: Leaf, path: string) => R, path = ''): unknown {
  if (isLeaf(tree)) return map(tree, path);
  const at = (key: string) => (path === '' ? key : `${path}.${key}`);
  if (Array.isArray(tree)) return tree.map((child, i) => mapTree(child, map, at(String(i))));
  return Object.fromEntries(Object.entries(tree as object).map(([key, child]) => [key, mapTree(child, map, at(key))]));
}
