// What graph lowerings write to: one GraphWriter, the types of the op's inputs and outputs, and shorthands for constants and attributes.
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { CallSite } from '../record/call-site.ts';
import type { BiasAndActivation } from '../record/op.ts';
import type { Spec } from '../record/tensor.ts';
import { attr } from './attributes.ts';
import type { Attributes } from './attributes.ts';
import type { GraphWriter } from './graph-writer.ts';

/** What matrix products and convolutions compute with: `bf16` rounds their factors to bfloat16 and sums in float32, as the hardware does. */
export type Precision = 'float32' | 'bf16';

interface OwnProductOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  readonly after?: BiasAndActivation | undefined;
}

/** What a graph is made with. */
export interface GraphSettingsOptions {
  readonly precision: Precision;
  /** Whether TensorFlow knows our kernels (`native/kernels.h`). */
  readonly ownKernels: boolean;
  /** Whether our product of two matrices is better than TensorFlow's on this processor. */
  readonly ownProducts: boolean;
}

/** What the ops of one graph share. */
export interface GraphSettings extends GraphSettingsOptions {
  /** Small constants by content. */
  readonly constants: Map<string, string>;
  /** Values rounded to bfloat16, by the value: one that goes into several products is rounded once. */
  readonly rounded: Map<string, string>;
}

/** Settings of a new graph. */
export function newGraphSettings({ precision, ownKernels, ownProducts }: GraphSettingsOptions): GraphSettings {
  return { precision, ownKernels, ownProducts, constants: new Map(), rounded: new Map() };
}

/** The graph around one op. */
export class GraphContext {
  readonly writer: GraphWriter;
  readonly origin: string;
  readonly inputs: readonly Spec[];
  readonly outputs: readonly Spec[];
  readonly #site: CallSite | undefined;
  readonly #settings: GraphSettings;

  constructor(
    writer: GraphWriter,
    {
      origin,
      inputs,
      outputs,
      settings,
      site,
    }: {
      origin: string;
      inputs: readonly Spec[];
      outputs: readonly Spec[];
      settings: GraphSettings;
      site?: CallSite | undefined;
    },
  ) {
    this.writer = writer;
    this.origin = origin;
    this.inputs = inputs;
    this.outputs = outputs;
    this.#settings = settings;
    this.#site = site;
  }

  /** A node with one output. */
  node(op: string, inputs: readonly string[], attributes: Attributes = {}): string {
    return this.nodes(op, inputs, 1, attributes)[0]!;
  }

  /** A node with several outputs. */
  nodes(op: string, inputs: readonly string[], outputs: number, attributes: Attributes = {}): string[] {
    const { origin } = this;
    return this.writer.node(op, inputs, attributes, { outputs, name: `${origin}/${op}`, origin, site: this.#site });
  }

  /** A node whose one type attribute `T` is float32. */
  float(op: string, ...inputs: string[]): string {
    return this.node(op, inputs, { T: attr.type('float32') });
  }

  /** Whether nodes of ours, `TesseraGelu` and so on, may be used. */
  get ownKernels(): boolean {
    return this.#settings.ownKernels;
  }

  /** Whether `TesseraMatMul` is the better product of two matrices. */
  get ownProducts(): boolean {
    return this.#settings.ownProducts && this.#settings.precision === 'float32';
  }

  /** A factor of a product, as `product` takes it. */
  factor(x: string): string {
    const { precision, rounded } = this.#settings;
    if (precision === 'float32') return x;
    let output = rounded.get(x);
    if (output === undefined) {
      output = this.node('Cast', [x], { SrcT: attr.type('float32'), DstT: attr.type('bfloat16') });
      rounded.set(x, output);
    }
    return output;
  }

  /** A matrix product or convolution of `factor`s, as float32; its type attribute `T` is set here. */
  product(op: string, inputs: readonly string[], attributes: Attributes): string {
    const { precision } = this.#settings;
    if (precision === 'float32') return this.node(op, inputs, { T: attr.type('float32'), ...attributes });
    const product = this.node(op, inputs, { T: attr.type('bfloat16'), ...attributes });
    return this.node('Cast', [product], { SrcT: attr.type('bfloat16'), DstT: attr.type('float32') });
  }

  /** `op(a) op(b)` of two matrices by our own product, with what follows it; only where `ownProducts`. */
  ownProduct(a: string, b: string, { transposeA = false, transposeB = false, after }: OwnProductOptions = {}): string {
    const flags = (transposeA ? 1 : 0) + (transposeB ? 2 : 0) + (after?.relu === true ? 4 : 0);
    return this.node('TesseraMatMul', [a, b, this.int(flags), after?.bias ?? this.noBias()]);
  }

  /** What our products take for a bias where there is none. */
  noBias(): string {
    return this.#constant(ndarray('float32', [0]));
  }

  /** An int32 vector (shapes, axes, permutations). */
  ints(values: readonly number[]): string {
    return this.#constant(ndarray('int32', [values.length], Int32Array.from(values)));
  }

  /** An int32 scalar. */
  int(value: number): string {
    return this.#constant(ndarray('int32', [], Int32Array.of(value)));
  }

  /** A float32 scalar. */
  scalar(value: number): string {
    return this.#constant(ndarray('float32', [], Float32Array.of(value)));
  }

  /** `x` under another shape. */
  reshape(x: string, shape: readonly number[], dtype: 'float32' | 'int32' = 'float32'): string {
    return this.node('Reshape', [x, this.ints(shape)], { T: attr.type(dtype), Tshape: attr.type('int32') });
  }

  /** Sum, Mean or Max over axes. */
  reduce(
    op: 'Sum' | 'Mean' | 'Max',
    x: string,
    axes: readonly number[],
    { keepDims = false }: { keepDims?: boolean } = {},
  ): string {
    const attributes = { T: attr.type('float32'), Tidx: attr.type('int32'), keep_dims: attr.bool(keepDims) };
    return this.node(op, [x, this.ints(axes)], attributes);
  }

  /** A float32 mask of 0 and 1 out of a boolean. */
  mask(condition: string): string {
    return this.node('Cast', [condition], { SrcT: attr.type('bool'), DstT: attr.type('float32') });
  }

  #constant(array: NdArray): string {
    const key = `${array.dtype}[${array.shape.join()}]${String(array.data)}`;
    let output = this.#settings.constants.get(key);
    if (output === undefined) {
      output = this.writer.constant(array);
      this.#settings.constants.set(key, output);
    }
    return output;
  }
}

/**
 * The int32 scalar `place` through a node that fails when it is not in [0, count): `programError` makes the message out of what TensorFlow says of a lookup in a table
 * of zeros. A check that nothing takes a value from would be optimised away.
 */
export function checkedPlace(g: GraphContext, place: string, count: number): string {
  const int = attr.type('int32');
  const table = g.node('Fill', [g.ints([count]), g.int(0)], { T: int, index_type: int });
  const zero = g.node('GatherV2', [table, g.reshape(place, [1], 'int32'), g.int(0)], {
    Tparams: int,
    Tindices: int,
    Taxis: int,
    batch_dims: attr.int(0),
  });
  return g.node('AddV2', [place, g.reshape(zero, [], 'int32')], { T: int });
}
