"""Makes graph-def.json: the bytes of a small graph as TensorFlow's own message classes encode them.

Run: pip install tensorboard && python make.py
(TensorBoard carries the generated classes of graph.proto; attributes are a map, encoded in the order of their keys.)
"""

import json
import pathlib

from tensorboard.compat.proto import graph_pb2

graph = graph_pb2.GraphDef()
graph.versions.producer = 440

x = graph.node.add(name="x", op="Placeholder")
x.attr["dtype"].type = 1
for size in (-1, 2):
    x.attr["shape"].shape.dim.add(size=size)

w = graph.node.add(name="w", op="Const")
w.attr["dtype"].type = 1
w.attr["value"].tensor.dtype = 1
for size in (2, 1):
    w.attr["value"].tensor.tensor_shape.dim.add(size=size)
w.attr["value"].tensor.tensor_content = bytes.fromhex("0000803f000000c0")  # [[1.0], [-2.0]], float32

y = graph.node.add(name="layer/y", op="MatMul")
y.input.extend(["x", "w"])
y.attr["T"].type = 1
y.attr["transpose_a"].b = False
y.attr["transpose_b"].b = True

z = graph.node.add(name="z", op="Everything")
z.input.extend(["layer/y", "layer/y:1", "^x"])
z.attr["a_string"].s = "d\u00e9j\u00e0 vu".encode()
z.attr["b_int"].i = -7
z.attr["c_float"].f = 0.1
z.attr["d_scalar"].shape.SetInParent()
z.attr["e_strings"].list.s.extend([b"", b"b"])
z.attr["f_ints"].list.i.extend([1, 300, -1])
z.attr["g_floats"].list.f.extend([0.5, -0.25])
z.attr["h_bools"].list.b.extend([True, False])
z.attr["i_types"].list.type.extend([14, 20])
z.attr["j_shapes"].list.shape.add().dim.add(size=3)
z.attr["j_shapes"].list.shape.add()
z.attr["k_nothing"].list.SetInParent()

encoded = graph.SerializeToString(deterministic=True).hex()
path = pathlib.Path(__file__).with_name("graph-def.json")
path.write_text(json.dumps({"graphDef": encoded}, indent=2) + "\n")
