// Writes an ONNX model from TypeScript (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto): nodes are added one by one and come out as bytes. It knows
// no op: names, attributes and shapes are the caller's, whoever loads the model checks them.
import { ConfigError, ProtoWriter } from '@tessera/core';
import type { NdArray } from '@tessera/core';

/** The version of ONNX's ops that nodes are written for, and of the file format that came with it. */
const opset = 17;
const irVersion = 8;

// protobuf's own limit for one message.
const maxBytes = 2 ** 31 - 1;

/** TensorProto.DataType. */
export const onnxTypes = { float32: 1, int64: 7, float64: 11 } as const;
type OnnxDType = keyof typeof onnxTypes;

/** AttributeProto.AttributeType. */
const [intAttribute, intsAttribute] = [2, 7];

/** An input or output of a model; a text among the sizes stands for any size. */
export interface OnnxPort {
  readonly name: string;
  readonly dtype: OnnxDType;
  readonly shape: readonly (number | string)[];
}

/** A graph being written. Tensors are names; equal calls give equal bytes. */
export class OnnxGraph {
  readonly #nodes: ProtoWriter[] = [];
  readonly #constants: ProtoWriter[] = [];

  /** Adds a node of one output, whose name is returned. Attributes are whole numbers or lists of them. */
  node(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, number | readonly number[]>> = {},
  ): string {
    return this.#node(`${op}_${this.#nodes.length}`, op, inputs, attributes);
  }

  /** Adds an array whose values become part of the model. */
  constant(array: NdArray<OnnxDType>): string {
    const name = `constant_${this.#constants.length}`;
    const { buffer, byteOffset, byteLength } = array.data;
    this.#constants.push(
      new ProtoWriter()
        .integers(1, array.shape)
        .integer(2, onnxTypes[array.dtype])
        .string(8, name)
        .raw(9, new Uint8Array(buffer, byteOffset, byteLength)),
    );
    return name;
  }

  /** Whole numbers, as shapes are given to nodes. */
  integers(values: readonly number[]): string {
    return this.constant({ dtype: 'int64', shape: [values.length], data: BigInt64Array.from(values, BigInt) });
  }

  /** A float32 scalar. */
  scalar(value: number): string {
    return this.constant({ dtype: 'float32', shape: [], data: Float32Array.of(value) });
  }

  /** The bytes of a model with one input and one output, which has the values of the tensor `result`; `metadata` are texts that come with it. Throws ConfigError beyond 2 GB. */
  bytes({
    name,
    input,
    output,
    result,
    metadata,
  }: {
    readonly name: string;
    readonly input: OnnxPort;
    readonly output: OnnxPort;
    readonly result: string;
    readonly metadata: Readonly<Record<string, string>>;
  }): Uint8Array<ArrayBuffer> {
    this.#node(output.name, 'Identity', [result], {});
    const graph = new ProtoWriter();
    for (const node of this.#nodes) graph.message(1, node);
    graph.string(2, name);
    for (const constant of this.#constants) graph.message(5, constant);
    graph.message(11, valueInfo(input)).message(12, valueInfo(output));
    if (graph.length > maxBytes - 100_000) {
      throw new ConfigError(`exportOnnx: expected a model below 2 GB, got ${graph.length} bytes.`);
    }
    const model = new ProtoWriter().integer(1, irVersion).string(2, 'Tessera').message(7, graph);
    model.message(8, new ProtoWriter().string(1, '').integer(2, opset));
    for (const [key, value] of Object.entries(metadata)) {
      model.message(14, new ProtoWriter().string(1, key).string(2, value));
    }
    return model.bytes();
  }

  #node(
    output: string,
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, number | readonly number[]>>,
  ): string {
    const node = new ProtoWriter();
    for (const input of inputs) node.string(1, input);
    node.string(2, output).string(3, output).string(4, op);
    for (const [name, value] of Object.entries(attributes)) {
      const attribute = new ProtoWriter().string(1, name);
      if (typeof value === 'number') attribute.integer(3, value).integer(20, intAttribute);
      else attribute.integers(8, value).integer(20, intsAttribute);
      node.message(5, attribute);
    }
    this.#nodes.push(node);
    return output;
  }
}

function valueInfo({ name, dtype, shape }: OnnxPort): ProtoWriter {
  const dimensions = new ProtoWriter();
  for (const size of shape) {
    const dimension = new ProtoWriter();
    dimensions.message(1, typeof size === 'number' ? dimension.integer(1, size) : dimension.string(2, size));
  }
  const tensor = new ProtoWriter().integer(1, onnxTypes[dtype]).message(2, dimensions);
  return new ProtoWriter().string(1, name).message(2, new ProtoWriter().message(1, tensor));
}
