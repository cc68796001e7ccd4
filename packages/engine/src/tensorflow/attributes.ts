// The attributes of graph nodes: builders of AttrValue messages (tensorflow/core/framework/attr_value.proto).
import { ProtoWriter } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { dtypeNumber } from './dtypes.ts';
import type { GraphDType } from './dtypes.ts';

/** An encoded AttrValue, made by `attr`. */
export type Attribute = ProtoWriter;

/** The attributes of one node by name, written in the order given. */
export type Attributes = Readonly<Record<string, Attribute>>;

type AttributeBuilders = {
  type(dtype: GraphDType): Attribute;
  int(value: number | bigint): Attribute;
  float(value: number): Attribute;
  bool(value: boolean): Attribute;
  string(value: string): Attribute;
  /** `-1` is a size that is known only when the graph runs. */
  shape(shape: readonly number[]): Attribute;
  tensor(array: NdArray): Attribute;
  types(dtypes: readonly GraphDType[]): Attribute;
  ints(values: readonly (number | bigint)[]): Attribute;
  floats(values: readonly number[]): Attribute;
  bools(values: readonly boolean[]): Attribute;
  strings(values: readonly string[]): Attribute;
  shapes(shapes: readonly (readonly number[])[]): Attribute;
};

/** Builders of attribute values, named as TensorFlow's op definitions name their types. */
export const attr: AttributeBuilders = {
  string: (value) => new ProtoWriter().string(2, value),
  int: (value) => new ProtoWriter().integer(3, value),
  float: (value) => new ProtoWriter().float(4, value),
  bool: (value) => new ProtoWriter().integer(5, value ? 1 : 0),
  type: (dtype) => new ProtoWriter().integer(6, dtypeNumber(dtype)),
  shape: (shape) => new ProtoWriter().message(7, shapeProto(shape)),
  tensor: (array) => new ProtoWriter().message(8, tensorProto(array)),
  strings: (values) => list((proto) => values.forEach((value) => proto.string(2, value))),
  ints: (values) => list((proto) => proto.integers(3, values)),
  floats: (values) => list((proto) => proto.floats(4, values)),
  bools: (values) => list((proto) => proto.integers(5, values.map(Number))),
  types: (dtypes) => list((proto) => proto.integers(6, dtypes.map(dtypeNumber))),
  shapes: (shapes) => list((proto) => shapes.forEach((shape) => proto.message(7, shapeProto(shape)))),
};

// AttrValue.list is field 1; inside it, ListValue numbers its fields as AttrValue does.
function list(fill: (proto: ProtoWriter) => void): Attribute {
  const values = new ProtoWriter();
  fill(values);
  return new ProtoWriter().message(1, values);
}

function shapeProto(shape: readonly number[]): ProtoWriter {
  const proto = new ProtoWriter();
  for (const size of shape) proto.message(2, new ProtoWriter().integer(1, size));
  return proto;
}

// tensor_content is the row-major memory of the tensor in the byte order of the host, as a typed array has it.
function tensorProto(array: NdArray): ProtoWriter {
  const { buffer, byteOffset, byteLength } = array.data;
  return new ProtoWriter()
    .integer(1, dtypeNumber(array.dtype))
    .message(2, shapeProto(array.shape))
    .raw(4, new Uint8Array(buffer, byteOffset, byteLength).slice());
}
