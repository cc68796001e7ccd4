"""Golden data of all spaces from Gymnasium itself: `python make_spaces.py` writes space-*.json beside it. Needs gymnasium 1.3 and numpy 2.

With arguments, prints instead: `python make_spaces.py live SEED COUNT` gives the samples of all cases from that seed, for the live test.
A value is written as a canonical line (see `canon`); a long stream as its first lines and the SHA-256 of all of them.
"""

import hashlib
import json
import pathlib
import struct
import sys

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.spaces import Box, Dict, Discrete, Graph, MultiBinary, MultiDiscrete, OneOf, Sequence, Text, Tuple
from gymnasium.spaces.utils import flatdim, flatten, flatten_space
from gymnasium.vector.utils import batch_space, concatenate, create_empty_array

gym.logger.min_level = gym.logger.ERROR
here = pathlib.Path(__file__).parent
inf = np.inf
SEEDS = [0, 1, 42, 2**31 - 1, 2**64 + 12345]
COUNT = 1000


def write(name, data):
    lines = ",\n".join(json.dumps(item, separators=(",", ":"), ensure_ascii=True) for item in data)
    (here / name).write_text(f"[\n{lines}\n]\n")


# --- a space as the JSON of gymnasium-js ---


def texts(bound, bounded, infinite):
    values = [repr(float(x)) if bound.dtype.kind == "f" else str(int(x)) for x in bound.ravel()]
    return [x if ok else infinite for x, ok in zip(values, bounded.ravel())]


def to_json(space):
    if isinstance(space, Box):
        return {
            "type": "Box",
            "low": texts(space.low, space.bounded_below, "-Infinity"),
            "high": texts(space.high, space.bounded_above, "Infinity"),
            "shape": list(space.shape),
            "dtype": str(space.dtype),
        }
    if isinstance(space, Discrete):
        return {"type": "Discrete", "n": int(space.n), "start": int(space.start), "dtype": str(space.dtype)}
    if isinstance(space, MultiDiscrete):
        nvec, start = ([str(x) for x in values.ravel()] for values in (space.nvec, space.start))
        return {"type": "MultiDiscrete", "nvec": nvec, "start": start, "shape": list(space.shape), "dtype": str(space.dtype)}
    if isinstance(space, MultiBinary):
        return {"type": "MultiBinary", "n": list(space.n) if isinstance(space.n, tuple) else space.n}
    if isinstance(space, Text):
        charset = "".join(space.character_list)
        return {"type": "Text", "minLength": space.min_length, "maxLength": space.max_length, "charset": charset}
    if isinstance(space, Dict):
        return {"type": "Dict", "spaces": [[k, to_json(s)] for k, s in space.spaces.items()]}
    if isinstance(space, Sequence):
        return {"type": "Sequence", "space": to_json(space.feature_space), "stack": space.stack}
    if isinstance(space, Graph):
        edges = None if space.edge_space is None else to_json(space.edge_space)
        return {"type": "Graph", "nodeSpace": to_json(space.node_space), "edgeSpace": edges}
    return {"type": type(space).__name__, "spaces": [to_json(s) for s in space.spaces]}


# --- a value as one line: numbers as the bytes of their float64, whole ones of 64 bits and indices in decimal ---


def number(x):
    return str(int(x)) if isinstance(x, (bool, int, np.bool_, np.integer)) else struct.pack("<d", float(x)).hex()


def canon(x):
    if x is None:
        return "null"
    if isinstance(x, str):
        return json.dumps(x)
    if isinstance(x, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{canon(x[k])}" for k in sorted(x)) + "}"
    if isinstance(x, np.ndarray):
        return "[" + " ".join(number(v) for v in x.ravel()) + "]"
    if isinstance(x, spaces.GraphInstance):
        return canon({"nodes": x.nodes, "edges": x.edges, "edgeLinks": x.edge_links})
    if isinstance(x, (tuple, list)):
        return "(" + ",".join(canon(v) for v in x) + ")"
    return number(x)


def stream(lines, first=2):
    sha256 = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    return {"count": len(lines), "first": [line[:300] for line in lines[:first]], "sha256": sha256}


def plain(x):
    """Options of `sample` as JSON: arrays and tuples become lists."""
    if isinstance(x, np.ndarray):
        return x.tolist()
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    if isinstance(x, (tuple, list)):
        return [plain(v) for v in x]
    return x


# --- the spaces ---


def mask(*values):
    return np.array(values, np.int8)


def p(*values):
    return np.array(values, np.float64)


def unit(*shape):
    return Box(-1.0, 1.0, shape)


def mixed():
    low, high = [-inf, -1, -inf, 0, 2, -inf], [inf, inf, 3, 1, 5, inf]
    return Box(np.array(low, np.float32), np.array(high, np.float32))


# name, how to make the space, options of sample
CASES = [
    ("Box of all kinds of intervals", mixed, {}),
    ("Box float64", lambda: Box(np.array([-inf, 0.1, -2.5]), np.array([inf, inf, 1e-3]), dtype=np.float64), {}),
    ("Box of two axes", lambda: Box(-1.0, 2.0, (3, 4)), {}),
    ("Box of no axis", lambda: Box(0.1, 0.3, ()), {}),
    ("Box of no value", lambda: Box(0, 1, (0, 3)), {}),
    ("Box uint8", lambda: Box(0, 255, (4, 5, 3), np.uint8), {}),
    ("Box of all of int8", lambda: Box(-128, 127, (40,), np.int8), {}),
    ("Box of all of int16", lambda: Box(-(2**15), 2**15 - 1, (9,), np.int16), {}),
    ("Box of all of int32", lambda: Box(-(2**31), 2**31 - 1, (9,), np.int32), {}),
    ("Box of all of uint32", lambda: Box(0, 2**32 - 1, (5,), np.uint32), {}),
    ("Box uint16", lambda: Box(0, 65535, (3,), np.uint16), {}),
    ("Box bool", lambda: Box(0, 1, (9,), np.bool_), {}),
    ("Box int64", lambda: Box(-(2**40), 2**40, (3,), np.int64), {}),
    ("Box int64 beyond 2^53", lambda: Box(-(2**62) + 1, 2**61 + 7, (3,), np.int64), {}),
    ("Box int64 of one value", lambda: Box(2**53 + 1, 2**53 + 1, (3,), np.int64), {}),
    ("Box uint64", lambda: Box(3, 200, (5,), np.uint64), {}),
    # Beyond this bound Gymnasium cannot sample.
    ("Box uint64 of 63 bits", lambda: Box(np.array([0, 2**60], np.uint64), 2**63 - 2, (2,), np.uint64), {}),
    ("Box int32 without bounds", lambda: Box(-inf, inf, (5,), np.int32), {}),
    ("Box int32 with one bound", lambda: Box(np.array([-inf, 3.0]), np.array([10.0, inf]), dtype=np.int32), {}),
    ("Discrete", lambda: Discrete(6), {}),
    ("Discrete of one", lambda: Discrete(1, start=5), {}),
    ("Discrete that rejects", lambda: Discrete(3 * 2**30), {}),
    ("Discrete of 64 bits", lambda: Discrete(2**50 + 3, start=11), {}),
    ("Discrete int8", lambda: Discrete(100, start=-50, dtype=np.int8), {}),
    ("Discrete uint8", lambda: Discrete(200, dtype=np.uint8), {}),
    ("Discrete int16", lambda: Discrete(30000, start=-7, dtype=np.int16), {}),
    ("Discrete int32", lambda: Discrete(7, start=1, dtype=np.int32), {}),
    ("Discrete uint32", lambda: Discrete(2**32 - 1, dtype=np.uint32), {}),
    ("Discrete uint64", lambda: Discrete(7, start=3, dtype=np.uint64), {}),
    ("Discrete uint64 beyond 32 bits", lambda: Discrete(2**50 + 3, start=11, dtype=np.uint64), {}),
    ("Discrete uint64 with a mask", lambda: Discrete(4, start=3, dtype=np.uint64), {"mask": mask(1, 0, 1, 1)}),
    ("Discrete with a mask", lambda: Discrete(6, start=2), {"mask": mask(1, 0, 1, 1, 0, 1)}),
    ("Discrete with nothing allowed", lambda: Discrete(6, start=2), {"mask": mask(0, 0, 0, 0, 0, 0)}),
    ("Discrete int8 with a mask", lambda: Discrete(3, dtype=np.int8), {"mask": mask(1, 0, 1)}),
    ("Discrete with probabilities", lambda: Discrete(6, start=2), {"probability": p(0.1, 0.2, 0.3, 0.1, 0.2, 0.1)}),
    ("Discrete with a certainty", lambda: Discrete(6, start=2), {"probability": p(0, 0, 1, 0, 0, 0)}),
    ("MultiDiscrete", lambda: MultiDiscrete([5, 2, 2], dtype=np.int32), {}),
    ("MultiDiscrete of two axes", lambda: MultiDiscrete([[1, 2], [3, 400]], np.int32, start=[[0, -1], [5, 6]]), {}),
    ("MultiDiscrete int64", lambda: MultiDiscrete([2**40, 7], start=[2**60, -3]), {}),
    ("MultiDiscrete uint64", lambda: MultiDiscrete([5, 2, 2], np.uint64, start=[0, 1, 2**60]), {}),
    ("MultiDiscrete uint64 of 63 bits", lambda: MultiDiscrete([2**62 + 5, 7], np.uint64, start=[2**60, 3]), {}),
    ("MultiDiscrete uint64 with a mask", lambda: MultiDiscrete([2, 3], np.uint64), {"mask": (mask(1, 1), mask(0, 1, 1))}),
    ("MultiDiscrete uint8", lambda: MultiDiscrete([200, 3], np.uint8), {}),
    (
        "MultiDiscrete with masks",
        lambda: MultiDiscrete([3, 2, 4], np.int32, start=[0, 5, -2]),
        {"mask": (mask(1, 0, 1), mask(0, 0), mask(0, 1, 1, 1))},
    ),
    (
        "MultiDiscrete of two axes with masks",
        lambda: MultiDiscrete([[3, 2], [2, 1]], np.int32),
        {"mask": ((mask(1, 0, 1), mask(1, 1)), (mask(0, 1), mask(1)))},
    ),
    (
        "MultiDiscrete with probabilities",
        lambda: MultiDiscrete([3, 2, 4], np.int32, start=[0, 5, -2]),
        {"probability": (p(0.1, 0, 0.9), p(0.5, 0.5), p(0.3, 0.300001, 0.2, 0.2))},
    ),
    ("MultiBinary", lambda: MultiBinary(9), {}),
    ("MultiBinary of two axes", lambda: MultiBinary([3, 2]), {}),
    ("MultiBinary with a mask", lambda: MultiBinary(7), {"mask": mask(0, 1, 2, 2, 1, 2, 0)}),
    ("MultiBinary with probabilities", lambda: MultiBinary([2, 2]), {"probability": p(0, 0.25, 0.9, 1).reshape(2, 2)}),
    ("Text", lambda: Text(12, charset="abcdef"), {}),
    ("Text with empty texts", lambda: Text(3, min_length=0, charset="01"), {}),
    ("Text of other scripts", lambda: Text(5, charset="zé漢😀\u0001"), {}),
    ("Text of one length", lambda: Text(4, min_length=4, charset="xyz"), {}),
    ("Text with a length", lambda: Text(9, charset="abc"), {"mask": (5, None)}),
    ("Text with a mask", lambda: Text(9, charset="abcde"), {"mask": (None, mask(1, 0, 0, 1, 1))}),
    ("Text with no character", lambda: Text(9, min_length=0, charset="abcde"), {"mask": (None, mask(0, 0, 0, 0, 0))}),
    ("Text with probabilities", lambda: Text(9, charset="abc"), {"probability": (None, p(0.2, 0, 0.8))}),
    ("Text with both", lambda: Text(9, charset="abc"), {"probability": (4, p(0.2, 0.3, 0.5))}),
    ("Dict", lambda: Dict({"b": Discrete(5), "a": unit(2), "c": MultiBinary(9)}), {}),
    ("Dict of no part", lambda: Dict({}), {}),
    ("Dict in its own order", lambda: Dict([("b", Discrete(5)), ("a", unit(2)), ("10", Discrete(3)), ("2", unit(1))]), {}),
    ("Dict of odd names", lambda: Dict({"a'b": Discrete(2), "é\n": Discrete(3), "😀": unit(1), "\uffee": unit(1)}), {}),
    ("Dict of Dict", lambda: Dict({"x": Dict({"z": Discrete(3), "y": unit(1)}), "w": Tuple((Discrete(2),))}), {}),
    (
        "Dict with masks",
        lambda: Dict({"b": Discrete(3), "a": unit(2), "c": Tuple((Discrete(2), Text(3, charset="ab")))}),
        {"mask": {"b": mask(0, 1, 1), "a": None, "c": (mask(1, 1), (2, mask(1, 0)))}},
    ),
    (
        "Dict with probabilities",
        lambda: Dict({"b": Discrete(3), "a": unit(2)}),
        {"probability": {"b": p(0, 0.5, 0.5), "a": None}},
    ),
    ("Tuple", lambda: Tuple((Discrete(2), unit(2), MultiDiscrete([3, 4], np.int32), Text(3, charset="ab"))), {}),
    ("Tuple of uint64", lambda: Tuple((Box(0, 9, (2,), np.uint64), Discrete(3, dtype=np.uint64))), {}),
    ("Tuple of int64 and uint64", lambda: Tuple((Box(-9, 9, (2,), np.int64), Box(0, 9, (2,), np.uint64))), {}),
    ("Tuple of no part", lambda: Tuple(()), {}),
    ("Tuple with masks", lambda: Tuple((Discrete(3), MultiBinary(3))), {"mask": (mask(0, 1, 1), mask(2, 1, 2))}),
    ("Sequence", lambda: Sequence(unit(2)), {}),
    ("Sequence of Dict", lambda: Sequence(Dict({"a": Discrete(3), "b": Text(2, charset="xy")})), {}),
    ("Sequence, stacked", lambda: Sequence(unit(2), stack=True), {}),
    ("Sequence of Discrete, stacked", lambda: Sequence(Discrete(5, start=2), stack=True), {}),
    ("Sequence of uint64, stacked", lambda: Sequence(Box(0, 9, (2,), np.uint64), stack=True), {}),
    ("Sequence of texts, stacked", lambda: Sequence(Text(3, charset="ab"), stack=True), {}),
    ("Sequence of Dict, stacked", lambda: Sequence(Dict({"a": Discrete(3), "b": unit(2)}), stack=True), {}),
    ("Sequence of a length", lambda: Sequence(Discrete(5)), {"mask": (3, mask(1, 0, 0, 1, 1))}),
    ("Sequence of some lengths", lambda: Sequence(Discrete(2)), {"probability": (np.array([0, 2, 5]), p(0.25, 0.75))}),
    ("Sequence of Sequence", lambda: Sequence(Sequence(Discrete(4))), {}),
    ("OneOf", lambda: OneOf((Discrete(4), unit(2), MultiBinary(3))), {}),
    ("OneOf of floats", lambda: OneOf((unit(1), unit(3))), {}),
    ("OneOf with masks", lambda: OneOf((Discrete(4), MultiBinary(2))), {"mask": (mask(0, 1, 1, 0), mask(2, 1))}),
    ("Graph", lambda: Graph(unit(2), Discrete(3)), {}),
    ("Graph without edges", lambda: Graph(Discrete(4), None), {}),
    ("Graph of Box", lambda: Graph(Box(0, 9, (2,), np.int16), unit(3)), {}),
    ("Graph of uint64", lambda: Graph(Box(0, 9, (2,), np.uint64), Discrete(3, dtype=np.uint64)), {}),
]


def lines_of(make, options, seed, count):
    space = make()
    space.seed(seed)
    return [canon(space.sample(**options)) for _ in range(count)]


def draws(make, options, seed):
    count = 100 if make().__class__ is Graph else COUNT
    return stream(lines_of(make, options, seed, count))


def batch(make):
    space = make()
    if isinstance(space, Box) and space.dtype in (np.int64, np.uint64) or flat_is_none(space):
        return None
    space.seed(7)
    batched = batch_space(space, 3)
    lines = [canon(batched.sample()) for _ in range(50)]
    # The stream of the space itself has not moved.
    lines.append(canon(space.sample()))
    out = {"text": str(batched), **stream(lines, 1)}
    items = [space.sample() for _ in range(3)]
    out["concatenated"] = canon(concatenate(space, items, create_empty_array(space, 3)))
    return out


def flat_is_none(space):
    return isinstance(space, (Dict, Tuple)) and len(space.spaces) == 0


def flattened(make):
    space = make()
    if flat_is_none(space) or isinstance(space, Discrete) and space.n > 1000 or isinstance(space, Graph):
        return None
    if isinstance(space, MultiDiscrete) and (space.nvec.sum() > 1000 or space.dtype == np.uint64):
        # Of uint64 Gymnasium makes indices that are floats, which NumPy refuses.
        return None
    space.seed(3)
    lines = []
    for _ in range(100):
        x = space.sample()
        lines.append(reals(flatten(space, x)))
    dim = flatdim(space) if space.is_np_flattenable else None
    return {"text": str(flatten_space(space)), "flatdim": dim, **stream(lines, 1)}


def reals(x):
    """`canon` whatever the dtype: flat arrays of ours may be of another one."""
    if isinstance(x, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{reals(x[k])}" for k in sorted(x)) + "}"
    if isinstance(x, tuple):
        return "(" + ",".join(reals(v) for v in x) + ")"
    return "[" + " ".join(struct.pack("<d", float(v)).hex() for v in np.asarray(x).ravel()) + "]"


def seeds_of(make):
    space = make()
    given = space.seed(42)
    # Numbers for NumPy's own.
    return json.loads(json.dumps(given, default=int))


def jsonable(make):
    space = make()
    if isinstance(space, OneOf) or flat_is_none(space):
        return None
    if isinstance(space, Sequence) and space.stack and isinstance(space.feature_space, Text):
        # Gymnasium keeps one text of each sample.
        return None
    space.seed(5)
    listed = json.loads(json.dumps(space.to_jsonable([space.sample() for _ in range(2)]), default=int))
    # What JavaScript's numbers cannot hold is text there.
    big = lambda x: [big(v) for v in x] if isinstance(x, list) else str(x) if isinstance(x, int) and abs(x) >= 2**53 else x
    return big(listed)


def case(name, make, options):
    return {
        "name": name,
        "space": to_json(make()),
        "text": str(make()),
        "options": plain(options),
        "seeded": seeds_of(make),
        "draws": {str(seed): draws(make, options, seed) for seed in SEEDS},
        "batch": None if options else batch(make),
        "flat": None if options else flattened(make),
        "jsonable": None if options else jsonable(make),
    }


# --- seeds in the structure of the space ---

NESTED = [
    (lambda: Dict({"a": Discrete(9), "b": Tuple((Discrete(9), unit(1)))}), {"a": 3, "b": [4, 5]}),
    (lambda: Dict({"a": Discrete(9), "b": Tuple((Discrete(9), unit(1)))}), {"a": 3, "b": 2**70}),
    (lambda: Tuple((Discrete(9), Sequence(Discrete(9)))), [1, [2, 3]]),
    (lambda: Sequence(Discrete(9)), [1, 2]),
    (lambda: OneOf((Discrete(9), unit(1))), [1, 2, 3]),
    (lambda: Graph(unit(1), Discrete(9)), [1, 2, 3]),
    (lambda: Graph(unit(1), None), [1, 2]),
]


def nested(make, seed):
    space = make()
    given = json.loads(json.dumps(space.seed(seed), default=int))
    lines = [canon(space.sample()) for _ in range(20)]
    text = lambda x: {k: text(v) for k, v in x.items()} if isinstance(x, dict) else (
        [text(v) for v in x] if isinstance(x, (list, tuple)) else str(x))
    return {"space": to_json(space), "seed": text(seed), "given": text(given), **stream(lines, 1)}


# --- membership of arrays: near the bounds, of every dtype, of another length ---

KINDS = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "float32", "float64"]


def members():
    made = [
        Box(np.array([-3.0, 0.0], np.float32), np.array([2.5, 1.0], np.float32)),
        Box(0, 4, (2,), np.uint8),
        Box(-3, 3, (2,), np.int16),
        Box(-2, 5, (2,), np.int64),
        Box(-1.5, 2.0, (2,), np.float64),
        Box(0, 1, (2,), np.bool_),
        MultiDiscrete([3, 2], np.int32, start=[-1, 0]),
        MultiDiscrete([3, 2], np.int8),
        MultiBinary(2),
    ]
    wide = [Box(1, 4, (2,), np.uint64), MultiDiscrete([3, 2], np.uint64, start=[1, 0])]
    return tried(made, KINDS, 0) + tried(made, ["uint64"], 1) + tried(wide, [*KINDS, "uint64"], 2)


def tried(made, kinds, seed):
    rng = np.random.default_rng(seed)
    out = []
    for space in made:
        arrays = []
        for kind in kinds:
            for length in [2, 2, 2, 2, 2, 1, 3]:
                values = rng.integers(-4, 7, length) / (2 if kind.startswith("float") else 1)
                x = np.abs(values).astype(kind) if np.dtype(kind).kind in "ub" else values.astype(kind)
                arrays.append([kind, [float(v) for v in x], bool(space.contains(x))])
        out.append({"space": to_json(space), "arrays": arrays})
    return out


TEXTS = [
    lambda: MultiDiscrete(np.arange(1, 40)),
    lambda: MultiDiscrete(np.arange(1, 1200)),
    lambda: MultiDiscrete(np.arange(1, 1201).reshape(40, 30)),
    lambda: MultiDiscrete(np.arange(1, 61).reshape(3, 2, 10), start=-np.arange(60).reshape(3, 2, 10)),
    lambda: Box(np.linspace(-1, 1, 24, dtype=np.float32).reshape(2, 12), 1e6, (2, 12)),
    lambda: Box(np.arange(-15, 15, dtype=np.float64) / 7, np.full(30, inf), dtype=np.float64),
    lambda: Box(-np.logspace(-6, 6, 13), 1e9, (13,), np.float64),
    lambda: Box(np.arange(1500).reshape(3, 5, 100).astype(np.float32), 1e4, (3, 5, 100)),
    lambda: Box(np.array([-inf, 0.5, -1e-9] * 9), inf, (27,), np.float64),
    lambda: Box(np.array([0, 2**60], np.uint64), np.array([5, 2**64 - 1], np.uint64), dtype=np.uint64),
    lambda: MultiDiscrete([3, 2**63 + 1], np.uint64, start=[2**40, 0]),
    lambda: Box(np.array([[-1], [0]], np.int8), np.array([[1], [100]], np.int8), dtype=np.int8),
]

if __name__ == "__main__":
    if sys.argv[1:2] == ["live"]:
        seed, count = int(sys.argv[2]), int(sys.argv[3])
        print(json.dumps([
            {"name": name, "space": to_json(make()), "options": plain(options), "lines": lines_of(make, options, seed, count)}
            for name, make, options in CASES
        ]))
    else:
        write("space-cases.json", [case(*each) for each in CASES])
        write("space-seeds.json", [nested(*each) for each in NESTED])
        write("space-members.json", members())
        write("space-texts.json", [{"space": to_json(make()), "text": str(make())} for make in TEXTS])
