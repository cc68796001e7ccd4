// Numbers with the sums of their pairs, of the pairs of pairs, and so on: changing one, and finding where a running total passes a number, take as many steps as the
// tree is high (Schaul et al. 2016, arXiv 1511.05952, appendix B.2.1).

import { ConfigError } from '@tessera/core';

/** Numbers >= 0 and their sums. The sums are a function of the numbers as they are, whatever they were before. */
export class SumTree {
  readonly size: number;
  /** Node 1 is the root, the children of node i are 2 i and 2 i + 1, and the last half are the numbers. */
  readonly #nodes: Float64Array;
  readonly #leaves: number;

  /** Throws ConfigError for a number that is negative or not finite. */
  constructor(values: ArrayLike<number>) {
    this.size = values.length;
    this.#leaves = 2 ** Math.ceil(Math.log2(Math.max(1, values.length)));
    this.#nodes = new Float64Array(2 * this.#leaves);
    for (let i = 0; i < values.length; i++) this.#nodes[this.#leaves + i] = checked(values[i]!);
    for (let node = this.#leaves - 1; node > 0; node--) this.#sum(node);
  }

  /** The sum of all. */
  get total(): number {
    return this.#nodes[1]!;
  }

  at(index: number): number {
    return this.#nodes[this.#leaves + index]!;
  }

  /** Throws ConfigError for a number that is negative or not finite. */
  set(index: number, value: number): void {
    let node = this.#leaves + index;
    this.#nodes[node] = checked(value);
    for (node >>>= 1; node > 0; node >>>= 1) this.#sum(node);
  }

  /** The first index up to which the numbers add up to more than `position`, in [0, total); never one whose number is 0, however sums are rounded. To be asked when the total is above 0. */
  find(position: number): number {
    let left = position;
    let node = 1;
    while (node < this.#leaves) {
      node *= 2;
      const sum = this.#nodes[node]!;
      if (left < sum || this.#nodes[node + 1] === 0) continue;
      left -= sum;
      node++;
    }
    return node - this.#leaves;
  }

  #sum(node: number): void {
    this.#nodes[node] = this.#nodes[2 * node]! + this.#nodes[2 * node + 1]!;
  }
}

function checked(value: number): number {
  if (Number.isFinite(value) && value >= 0) return value;
  throw new ConfigError(`SumTree: expected finite numbers >= 0, got ${value}.`);
}
