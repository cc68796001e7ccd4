import { readFileSync } from 'node:fs';
import { describe, expect } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import { bytesPerElement, dtypes, elementCount, ndarray } from '@tessera/core';
import { attr } from '../../src/tensorflow/attributes.ts';
import { GraphWriter, nodeOf } from '../../src/tensorflow/graph-writer.ts';
import { all, one, text } from '../../../core/tests/proto-reader.ts';
import { readGraph } from './read-graph.ts';

const float = { T: attr.type('float32') };

describe('bytes', () => {
  test("are those of TensorFlow's own message classes", () => {
    const golden = JSON.parse(readFileSync(new URL('golden/graph-def.json', import.meta.url), 'utf8')) as {
      graphDef: string;
    };
    const graph = new GraphWriter();
    const x = graph.placeholder('x', 'float32', [-1, 2]);
    const w = graph.constant(ndarray('float32', [2, 1], Float32Array.of(1, -2)), { name: 'w' });
    const product = { ...float, transpose_a: attr.bool(false), transpose_b: attr.bool(true) };
    const [y0, y1] = graph.node('MatMul', [x, w], product, { name: 'layer/y', outputs: 2 });
    const everything = {
      a_string: attr.string('déjà vu'),
      b_int: attr.int(-7),
      c_float: attr.float(0.1),
      d_scalar: attr.shape([]),
      e_strings: attr.strings(['', 'b']),
      f_ints: attr.ints([1, 300, -1]),
      g_floats: attr.floats([0.5, -0.25]),
      h_bools: attr.bools([true, false]),
      i_types: attr.types(['bfloat16', 'resource']),
      j_shapes: attr.shapes([[3], []]),
      k_nothing: attr.ints([]),
    };
    graph.node('Everything', [y0!, y1!], everything, { name: 'z', control: [x, 'x', '^x'] });
    expect(Buffer.from(graph.bytes()).toString('hex')).toBe(golden.graphDef);
  });

  test('of a SavedModel: schema version 1, one meta graph tagged serve with the GraphDef', () => {
    const graph = new GraphWriter();
    graph.placeholder('x', 'bool', []);
    const savedModel = graph.savedModelBytes();
    expect(one(savedModel, 1)).toBe(1n);
    const metaGraph = one(savedModel, 2) as Uint8Array;
    expect(all(one(metaGraph, 1) as Uint8Array, 4).map(text)).toEqual(['serve']);
    expect(one(metaGraph, 2)).toEqual(graph.bytes());
  });

  const shape = fc.array(fc.nat(4), { maxLength: 4 });
  test.prop([fc.constantFrom(...dtypes), shape])('of a constant hold dtype, shape and content', (dtype, sizes) => {
    const bytes = Uint8Array.from({ length: elementCount(sizes) * bytesPerElement(dtype) }, (_, i) => i % 251);
    const array = ndarray(dtype, sizes);
    new Uint8Array(array.data.buffer).set(bytes);
    const graph = new GraphWriter();
    graph.constant(array);
    new Uint8Array(array.data.buffer).fill(255); // what is written later does not change the graph
    const tensor = one(readGraph(graph.bytes())[0]!.attributes['value']!, 8) as Uint8Array;
    const dims = all(one(tensor, 2) as Uint8Array, 2);
    expect(dims.map((dim) => Number(one(dim, 1)))).toEqual(sizes);
    expect(one(tensor, 4)).toEqual(bytes);
  });
});

describe('names', () => {
  test('are the op or the wanted name, made unique and legal; origins remember what was wanted', () => {
    const graph = new GraphWriter();
    const names = ['MatMul', 'MatMul', 'MatMul_1', 'MatMul', 'attention: q·k', '_hidden', '', 'a,b'].map((name) =>
      nodeOf(graph.node('NoOp', [], {}, { name })[0]!),
    );
    expect(names).toEqual(['MatMul', 'MatMul_1', 'MatMul_1_1', 'MatMul_2', 'attention__q_k', 'n_hidden', 'n', 'a_b']);
    expect(graph.origins.get('attention__q_k')).toBe('attention: q·k');
    graph.node('Relu', ['MatMul:0'], float, { origin: 'encoder.conv1' });
    expect(graph.origins.get('Relu')).toBe('encoder.conv1');
  });

  test.prop([fc.array(fc.string({ unit: 'binary', maxLength: 3 }), { maxLength: 30 })])(
    'obey the rule of TensorFlow, are all different and the same every time',
    (wanted) => {
      const write = (): GraphWriter => {
        const graph = new GraphWriter();
        for (const name of wanted) graph.node('NoOp', [], {}, { name });
        return graph;
      };
      const names = [...write().origins.keys()];
      expect(names).toHaveLength(wanted.length);
      for (const name of names) expect(name).toMatch(/^[A-Za-z0-9.][A-Za-z0-9_./-]*$/);
      expect(write().bytes()).toEqual(write().bytes());
    },
  );
});

describe('edges', () => {
  test('inputs and control edges, without repetition', () => {
    const graph = new GraphWriter();
    const x = graph.placeholder('x', 'float32', []);
    const [, second] = graph.node('Split', [x], {}, { outputs: 2 });
    const check = graph.effect('Assert', [x]);
    expect(check).toBe('^Assert');
    graph.node('Neg', [second!, x], float, { control: [check, 'Assert', x, 'Split:1'] });
    expect(readGraph(graph.bytes())[3]!.inputs).toEqual(['Split:1', 'x', '^Assert', '^x', '^Split']);
    expect(graph.outputs.get('Assert')).toBe(0);
  });

  test('that lead nowhere are errors', () => {
    const graph = new GraphWriter();
    graph.placeholder('frames', 'float32', []);
    graph.effect('Assert', []);
    const take = (input: string) => () => graph.node('Neg', [input], float, { name: 'loss' });
    expect(take('frame:0')).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: GraphWriter: 'loss' takes 'frame:0', which is no output of this graph. Did you mean 'frames:0'? Add the node it comes from first.]`,
    );
    expect(take('frames:1')).toThrow(/'loss' takes 'frames:1', which is no output of this graph/);
    expect(take('Assert:0')).toThrow(/no output of this graph/);
    expect(take('^frames')).toThrow(/no output of this graph/);
    expect(take('frames:x')).toThrow(/no output of this graph/);
    expect(() => graph.group(['^nobody'])).toThrow(/'group' takes '\^nobody'/);
  });
});

describe('placeholders and variables', () => {
  test('a name is given once', () => {
    const graph = new GraphWriter();
    graph.placeholder('x', 'float32', []);
    expect(() => graph.variable('x', 'float32', [])).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: GraphWriter: the name 'x' of a variable is taken by another node. Names of placeholders and variables are how they are fed and kept: give each its own.]`,
    );
    graph.variable('w', 'float32', []);
    expect(() => graph.placeholder('w', 'float32', [])).toThrow(/the name 'w' of a placeholder is taken/);
  });

  test('only variables are read and assigned', () => {
    const graph = new GraphWriter();
    const x = graph.placeholder('weight', 'float32', []);
    graph.variable('weights', 'float32', []);
    expect(() => graph.read(x)).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: GraphWriter: expected the handle of a variable of this graph, got 'weight:0'. Did you mean 'weights:0'?]`,
    );
    expect(() => graph.assign(x, x)).toThrow(/expected the handle of a variable/);
  });

  test('an unknown dtype is an error', () => {
    const graph = new GraphWriter();
    // @ts-expect-error no such dtype
    expect(() => graph.placeholder('x', 'float', [])).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: TensorFlow graph: expected a dtype out of float32, float64, int32, uint8, int16, int8, string, int64, bool, bfloat16, uint16, float16, resource, uint32, uint64, got "float".]`,
    );
    // @ts-expect-error toString is a property of every object, not a dtype
    expect(() => attr.type('toString')).toThrow(/expected a dtype/);
    expect(graph.outputs.size).toBe(0);
  });
});
