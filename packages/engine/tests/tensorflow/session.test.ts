import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, vi } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import { elementCount, ndarray } from '@tessera/core';
import type { DType, NdArray } from '@tessera/core';
import { attr } from '../../src/tensorflow/attributes.ts';
import { GraphWriter } from '../../src/tensorflow/graph-writer.ts';
import { GraphSession } from '../../src/tensorflow/session.ts';
import { available, skipped, tensorFlow, withSession } from './available.ts';

const T = (dtype: DType) => ({ T: attr.type(dtype) });
const float = T('float32');
const f32 = (shape: number[], ...values: number[]) => ndarray('float32', shape, Float32Array.from(values));

// y = x + 1, both float32 of any size
function increment(): { graph: GraphWriter; x: string; y: string } {
  const graph = new GraphWriter();
  const x = graph.placeholder('x', 'float32', [-1]);
  const one = graph.constant(f32([], 1), { name: 'one' });
  const y = graph.node('AddV2', [x, one], float, { name: 'y' })[0]!;
  return { graph, x, y };
}

describe.skipIf(!available)(`a session${skipped}`, () => {
  test('computes', () => {
    const { graph, x, y } = increment();
    withSession(graph, (session) => {
      expect(session.run([{ name: x, array: f32([2], 1, -3) }], [y, 'one:0'])).toEqual([f32([2], 2, -2), f32([], 1)]);
      expect(session.run([{ name: 'x', array: f32([0]) }], [y])).toEqual([f32([0])]);
    });
  });

  const special = fc.constantFrom(0, -0, 1, NaN, Infinity, -Infinity, 2 ** -149, 3.4e38);
  const values: { [D in DType]?: fc.Arbitrary<number | bigint> } = {
    float32: fc.oneof(special, fc.float()),
    int32: fc.integer(),
    int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    uint8: fc.nat(255),
    bool: fc.nat(1),
  };
  const shapes = fc.array(fc.nat(3), { maxLength: 4 });
  for (const [dtype, value] of Object.entries(values) as [DType, fc.Arbitrary<number | bigint>][]) {
    const arrays = shapes.chain((shape) => {
      const length = elementCount(shape);
      return fc.array(value, { minLength: length, maxLength: length }).map((elements) => {
        const array = ndarray(dtype, shape);
        elements.forEach((element, i) => (array.data[i] = element));
        return array;
      });
    });
    test.prop([arrays], { numRuns: 20 })(`what is fed or constant comes back bit for bit: ${dtype}`, (array) => {
      const graph = new GraphWriter();
      const x = graph.placeholder('x', dtype, array.shape);
      const y = graph.node('Identity', [x], T(dtype), { name: 'y' })[0]!;
      const c = graph.constant(array);
      withSession(graph, (session) => {
        const [fed, constant] = session.run([{ name: x, array }], [y, c]);
        for (const result of [fed!, constant!]) {
          expect(result.shape).toEqual(array.shape);
          expect(result.dtype).toBe(dtype);
          expect(bits(result)).toEqual(bits(array));
        }
      });
    });
  }

  test('reads views at any offset, and shared memory', () => {
    const { graph, x, y } = increment();
    const view = new Float32Array([9, 1, 2, 9]).subarray(1, 3);
    const shared = new Float32Array(new SharedArrayBuffer(8));
    shared.set([5, 6]);
    withSession(graph, (session) => {
      expect(session.run([{ name: x, array: { dtype: 'float32', shape: [2], data: view } }], [y])).toEqual([
        f32([2], 2, 3),
      ]);
      expect(session.run([{ name: x, array: { dtype: 'float32', shape: [2], data: shared } }], [y])).toEqual([
        f32([2], 6, 7),
      ]);
    });
  });

  test('leaves no file, no tensor and no session behind, also after errors', () => {
    const { binding } = tensorFlow();
    const count = () => [binding.getNumOfTensors(), binding.getNumOfSavedModels(), temporaryFolders()];
    const before = count();
    const { graph, x, y } = increment();
    const bytes = graph.constant(ndarray('uint8', [3]));
    const wide = graph.constant(ndarray('float64', [3]), { name: 'wide' });
    withSession(graph, (session) => {
      const loaded = count();
      for (let i = 0; i < 1000; i++) {
        session.run([{ name: x, array: f32([1], i) }], [y, bytes]);
        session.runTargets([{ name: x, array: f32([1], i) }], [y]);
      }
      expect(() => session.run([], [y])).toThrow('You must feed');
      expect(() => session.run([{ name: x, array: f32([1], 1) }], ['one:0', wide])).toThrow('float64');
      expect(count()).toEqual(loaded);
    });
    const bad = new GraphWriter();
    bad.node('NoSuchOp', []);
    expect(() => GraphSession.load(bad, binding)).toThrow('NoSuchOp');
    expect(count()).toEqual(before);
  });

  test('is over after dispose', () => {
    const { graph, y } = increment();
    const session = GraphSession.load(graph, tensorFlow().binding);
    session.dispose();
    session.dispose();
    expect(() => session.run([], [y])).toThrowErrorMatchingInlineSnapshot(
      `[BackendError: GraphSession: run after dispose. Load the graph again.]`,
    );
  });
});

describe.skipIf(!available)(`errors of a session${skipped}`, () => {
  const { graph, x, y } = increment();
  graph.effect('NoOp', [], {}, { name: 'nothing' });
  let session: GraphSession;
  beforeEach(() => void (session = GraphSession.load(graph, tensorFlow().binding)));
  afterEach(() => session.dispose());
  const array = f32([1], 0);

  test('wrong feeds', () => {
    const feed = (name: string, value: NdArray) => () => session.run([{ name, array: value }], [y]);
    expect(feed('X', array)).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: GraphSession: expected feeds for the placeholders (x), got 'X'. Did you mean 'x'?]`,
    );
    expect(feed('y:0', array)).toThrow(/expected feeds for the placeholders \(x\), got 'y:0'/);
    expect(feed(x, ndarray('int32', [1]))).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: GraphSession: 'x' takes float32, got int32. Convert the array first.]`,
    );
    expect(feed(x, f32([1, 1], 0))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: GraphSession: 'x' takes the shape [any], got [1, 1].]`,
    );
    expect(feed(x, { ...array, shape: [2] })).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: GraphSession: 'x' has the shape [2], but 1 elements.]`,
    );
    expect(() =>
      session.run(
        [
          { name: 'x', array },
          { name: 'x:0', array },
        ],
        [y],
      ),
    ).toThrowErrorMatchingInlineSnapshot(`[ConfigError: GraphSession: 'x' is fed twice. Feed each placeholder once.]`);
  });

  test('wrong fetches', () => {
    const fetch =
      (...fetches: string[]) =>
      () =>
        session.run([{ name: x, array }], fetches);
    expect(fetch()).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: GraphSession: expected at least one output to run, got none.]`,
    );
    expect(fetch('y:0', 'z:0')).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: GraphSession: expected fetches out of the outputs of the graph, got 'z:0'. Did you mean 'x:0'?]`,
    );
    expect(fetch('y:1')).toThrow(/got 'y:1'/);
    expect(fetch('nothing')).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: GraphSession: expected fetches out of the outputs of the graph, got 'nothing'. It has no outputs: fetch a group that waits for it.]`,
    );
  });

  test("a missing feed: TensorFlow's words", () => {
    expect(() => session.run([], [y])).toThrow(
      /^GraphSession\.run: TensorFlow failed in 'x': You must feed a value for placeholder tensor 'x'/,
    );
  });

  test('dtypes that the addon cannot create or read', () => {
    const wide = new GraphWriter();
    const w = wide.placeholder('w', 'float64', []);
    const half = wide.node(
      'Cast',
      [w],
      { SrcT: attr.type('float64'), DstT: attr.type('float16') },
      { name: 'half' },
    )[0]!;
    const constant = wide.constant(ndarray('float64', []), { name: 'constant' });
    withSession(wide, (session) => {
      expect(() =>
        session.run([{ name: w, array: ndarray('float64', []) }], [half]),
      ).toThrowErrorMatchingInlineSnapshot(
        `[DTypeError: TensorFlow: expected arrays of float32, int32, int64, uint8 or bool, got float64. The addon creates no other tensors.]`,
      );
      expect(() => session.run([], [constant])).toThrowErrorMatchingInlineSnapshot(
        `[DTypeError: TensorFlow: expected results of float32, int32, int64, uint8 or bool, but 'constant:0' is float64. Cast it in the graph.]`,
      );
    });
  });

  test('a node that fails is named by its origin', () => {
    const graph = new GraphWriter();
    const a = graph.placeholder('a', 'float32', [-1, -1]);
    const b = graph.placeholder('b', 'float32', [-1, -1]);
    const options = { name: 'dense/product', origin: 'the logits of layer 3' };
    const product = graph.node(
      'MatMul',
      [a, b],
      { ...float, transpose_a: attr.bool(false), transpose_b: attr.bool(false) },
      options,
    )[0]!;
    withSession(graph, (session) => {
      const feeds = [a, b].map((name) => ({ name, array: f32([1, 2], 0, 0) }));
      expect(() => session.run(feeds, [product])).toThrow(
        /^GraphSession\.run: TensorFlow failed in 'the logits of layer 3' \(node dense\/product\): .*\[1,2\]/,
      );
    });
  });

  test('a graph that TensorFlow refuses', () => {
    const load =
      (op: string, attributes = {}) =>
      () => {
        const graph = new GraphWriter();
        graph.node(op, [graph.placeholder('x', 'float32', [])], attributes, { origin: 'loss' });
        GraphSession.load(graph, tensorFlow().binding);
      };
    expect(load('Neg')).toThrow(/^GraphSession\.load: TensorFlow refused the graph in 'loss' \(node Neg\): .*'T'/);
    expect(load('Negative', float)).toThrow(
      /^GraphSession\.load: TensorFlow refused the graph: Op type not registered 'Negative'/,
    );
    expect(load('Neg', { T: attr.type('bool') })).toThrow(/GraphSession\.load: TensorFlow refused the graph/);
  });

  test('a temporary folder that cannot be written', () => {
    const parent = mkdtempSync(join(tmpdir(), 'tessera-test-'));
    try {
      vi.stubEnv('TMPDIR', join(parent, 'gone'));
      expect(() => GraphSession.load(graph, tensorFlow().binding)).toThrow(
        /^GraphSession: could not make a temporary folder for TensorFlow to load: ENOENT.*set TMPDIR to another one\.$/,
      );
    } finally {
      vi.unstubAllEnvs();
      rmSync(parent, { recursive: true });
    }
  });
});

function bits(array: NdArray): number[] {
  const { buffer, byteOffset, byteLength } = array.data;
  return [...new Uint8Array(buffer, byteOffset, byteLength)];
}

function temporaryFolders(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('tessera-graph-'));
}
