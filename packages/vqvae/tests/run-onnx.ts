// An ONNX model read and run for tests: the few ops that tokenizers need, by their definitions (https://onnx.ai/onnx/operators/), in plain float64 loops that
// share nothing with the writer or the engine.
import { all, one, readFields, text } from '../../core/tests/proto-reader.ts';

/** Values in row-major order with their shape. */
export interface Values {
  readonly shape: readonly number[];
  readonly data: readonly number[] | Float32Array | Float64Array;
}

interface Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes: Readonly<Record<string, number | readonly number[]>>;
}

/** A port as the model declares it. */
export interface Port {
  readonly name: string;
  readonly type: number;
  readonly shape: readonly (number | string)[];
}

/** A model taken apart. */
export interface Model {
  readonly irVersion: number;
  readonly opset: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly input: Port;
  readonly output: Port;
  readonly nodes: readonly Node[];
  readonly constants: ReadonlyMap<string, Values>;
}

const signed = (value: bigint | Uint8Array): number => Number(BigInt.asIntN(64, value as bigint));

/** Packed numbers. */
function integers(bytes: Uint8Array): number[] {
  const values: number[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = bytes.findIndex((byte, i) => i >= at && byte < 128) + 1;
    values.push(signed(readFields(Uint8Array.of(8, ...bytes.subarray(at, end)))[0]!.value));
    at = end;
  }
  return values;
}

export function readModel(bytes: Uint8Array): Model {
  const graph = one(bytes, 7) as Uint8Array;
  const constants = all(graph, 5).map((tensor): [string, Values] => {
    const raw = (one(tensor, 9) as Uint8Array).slice().buffer;
    const type = signed(one(tensor, 2));
    const data =
      type === 1 ? new Float32Array(raw) : type === 7 ? [...new BigInt64Array(raw)].map(Number) : new Float64Array(raw);
    return [text(one(tensor, 8)), { shape: all(tensor, 1).flatMap(integers), data: Float64Array.from(data) }];
  });
  const port = (field: number): Port => {
    const info = one(graph, field) as Uint8Array;
    const tensor = one(one(info, 2) as Uint8Array, 1) as Uint8Array;
    const shape = all(one(tensor, 2) as Uint8Array, 1).map((dimension) => {
      const [{ field: kind, value }] = readFields(dimension) as [{ field: number; value: bigint | Uint8Array }];
      return kind === 1 ? signed(value) : text(value);
    });
    return { name: text(one(info, 1)), type: signed(one(tensor, 1)), shape };
  };
  const nodes = all(graph, 1).map((node): Node => {
    const attributes = all(node, 5).map((attribute): [string, number | number[]] => {
      const isInt = signed(one(attribute, 20)) === 2;
      return [text(one(attribute, 1)), isInt ? signed(one(attribute, 3)) : integers(one(attribute, 8) as Uint8Array)];
    });
    return {
      op: text(one(node, 4)),
      inputs: all(node, 1).map(text),
      output: text(one(node, 2)),
      attributes: Object.fromEntries(attributes),
    };
  });
  return {
    irVersion: signed(one(bytes, 1)),
    opset: signed(one(one(bytes, 8) as Uint8Array, 2)),
    metadata: Object.fromEntries(all(bytes, 14).map((entry) => [text(one(entry, 1)), text(one(entry, 2))])),
    input: port(11),
    output: port(12),
    nodes,
    constants: new Map(constants),
  };
}

/** What the model's output is for this input. */
export function runModel({ input, output, nodes, constants }: Model, x: Values): Values {
  const tensors = new Map<string, Values>([...constants, [input.name, x]]);
  for (const { op, inputs, output: name, attributes } of nodes) {
    const values = inputs.map((tensor) => {
      const known = tensors.get(tensor);
      if (known === undefined) throw new Error(`${op} takes ${tensor}, which no node before has made`);
      return known;
    });
    const run = ops[op];
    if (run === undefined) throw new Error(`unknown op ${op}`);
    tensors.set(name, run(values as [Values, Values, Values], attributes as Record<string, number & number[]>));
  }
  return tensors.get(output.name)!;
}

type Run = (inputs: [Values, Values, Values], attributes: Record<string, number & number[]>) => Values;

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);
const map = ({ shape, data }: Values, f: (value: number) => number): Values => ({
  shape,
  data: Float64Array.from(data, f),
});

/** Of both sides alike, or of rows on the left or right. */
const broadcast =
  (f: (a: number, b: number) => number): Run =>
  ([a, b]) => {
    const shape = a.data.length >= b.data.length ? a.shape : b.shape;
    const at = ({ data }: Values, i: number): number => data[i % data.length]!;
    return { shape, data: Float64Array.from({ length: product(shape) }, (_, i) => f(at(a, i), at(b, i))) };
  };

const ops: Record<string, Run> = {
  Identity: ([x]) => x,
  Cast: ([x]) => x,
  Relu: ([x]) => map(x, (value) => Math.max(0, value)),
  Elu: ([x]) => map(x, (value) => (value > 0 ? value : Math.expm1(value))),
  Clip: ([x, { data: low }, { data: high }]) => map(x, (value) => Math.min(Math.max(value, low[0]!), high[0]!)),
  Add: broadcast((a, b) => a + b),
  Sub: broadcast((a, b) => a - b),
  Reshape: ([x, { data: sizes }]) => {
    const known = product([...sizes].filter((size) => size !== -1));
    return { shape: [...sizes].map((size) => (size === -1 ? x.data.length / known : size)), data: x.data };
  },
  Transpose: ([{ shape, data }], { perm }) => {
    const strides = shape.map((_, axis) => product(shape.slice(axis + 1)));
    const turned = perm!.map((axis) => shape[axis]!);
    const from = (at: number): number => {
      let rest = at;
      let source = 0;
      for (let axis = turned.length - 1; axis >= 0; axis--) {
        source += (rest % turned[axis]!) * strides[perm![axis]!]!;
        rest = Math.floor(rest / turned[axis]!);
      }
      return source;
    };
    return { shape: turned, data: Float64Array.from({ length: data.length }, (_, at) => data[from(at)]!) };
  },
  Gather: ([table, indices]) => {
    const width = table.shape[1]!;
    const rows = [...indices.data].flatMap((row) => Array.from(table.data.slice(row * width, (row + 1) * width)));
    return { shape: [...indices.shape, width], data: rows };
  },
  MatMul: ([a, b]) => {
    const [rows, inner, columns] = [a.shape[0]!, b.shape[0]!, b.shape[1]!];
    const data = new Float64Array(rows * columns);
    for (let i = 0; i < data.length; i++) {
      const [row, column] = [Math.floor(i / columns), i % columns];
      for (let k = 0; k < inner; k++) data[i]! += a.data[row * inner + k]! * b.data[k * columns + column]!;
    }
    return { shape: [rows, columns], data };
  },
  ArgMin: ([{ shape, data }]) => {
    const [rows, columns] = shape as [number, number];
    const least = (row: number): number => {
      const values = Array.from(data.slice(row * columns, (row + 1) * columns));
      return values.indexOf(Math.min(...values));
    };
    return { shape: [rows], data: Array.from({ length: rows }, (_, row) => least(row)) };
  },
  Softmax: ([{ shape, data }]) => {
    const width = shape.at(-1)!;
    const powers = Float64Array.from(data, Math.exp);
    const sum = (row: number): number => powers.slice(row * width, (row + 1) * width).reduce((a, b) => a + b);
    return { shape, data: powers.map((power, i) => power / sum(Math.floor(i / width))) };
  },
  Conv: ([x, kernel, bias], { strides, pads }) => {
    const [outputs, , kernelHeight, kernelWidth] = kernel.shape as [number, number, number, number];
    const size = [0, 1].map((axis) => {
      const room = x.shape[2 + axis]! + pads![axis]! + pads![2 + axis]!;
      return Math.floor((room - kernel.shape[2 + axis]!) / strides![axis]!) + 1;
    }) as [number, number];
    const y = constantOf([x.shape[0]!, outputs, ...size], bias);
    eachTap(y, [kernelHeight, kernelWidth], ({ n, channel, row, column, top, left, at }) => {
      const [inRow, inColumn] = [row * strides![0]! + top - pads![0]!, column * strides![1]! + left - pads![1]!];
      for (let i = 0; i < kernel.shape[1]!; i++) {
        y.data[at]! += pixel(x, [n, i, inRow, inColumn]) * pixel(kernel, [channel, i, top, left]);
      }
    });
    return y;
  },
  // Each input pixel adds its kernel to the output, `strides` apart; the padding is cut off.
  ConvTranspose: ([x, kernel, bias], { strides, pads }) => {
    const [inputs, outputs, kernelHeight, kernelWidth] = kernel.shape as [number, number, number, number];
    const size = [0, 1].map((axis) => {
      const full = strides![axis]! * (x.shape[2 + axis]! - 1) + kernel.shape[2 + axis]!;
      return full - pads![axis]! - pads![2 + axis]!;
    }) as [number, number];
    const y = constantOf([x.shape[0]!, outputs, ...size], bias);
    eachTap(y, [kernelHeight, kernelWidth], ({ n, channel, row, column, top, left, at }) => {
      const [down, right] = [row + pads![0]! - top, column + pads![1]! - left];
      if (down % strides![0]! !== 0 || right % strides![1]! !== 0) return;
      for (let i = 0; i < inputs; i++) {
        const source = pixel(x, [n, i, down / strides![0]!, right / strides![1]!]);
        y.data[at]! += source * pixel(kernel, [i, channel, top, left]);
      }
    });
    return y;
  },
};

function constantOf(shape: readonly number[], bias: Values): { shape: readonly number[]; data: Float64Array } {
  const plane = shape[2]! * shape[3]!;
  const data = Float64Array.from({ length: product(shape) }, (_, i) => bias.data[Math.floor(i / plane) % shape[1]!]!);
  return { shape, data };
}

/** The value of [N, C, H, W] there, 0 outside. */
function pixel({ shape, data }: Values, [n, channel, row, column]: readonly [number, number, number, number]): number {
  const [, channels, height, width] = shape as [number, number, number, number];
  if (row < 0 || row >= height || column < 0 || column >= width) return 0;
  return data[((n * channels + channel) * height + row) * width + column]!;
}

interface Tap {
  readonly n: number;
  readonly channel: number;
  readonly row: number;
  readonly column: number;
  readonly top: number;
  readonly left: number;
  /** Where in the output it belongs. */
  readonly at: number;
}

function eachTap(y: Values, [kernelHeight, kernelWidth]: readonly [number, number], visit: (tap: Tap) => void): void {
  const [, channels, height, width] = y.shape as [number, number, number, number];
  for (let at = 0; at < y.data.length; at++) {
    const [column, rest] = [at % width, Math.floor(at / width)];
    const [row, plane] = [rest % height, Math.floor(rest / height)];
    const [channel, n] = [plane % channels, Math.floor(plane / channels)];
    for (let top = 0; top < kernelHeight; top++) {
      for (let left = 0; left < kernelWidth; left++) visit({ n, channel, row, column, top, left, at });
    }
  }
}
